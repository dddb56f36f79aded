package rules

import (
	"slices"
	"testing"
	"time"

	"stillwater"
)

// TestDayAtMost: who lives alone and was away for a day and a night once in six weeks is told of within a day all the same if she falls by day, at the default budget. Where
// two live, and where she is away every few days, it may take longer.
func TestDayAtMost(t *testing.T) {
	longest := func(residents, journeys int) float64 {
		p := newTenant(t, 5, shanghai, false, Defaults())
		p.spec.Residents = residents
		p.engine.Put(p.spec)
		for range journeys {
			p.live(42/journeys-1, alone)
			p.live(1, habits{empty: true})
		}
		p.live(3, alone)
		bounds, most := p.bounds(), 0.0
		for _, i := range fallStarts {
			most = max(most, bounds[i])
		}
		return most
	}
	for _, c := range []struct {
		residents, journeys int
		within              bool
	}{{0, 1, true}, {1, 1, true}, {2, 1, false}, {1, 6, false}} {
		if got := longest(c.residents, c.journeys); (got <= inADay) != c.within {
			t.Errorf("%d residents, %d journeys: the longest bound is %v h", c.residents, c.journeys, got)
		}
	}
}

// TestEmptyAtFirst: where a meter stood for five weeks before somebody moved in nobody is asked after twelve hours, as nobody is in homes that
// were lived in as long.
func TestEmptyAtFirst(t *testing.T) {
	p := newTenant(t, 6, shanghai, false, Defaults())
	p.live(35, habits{empty: true})
	p.live(1, alone)
	p.found = nil
	p.live(2, habits{empty: true})
	asked := slices.ContainsFunc(p.found, func(f stillwater.Finding) bool { return f.Severity == stillwater.Question })
	told := slices.ContainsFunc(p.found, func(f stillwater.Finding) bool { return f.Rule == "silence-learned" && f.Ended.IsZero() })
	if asked || !told {
		t.Errorf("asked %v, told %v: %v", asked, told, p.found)
	}
}

// TestHeartbeatsSetThePace: a sensor that sends a heartbeat after half an hour without news, and by day only in her naps, reports each half-hour. So does
// one that sends it each half-hour whatever else there is; and one that sends it four times a day, with news between them all, reports each six hours.
func TestHeartbeatsSetThePace(t *testing.T) {
	for _, c := range []struct {
		clock int // minutes between heartbeats that come by the clock; 0: after half an hour without news
		night bool
		want  time.Duration
	}{{0, true, 30 * time.Minute}, {30, true, 30 * time.Minute}, {360, false, 6 * time.Hour}} {
		e := New(Defaults())
		e.Locate("h", time.UTC)
		last := monday.UTC()
		for minute := range 8 * 24 * 60 {
			at := monday.UTC().Add(time.Duration(minute) * time.Minute)
			busy := !c.night || at.Hour() >= 7 && at.Hour() < 22 && (at.Hour()%3 != 2 || at.Minute() > 40)
			q := stillwater.Activity
			switch {
			case c.clock > 0 && minute%c.clock == 0, c.clock == 0 && at.Sub(last) >= 30*time.Minute:
				q = stillwater.Alive
			case !busy || minute%7 != 0:
				continue
			}
			last = at
			e.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "motion", Quantity: q, Value: 1, At: at, Received: at}})
			if d := e.homes.of("h").reporter(); minute > 3*24*60 && d.usual() != c.want {
				t.Fatalf("%+v, at %v: it reports each %v", c, at, d.usual())
			}
		}
	}
}
