package registry

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/config"
)

// top is a configuration that holds the registry's as the gateway's does.
type top struct {
	Config `yaml:",inline"`
}

func parse(text string) (*top, string) {
	c := &top{}
	_, problems := config.Parse("f", []byte(text), c)
	return c, problems.String()
}

// good is a configuration without a mistake. Tests change one thing in it.
const good = `contacts:
  - id: lan
    name: 王兰
    role: family
    phone: +8613800138000
    remote: true
  - {id: zhao, name: 赵敏, role: worker, phone: +8613900139000, language: en}
households:
  - id: h1
    name: 王秀英
    place: {street: 城东街道, building: 3}
    consent:
      given: 2026-03-01
    devices:
      - {id: WM-1, kind: meter, source: cupboard-1/3, every: 15m, rollover: 10000 m³}
      - {id: D-1, kind: door, source: lobby/home/7/door}
    family: [lan]
    workers: [zhao]
`

func TestList(t *testing.T) {
	c, problems := parse(good)
	if problems != "" {
		t.Fatal(problems)
	}
	want := []stillwater.Household{{
		ID: "h1", Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai",
		Place:   stillwater.Place{Street: "城东街道", Building: "3"},
		Consent: stillwater.Consent{Given: time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)}, // the first minute of 1 March there
		Devices: []stillwater.Device{
			{ID: "WM-1", Kind: stillwater.Meter, Source: "cupboard-1/3", Every: 15 * time.Minute, Rollover: 10_000_000},
			{ID: "D-1", Kind: stillwater.DoorContact, Source: "lobby/home/7/door"},
		},
		Contacts: []stillwater.Contact{
			{ID: "lan", Name: "王兰", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN", Remote: true},
			{ID: "zhao", Name: "赵敏", Role: stillwater.Worker, Phone: "+8613900139000", Language: "en"},
		},
	}}
	if got := c.List(); !reflect.DeepEqual(got, want) {
		t.Errorf("list\n%+v, want\n%+v", got, want)
	}
}

