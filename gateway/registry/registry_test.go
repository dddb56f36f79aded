package registry

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
)

var (
	lan  = stillwater.Contact{ID: "lan", Name: "王兰", Role: stillwater.Family, Phone: "+8613800138000", Language: "zh-CN"}
	lan2 = stillwater.Contact{ID: "lan-worker", Name: "王兰", Role: stillwater.Worker, Phone: "+8613800138000", Language: "zh-CN"}
	zhao = stillwater.Contact{ID: "zhao", Name: "赵敏", Role: stillwater.Worker, Phone: "+8613900139000", Language: "en"}
	day  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
)

func home(id string, source string, contacts ...stillwater.Contact) stillwater.Household {
	return stillwater.Household{
		ID: stillwater.HouseholdID(id), Name: "某某", Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: day},
		Devices:  []stillwater.Device{{ID: "WM", Kind: stillwater.Meter, Source: source}},
		Contacts: contacts,
	}
}

func TestLookUps(t *testing.T) {
	r := New()
	if _, _, ok := r.BySource("bus/1"); ok || len(r.All()) != 0 || r.ByPhone(lan.Phone) != nil {
		t.Error("an empty registry knows somebody")
	}
	b, a := home("b", "bus/2", lan2, zhao), home("a", "bus/1", lan, zhao)
	r.Set([]stillwater.Household{b, a})
	if h, d, ok := r.BySource("bus/2"); !ok || h.ID != "b" || d.ID != "WM" {
		t.Errorf("bus/2 is %v %v %v", h.ID, d.ID, ok)
	}
	if h, ok := r.Household("a"); !ok || !reflect.DeepEqual(h, a) {
		t.Errorf("a is %+v", h)
	}
	if all := r.All(); len(all) != 2 || all[0].ID != "a" || all[1].ID != "b" {
		t.Errorf("all %v", all)
	}
	if got := r.Sources(); !reflect.DeepEqual(got, []string{"bus/1", "bus/2"}) {
		t.Errorf("sources %v", got)
	}
	want := []Known{{zhao, []stillwater.HouseholdID{"a", "b"}}}
	if got := r.ByPhone(zhao.Phone); !reflect.DeepEqual(got, want) {
		t.Errorf("zhao %v", got)
	}
	want = []Known{{lan, []stillwater.HouseholdID{"a"}}, {lan2, []stillwater.HouseholdID{"b"}}}
	if got := r.ByPhone(lan.Phone); !reflect.DeepEqual(got, want) {
		t.Errorf("lan %v", got)
	}
	r.Set([]stillwater.Household{b})
	if _, ok := r.Household("a"); ok {
		t.Error("a is still known")
	}
	if _, _, ok := r.BySource("bus/1"); ok {
		t.Error("the device of a is still known")
	}
}

// What was handed to Set may be changed afterwards without anybody noticing.
func TestSetKeepsItsOwn(t *testing.T) {
	list := []stillwater.Household{home("a", "bus/1", lan)}
	r := New()
	r.Set(list)
	list[0].Devices[0].Source, list[0].Contacts[0].Phone, list[0].ID = "bus/9", "", "z"
	if h, d, ok := r.BySource("bus/1"); !ok || d.Source != "bus/1" || h.ID != "a" || h.Contacts[0].Phone != lan.Phone {
		t.Errorf("found %v %v %v", h, d, ok)
	}
}

// Whoever looks while homes change sees one state of affairs.
func TestConcurrentUse(t *testing.T) {
	r := New()
	one := []stillwater.Household{home("a", "bus/1", lan)}
	two := []stillwater.Household{home("a", "bus/2", lan), home("b", "bus/1", zhao)}
	r.Set(one)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 2000 {
				h, d, ok := r.BySource("bus/1")
				if !ok || d.Source != "bus/1" || h.Devices[0].Source != "bus/1" {
					t.Errorf("bus/1 is %v %v %v", h.ID, d, ok)
				}
			}
		})
	}
	for i := range 500 {
		r.Set([][]stillwater.Household{one, two}[i%2])
	}
	all.Wait()
}

func TestMerge(t *testing.T) {
	shanghai := time.FixedZone("", 8*3600)
	alike := home("a", "bus/1", lan)
	alike.Consent.Given = day.In(shanghai)
	other := home("b", "bus/2", lan)
	other.Residents = 2
	twoDevices := home("c", "bus/1", zhao)
	twoDevices.Devices = append(twoDevices.Devices, stillwater.Device{ID: "WM-2", Kind: stillwater.Meter, Source: "bus/3"})
	moved := lan
	moved.Phone = "+8613700137000"
	configured := []stillwater.Household{home("b", "bus/2", lan), home("a", "bus/1", lan)}
	merged, conflicts := Merge(configured, []stillwater.Household{home("e", "bus/5", moved), other, alike, twoDevices, home("d", "bus/3", zhao)})
	var said []string
	for _, c := range conflicts {
		said = append(said, c.String())
	}
	want := `household b: stands in the configuration too, and differently; the configuration counts. Remove one of them
household c: device "WM" has the source "bus/1", which belongs to household a; the device was left out. Mend one of the sources
household d: device "WM" has the source "bus/3", which belongs to household c; the device was left out. Mend one of the sources
household e: contact "lan" is known with other particulars; those of the configuration, or of the household that comes first, count. Make them alike`
	if got := strings.Join(said, "\n"); got != want {
		t.Errorf("conflicts\n%s\nwant\n%s", got, want)
	}
	var ids []string
	for _, h := range merged {
		ids = append(ids, fmt.Sprint(h.ID, len(h.Devices), h.Residents))
	}
	if got := fmt.Sprint(ids); got != "[a1 1 b1 1 c1 1 d0 1 e1 1]" {
		t.Errorf("merged %s", got)
	}
	if merged[4].Contacts[0].Phone != lan.Phone {
		t.Error("a text for lan goes to two numbers")
	}
}

func BenchmarkSet(b *testing.B) {
	list := make([]stillwater.Household, 100_000)
	for i := range list {
		list[i] = home(fmt.Sprintf("h%06d", i), fmt.Sprintf("bus-%d/%d", i/200, i%200), lan, zhao)
	}
	r := New()
	for b.Loop() {
		r.Set(list)
	}
}

func BenchmarkBySource(b *testing.B) {
	r := New()
	r.Set([]stillwater.Household{home("a", "bus/1", lan)})
	for b.Loop() {
		r.BySource("bus/1")
	}
}
