package expression_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/expression"
	"stillwater/rules"
)

var (
	shanghai = time.FixedZone("CST", 8*3600)
	monday   = time.Date(2026, 11, 2, 0, 0, 0, 0, shanghai)
)

// stage is one home with custom rules, and all that was found in it.
type stage struct {
	t      *testing.T
	engine *rules.Engine
	zone   *time.Location
	found  []string
	ticks  int
}

func custom(t testing.TB, name, when string) rules.Rule {
	t.Helper()
	c, err := expression.Compile(when)
	if err != nil {
		t.Fatalf("%s: %v", when, err)
	}
	return rules.Rule{Name: name, Severity: stillwater.Question, When: when, Condition: c}
}

var devices = []stillwater.Device{{ID: "meter", Kind: stillwater.Meter}, {ID: "door", Kind: stillwater.DoorContact, Every: time.Hour}}

func newStage(t *testing.T, zone *time.Location, list ...rules.Rule) *stage {
	s := &stage{t: t, engine: rules.New(list), zone: zone}
	s.engine.Put(rules.Home{ID: "h", Location: zone, Devices: devices})
	return s
}

// pass lets the time go by to at, as the gateway does.
func (s *stage) pass(at time.Time) {
	for next := s.engine.Next(); !next.IsZero() && !next.After(at); next = s.engine.Next() {
		s.ticks++
		if s.ticks > 20_000 {
			s.t.Fatalf("the engine wakes again and again, at %v", next)
		}
		s.step(stillwater.Entry{Tick: next})
	}
}

func (s *stage) step(e stillwater.Entry) {
	found, _ := s.engine.Step(&e)
	for _, f := range found {
		at, what := f.Began, "begins"
		if !f.Ended.IsZero() {
			at, what = f.Ended, "ends"
		}
		s.found = append(s.found, fmt.Sprintf("%s %s %s %s", at.In(s.zone).Format("02 15:04"), f.Rule, f.Kind, what))
	}
}

// get is a reading that was true at one moment and learned of at another.
func (s *stage) get(device string, q stillwater.Quantity, v float64, at, received time.Time) {
	s.pass(received)
	r := stillwater.Reading{Household: "h", Device: stillwater.DeviceID(device), Quantity: q, Value: v, At: at, Received: received}
	s.step(stillwater.Entry{Reading: &r})
}

func (s *stage) want(lines ...string) {
	s.t.Helper()
	if !slices.Equal(s.found, lines) {
		s.t.Errorf("found\n%s\nwant\n%s", strings.Join(s.found, "\n"), strings.Join(lines, "\n"))
	}
}

// water reads the meter every step from the moment from to the moment to, with so many litres more each time.
func (s *stage) water(counter *float64, from, to time.Time, step time.Duration, litres float64) {
	for at := from; at.Before(to); at = at.Add(step) {
		*counter += litres
		s.get("meter", stillwater.WaterTotal, *counter, at, at)
	}
}

