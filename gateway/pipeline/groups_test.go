package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// TestCutIsOneIncident cuts the water of a building of new homes for thirteen hours. There is one incident, told to the grid worker once and
// to no family; it outlives a restart; and when the water is back, she who is still silent has one of her own.
func TestCutIsOneIncident(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(7 * time.Hour) // it is morning in Shanghai, or thereabouts
		ids := homesOf(5, 8)
		var homes []stillwater.Household
		for _, id := range ids {
			h := home(id)
			h.Place = stillwater.Place{Street: "Willow", Community: "Riverside", Building: "7"}
			homes = append(homes, h)
		}
		w := newTown(t, homes...)
		defer w.close()
		litres, used := 100.0, map[stillwater.HouseholdID]float64{}
		hours := func(n int, uses func(i int) bool) {
			for range 4 * n {
				time.Sleep(15 * time.Minute)
				var all []stillwater.Reading
				litres += 5
				for i, id := range ids {
					if uses(i) {
						used[id] = litres
					}
					all = append(all, meter(id, used[id]))
				}
				w.emit(all...)
			}
		}
		hours(3, func(int) bool { return true })
		hours(12, func(int) bool { return false })
		w.crash()
		w.start()
		hours(1, func(int) bool { return false })
		var about, own []stillwater.Incident
		look := func() {
			list, err := w.disk.OpenIncidents(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			about, own = nil, nil
			for _, i := range list {
				if i.Group != "" {
					about = append(about, i)
				} else if i.Kind == stillwater.Welfare {
					own = append(own, i)
				}
			}
		}
		look()
		if len(about) != 1 || len(own) != 0 || about[0].Severity != stillwater.Alert {
			t.Fatalf("incidents of the group: %s of homes: %s", asJSON(t, about), asJSON(t, own))
		}
		var told []stillwater.ContactID
		for _, m := range w.messages() {
			if m.Purpose == stillwater.Tell {
				told = append(told, m.Contact)
			}
		}
		if !slices.Equal(told, []stillwater.ContactID{"worker"}) {
			t.Errorf("told %v, want the worker once", told)
		}
		if n := len(about[0].Findings[0].Facts.Members); n != 8 {
			t.Errorf("%d members", n)
		}
		hours(3, func(i int) bool { return i != 2 })
		look()
		if len(about) != 1 || about[0].Findings[0].Ended.IsZero() {
			t.Errorf("when the water is back: %s", asJSON(t, about))
		}
		if len(own) != 1 || own[0].Household != ids[2] {
			t.Errorf("who is still silent: %s", asJSON(t, own))
		}
		if err := w.pipeline.Act(t.Context(), "", stillwater.Act{Incident: about[0].ID, Deed: stillwater.Close, Who: "worker", Outcome: stillwater.FalseAlarm, Known: stillwater.Seen}); err != nil {
			t.Error(err)
		}
		compareWithJournal(t, w)
	})
}

// TestGroupsOf: homes share a building only with all that stands above it.
func TestGroupsOf(t *testing.T) {
	h := home("h1")
	h.Place = stillwater.Place{Street: "Willow", Community: "Riverside", Building: "7"}
	if got := fmt.Sprint(GroupsOf(h)); got != "[building/Willow/Riverside//7 feed/bus]" && len(GroupsOf(h)) != 2 {
		t.Error(got)
	}
}