// TestMistakes changes one thing in a good configuration and holds every word of what is said.
func TestMistakes(t *testing.T) {
	second := "  - {id: h2, name: 李四, consent: {given: 2026-03-01}, devices: [{id: WM-2, kind: meter, source: cupboard-1/4}], family: [lan]}\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"household twice", "    workers: [zhao]\n", "    workers: [zhao]\n" + strings.Replace(second, "h2", "h1", 1), `f:19: id: "h1" is already a household; each has its own ID`},
		{"contact twice", "id: zhao", "id: lan", "f:7: id: \"lan\" is already a contact; each has its own ID\nf:18: entry 1 of workers: \"zhao\" is not a contact; add it to the contacts or mend the name"},
		{"number twice", "name: 赵敏, role: worker, phone: +8613900139000", "name: 赵敏, role: family, phone: +8613800138000", "f:7: phone: the number is already that of contact \"lan\", also of role family; use one contact in all households\nf:18: entry 1 of workers: contact \"zhao\" has the role family; move it to family, or change the role\nf:18: entry 1 of workers: contact \"zhao\" has the same number as \"lan\", who would be told twice; remove one"},
		{"told twice", "phone: +8613900139000", "phone: +8613800138000", `f:18: entry 1 of workers: contact "zhao" has the same number as "lan", who would be told twice; remove one`},
		{"source twice", "    workers: [zhao]\n", "    workers: [zhao]\n" + strings.Replace(second, "cupboard-1/4", "cupboard-1/3", 1), `f:19: source: "cupboard-1/3" is already the source of device "WM-1" of household "h1"; a device has one household`},
		{"device twice", "id: D-1", "id: WM-1", `f:16: id: "WM-1" is already a device of this household; each has its own`},
		{"unknown contact", "family: [lan]", "family: [lan, anne]", `f:17: entry 2 of family: "anne" is not a contact; add it to the contacts or mend the name`},
		{"contact in the wrong list", "family: [lan]\n    workers: [zhao]", "family: [zhao]", `f:17: entry 1 of family: contact "zhao" has the role worker; move it to workers, or change the role`},
		{"contact twice in a list", "family: [lan]", "family: [lan, lan]", `f:17: entry 2 of family: contact "lan" stands here twice; remove one`},
		{"national number", "phone: +8613800138000", "phone: 138 0013 8000", `f:5: phone: "138 0013 8000" lacks its country code or has other characters than digits; did you mean +8613800138000?`},
		{"number without plus", "phone: +8613800138000", "phone: 8613800138000", `f:5: phone: "8613800138000" lacks its country code or has other characters than digits; did you mean +8613800138000?`},
		{"number too short", "phone: +8613800138000", "phone: +861380013800", `f:5: phone: "+861380013800" is not a telephone number that exists; write the mobile number with its country code, like +8613800138000`},
		{"no number", "    phone: +8613800138000\n", "", `f:2: phone: is missing; write the mobile number with its country code, like +8613800138000`},
		{"role", "role: family", "role: daughter", `f:4: role: "daughter" is not a role; write one of resident, family, neighbour, worker, building-head, grid-head, community, street`},
		{"language", "language: en", "language: fr", `f:7: language: "fr" is not a language texts are written in; write zh-CN or en`},
		{"time zone", "    name: 王秀英\n", "    name: 王秀英\n    timezone: Asia/Beijing\n", `f:11: timezone: "Asia/Beijing" is not a time zone; write an IANA name like Asia/Shanghai or Europe/London`},
		{"machine's time zone", "    name: 王秀英\n", "    name: 王秀英\n    timezone: Local\n", `f:11: timezone: "Local" is not a time zone; write an IANA name like Asia/Shanghai or Europe/London`},
		{"no consent", "    consent:\n      given: 2026-03-01\n", "", `f:9: given: no consent is on file, so nothing of this home would be recorded and nobody told; write the date it was given, like 2026-03-01, or leave the household out until then`},
		{"consent backwards", "      given: 2026-03-01\n", "      given: 2026-03-01\n      withdrawn: 2026-02-01\n", `f:14: withdrawn: consent was withdrawn before it was given; mend one of the dates`},
		{"consent without a date", "given: 2026-03-01", "given: yes", `f:13: given: "yes" is not a date; write like 2026-03-01 or 2026-03-01T08:00:00+08:00`},
		{"door alone", "      - {id: WM-1, kind: meter, source: cupboard-1/3, every: 15m, rollover: 10000 m³}\n", "", `f:14: devices: a door contact alone never covers a home; add a water meter or an activity sensor`},
		{"no device", "    devices:\n      - {id: WM-1, kind: meter, source: cupboard-1/3, every: 15m, rollover: 10000 m³}\n      - {id: D-1, kind: door, source: lobby/home/7/door}\n", "", `f:9: devices: there is no water meter and no activity sensor, so nothing can be seen; add one`},
		{"kind", "kind: meter", "kind: water", `f:15: kind: "water" is not a kind of device; write meter, door or activity`},
		{"nobody to tell", "    family: [lan]\n    workers: [zhao]\n", "", `f:9: family: there is nobody to tell; write at least one contact under family or workers`},
		{"ID", "id: h1", "id: 王家", `f:9: id: "王家" has characters other than letters, digits, "-", "_" and "."; write like h-0317`},
		{"no ID", "id: WM-1, ", "", `f:15: id: is missing; write a short name without meaning, like WM-20260301`},
		{"no name", "    name: 王秀英\n", "", `f:9: name: is missing; write the full name`},
		{"riser of no building", "street: 城东街道, building: 3", "street: 城东街道, riser: 东", `f:11: riser "东" of no building; write the building too, or leave the riser out`},
		{"residents", "    name: 王秀英\n", "    name: 王秀英\n    residents: 0\n", `f:11: residents: 0 residents; write 1 to 20`},
		{"source without a point", "source: cupboard-1/3", "source: cupboard-1", `f:15: source: "cupboard-1" is not a feed and a point; write like cupboard-1/3 (bus and unit) or lobby/home/7/door (broker and topic)`},
		{"source with a wildcard", "source: lobby/home/7/door", "source: lobby/home/+/door", `f:16: source: "lobby/home/+/door" has a wildcard, and a device has one topic of its own; write it without "+" and "#"`},
		{"every", "every: 15m", "every: -15m", `f:15: every: -15m is not between 0s and 31d; write like 15m, or leave it out to have it learned`},
		{"rollover of a door", "source: lobby/home/7/door", "source: lobby/home/7/door, rollover: 1 m³", `f:16: rollover: only the counter of a meter rolls over; remove it`},
		{"rollover without unit", "rollover: 10000 m³", "rollover: 10000", `f:15: rollover: "10000" has no unit; write like 10000 L or 10000 m³`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			if _, problems := parse(text); problems != c.want {
				t.Errorf("says\n%s\nwant\n%s", problems, c.want)
			}
		})
	}
}

