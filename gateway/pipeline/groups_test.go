package pipeline

import (
	"errors"
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

// TestAnnouncedCut announces a cut of a supply zone, over a restart: nobody is asked for of the silence meanwhile, it ends by itself, and then
// stillness counts on. One that is called off ends at once. In the journal stands who said it.
func TestAnnouncedCut(t *testing.T) {
	for name, off := range map[string]bool{"as announced": false, "called off": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ids := homesOf(6, 2)
				near, far := home(ids[0]), home(ids[1])
				near.Place = stillwater.Place{Building: "7", Riser: "B", Zone: "North"}
				far.Place = stillwater.Place{Building: "8"}
				w := newTown(t, near, far)
				defer w.close()
				litres := w.lives(ids[0], 100, 2*time.Hour)
				from := time.Now().Add(time.Hour)
				a := stillwater.Announced{Group: "zone/North", From: from, To: from.Add(30 * time.Hour), Who: "desk"}
				if err := w.pipeline.Announce(t.Context(), a); err != nil {
					t.Fatal(err)
				}
				w.crash()
				w.start()
				if s := w.standing(ids[0]); s.Cut == nil || !s.Cut.To.Equal(a.To.UTC().Truncate(stillwater.Instant)) {
					t.Fatalf("standing %+v", s)
				}
				if s := w.standing(ids[1]); s.Cut != nil {
					t.Errorf("a home of another zone: %+v", s.Cut)
				}
				w.still(ids[0], litres, 2*time.Hour)
				ends := a.To
				if off {
					if err := w.pipeline.Announce(t.Context(), stillwater.Announced{Group: "zone/North", Over: true, Who: "desk"}); err != nil {
						t.Fatal(err)
					}
					ends = time.Now()
					w.crash()
					w.start()
					if s := w.standing(ids[0]); s.Cut != nil {
						t.Errorf("called off, and %+v", s.Cut)
					}
				}
				w.still(ids[0], litres, 40*time.Hour)
				w.still(ids[0], litres, 20*time.Hour)
				first := time.Time{}
				for _, f := range w.findings() {
					if f.Rule == "silence-12h" && f.Ended.IsZero() && first.IsZero() {
						first = f.Began
					}
				}
				// An hour of stillness was before the cut, a little more between the readings around its ends.
				if first.Before(ends.Add(10*time.Hour+30*time.Minute)) || first.After(ends.Add(11*time.Hour+30*time.Minute)) {
					t.Errorf("asked at %v, the water is back at %v", first, ends)
				}
				compareWithJournal(t, w)
			})
		})
	}
}

// TestAnnounceRefuses what cannot be meant.
func TestAnnounceRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := home(homesOf(6, 1)[0])
		h.Place.Building = "7"
		w := newTown(t, h)
		defer w.close()
		now := time.Now()
		if err := w.pipeline.Announce(t.Context(), stillwater.Announced{Group: "zone/South", From: now, To: now.Add(time.Hour)}); !errors.Is(err, ErrUnknownGroup) {
			t.Errorf("of a zone with no home: %v", err)
		}
		for _, a := range []stillwater.Announced{
			{From: now, To: now.Add(time.Hour)},
			{Group: "building////7", From: now, To: now},
			{Group: "building////7", From: now},
			{Group: "building////7", From: now, To: now.Add(73 * time.Hour)},
			{Group: "building////7", Over: true, To: now},
		} {
			if err := w.pipeline.Announce(t.Context(), a); err == nil {
				t.Errorf("%+v is taken", a)
			}
		}
	})
}

// TestGroupsOf: homes share a building only with all that stands above it, and a riser only with its building.
func TestGroupsOf(t *testing.T) {
	h := home("h1")
	h.Devices = append(h.Devices[:0:0], stillwater.Device{ID: "m", Kind: stillwater.Meter, Source: "cupboard-1/3"}, stillwater.Device{ID: "d", Kind: stillwater.DoorContact, Source: "lobby/home/1/door"})
	h.Place = stillwater.Place{Street: "Willow", Community: "Riverside", Building: "7", Riser: "B", Zone: "North"}
	want := []string{"building/Willow/Riverside//7", "riser/Willow/Riverside//7/B", "zone/North", "feed/cupboard-1"}
	if got := GroupsOf(h); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	h.Place = stillwater.Place{Riser: "B"}
	if got := GroupsOf(h); !slices.Equal(got, want[3:]) {
		t.Errorf("%q, want %q", got, want[3:])
	}
}
