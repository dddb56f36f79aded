package rules

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// foundBy plays the lines of a scenario and gives the findings of one rule, as they began.
func foundBy(t *testing.T, rule, script string) (began []stillwater.Finding) {
	s := &stage{t: t, spec: Home{ID: "h", Location: shanghai}, value: map[string]float64{}}
	for line := range strings.Lines(script) {
		if fields := strings.Fields(line); len(fields) > 0 {
			if err := s.line(fields); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.shown()
	slices.SortStableFunc(s.events, func(a, b event) int { return a.at.Compare(b.at) })
	e := New(Defaults())
	e.Put(s.spec)
	for _, ev := range s.events {
		found, _ := e.Step(&ev.entry)
		for _, f := range found {
			if f.Rule == rule && f.Ended.IsZero() {
				began = append(began, f)
			}
		}
	}
	return began
}

// regular is five weeks of a woman who is up from seven to ten and never still for long by day, and on the 36th falls at noon.
const regular = `
device meter meter every 1h
d1..d35 07:20 meter uses 6
d1..d35 09:20 meter uses 6
d1..d35 11:20 meter uses 6
d1..d35 15:20 meter uses 6
d1..d35 17:20 meter uses 6
d1..d35 19:20 meter uses 6
d1..d35 21:50 meter uses 6
d36 07:20 meter uses 6
d36 11:20 meter uses 6
d1..d35 00:00..23:00 1h meter shows
`

// TestUsualHere: a learned silence says how long stillness from that hour lasts here as a rule, and what of it nobody saw.
func TestUsualHere(t *testing.T) {
	whole := foundBy(t, "silence-learned", regular+"d36 00:00..23:00 1h meter shows\nd37 00:00..23:00 1h meter shows\n")
	if len(whole) != 1 {
		t.Fatalf("found %d silences", len(whole))
	}
	f := whole[0].Facts
	if f.Within != 3*time.Hour || f.Rate <= 0 || f.Rate > 20 || f.Unseen != 0 || f.Every != time.Hour || !f.Doorless {
		t.Errorf("says usually within %v, %.1f times a year, %v not seen, data every %v, no door %v; want 3h, some, 0s, 1h, true", f.Within, f.Rate, f.Unseen, f.Every, f.Doorless)
	}
	if f.Within >= f.Span {
		t.Errorf("still for %v, and within %v that is usually over", f.Span, f.Within)
	}
}

// TestUnseen: of a stillness it is told how much of it nobody saw.
func TestUnseen(t *testing.T) {
	found := foundBy(t, "silence-12h", `
device motion activity every 30m
d1 08:00 motion activity
d1 08:30..12:00 30m motion alive
d1 17:00..d2 06:00 30m motion alive
`)
	if len(found) != 1 {
		t.Fatalf("found %d silences", len(found))
	}
	if f := found[0].Facts; f.Unseen != 5*time.Hour || f.Span+f.Unseen != f.DataTo.Sub(f.Since) {
		t.Errorf("of %v from %v on, %v were still and %v not seen; want 5h not seen", f.DataTo.Sub(f.Since), f.Since, f.Span, f.Unseen)
	}
}

// TestWithin: nine in ten, of those that began at the hour, and of those beside it where they are few; too few say nothing.
func TestWithin(t *testing.T) {
	learned := func(hour int, lengths ...float64) *routine {
		r := &routine{}
		for _, l := range lengths {
			r.Inside.learn(hour, l, l)
		}
		return r
	}
	for name, c := range map[string]struct {
		r    *routine
		hour int
		want time.Duration
	}{
		"all alike":            {learned(22, 8.5, 8.5, 8.5, 8.5, 8.5), 22, 9 * time.Hour},
		"one in ten is longer": {learned(22, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 13.5), 23, 9 * time.Hour},
		"two in ten":           {learned(22, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 8.5, 13.5, 13.5), 22, 14 * time.Hour},
		"a little later":       {learned(22, 8.5, 8.5, 8.5, 8.5, 8.5), 1, 9 * time.Hour},
		"another hour":         {learned(22, 8.5, 8.5, 8.5, 8.5, 8.5), 12, 0},
		"too few":              {learned(22, 8.5, 8.5, 8.5, 8.5), 22, 0},
		"up at that hour":      {learned(8, slices.Repeat([]float64{1}, 30)...), 9, 2 * time.Hour},
		"up, and often out":    {learned(8, append(slices.Repeat([]float64{1}, 30), 4.5, 4.5, 4.5, 4.5, 4.5)...), 9, 5 * time.Hour},
		"up a few times":       {learned(8, slices.Repeat([]float64{1}, 6)...), 9, 0},
		"none was shorter":     {learned(22, 60, 60, 60, 60, 60), 22, 0},
	} {
		if got := c.r.within(c.hour, false); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestWithinOfTheDoor: where the door is believed, outings and stillness in the home are told apart; where it is not, together.
func TestWithinOfTheDoor(t *testing.T) {
	r := &routine{Outing: &habit{}}
	for range 6 {
		r.Inside.learn(14, 2.5, 2.5)
		r.Outing.learn(14, 5.5, 5.5)
	}
	if in, out := r.within(14, false), r.within(14, true); in != 3*time.Hour || out != 6*time.Hour {
		t.Errorf("in the home within %v, after the door %v", in, out)
	}
	r.Blended = true
	if in := r.within(14, false); in != 6*time.Hour {
		t.Errorf("where the door is not believed: within %v", in)
	}
}