// people is a configuration of the four levels of the grid without a mistake. Tests change one thing in it.
const people = `contacts:
  - {id: wang, name: 王秀英, role: resident, phone: +8613600136001, channels: [voice]}
  - id: lan
    name: 王兰
    role: family
    phone: +8613800138000
    remote: true
    timezone: Europe/London
    email: lan@example.org
    channels: [wecom, email, sms]
    wecom: wang.lan
    quiet: [22:00-06:00, 12:30-14:00]
    agreed: 2026-03-01
  - {id: sun, name: 孙师傅, role: neighbour, phone: +8613700137000, minutes: 2}
  - {id: zhao, name: 赵敏, role: worker, phone: +8613900139000}
  - {id: lou, name: 楼建国, role: building-head, phone: +8613500135000}
  - {id: duty, name: 社区值班室, role: community, phone: +8657187654321, webhook: desk-1, channels: [voice, webhook]}
households:
  - id: h1
    name: 王秀英
    consent: {given: 2026-03-01}
    devices: [{id: WM-1, kind: meter, source: cupboard-1/3}]
    resident: wang
    family: [lan, sun]
    workers: [zhao, lou, duty]
    keys: [sun, lou]
`

// TestPeople holds what a home knows of its people: everybody's particulars, the nearest first, and who holds a key to it.
func TestPeople(t *testing.T) {
	c, problems := parse(people)
	if problems != "" {
		t.Fatal(problems)
	}
	agreed := stillwater.Consent{Given: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)} // midnight in London
	want := []stillwater.Contact{
		{ID: "wang", Name: "王秀英", Role: stillwater.Resident, Phone: "+8613600136001", Language: "zh-CN", Channels: []stillwater.Channel{stillwater.Voice}},
		{ID: "lan", Name: "王兰", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN", Remote: true, TimeZone: "Europe/London",
			Email: "lan@example.org", WeCom: "wang.lan", Channels: []stillwater.Channel{stillwater.WeCom, stillwater.Email, stillwater.SMS},
			Quiet: []stillwater.Hours{{From: 22 * time.Hour, To: 6 * time.Hour}, {From: 12*time.Hour + 30*time.Minute, To: 14 * time.Hour}}, Agreed: agreed},
		{ID: "sun", Name: "孙师傅", Role: stillwater.Neighbour, Phone: "+8613700137000", Language: "zh-CN", Minutes: 2, Key: true},
		{ID: "zhao", Name: "赵敏", Role: stillwater.Worker, Phone: "+8613900139000", Language: "zh-CN"},
		{ID: "lou", Name: "楼建国", Role: stillwater.BuildingHead, Phone: "+8613500135000", Language: "zh-CN", Key: true},
		{ID: "duty", Name: "社区值班室", Role: stillwater.Community, Phone: "+8657187654321", Language: "zh-CN", Webhook: "desk-1", Channels: []stillwater.Channel{stillwater.Voice, stillwater.Webhook}},
	}
	if got := c.List()[0].Contacts; !reflect.DeepEqual(got, want) {
		t.Errorf("contacts\n%+v, want\n%+v", got, want)
	}
}

