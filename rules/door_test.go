package rules

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// doorTown makes a random journal of homes with doors of all ways: some that go by day, stand open, rattle for hours, stick, fall silent, are
// the wrong way round; people who go out, come home, go at night, and stay in.
func doorTown(rng *rand.Rand, days int) []stillwater.Entry {
	var entries []stillwater.Entry
	for home := range 4 {
		entries = append(entries, doorHome(rng, fmt.Sprint("h", home), days)...)
	}
	slices.SortStableFunc(entries, func(a, b stillwater.Entry) int { return a.Reading.Received.Compare(b.Reading.Received) })
	return entries
}

func doorHome(rng *rand.Rand, home string, days int) []stillwater.Entry {
	var entries []stillwater.Entry
	every := []time.Duration{15 * time.Minute, time.Hour, 2 * time.Hour}[rng.IntN(3)]
	beats := rng.IntN(3) > 0
	inverted := rng.IntN(4) == 0
	litres, open := 1000.0, false
	var silentUntil, stuckUntil time.Time
	say := func(at time.Time, device string, q stillwater.Quantity, v float64) {
		r := &stillwater.Reading{Household: stillwater.HouseholdID(home), Device: stillwater.DeviceID(device), Quantity: q, Value: v, At: at, Received: at}
		if rng.IntN(200) == 0 {
			r.Received = at.Add(time.Duration(rng.IntN(300)) * time.Minute)
		}
		entries = append(entries, stillwater.Entry{Reading: r})
	}
	move := func(at time.Time) {
		if at.Before(silentUntil) || at.Before(stuckUntil) {
			return
		}
		open = !open
		v := stillwater.Closed
		if open != inverted {
			v = stillwater.Open
		}
		say(at, "door", stillwater.Door, float64(v))
	}
	start := monday.UTC()
	for at := start; at.Before(start.AddDate(0, 0, days)); at = at.Add(every) {
		hour := at.In(shanghai).Hour()
		if hour >= 6 && hour < 22 && rng.IntN(3) == 0 || rng.IntN(20) == 0 {
			litres += float64(rng.IntN(20))
		}
		say(at, "meter", stillwater.WaterTotal, litres)
		if beats && !at.Before(silentUntil) {
			say(at.Add(time.Minute), "door", stillwater.Alive, 1)
		}
		moment := at.Add(time.Duration(rng.Int64N(int64(every)))).Truncate(time.Second)
		switch dice := rng.IntN(600); {
		case dice < 50 && (hour >= 7 && hour < 20 || dice < 2):
			move(moment)
			move(moment.Add(time.Duration(5+rng.IntN(300)) * time.Second))
		case dice < 52:
			move(moment)
		case dice == 52:
			silentUntil = at.Add(time.Duration(rng.IntN(96)) * time.Hour)
		case dice == 53:
			stuckUntil = at.AddDate(0, 0, rng.IntN(40))
		case dice == 54:
			for n := range rng.IntN(150) {
				move(at.Add(time.Duration(n) * 20 * time.Second))
			}
		}
	}
	return entries
}

// doorRules are the defaults, and those of the door with shorter times.
func doorRules() []Rule {
	return append(Defaults(),
		Rule{Name: "door-open-5m", Severity: stillwater.Question, After: 5 * time.Minute},
		Rule{Name: "door-open-night-5m", Severity: stillwater.Alert, After: 5 * time.Minute},
		Rule{Name: "night-exit-5m", Severity: stillwater.Alert, After: 5 * time.Minute},
		Rule{Name: "night-exit-5h", Severity: stillwater.Alert, After: 5 * time.Hour},
		Rule{Name: "no-exit-12h", Severity: stillwater.Notice, After: 12 * time.Hour},
	)
}

func doorEngine() *Engine {
	e := New(doorRules())
	for i := range 4 {
		e.Put(Home{ID: stillwater.HouseholdID(fmt.Sprint("h", i)), Location: shanghai, Devices: []stillwater.Device{
			{ID: "meter", Kind: stillwater.Meter}, {ID: "door", Kind: stillwater.DoorContact},
		}})
	}
	return e
}

