package rules

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// TestGate holds the engine, which judges a home only where something can have come of a reading, against the slow, obvious one, which
// judges at every reading: both find the same at the same steps, and say the same of the time left; also when the first is
// stopped and rebuilt from its snapshots again and again.
func TestGate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 5))
		entries := town(rng, 10)
		newEngine := func() *Engine { return placed(New(townRules(seed)), seed) }
		gated, slow := newEngine(), newEngine()
		slow.always = true
		for i := range entries {
			if rng.IntN(400) == 0 {
				gated = rebuilt(t, gated, newEngine())
			}
			if next, want := gated.Next(), slow.Next(); entries[i].Tick.IsZero() && next.After(entryTime(&entries[i])) && !want.After(entryTime(&entries[i])) {
				t.Logf("entry %d: the gated engine wakes at %v, the slow one at %v", i, next, want) // only what is found counts
			}
			got, gotOutcome := gated.Step(&entries[i])
			want, wantOutcome := slow.Step(&entries[i])
			if gotOutcome != wantOutcome || !slices.Equal(asText(got), asText(want)) {
				t.Fatalf("entry %d of %d: %s", i, len(entries), difference(asText(got), asText(want)))
			}
			if i%50 == 0 {
				now := entryTime(&entries[i])
				for _, id := range slow.ids() {
					at, rule := gated.Protection(id, now)
					wantAt, wantRule := slow.Protection(id, now)
					if !at.Equal(wantAt) || rule != wantRule {
						t.Fatalf("entry %d: time left of %s is to %v by %s, want %v by %s", i, id, at, rule, wantAt, wantRule)
					}
				}
			}
		}
	})
}

func entryTime(e *stillwater.Entry) time.Time {
	switch {
	case e.Reading != nil:
		return e.Reading.Received
	case !e.Tick.IsZero():
		return e.Tick
	case !e.Resumed.IsZero():
		return e.Resumed
	}
	if e.Away != nil {
		return e.Away.At
	}
	return e.At
}