// TestWrongPeople changes one thing in it and holds every word of what is said.
func TestWrongPeople(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"e-mail without address", "    email: lan@example.org\n", "", `f:9: entry 2 of channels: email is agreed to, but there is no e-mail address; add it, or take email out`},
		{"WeCom without user", "    wecom: wang.lan\n", "", `f:10: entry 1 of channels: wecom is agreed to, but there is no WeCom user ID; add it, or take wecom out`},
		{"webhook without name", "webhook: desk-1, ", "", `f:17: entry 2 of channels: webhook is agreed to, but there is no name of a webhook; add it, or take webhook out`},
		{"call without number", "phone: +8657187654321, ", "", `f:17: phone: is missing; write the mobile number with its country code, like +8613800138000`},
		{"text to a landline", "channels: [voice, webhook]", "channels: [voice, sms, webhook]", `f:17: phone: "+8657187654321" is a landline, which takes no texts; write channels without sms, like voice, or a mobile number`},
		{"landline by default", ", channels: [voice, webhook]", "", `f:17: phone: "+8657187654321" is a landline, which takes no texts; write channels without sms, like voice, or a mobile number`},
		{"unknown channel", "channels: [wecom, email, sms]", "channels: [wechat, email, sms]", `f:10: entry 1 of channels: "wechat" is not a channel; write sms, voice, wecom, email or webhook`},
		{"channel twice", "channels: [wecom, email, sms]", "channels: [sms, email, sms]", `f:10: entry 3 of channels: sms stands here twice; remove one`},
		{"e-mail address", "lan@example.org", "lan@example", `f:9: email: "lan@example" is not an e-mail address; write like duty@example.org`},
		{"e-mail address with a name", "lan@example.org", "王兰 <lan@example.org>", `f:9: email: "王兰 <lan@example.org>" is not an e-mail address; write like duty@example.org`},
		{"WeCom user", "wang.lan", "王兰", `f:11: wecom: "王兰" is not a WeCom user ID; write it as the address book of WeCom shows it, like zhao.min`},
		{"webhook", "desk-1", "https://example.org/x", `f:17: webhook: "https://example.org/x" has characters other than letters, digits, "-", "_" and "."; write like duty-desk`},
		{"time zone", "Europe/London", "London", `f:8: timezone: "London" is not a time zone; write an IANA name like Asia/Shanghai or Europe/London`},
		{"hours", "22:00-06:00", "22-6", `f:12: entry 1 of quiet: "22-6" are no hours; write like 22:00-06:00`},
		{"hour beyond the day", "22:00-06:00", "25:00-06:00", `f:12: entry 1 of quiet: "25:00-06:00" are no hours; write like 22:00-06:00`},
		{"whole day", "22:00-06:00", "08:00-08:00", `f:12: entry 1 of quiet: 08:00-08:00 is the whole day, so this person could be told of nothing but an urgent alert; write hours like 22:00-06:00, or leave them out`},
		{"whole day to its end", "22:00-06:00", "00:00-24:00", `f:12: entry 1 of quiet: 00:00-24:00 is the whole day, so this person could be told of nothing but an urgent alert; write hours like 22:00-06:00, or leave them out`},
		{"hours twice", "12:30-14:00", "22:00-06:00", `f:12: entry 2 of quiet: 22:00-06:00 stands here twice; remove one`},
		{"minutes", "minutes: 2", "minutes: -2", `f:14: minutes: -2 minutes; write 1 to 1440, or leave it out where it is not known`},
		{"withdrawn before", "    agreed: 2026-03-01\n", "    agreed: 2026-03-01\n    withdrawn: 2026-02-01\n", `f:14: withdrawn: was withdrawn before it was agreed; mend one of the dates`},
		{"neighbour among the workers", "family: [lan, sun]\n    workers: [zhao", "family: [lan]\n    workers: [sun, zhao", `f:25: entry 1 of workers: contact "sun" has the role neighbour; move it to family, or change the role`},
		{"building head in the family", "family: [lan, sun]\n    workers: [zhao, lou, duty]", "family: [lan, sun, lou]\n    workers: [zhao, duty]", `f:24: entry 3 of family: contact "lou" has the role building-head; move it to workers, or change the role`},
		{"resident in the family", "    resident: wang\n    family: [lan, sun]", "    family: [wang, lan, sun]", `f:23: entry 1 of family: contact "wang" has the role resident; move it to resident, or change the role`},
		{"daughter as resident", "resident: wang", "resident: lan", "f:23: resident: contact \"lan\" has the role family; move it to family, or change the role\nf:24: entry 1 of family: contact \"lan\" stands here twice; remove one"},
		{"resident unknown", "resident: wang", "resident: 1", `f:23: resident: "1" is not a contact; add it to the contacts or mend the name`},
		{"her number is the daughter's", "+8613600136001", "+8613800138000", `f:24: entry 1 of family: contact "lan" has the same number as "wang", who would be told twice; remove one`},
		{"key of a stranger", "keys: [sun, lou]", "keys: [sun, li]", `f:26: entry 2 of keys: "li" holds a key, but is nobody who is told of this home; add the contact to family or workers, or mend the name`},
		{"her own key", "keys: [sun, lou]", "keys: [wang]", `f:26: entry 1 of keys: "wang" holds a key, but is nobody who is told of this home; add the contact to family or workers, or mend the name`},
		{"key twice", "keys: [sun, lou]", "keys: [sun, sun]", `f:26: entry 2 of keys: contact "sun" stands here twice; remove one`},
		{"all withdrew", "    family: [lan, sun]\n    workers: [zhao, lou, duty]\n    keys: [sun, lou]\n", "    family: [lan]\n", ""},
		{"nobody willing", "    agreed: 2026-03-01\n", "    withdrawn: 2026-04-01\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(people, c.old, c.new, 1)
			if text == people {
				t.Fatal("nothing was changed")
			}
			if _, problems := parse(text); problems != c.want {
				t.Errorf("says\n%s\nwant\n%s", problems, c.want)
			}
		})
	}
	withdrawn := strings.NewReplacer("    agreed: 2026-03-01\n", "    withdrawn: 2026-04-01\n",
		"    family: [lan, sun]\n    workers: [zhao, lou, duty]\n    keys: [sun, lou]\n", "    family: [lan]\n").Replace(people)
	if _, problems := parse(withdrawn); problems != "f:24: family: there is nobody left to tell: all contacts under family and workers have withdrawn; add one who agrees" {
		t.Errorf("of a home whose only contact withdrew it says %s", problems)
	}
}