func TestWaterAtNight(t *testing.T) {
	rule := custom(t, "custom-bath", `litres("2h") > 100 and hour < 6`)
	rule.About = stillwater.Water
	s := newStage(t, shanghai, rule)
	counter := 1000.0
	at := func(h, m int) time.Time { return monday.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
	s.water(&counter, at(0, 0), at(20, 0), 10*time.Minute, 0)
	s.water(&counter, at(20, 0), at(21, 0), 10*time.Minute, 30) // in the evening it may
	s.water(&counter, at(21, 0), at(27, 0), 10*time.Minute, 0)
	s.water(&counter, at(27, 0), at(28, 0), 10*time.Minute, 30) // at three it may not
	s.water(&counter, at(28, 0), at(33, 0), 10*time.Minute, 0)
	s.want("03 03:30 custom-bath water begins", "03 05:20 custom-bath water ends")
	if s.ticks != 0 {
		t.Errorf("woken %d times for a rule that only readings can change", s.ticks)
	}
}

// A meter that sends yesterday at two in the morning is judged by the hours of its data. Of what was over by then only water is told.
func TestHourOfTheData(t *testing.T) {
	water := custom(t, "custom-night", `draws("1h") > 0 and hour in 3..4`)
	water.About = stillwater.Water
	s := newStage(t, shanghai, water, custom(t, "custom-restless", `draws("1h") > 0 and hour in 3..4`))
	counter := 1000.0
	for hour := 1; hour <= 24; hour++ {
		if hour == 3 || hour == 14 {
			counter += 20
		}
		s.get("meter", stillwater.WaterTotal, counter, monday.Add(time.Duration(hour)*time.Hour), monday.Add(26*time.Hour+time.Duration(hour)*time.Second))
	}
	s.want("03 02:00 custom-night water begins", "03 02:00 custom-night water ends")
}

func TestDoorAsTimePasses(t *testing.T) {
	for _, test := range []struct {
		zone  *time.Location
		when  string
		ticks int
		want  []string
	}{
		{shanghai, `door == "open" and hour in 0..5`, 10, []string{"03 00:00 custom-door welfare begins", "03 06:00 custom-door welfare ends"}},
		{time.FixedZone("IST", 5*3600+1800), `door == "open" and hour in 0..5`, 10, []string{"03 00:00 custom-door welfare begins", "03 06:00 custom-door welfare ends"}},
		{shanghai, `door_open_minutes > 30`, 57, []string{"02 22:50 custom-door welfare begins", "03 07:15 custom-door welfare ends"}},
		{shanghai, `hours_since_door > 2`, 90, []string{"03 00:20 custom-door welfare begins", "03 07:15 custom-door welfare ends"}},
	} {
		s := newStage(t, test.zone, custom(t, "custom-door", test.when))
		day := time.Date(2026, 11, 2, 0, 0, 0, 0, test.zone)
		for h := 18; h <= 33; h++ { // it says hourly how it stands
			at := day.Add(time.Duration(h)*time.Hour + 15*time.Minute)
			state := 0.0
			if h >= 22 && h < 31 {
				state = stillwater.Open
			}
			s.get("door", stillwater.Door, state, at, at)
		}
		s.want(test.want...)
		if s.ticks > test.ticks+5 {
			t.Errorf("%s: woken %d times", test.when, s.ticks)
		}
	}
}

// No data neither begins nor ends anything.
func TestNoDataDecidesNothing(t *testing.T) {
	s := newStage(t, shanghai, custom(t, "custom-dry", `litres("6h") < 5`), custom(t, "custom-quiet", `hours_since_door > 5`))
	counter := 1000.0
	at := func(h int) time.Time { return monday.Add(time.Duration(h) * time.Hour) }
	s.get("door", stillwater.Door, 0, at(0), at(0))
	s.get("door", stillwater.Door, stillwater.Open, at(0).Add(time.Minute), at(0).Add(time.Minute))
	s.get("door", stillwater.Door, 0, at(0).Add(2*time.Minute), at(0).Add(2*time.Minute))
	s.water(&counter, at(1), at(5), time.Hour, 0) // the window is not whole, and the contact is quiet for too long
	s.want()
	s.water(&counter, at(5), at(9), time.Hour, 0)
	s.want("02 07:00 custom-dry welfare begins")
	counter = 0 // another meter, and for hours nothing is known
	s.water(&counter, at(9), at(14), time.Hour, 0)
	s.want("02 07:00 custom-dry welfare begins")
	s.water(&counter, at(14), at(20), time.Hour, 8)
	s.want("02 07:00 custom-dry welfare begins", "02 15:00 custom-dry welfare ends")
}

// Of what a reading says of a longer time than the window, nothing is known of the window; of a draw that began before it, its share.
func TestWindows(t *testing.T) {
	s := newStage(t, shanghai, custom(t, "custom-much", `litres("2h") > 100`), custom(t, "custom-share", `89 < litres("90 min") < 91`), custom(t, "custom-dry", `hours_since_water >= 4`))
	counter := 1000.0
	at := func(h int) time.Time { return monday.Add(time.Duration(h) * time.Hour) }
	s.water(&counter, at(0), at(4), time.Hour, 0)
	counter += 800
	s.water(&counter, at(12), at(13), time.Hour, 0) // 800 L in nine hours: when, nobody knows
	s.want()
	s.water(&counter, at(13), at(15), time.Hour, 0)
	s.water(&counter, at(15), at(17), time.Hour, 60)
	s.want("02 16:00 custom-much welfare begins", "02 16:00 custom-share welfare begins")
	s.found = nil
	counter = 0
	s.water(&counter, at(17), at(22), time.Hour, 0) // another meter: what was before it is not known
	s.want("02 19:00 custom-much welfare ends", "02 19:00 custom-share welfare ends", "02 21:00 custom-dry welfare begins")
}

// A drip by the minute makes more draws than are kept exactly, and short windows are right all the same.
func TestDrip(t *testing.T) {
	s := newStage(t, shanghai, custom(t, "custom-burst", `litres("5m") > 30 and litres("48h") > 200`))
	counter := 1000.0
	at := func(h, m int) time.Time { return monday.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute) }
	s.water(&counter, at(0, 0), at(60, 0), time.Minute, 0.1)
	s.water(&counter, at(60, 0), at(60, 4), time.Minute, 10)
	s.water(&counter, at(60, 4), at(61, 0), time.Minute, 0.1)
	s.want("04 12:02 custom-burst welfare begins", "04 12:06 custom-burst welfare ends")
}

func TestCalendarOfTheEngine(t *testing.T) {
	s := newStage(t, shanghai, custom(t, "custom-rest", `restday and door == "open"`), custom(t, "custom-feast", `festival and door == "open"`))
	s.engine.Keep(func(_ int, _ time.Month, day int) rules.DayKind {
		if day == 3 {
			return rules.Festival
		}
		return rules.Workday
	})
	for h := 20; h < 50; h++ {
		at := monday.Add(time.Duration(h)*time.Hour + time.Minute)
		s.get("door", stillwater.Door, stillwater.Open, at, at)
	}
	s.want("03 00:00 custom-rest welfare begins", "03 00:00 custom-feast welfare begins", "04 00:00 custom-rest welfare ends", "04 00:00 custom-feast welfare ends")
}

