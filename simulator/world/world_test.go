package world_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
	"stillwater/simulator/world"
)

// start is a Sunday's midnight in Shanghai.
var start = time.Date(2026, 3, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))

func city(t testing.TB, o world.Options) *world.World {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = start
	}
	w, err := world.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestADayLooksLikeADay checks eight weeks of sixty homes against what is known of people who live alone.
func TestADayLooksLikeADay(t *testing.T) {
	const days = 56
	w := city(t, world.Options{Homes: 60, Seed: 5})
	nights, exits, odd := 0, 0, 0
	for _, h := range w.Households() {
		for d := range days {
			from, to := start.AddDate(0, 0, d), start.AddDate(0, 0, d+1)
			litres := w.Litres(h.ID, to) - w.Litres(h.ID, from)
			if litres < 60 || litres > 250 {
				odd++
				t.Logf("%s on day %d: %.0f litres", h.ID, d, litres)
			}
			longest, last := time.Duration(0), from
			for _, draw := range w.Draws(h.ID, from, to) {
				if draw.Litres <= 0 || draw.Duration <= 0 {
					t.Fatalf("%s: a draw of nothing: %+v", h.ID, draw)
				}
				if draw.Fixture == world.Toilet && draw.Start.In(w.Location()).Hour() < 5 {
					nights++
				}
				longest, last = max(longest, draw.Start.Sub(last)), draw.Start
			}
			if longest < time.Hour || longest > 12*time.Hour {
				t.Errorf("%s on day %d: the longest stillness is %v", h.ID, d, longest)
			}
			for i, e := range w.DoorEvents(h.ID, from, to) {
				if e.Open != (i%2 == 0) {
					t.Fatalf("%s on day %d: the door opens or closes twice: %+v", h.ID, d, e)
				}
				if e.Open && e.At.In(w.Location()).Hour() < 5 {
					t.Errorf("%s: the door opens at night on an ordinary day: %v", h.ID, e.At)
				}
				exits++
			}
		}
	}
	all := 60 * days
	if odd > all/500 {
		t.Errorf("%d of %d days are outside 60 to 250 litres", odd, all)
	}
	if n := float64(nights) / float64(all); n < 0.5 || n > 2.5 {
		t.Errorf("%.2f toilet visits before five in a night", n)
	}
	if n := float64(exits) / float64(all); n < 3 || n > 10 {
		t.Errorf("%.2f openings and closings of the door in a day", n)
	}
}

// TestNobodyDrawsWhileOut: a washing machine may run on, hands may not.
func TestNobodyDrawsWhileOut(t *testing.T) {
	w := city(t, world.Options{Homes: 40})
	for _, h := range w.Households() {
		for _, d := range w.Draws(h.ID, start, start.AddDate(0, 0, 21)) {
			if d.Fixture != world.Washing && !w.AtHome(h.ID, d.Start) {
				t.Errorf("%s: %s at %v while she is out", h.ID, d.Fixture, d.Start)
			}
		}
	}
}

// TestTheCounterOnlyRises walks a counter through days and over midnights in small steps.
func TestTheCounterOnlyRises(t *testing.T) {
	w := city(t, world.Options{Homes: 8, Seed: 3})
	for _, h := range w.Households() {
		last := w.Litres(h.ID, start.Add(-time.Hour))
		for at := start; at.Before(start.AddDate(0, 0, 6)); at = at.Add(47 * time.Second) {
			litres := w.Litres(h.ID, at)
			if litres < last {
				t.Fatalf("%s: the counter falls from %v to %v at %v", h.ID, last, litres, at)
			}
			last = litres
		}
	}
}

// TestTheSameSeedIsTheSameCity asks two worlds of one seed the same questions in different order, with looks far ahead and back
// between, and expects the same answers; another seed gives another city.
func TestTheSameSeedIsTheSameCity(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		a, _ := world.New(world.Options{Homes: 3, Seed: seed, Start: start})
		b, _ := world.New(world.Options{Homes: 3, Seed: seed, Start: start})
		other, _ := world.New(world.Options{Homes: 3, Seed: seed + 1, Start: start})
		moments := rapid.SliceOfN(rapid.IntRange(0, 40*24*3600), 1, 12).Draw(t, "seconds")
		home := a.Home(rapid.IntRange(0, 2).Draw(t, "home"))
		answers := map[int]float64{}
		for _, s := range moments {
			answers[s] = a.Litres(home, start.Add(time.Duration(s)*time.Second))
		}
		for _, s := range slices.Backward(moments) {
			at := start.Add(time.Duration(s) * time.Second)
			if got := b.Litres(home, at); got != answers[s] {
				t.Fatalf("%v: %v and %v litres", at, answers[s], got)
			}
			if !slices.Equal(a.DoorEvents(home, at, at.Add(30*time.Hour)), b.DoorEvents(home, at, at.Add(30*time.Hour))) {
				t.Fatalf("%v: different door events", at)
			}
		}
		if end := start.AddDate(0, 0, 2); other.Litres(home, end) == b.Litres(home, end) {
			t.Fatal("another seed gives the same city")
		}
	})
}