// A sample of a household reads back; what stands in it is checked like any other.
func TestSample(t *testing.T) {
	c, _ := parse(good)
	text, err := config.Sample(c)
	if err != nil {
		t.Fatal(err)
	}
	again, problems := parse(string(text))
	if problems != "" || !reflect.DeepEqual(again.List(), c.List()) {
		t.Errorf("sample\n%s\nproblems %s", text, problems)
	}
}

func TestMoment(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"2026-03-01": "2026-02-28T16:00:00Z", "2026/3/1": "2026-02-28T16:00:00Z", "2026年3月1日": "2026-02-28T16:00:00Z",
		"2026-03-01 08:30": "2026-03-01T00:30:00Z", "2026-03-01T08:30:00": "2026-03-01T00:30:00Z",
		"2026-03-01T08:30:00+01:00": "2026-03-01T07:30:00Z", "2026-03-01T00:00:00Z": "2026-03-01T00:00:00Z", "": "0001-01-01T00:00:00Z",
	} {
		var m, again Moment
		if err := m.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if got := m.In(zone).Format(time.RFC3339); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
		back, err := m.MarshalText()
		if err != nil || again.UnmarshalText(back) != nil || again != m {
			t.Errorf("%q is written %q, read %v", text, back, again)
		}
	}
	var m Moment
	for _, text := range []string{"1.3.2026", "2026-13-01", "2026-02-30", "20260301", "today"} {
		if err := m.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, m)
		}
	}
}