// rebuilt moves all memories to another engine.
func rebuilt(t *rapid.T, from, to *Engine) *Engine {
	err := from.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) {
		if err := to.Restore(id, data); err != nil {
			t.Fatal(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// townRules are the defaults and presets, and now and then others: shorter ones, few ones, none for devices.
func townRules(seed uint64) []Rule {
	list := append(Defaults(), OnTrial(Defaults())...)
	list = append(list,
		Rule{Name: "silence-2h", Severity: stillwater.Alert, After: 2 * time.Hour},
		Rule{Name: "silence-under-30L-3h", Severity: stillwater.Question, Under: 30, Within: 3 * time.Hour},
		Rule{Name: "away-1h", Severity: stillwater.Question, After: time.Hour},
		Rule{Name: "surge-50L-20m", Severity: stillwater.Alert, Over: 50, Within: 20 * time.Minute},
		Rule{Name: "leak-3h", Severity: stillwater.Notice, After: 3 * time.Hour},
		Rule{Name: "leak-running-10m", Severity: stillwater.Urgent, After: 10 * time.Minute},
		Rule{Name: "door-open-5m", Severity: stillwater.Question, After: 5 * time.Minute},
		Rule{Name: "device-blind-2h", Severity: stillwater.Alert, After: 2 * time.Hour},
	)
	rng := rand.New(rand.NewPCG(seed, 6))
	return slices.DeleteFunc(list, func(Rule) bool { return seed%2 == 0 && rng.IntN(2) == 0 })
}

// placed tells the engine of some of the homes of a town; the rest it learns of by their readings.
func placed(e *Engine, seed uint64) *Engine {
	for i := range 8 {
		id := stillwater.HouseholdID(fmt.Sprint("h", i))
		if seed>>i&1 == 0 {
			e.Locate(id, shanghai)
			continue
		}
		every := time.Duration(seed>>8%4) * 20 * time.Minute
		kinds := map[string]stillwater.DeviceKind{"meter": stillwater.Meter, "door": stillwater.DoorContact, "motion": stillwater.ActivitySensor, "meter2": stillwater.Meter}
		spec := Home{ID: id, Location: shanghai}
		for _, name := range townDevices[i] {
			spec.Devices = append(spec.Devices, stillwater.Device{ID: stillwater.DeviceID(name), Kind: kinds[name], Every: every})
		}
		e.Put(spec)
	}
	return e
}

var townDevices = [8][]string{
	{"meter", "door"}, {"meter"}, {"motion", "door"}, {"meter", "meter2", "door"}, {"motion"}, {"meter", "motion", "door"}, {"door"}, {"meter", "door"},
}

// town makes a random journal of homes of all kinds: by the minute and by the hour, in uploads, out of order, off the air, with holes,
// resets, heartbeats, doors that stand open, taps that run, closed incidents, and a gateway that was away.
func town(rng *rand.Rand, days int) []stillwater.Entry {
	var entries []stillwater.Entry
	type unit struct {
		home, name string
		value      float64
		next       time.Time
		every      time.Duration
		running    int
		buffer     []stillwater.Reading
	}
	var units []*unit
	start := monday.UTC()
	for i, names := range townDevices {
		for _, name := range names {
			every := []time.Duration{time.Minute, 7 * time.Minute, 15 * time.Minute, time.Hour, time.Hour, 3 * time.Hour}[rng.IntN(6)]
			first := start.Add(time.Duration(rng.Int64N(int64(every))))
			if rng.IntN(2) == 0 {
				first = first.Truncate(time.Minute)
			}
			units = append(units, &unit{home: fmt.Sprint("h", i), name: name, value: float64(rng.IntN(1000)), next: first, every: every})
		}
	}
	end := start.AddDate(0, 0, days)
	for len(entries) < 2500 {
		u := slices.MinFunc(units, func(a, b *unit) int { return a.next.Compare(b.next) })
		at := u.next
		if at.After(end) {
			break
		}
		u.next = at.Add(u.every)
		if rng.IntN(3) == 0 {
			u.next = u.next.Add(time.Duration(rng.Int64N(int64(u.every)/4 + 1)).Truncate([]time.Duration{time.Microsecond, time.Second, time.Minute}[rng.IntN(3)]))
		}
		if rng.IntN(150) == 0 {
			u.next = u.next.Add(time.Duration(rng.IntN(20)) * time.Hour)
		}
		r := stillwater.Reading{Household: stillwater.HouseholdID(u.home), Device: stillwater.DeviceID(u.name), At: at, Received: at}
		switch u.name {
		case "door":
			if r.Quantity = stillwater.Alive; rng.IntN(4) == 0 {
				u.value = float64(rng.IntN(2))
				r.Quantity, r.Value, r.Undated = stillwater.Door, u.value, rng.IntN(15) == 0
			}
		case "motion":
			if r.Quantity = stillwater.Alive; rng.IntN(5) == 0 {
				r.Quantity = stillwater.Activity
			}
		default:
			r.Quantity = stillwater.WaterTotal
			switch dice := rng.IntN(400); {
			case u.running > 0:
				u.running--
				u.value += float64(rng.IntN(20))
			case dice == 0:
				u.running = rng.IntN(60)
			case dice == 1:
				u.value = 0
			case dice < 120:
				u.value += float64(rng.IntN(2000)) / 100
			}
			if r.Value = u.value; rng.IntN(300) == 0 {
				r.Value = float64(rng.IntN(500_000))
			}
		}
		if rng.IntN(500) == 0 {
			r.Quantity, r.Value = stillwater.Gone, float64(rng.IntN(2))
		}
		switch rng.IntN(40) {
		case 0:
			r.At = r.At.Add(-time.Duration(rng.IntN(300)) * time.Minute) // late, or history
		case 1:
			u.buffer = append(u.buffer, r) // it could not be sent
			continue
		}
		if len(u.buffer) > 0 && rng.IntN(4) > 0 { // nor those after it
			u.buffer = append(u.buffer, r)
			continue
		}
		for _, late := range append(u.buffer, r) {
			late.Received = at
			entries = append(entries, stillwater.Entry{Reading: &late})
		}
		u.buffer = nil
		switch rng.IntN(80) {
		case 0:
			entries = append(entries, stillwater.Entry{Rearm: r.Household, At: at})
		case 1:
			if rng.IntN(10) == 0 {
				entries = append(entries, stillwater.Entry{Resumed: at})
			}
		case 18:
			entries = append(entries, randomAbsence(rng, r.Household, at))
		case 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17:
			entries = append(entries, stillwater.Entry{Tick: at.Truncate(time.Minute)})
		}
	}
	return entries
}
