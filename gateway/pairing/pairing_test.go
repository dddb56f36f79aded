package pairing

import (
	"testing"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// live gives homes of a pretended city with their readings of some days; the meters of the pairs are swapped.
func live(t testing.TB, seed uint64, homes, days int, every time.Duration, swap [][2]int) []*Home {
	t.Helper()
	start := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC)
	w, err := world.New(world.Options{Homes: homes, Seed: seed, Start: start, MeterEvery: every})
	if err != nil {
		t.Fatal(err)
	}
	var list []*Home
	at := map[stillwater.HouseholdID]int{}
	for i, h := range w.Households() {
		at[h.ID] = i
		list = append(list, &Home{ID: h.ID, Location: h.Location(), Neighbour: "building"})
	}
	meter := make([]int, homes) // whose home the readings of a meter go to
	for i := range meter {
		meter[i] = i
	}
	for _, s := range swap {
		meter[s[0]], meter[s[1]] = s[1], s[0]
	}
	for r := range w.Readings(start, start.AddDate(0, 0, days)) {
		i := at[r.Household]
		if r.Quantity == stillwater.WaterTotal {
			i = meter[i]
		}
		list[i].Take(r)
	}
	return list
}

// TestSwapped swaps the meters of two homes out of twenty, in pretended cities, and looks for them; and for none where none are.
func TestSwapped(t *testing.T) {
	const cities, homes = 10, 20
	for _, c := range []struct {
		every time.Duration
		days  int
		least int // of cities in which the pair must be found
	}{
		{15 * time.Minute, 28, 6},
		{time.Hour, 90, 7},
	} {
		found, wrong, fitting, odd := 0, 0, 0, 0
		for seed := range uint64(cities) {
			a, b := int(seed)%homes, (int(seed)*7+3)%homes
			if a == b {
				b = (b + 1) % homes
			}
			all := live(t, seed, homes, c.days, c.every, [][2]int{{a, b}})
			r := Find(all)
			for _, p := range r.Swapped {
				if p.A == all[min(a, b)].ID && p.B == all[max(a, b)].ID {
					found++
				} else {
					wrong++
				}
			}
			fitting, odd = fitting+r.Fitting, odd+len(r.Odd)
		}
		t.Logf("a reading each %v for %d days: found in %d of %d cities, wrong pairs %d, of %d other homes %d known to fit, %d called odd", c.every, c.days, found, cities, wrong, cities*(homes-2), fitting, odd)
		if found < c.least || wrong > 0 {
			t.Errorf("a reading each %v for %d days: found in %d cities, want %d, and %d wrong pairs", c.every, c.days, found, c.least, wrong)
		}
	}
}

// TestUnknown: of homes without two weeks of a meter and a door nothing is said.
func TestUnknown(t *testing.T) {
	all := live(t, 1, 3, 10, time.Hour, [][2]int{{0, 1}})
	all = append(all, &Home{ID: "nothing", Location: time.UTC})
	if r := Find(all); r.Unknown != 4 || len(r.Swapped) != 0 || len(r.Odd) != 0 {
		t.Errorf("got %+v", r)
	}
}

// TestNeighbours: homes that cannot have been mixed up are not compared.
func TestNeighbours(t *testing.T) {
	all := live(t, 0, 4, 90, 15*time.Minute, [][2]int{{0, 3}})
	if r := Find(all); len(r.Swapped) != 1 || r.Swapped[0].A != all[0].ID || r.Swapped[0].B != all[3].ID {
		t.Errorf("in one building: got %+v", r)
	}
	all[3].Neighbour = "another building"
	if r := Find(all); len(r.Swapped) != 0 {
		t.Errorf("in two buildings: got %+v", r)
	}
}