// TestWindowsLoseNothing cuts a day into windows of any size: together they have the reports of the whole, once and in order.
func TestWindowsLoseNothing(t *testing.T) {
	w := city(t, world.Options{Homes: 4})
	rapid.Check(t, func(t *rapid.T) {
		home := w.Home(rapid.IntRange(0, 3).Draw(t, "home"))
		from := start.Add(time.Duration(rapid.IntRange(0, 10*24*3600).Draw(t, "from")) * time.Second)
		at := from
		var pieces []world.Report
		for _, s := range rapid.SliceOfN(rapid.IntRange(1, 8*3600), 1, 20).Draw(t, "windows") {
			end := at.Add(time.Duration(s) * time.Second)
			pieces = append(pieces, w.Reports(home, at, end)...)
			at = end
		}
		if whole := w.Reports(home, from, at); !slices.Equal(whole, pieces) {
			t.Fatalf("%d reports in windows, %d in the whole", len(pieces), len(whole))
		}
	})
}

// TestWindowsThatEndWithAnEvent cuts just where something happens: it belongs to the window that ends there.
func TestWindowsThatEndWithAnEvent(t *testing.T) {
	w := city(t, world.Options{Homes: 3})
	for _, h := range w.Households() {
		end := start.AddDate(0, 0, 4)
		whole := w.Reports(h.ID, start, end)
		at := start
		var pieces []world.Report
		for _, r := range whole {
			pieces = append(pieces, w.Reports(h.ID, at, r.At)...)
			at = r.At
		}
		if pieces = append(pieces, w.Reports(h.ID, at, end)...); !slices.Equal(whole, pieces) {
			t.Errorf("%s: %d reports in windows, %d in the whole", h.ID, len(pieces), len(whole))
		}
	}
}

// TestHouseholdsAreComplete checks what a gateway's register needs.
func TestHouseholdsAreComplete(t *testing.T) {
	w := city(t, world.Options{Homes: 400})
	sources, ids, zh, pulse, buildings := map[string]bool{}, map[stillwater.HouseholdID]bool{}, 0, 0, map[stillwater.Place]int{}
	for _, h := range w.Households() {
		if h.ID == "" || h.Name == "" || h.TimeZone != "Asia/Shanghai" || h.Residents != 1 || !h.Consent.Given.Before(start) {
			t.Errorf("incomplete: %+v", h)
		}
		if ids[h.ID] || len(h.Devices) != 2 || len(h.Contacts) != 2 {
			t.Errorf("%s: %d devices, %d contacts", h.ID, len(h.Devices), len(h.Contacts))
		}
		ids[h.ID] = true
		for _, d := range h.Devices {
			if sources[d.Source] || d.Every <= 0 {
				t.Errorf("%s: source %q twice, or no interval", h.ID, d.Source)
			}
			sources[d.Source] = true
		}
		if h.Contacts[0].Language == "zh-CN" {
			zh++
		}
		if h.Devices[0].Source[:len(world.MQTTFeed)] == world.MQTTFeed {
			pulse++
		}
		h.Place.Riser = "" // two of them
		buildings[h.Place]++
	}
	if zh != 200 || pulse != 400-world.MaxUnits {
		t.Errorf("%d homes speak Chinese, %d have a pulse meter", zh, pulse)
	}
	for place, n := range buildings {
		if n != 8 {
			t.Errorf("%d homes in %+v", n, place)
		}
	}
}

// TestDaylightSaving: the two odd days of a European year are days like others.
func TestDaylightSaving(t *testing.T) {
	w := city(t, world.Options{Homes: 5, TimeZone: "Europe/Madrid", Start: time.Date(2026, 3, 20, 0, 0, 0, 0, time.UTC)})
	for _, date := range []time.Time{time.Date(2026, 3, 29, 0, 0, 0, 0, w.Location()), time.Date(2026, 10, 25, 0, 0, 0, 0, w.Location())} {
		for _, h := range w.Households() {
			if litres := w.Litres(h.ID, date.AddDate(0, 0, 1)) - w.Litres(h.ID, date); litres < 50 || litres > 260 {
				t.Errorf("%s on %v: %.0f litres", h.ID, date, litres)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, o := range map[string]world.Options{
		"no start":        {},
		"no such zone":    {Start: start, TimeZone: "Mars/Olympus"},
		"too many homes":  {Start: start, Homes: world.MaxHomes + 1},
		"uneven interval": {Start: start, MeterEvery: 7 * time.Minute},
	} {
		if _, err := world.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
