package rules

import (
	"math/rand/v2"
	"testing"
	"time"

	"stillwater"
)

// waterHome is a home with one meter, read every so often, whose water is said in advance.
type waterHome struct {
	t      *testing.T
	engine *Engine
	every  time.Duration
	step   float64 // resolution, litres
	at     time.Time
	litres float64
	found  []stillwater.Finding
}

func newWaterHome(t *testing.T, every time.Duration, step float64) *waterHome {
	h := &waterHome{t: t, engine: New(Defaults()), every: every, step: step, at: monday}
	h.engine.Put(Home{ID: "h", Location: shanghai, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: every}}})
	return h
}

// days lets days pass; used is the litres drawn in the span that ends at a moment.
func (h *waterHome) days(n int, used func(from, to time.Time) float64) {
	for end := h.at.AddDate(0, 0, n); h.at.Before(end); {
		from := h.at
		h.at = h.at.Add(h.every)
		h.litres += used(from, h.at)
		value := float64(int64(h.litres/h.step+1e-6)) * h.step
		for next := h.engine.Next(); !next.IsZero() && !next.After(h.at); next = h.engine.Next() {
			found, _ := h.engine.Step(&stillwater.Entry{Tick: next})
			h.found = append(h.found, found...)
		}
		found, _ := h.engine.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, Value: value, At: h.at, Received: h.at}})
		h.found = append(h.found, found...)
	}
}

func (h *waterHome) home() *home { return h.engine.homes.of("h") }

// rhythm is litres drawn at once every so often, by the clock.
func rhythm(every time.Duration, litres float64) func(from, to time.Time) float64 {
	return func(from, to time.Time) float64 {
		return litres * float64(to.Add(-97*time.Second).UnixNano()/int64(every)-from.Add(-97*time.Second).UnixNano()/int64(every))
	}
}

// livesAlone is a day of somebody who rises at seven, with the toilet flushed now and then at night.
func livesAlone(seed uint64) func(from, to time.Time) float64 {
	rng := rand.New(rand.NewPCG(seed, 9))
	return func(from, to time.Time) float64 {
		perDay := 1.5
		if hour := to.In(shanghai).Hour(); hour >= 7 && hour < 22 {
			perDay = 40
		}
		if rng.Float64() > perDay*to.Sub(from).Hours()/24 {
			return 0
		}
		return []float64{6, 6, 3, 1, 0.5, 2, 9, 30}[rng.IntN(8)]
	}
}

func both(a, b func(from, to time.Time) float64) func(from, to time.Time) float64 {
	return func(from, to time.Time) float64 { return a(from, to) + b(from, to) }
}

// TestAutomaticDrawsAreNoLife: a cat's fountain and a purifier run on after a fall, and it is found as if they did not. They are not
// learned before a week is over, and when they stop they are forgotten.
func TestAutomaticDrawsAreNoLife(t *testing.T) {
	for _, c := range []struct {
		name  string
		every time.Duration
		step  float64
		runs  func(from, to time.Time) float64
	}{
		{"a fountain by the minute", time.Minute, 0.1, rhythm(45*time.Minute, 0.6)},
		{"a fountain each five minutes", 5 * time.Minute, 0.1, rhythm(45*time.Minute, 0.6)},
		{"a purifier by the minute", time.Minute, 0.1, rhythm(6*time.Hour, 3)},
		{"a fountain in whole litres", 15 * time.Minute, 1, rhythm(45*time.Minute, 0.6)},
		{"a slow fountain in whole litres", 15 * time.Minute, 1, rhythm(2*time.Hour, 0.8)},
		{"a fountain by the hour", time.Hour, 1, rhythm(45*time.Minute, 0.6)},
		{"a drip by the hour", time.Hour, 1, rhythm(time.Minute, 0.01)},
		{"a purifier in whole litres", 15 * time.Minute, 1, rhythm(7*time.Hour, 2.4)},
		{"a purifier each eight hours", 15 * time.Minute, 1, rhythm(8*time.Hour, 3.5)},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newWaterHome(t, c.every, c.step)
			person := livesAlone(1)
			h.days(6, both(person, c.runs))
			if h.home().Habit.known() {
				t.Fatal("learned within six days")
			}
			h.days(39, both(person, c.runs))
			if !h.home().Habit.known() {
				t.Fatalf("not learned in 45 days: %+v", h.home().Habit)
			}
			fell := h.at
			h.found = nil
			h.days(3, c.runs)
			if still := h.home().still(); still < 60*time.Hour {
				t.Errorf("three days after the fall the stillness is %v: %+v", still, *h.home().Habit)
			}
			var alert time.Time
			for _, f := range h.found {
				if f.Kind == stillwater.Welfare && f.Severity == stillwater.Alert && f.Ended.IsZero() && alert.IsZero() {
					alert = f.Began
				}
			}
			if alert.IsZero() || alert.Sub(fell) > 50*time.Hour {
				t.Errorf("fell at %v, alert at %v", fell, alert)
			}
			h.days(5, person)
			if h.home().Habit.known() {
				t.Error("known although it has stopped")
			}
		})
	}
}

// TestSheIsSeenBesideTheFountain: who draws as little as the fountain, but more often than it does, or more at once, is seen.
func TestSheIsSeenBesideTheFountain(t *testing.T) {
	fountain := rhythm(45*time.Minute, 0.6)
	for name, hers := range map[string]func(from, to time.Time) float64{
		"sips":  rhythm(30*time.Minute, 0.8),
		"flush": rhythm(3*time.Hour, 4),
	} {
		h := newWaterHome(t, 15*time.Minute, 1)
		h.days(40, both(livesAlone(3), fountain))
		h.days(2, both(hers, fountain))
		if seen := h.home().Life.Water.time(); !h.home().Habit.known() || h.at.Sub(seen) > 6*time.Hour {
			t.Errorf("%s: last seen %v ago", name, h.at.Sub(seen))
		}
	}
}

// TestPeopleAreNotAutomatic: of many homes without an automatic draw none is taken to have one, those neither that get up at night.
func TestPeopleAreNotAutomatic(t *testing.T) {
	for seed := range uint64(20) {
		for _, every := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
			for _, nights := range []func(from, to time.Time) float64{nightly(seed), readsLate(seed)} {
				h := newWaterHome(t, every, 1)
				person := livesAlone(seed)
				for day := range 40 {
					h.days(1, both(person, nights))
					if h.home().Habit != nil && h.home().Habit.known() {
						t.Fatalf("seed %d, read each %v: after %d days she is taken for a machine: %+v", seed, every, day+1, *h.home().Habit)
					}
				}
			}
		}
	}
}

// nightly is a flush every two hours of the night, give or take twenty minutes.
func nightly(seed uint64) func(from, to time.Time) float64 {
	rng := rand.New(rand.NewPCG(seed, 10))
	next := monday
	return func(_, to time.Time) float64 {
		if to.Before(next) {
			return 0
		}
		next = to.Add(100*time.Minute + time.Duration(rng.IntN(40))*time.Minute)
		if hour := to.In(shanghai).Hour(); hour < 6 {
			return 6
		}
		return 0
	}
}

// readsLate is a glass of water or two between midnight and two, every night.
func readsLate(seed uint64) func(from, to time.Time) float64 {
	rng := rand.New(rand.NewPCG(seed, 11))
	next := monday
	return func(_, to time.Time) float64 {
		if to.Before(next) || to.In(shanghai).Hour() >= 2 {
			return 0
		}
		next = to.Add(time.Duration(30+rng.IntN(80)) * time.Minute)
		return 0.5 + rng.Float64()
	}
}