// TestDoorGate holds the gated engine against the one that judges always, in homes whose doors do everything, for months; and both against one that is
// stopped and rebuilt.
func TestDoorGate(t *testing.T) {
	met := map[string]int{}
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 7))
		entries := doorTown(rng, 70)
		gated, slow, stopped := doorEngine(), doorEngine(), doorEngine()
		slow.always = true
		for i := range entries {
			r := entries[i].Reading
			got, want := stepTo(gated, r), stepTo(slow, r)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d, entry %d of %d at %v: %s", seed, i, len(entries), r.Received, difference(got, want))
			}
			if rng.IntN(1000) == 0 {
				next := doorEngine()
				for id, data := range snapshots(t, stopped) {
					if err := next.Restore(id, data); err != nil {
						t.Fatal(err)
					}
				}
				stopped = next
			}
			if again := stepTo(stopped, r); !slices.Equal(again, want) {
				t.Fatalf("seed %d, entry %d of %d at %v, stopped before: %s", seed, i, len(entries), r.Received, difference(again, want))
			}
			for h := range gated.homes.all() {
				for _, f := range h.goingOn() {
					met[f.Rule]++
				}
				met[string(h.Doubt.told())]++
			}
		}
	}
	for _, want := range []string{"door-open", "door-open-night", "door-unusual", "night-exit", "no-exit", "device-door-stuck", "device-door-inverted", "device-door-chattering", "stuck", "silent", "loose", "unknown"} {
		if met[want] == 0 {
			t.Errorf("%s was never met: the test shows nothing of it", want)
		}
	}
}

// TestDoorNeverLater: whatever a contact does that is broken, after a fall the first alert comes no later than without one. A door that goes every four
// hours or more seldom is like a person's: then it is not known.
func TestDoorNeverLater(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		every := rapid.SampledFrom([]time.Duration{15 * time.Minute, time.Hour}).Draw(t, "every")
		days := rapid.IntRange(3, 24).Draw(t, "days")
		fall := monday.UTC().AddDate(0, 0, days).Add(time.Duration(rapid.IntRange(0, 95).Draw(t, "quarters")) * 15 * time.Minute)
		fault := rapid.SampledFrom([]string{"rattles", "flickers", "stuck", "silent", "inverted"}).Draw(t, "fault")
		gap := rapid.SampledFrom([]time.Duration{7 * time.Second, time.Minute, 119 * time.Second, 3 * time.Minute, 11 * time.Minute, time.Hour, 3 * time.Hour}).Draw(t, "gap")
		beats := rapid.Bool().Draw(t, "beats")
		seed := rapid.Uint64().Draw(t, "seed")
		with := firstAlert(brokenDoor(seed, every, fall, fault, gap, beats), fall)
		without := firstAlert(brokenDoor(seed, every, fall, "", gap, beats), fall)
		if with.IsZero() || with.After(without) {
			t.Fatalf("%s: alert at %v, without a contact at %v; fall at %v", fault, with, without, fall)
		}
	})
}

// brokenDoor is a home up to three days after a fall; from some days before it the contact is broken. Without a fault there is none.
func brokenDoor(seed uint64, every time.Duration, fall time.Time, fault string, gap time.Duration, beats bool) []stillwater.Entry {
	rng := rand.New(rand.NewPCG(seed, 8))
	var entries []stillwater.Entry
	say := func(at time.Time, device string, q stillwater.Quantity, v float64) {
		if device == "door" && fault == "" {
			return
		}
		entries = append(entries, stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: stillwater.DeviceID(device), Quantity: q, Value: v, At: at, Received: at}})
	}
	pass := func(at time.Time) {
		states := []float64{stillwater.Open, stillwater.Closed}
		if fault == "inverted" {
			slices.Reverse(states)
		}
		say(at, "door", stillwater.Door, states[0])
		say(at.Add(10*time.Second), "door", stillwater.Door, states[1])
	}
	litres, broken := 100.0, fall.Add(-time.Duration(rng.IntN(60))*time.Hour)
	for at := monday.UTC(); at.Before(fall.AddDate(0, 0, 4)); at = at.Add(every) {
		hour, drawn := at.In(shanghai).Hour(), rng.IntN(3)
		if at.Equal(fall.Truncate(every)) || at.Before(fall) && hour >= 6 && hour < 22 && drawn == 0 {
			litres += 6
		}
		say(at, "meter", stillwater.WaterTotal, litres)
		works := fault == "inverted" || at.Before(broken)
		if beats && (works || fault != "silent") {
			say(at.Add(time.Second), "door", stillwater.Alive, 1)
		}
		passes := rng.IntN(10) == 0 && hour >= 8 && hour < 20
		if works && passes && at.Before(fall.Add(-every)) {
			pass(at.Add(time.Duration(1+rng.IntN(10)) * time.Minute))
		}
	}
	if fault == "rattles" {
		for at := broken; at.Before(fall.AddDate(0, 0, 4)); at = at.Add(gap) {
			pass(at)
		}
	}
	if fault == "flickers" {
		states := []float64{stillwater.Open, stillwater.Closed}
		for at, n := broken, 0; at.Before(fall.AddDate(0, 0, 4)); at, n = at.Add(gap), n+1 {
			say(at, "door", stillwater.Door, states[n%2])
		}
	}
	slices.SortStableFunc(entries, func(a, b stillwater.Entry) int { return a.Reading.Received.Compare(b.Reading.Received) })
	return entries
}

