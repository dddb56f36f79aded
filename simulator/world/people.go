package world

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"stillwater"
)

// consentBefore is how long before the world starts its people applied.
const consentBefore = 60 * 24 * time.Hour

// surnames and given are the names of half of the residents; all of them are common ones, and nobody in particular.
func surnames() []string {
	return []string{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗"}
}

func given() []string {
	return []string{"秀英", "桂兰", "玉珍", "凤英", "淑芬", "建国", "德明", "桂芳", "兰英", "国强", "玉兰", "志明", "秀兰", "素珍", "福生", "文华"}
}

func children() []string {
	return []string{"丽", "伟", "敏", "静", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "霞", "强"}
}

func firstNames() []string {
	return []string{"Margaret", "Rosa", "Edith", "Harold", "Ingrid", "Walter", "Agnes", "Beatrice", "Arthur", "Dorothy", "Frank", "Elsie"}
}

func lastNames() []string {
	return []string{"Hale", "Lindqvist", "Moreno", "Whitfield", "Okafor", "Brandt", "Sinclair", "Rossi", "Novak", "Carter", "Doyle"}
}

func youngNames() []string {
	return []string{"Anna", "Peter", "Laura", "Daniel", "Julia", "Mark", "Claire", "Simon"}
}

func workers() []string {
	return []string{"陈志强", "林小燕", "何文静", "郭建华", "罗海英", "徐立新"}
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// register makes the entry that the gateway's register would have of home i.
func register(o Options, i int) stillwater.Household {
	r := o.random(i, 0, "people")
	id := stillwater.HouseholdID(fmt.Sprintf("h%0*d", max(3, len(strconv.Itoa(o.Homes))), i+1))
	building := i / homesPerBuilding
	grid := building / buildingsPerGrid
	h := stillwater.Household{
		ID: id, Residents: 1, TimeZone: o.TimeZone,
		Place: stillwater.Place{
			Street:    "清溪街道",
			Community: fmt.Sprintf("柳岸社区 %d", grid/4+1),
			Grid:      fmt.Sprintf("网格 %d", grid+1),
			Building:  fmt.Sprintf("%d 号楼", building+1),
			Riser:     fmt.Sprintf("%d 单元", i%homesPerBuilding/(homesPerBuilding/2)+1),
			Zone:      fmt.Sprintf("供水片区 %d", grid/4+1),
		},
		Consent: stillwater.Consent{Given: o.Start.Add(-consentBefore)},
		Devices: []stillwater.Device{
			{ID: MeterDevice, Kind: stillwater.Meter, Source: meterSource(o, i, id), Every: o.MeterEvery},
			{ID: DoorDevice, Kind: stillwater.DoorContact, Source: MQTTFeed + "/stillwater/" + string(id) + "/door", Every: o.BeatEvery},
		},
	}
	family := stillwater.Contact{
		ID: stillwater.ContactID("f" + string(id[1:])), Role: stillwater.Family,
		Phone: stillwater.Phone(fmt.Sprintf("+86139%08d", i+1)), Language: "zh-CN", Remote: i%3 == 2,
	}
	if i%2 == 0 {
		surname := pick(r, surnames())
		h.Name, family.Name = surname+pick(r, given()), surname+pick(r, children())
	} else {
		surname := pick(r, lastNames())
		h.Name, family.Name = pick(r, firstNames())+" "+surname, pick(r, youngNames())+" "+surname
		family.Language = "en"
	}
	worker := stillwater.Contact{
		ID: stillwater.ContactID(fmt.Sprintf("w%02d", grid+1)), Name: workers()[grid%len(workers())], Role: stillwater.Worker,
		Phone: stillwater.Phone(fmt.Sprintf("+86138%08d", grid+1)), Language: "zh-CN",
	}
	h.Contacts = []stillwater.Contact{family, worker}
	return h
}

// meterSource gives most homes a unit on the Modbus bus and the others an MQTT topic.
func meterSource(o Options, i int, id stillwater.HouseholdID) string {
	pulse, before := false, i
	if o.PulseEvery > 0 {
		pulse = i%o.PulseEvery == o.PulseEvery-1
		before = i - i/o.PulseEvery
	}
	if pulse || before >= MaxUnits {
		return MQTTFeed + "/stillwater/" + string(id) + "/meter"
	}
	return ModbusFeed + "/" + strconv.Itoa(before+1)
}

// copyHousehold gives a household nobody else holds the slices of.
func (h *home) copyHousehold() stillwater.Household {
	c := h.household
	c.Devices = append([]stillwater.Device(nil), c.Devices...)
	c.Contacts = append([]stillwater.Contact(nil), c.Contacts...)
	return c
}
