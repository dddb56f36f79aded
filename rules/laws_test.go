package rules

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// history makes a random journal of some homes: days with use, nights, holes, foreign values, resets, door, ticks.
func history(rng *rand.Rand, days int) []stillwater.Entry {
	var entries []stillwater.Entry
	at := monday.UTC()
	end := at.AddDate(0, 0, days)
	counter := map[int]float64{0: 1000, 1: 99_950, 2: 5}
	open := map[int]float64{}
	for at.Before(end) {
		at = at.Add(time.Duration(1+rng.IntN(50)) * time.Minute)
		home := rng.IntN(3)
		if rng.IntN(200) == 0 {
			at = at.Add(time.Duration(rng.IntN(40)) * time.Hour) // off the air
		}
		r := stillwater.Reading{Household: stillwater.HouseholdID(fmt.Sprint("h", home)), Device: "meter", Quantity: stillwater.WaterTotal, At: at, Received: at}
		switch hour := at.In(shanghai).Hour(); {
		case rng.IntN(12) == 0:
			open[home] = 1 - open[home]
			r.Device, r.Quantity, r.Value, r.Undated = "door", stillwater.Door, open[home], rng.IntN(10) == 0
		case rng.IntN(150) == 0:
			r.Value = float64(rng.IntN(500_000)) // foreign, stale or swapped
		case rng.IntN(300) == 0:
			counter[home] = 0
			r.Value = 0
		default:
			if hour >= 7 && hour < 22 && rng.IntN(3) == 0 {
				counter[home] += float64(rng.IntN(90))
			}
			r.Value = counter[home]
		}
		if rng.IntN(30) == 0 {
			r.At = r.At.Add(-time.Duration(rng.IntN(180)) * time.Minute) // late
		}
		entries = append(entries, stillwater.Entry{Reading: &r})
		switch rng.IntN(60) {
		case 0:
			entries = append(entries, stillwater.Entry{Rearm: r.Household, At: at})
		case 1:
			entries = append(entries, stillwater.Entry{Resumed: at})
		case 8:
			entries = append(entries, randomAbsence(rng, r.Household, at))
		case 2, 3, 4, 5, 6, 7:
			entries = append(entries, stillwater.Entry{Tick: at.Truncate(time.Minute)})
		}
	}
	return entries
}

func newTestEngine() *Engine {
	e := New(append(Defaults(), OnTrial(Defaults())...))
	for i := range 3 {
		e.Put(Home{ID: stillwater.HouseholdID(fmt.Sprint("h", i)), Location: shanghai, Devices: []stillwater.Device{
			{ID: "meter", Kind: stillwater.Meter}, {ID: "door", Kind: stillwater.DoorContact},
		}})
	}
	return e
}

// run steps the engine through the entries and gives all that was found, as text.
func runAll(e *Engine, entries []stillwater.Entry) []string {
	var all []string
	for i := range entries {
		found, _ := e.Step(&entries[i])
		all = append(all, asText(found)...)
	}
	return all
}

func asText(found []stillwater.Finding) []string {
	var all []string
	for _, f := range found {
		line, _ := json.Marshal(f)
		all = append(all, string(line))
	}
	return all
}

// TestSameJournalSameFindings is law 4: an engine that is stopped anywhere and rebuilt from its states finds what one that never
// stopped finds, and a journal cut short gives the same up to the cut.
func TestSameJournalSameFindings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := history(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)), 12)
		cut := rapid.IntRange(0, len(entries)).Draw(t, "cut")
		whole := runAll(newTestEngine(), entries)

		first := newTestEngine()
		before := runAll(first, entries[:cut])
		second := newTestEngine()
		err := first.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) {
			if err := second.Restore(id, data); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		after := runAll(second, entries[cut:])

		if len(before) > len(whole) || !slices.Equal(before, whole[:len(before)]) {
			t.Fatalf("cut at %d: what was found before the cut differs", cut)
		}
		if got := append(before, after...); !slices.Equal(got, whole) {
			t.Fatalf("stopped at %d: %s", cut, difference(got, whole))
		}
	})
}

// difference is the first line in which what was found differs.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "lacks " + want[i]
		case i >= len(want):
			return "has besides " + got[i]
		case got[i] != want[i]:
			return fmt.Sprintf("line %d is\n%s\nwant\n%s", i, got[i], want[i])
		}
	}
	return "none"
}

// TestTicksAreIdempotent is the other half of law 4: how often the time is told does not matter.
func TestTicksAreIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := history(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2)), 8)
		var once, often []stillwater.Entry // before each reading one tick, or one each minute
		var last time.Time
		for _, e := range entries {
			if r := e.Reading; r != nil {
				now := r.Received.Truncate(time.Minute)
				if last.IsZero() {
					last = now
				}
				for last.Before(now) {
					last = last.Add(time.Minute)
					often = append(often, stillwater.Entry{Tick: last})
				}
				once = append(once, stillwater.Entry{Tick: now})
			}
			once, often = append(once, e), append(often, e)
		}
		if a, b := runAll(newTestEngine(), once), runAll(newTestEngine(), often); !slices.Equal(a, b) {
			t.Fatalf("a tick each minute changes what is found: %d and %d lines", len(a), len(b))
		}
	})
}