// firstAlert is when the first alert of her welfare after a moment was raised.
func firstAlert(entries []stillwater.Entry, after time.Time) time.Time {
	e := New(Defaults())
	e.Locate("h", shanghai)
	for i := range entries {
		now := entries[i].Reading.Received
		for next := e.Next(); ; next = e.Next() {
			entry := &entries[i]
			tick := !next.IsZero() && !next.After(now)
			if tick {
				entry = &stillwater.Entry{Tick: next}
			}
			found, _ := e.Step(entry)
			for _, f := range found {
				if f.Kind == stillwater.Welfare && f.Severity.Above(stillwater.Question) && f.Ended.IsZero() && f.Began.After(after) {
					return f.Began
				}
			}
			if !tick {
				break
			}
		}
	}
	return time.Time{}
}

// TestUnusualDoorRate holds door-unusual to its stated rate: in homes whose nights are as they were it is raised less than once in
// unusualYears home-years, however seldom or often the door goes there at night.
func TestUnusualDoorRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 9))
	for _, perNight := range []float64{0.02, 0.2, 1, 4} {
		raised, years := 0, 0.0
		for range 400 {
			w := &doorway{}
			begin := instantOf(monday)
			for day := range 365 {
				midnight := begin.add(time.Duration(day) * 24 * time.Hour)
				odd := false
				for at := -2 * time.Hour; ; {
					if at += time.Duration(rng.ExpFloat64() * float64(8*time.Hour) / perNight); at >= 6*time.Hour {
						break
					}
					moved := midnight.add(at)
					w.reach(civilDay(moved, shanghai))
					w.went(moved.time().In(shanghai).Hour(), civilDay(moved.add(-nightShift), shanghai))
					odd = odd || w.odd()
				}
				w.reach(civilDay(midnight.add(12*time.Hour), shanghai))
				if odd {
					raised++
				}
			}
			years++
		}
		if rate := float64(raised) / years; rate > 1.0/unusualYears {
			t.Errorf("%.2f a night: raised %d times in %.0f home-years, %.3f a year, want under %.3f", perNight, raised, years, rate, 1.0/unusualYears)
		} else {
			t.Logf("%.2f a night: raised %d times in %.0f home-years", perNight, raised, years)
		}
	}
	if w := (&doorway{Seen: 28, Days: 28, Tonight: 30}); !w.odd() {
		t.Error("thirty times in a night are usual where the door never goes")
	}
}

// TestNightIn adds up the deep night of a time.
func TestNightIn(t *testing.T) {
	at := func(day, hour, minute int) instant {
		return instantOf(monday.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
	}
	for _, c := range []struct {
		from, to instant
		want     time.Duration
	}{
		{at(0, 10, 0), at(0, 12, 0), 0},
		{at(0, 22, 0), at(0, 23, 20), 20 * time.Minute},
		{at(0, 23, 10), at(1, 7, 0), 5*time.Hour + 50*time.Minute},
		{at(0, 2, 0), at(0, 2, 30), 30 * time.Minute},
		{at(0, 4, 50), at(1, 0, 0), 70 * time.Minute},
	} {
		if got := nightIn(c.from, c.to, shanghai); math.Abs((got - c.want).Seconds()) > 1 {
			t.Errorf("from %v to %v: %v of night, want %v", c.from.time(), c.to.time(), got, c.want)
		}
	}
}