func TestUncompiledIsRefused(t *testing.T) {
	defer func() {
		if said := recover(); said == nil {
			t.Error("a rule that can never speak was taken")
		}
	}()
	rules.New([]rules.Rule{{Name: "custom-x", Severity: stillwater.Alert, When: "night"}})
}

// every rule of the language, for the restarts.
func many(t testing.TB) []rules.Rule {
	var list []rules.Rule
	for i, when := range []string{
		`still_hours > 3 and night`, `still_hours > usual_hours`, `litres("2h") > 60`, `draws("6h") == 0 and hour > 8`, `door == "open" and hour in 22..23`, `door_open_minutes > 45`,
		`hours_since_door > 5 or hours_since_water > 5`, `data_age_hours > 2`, `weekday == "tuesday"`, `covered_days > 2 and workday`, `month == 11 and litres("48h") / 2 > litres("24h")`,
	} {
		list = append(list, custom(t, fmt.Sprint("custom-", i), when))
	}
	return list
}

func journal(rng *rand.Rand) []stillwater.Entry {
	var entries []stillwater.Entry
	at, end := monday.UTC(), monday.UTC().AddDate(0, 0, 6)
	counter, door := 1000.0, 0.0
	for at.Before(end) {
		at = at.Add(time.Duration(1+rng.IntN(40)) * time.Minute)
		r := stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, At: at, Received: at}
		switch rng.IntN(30) {
		case 0:
			at = at.Add(time.Duration(rng.IntN(12)) * time.Hour)
			continue
		case 1, 2, 3, 4, 5:
			door = 1 - door
			r.Device, r.Quantity, r.Value = "door", stillwater.Door, door
		case 6:
			counter = 0
		case 7, 8, 9:
			counter += float64(rng.IntN(60))
		}
		if r.Device == "meter" {
			r.Value = counter
		}
		if rng.IntN(20) == 0 {
			r.At = r.At.Add(-time.Duration(rng.IntN(90)) * time.Minute)
		}
		entries = append(entries, stillwater.Entry{Reading: &r})
	}
	return entries
}

// replay steps through the entries, with ticks when they fall due, and perhaps with a restart after one in so many.
func replay(t *testing.T, entries []stillwater.Entry, restart func() bool) []string {
	list := many(t)
	fresh := func() *rules.Engine {
		e := rules.New(list)
		e.Put(rules.Home{ID: "h", Location: shanghai, Devices: devices})
		return e
	}
	e := fresh()
	var all []string
	note := func(entry stillwater.Entry) {
		found, _ := e.Step(&entry)
		for _, f := range found {
			line, _ := json.Marshal(f)
			all = append(all, string(line))
		}
	}
	for _, entry := range entries {
		for next := e.Next(); !next.IsZero() && !next.After(entry.Reading.Received); next = e.Next() {
			note(stillwater.Entry{Tick: next})
		}
		note(entry)
		if restart() {
			var memory []byte
			everything := func(stillwater.HouseholdID) bool { return true }
			if err := e.Changed(everything, func(_ stillwater.HouseholdID, data []byte) { memory = slices.Clone(data) }); err != nil {
				t.Fatal(err)
			}
			e = fresh()
			if err := e.Restore("h", memory); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// Restarts change nothing, and neither do the same rules in two engines at once.
func TestRestarts(t *testing.T) {
	total := 0
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		entries := journal(rng)
		want := replay(t, entries, func() bool { return false })
		got := replay(t, entries, func() bool { return rng.IntN(10) == 0 })
		if !slices.Equal(got, want) {
			i := 0
			for i < min(len(got), len(want)) && got[i] == want[i] {
				i++
			}
			t.Fatalf("seed %d: %d findings with restarts, %d without; after %d the same:\n%s\n%s", seed, len(got), len(want), i, strings.Join(got[i:min(i+1, len(got))], ""), strings.Join(want[i:min(i+1, len(want))], ""))
		}
		total += len(want)
	}
	if total < 500 {
		t.Errorf("only %d findings began or ended", total)
	}
}

// BenchmarkReading is a reading of a home with one custom rule, besides what the engine does anyway.
func BenchmarkReading(b *testing.B) {
	for _, list := range [][]rules.Rule{nil, {custom(b, "custom-bath", `litres("6h") > 300 and hour < 6`)}, {custom(b, "custom-still", `still_hours > 8 and door == "open"`)}} {
		name := "none"
		if len(list) > 0 {
			name = list[0].Name
		}
		b.Run(name, func(b *testing.B) {
			e := rules.New(list)
			e.Put(rules.Home{ID: "h", Location: shanghai, Devices: devices})
			at, counter := monday.UTC(), 0.0
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				at = at.Add(15 * time.Minute)
				if i%4 == 0 {
					counter += 9
				}
				r := stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, Value: counter, At: at, Received: at}
				e.Step(&stillwater.Entry{Reading: &r})
			}
		})
	}
}