// TestNoDataIsNeverNoUse is law 1: no silence says more than readings vouch for, and none is raised by anything but a reading, except as
// untold allows.
func TestNoDataIsNeverNoUse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := history(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3)), 10)
		e := newTestEngine()
		latest := map[stillwater.HouseholdID]time.Time{}
		w := untold{}
		for i := range entries {
			found, _ := e.Step(&entries[i])
			if r := entries[i].Reading; r != nil && r.Quantity == stillwater.WaterTotal {
				latest[r.Household] = later(latest[r.Household], r.At)
			}
			for _, f := range found {
				if f.Kind != stillwater.Welfare || !f.Ended.IsZero() || strings.HasPrefix(f.Rule, "trend-") {
					continue
				}
				if why := w.refuses(&entries[i], &f); why != "" {
					t.Fatalf("%s raised %s", f.Rule, why)
				}
				if f.Facts.DataTo.After(latest[f.Household]) {
					t.Fatalf("%s says data to %v, the last reading is of %v", f.Rule, f.Facts.DataTo, latest[f.Household])
				}
				if f.Facts.Span > max(0, f.Facts.DataTo.Sub(f.Facts.Since)) {
					t.Fatalf("%s counts %v of stillness from %v with data to %v", f.Rule, f.Facts.Span, f.Facts.Since, f.Facts.DataTo)
				}
			}
			w.take(&entries[i])
		}
	})
}

// untold is of each home whether readings have shown something that was not told yet. Only then can anything but a reading raise a finding
// of how she is, and law 1 stands, for it is by readings all the same:
//
//   - History is judged in the minute after it came, since more of it may follow at once. So a tick may raise what that history shows, or
//     an incident closed in that minute, but only if nothing fresh was read since.
//   - An absence keeps silence from being raised. Who replaces it by a shorter one, or takes it back, lets that be told which readings
//     vouch for after its end: not an hour of the new one, nor of any before an absence that was taken back.
type untold map[stillwater.HouseholdID]struct {
	history bool
	absence *stillwater.Absence // the latest word; nil: none, or taken back
}

// take notes an entry.
func (w untold) take(e *stillwater.Entry) {
	switch {
	case e.Reading != nil:
		s := w[e.Reading.Household]
		s.history = e.Reading.Received.Sub(e.Reading.At) > historyAfter
		w[e.Reading.Household] = s
	case e.Away != nil:
		s := w[e.Away.Household]
		if s.history, s.absence = false, e.Away; e.Away.Back() {
			s.absence = nil
		}
		w[e.Away.Household] = s
	case e.Rearm != "":
		s := w[e.Rearm]
		s.history = false
		w[e.Rearm] = s
	}
}

// refuses says why the entry must not raise the finding; "": it may.
func (w untold) refuses(e *stillwater.Entry, f *stillwater.Finding) string {
	s, a := w[f.Household], e.Away
	switch {
	case e.Reading != nil || a == nil && s.history:
		return ""
	case a == nil:
		return "without a reading, and all that was read is told"
	case s.absence == nil && !s.history:
		return "by an absence, and nothing kept it from being told before"
	case strings.HasPrefix(f.Rule, "silence") && !a.Back() && a.Until.Before(f.Facts.DataTo) && f.Facts.Span > f.Facts.DataTo.Sub(a.Until) && !a.From.After(f.Facts.Since):
		return "by an absence, of hours that are of it"
	case strings.HasPrefix(f.Rule, "silence") && a.Back() && s.absence != nil && !s.absence.From.After(a.At) && f.Facts.Span > f.Facts.DataTo.Sub(earlier(a.At, s.absence.Until)):
		return "by her return, of hours in which she was away"
	}
	return ""
}

// TestTimeLeftIsTheAlert holds the promise of Protection: if all life stops at some moment and the meter goes on reporting, the
// first alert comes exactly when it was said.
func TestTimeLeftIsTheAlert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 4))
		on := append(Defaults(), Rule{Name: "silence-under-10L-24h", Severity: stillwater.Alert, Under: 10, Within: 24 * time.Hour})
		e := New(on)
		every := time.Duration(rapid.SampledFrom([]int{5, 15, 60, 240}).Draw(t, "minutes")) * time.Minute
		e.Put(Home{ID: "h", Location: shanghai, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: every}, {ID: "door", Kind: stillwater.DoorContact}}})
		at, litres, door := monday.UTC(), 100.0, 0.0
		step := func() (alert string) {
			at = at.Add(every)
			found, _ := e.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, Value: litres, At: at, Received: at}})
			for _, f := range found {
				if f.Kind == stillwater.Welfare && f.Severity == stillwater.Alert && f.Ended.IsZero() {
					return f.Rule
				}
			}
			return ""
		}
		for range rapid.IntRange(1, 200).Draw(t, "readings") {
			if rng.IntN(4) == 0 {
				litres += float64(rng.IntN(30))
			}
			if rng.IntN(10) == 0 {
				door = 1 - door
				moment := at.Add(time.Duration(rng.Int64N(int64(every))))
				e.Step(&stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "door", Quantity: stillwater.Door, Value: door, At: moment, Received: moment}})
			}
			step()
		}
		stopped := at.Add(time.Duration(rng.Int64N(int64(every))))
		said, rule := e.Protection("h", stopped)
		for range int(horizon / every) {
			if said.Before(stopped) { // an alert goes on: it was raised in this stillness
				return
			}
			if raised := step(); raised != "" {
				if !at.Equal(said) {
					t.Fatalf("stopped at %v: said %v by %s, raised %v by %s", stopped, said, rule, at, raised)
				}
				return
			}
		}
		if !said.IsZero() {
			t.Fatalf("said %v by %s, and nothing was raised", said, rule)
		}
	})
}
