package rules

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stillwater"
)

var update = flag.Bool("update", false, "rewrite what the scenarios expect; look at the difference before you keep it")

// TestScenarios plays the files in testdata. Above the line ---- stands what happens, below it what is found:
//
//	device meter meter every 1h        a device of the home: its name, its kind, how often it reports (may be left out)
//	d1 08:00 meter 1200                the counter shows 1200 L at 08:00 of the first day
//	d1 09:00..d2 08:00 1h meter same   a row of readings, one each hour, unchanged (or +5: 5 L more each time)
//	d1 08:10 door open                 open, closed; alive, gone, activity for other devices; "undated" behind it: of unknown age
//	d1 09:00 got meter 1200 at 07:00   learned of at 09:00, true at 07:00
//	d1..d28 08:10 door passes          on each of these days; passes: it opens, and closes 15 s later
//	d1..d28 07:05 meter uses 6         6 L are drawn; what the meter then shows is for it to report:
//	d1..d28 00:00..23:45 15m meter shows
//	d2..d9 02:00 meter uploads 1       each night it sends what it showed at the hours of the day before (of so many days)
//	d2 12:00 tick                      nothing happens, and time goes by
//	d2 12:00 rearm                     people closed an incident
//	d2 12:00 resumed                   the gateway was away until now
//	d2 12:00 away d2 14:00 d9 18:00    people said that nobody is in from then until then
//	d2 12:00 back                      people said that she is back
//	residents 2                        how many live there
//
// Times are local times of the home (Asia/Shanghai), from a Monday on.
func TestScenarios(t *testing.T) {
	files(t, "testdata/*.txt", 10, func(t *testing.T, script string) string {
		got := play(t, script, false)
		if again := play(t, script, true); again != got {
			t.Errorf("stopped and rebuilt at each step, found\n%s\nwant\n%s", again, got)
		}
		return got
	})
}

// files plays each file, of which there must be some, and holds what is found against what stands below its line ----; with -update that
// is written anew.
func files(t *testing.T, pattern string, least int, play func(t *testing.T, script string) string) {
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) < least {
		t.Fatalf("found %d scenarios (%v)", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			script, want, ok := strings.Cut(string(data), "----\n")
			if !ok {
				t.Fatal("no line ---- between what happens and what is found")
			}
			got := play(t, script)
			if *update {
				if err := os.WriteFile(name, []byte(script+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("found\n%s\nwant\n%s", got, want)
			}
		})
	}
}

var (
	shanghai = time.FixedZone("CST", 8*3600)
	monday   = time.Date(2026, 11, 2, 0, 0, 0, 0, shanghai)
)

// stage is a scenario being played.
type stage struct {
	t      *testing.T
	spec   Home
	engine *Engine
	value  map[string]float64
	events []event
	uses   []use

	rebuild  func() *Engine
	restarts bool

	out strings.Builder
}

// use is water drawn.
type use struct {
	at     time.Time
	meter  string
	litres float64
}

type event struct {
	at    time.Time
	entry stillwater.Entry
}

// play plays a script; with restarts the engine is rebuilt from its snapshot before each step.
func play(t *testing.T, script string, restarts bool) string {
	s := &stage{t: t, spec: Home{ID: "h", Location: shanghai}, value: map[string]float64{}}
	for n, line := range strings.Split(script, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			if err := s.line(fields); err != nil {
				t.Fatalf("line %d: %v", n+1, err)
			}
		}
	}
	s.rebuild = func() *Engine {
		e := New(append(Defaults(), OnTrial(Defaults())...))
		e.Put(s.spec)
		return e
	}
	s.engine, s.restarts = s.rebuild(), restarts
	s.shown()
	slices.SortStableFunc(s.events, func(a, b event) int { return a.at.Compare(b.at) })
	for _, e := range s.events {
		away := !e.entry.Resumed.IsZero() // and then nobody counted the minutes
		for next := s.engine.Next(); !away && !next.IsZero() && !next.After(e.at); next = s.engine.Next() {
			s.step(stillwater.Entry{Tick: next})
		}
		s.step(e.entry)
	}
	return s.out.String()
}

func (s *stage) step(e stillwater.Entry) {
	if s.restarts {
		memories := snapshots(s.t, s.engine)
		s.engine = s.rebuild()
		for id, data := range memories {
			if err := s.engine.Restore(id, data); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	found, outcome := s.engine.Step(&e)
	if e.Reading != nil && !slices.Contains([]Outcome{Accepted, First}, outcome) {
		fmt.Fprintf(&s.out, "%s %s %s %s\n", moment(e.Reading.Received), e.Reading.Device, e.Reading.Quantity, outcome)
	}
	for _, f := range found {
		if f.Trial {
			continue
		}
		what, when := "began", f.Began
		if !f.Ended.IsZero() {
			what, when = "ended", f.Ended
		}
		fmt.Fprintf(&s.out, "%s %s %s", moment(when), f.Rule, what)
		if f.Ended.IsZero() {
			fmt.Fprintf(&s.out, " %s, since %s", f.Severity, moment(f.Facts.Since))
			if f.Facts.Litres > 0 {
				fmt.Fprintf(&s.out, ", %v", f.Facts.Litres)
			}
			if f.Kind != stillwater.Equipment && f.Kind != stillwater.DoorKind {
				fmt.Fprintf(&s.out, ", data to %s", moment(f.Facts.DataTo))
			}
			if t := f.Facts.Trend; t != nil {
				fmt.Fprintf(&s.out, ", %s", changed(t))
			}
			if f.Facts.Doubt != "" && f.Kind == stillwater.Welfare {
				fmt.Fprintf(&s.out, ", door not believed: %s", f.Facts.Doubt)
			}
		}
		if f.Facts.Residents > 0 && f.Ended.IsZero() {
			fmt.Fprintf(&s.out, ", one of %d", f.Facts.Residents)
		}
		if f.Device != "" {
			fmt.Fprintf(&s.out, " (%s)", f.Device)
		}
		s.out.WriteByte('\n')
	}
}

// changed is what a trend says.
func changed(t *stillwater.Trend) string {
	clock := func(d time.Duration) string { return time.Time{}.Add(d).Format("15:04") }
	switch {
	case t.FirstNow > 0:
		return fmt.Sprintf("first use at %s, was %s, for %d weeks", clock(t.FirstNow), clock(t.FirstBefore), t.Weeks)
	case t.UseBefore > 0:
		return fmt.Sprintf("%.0f L a day, was %.0f, for %d weeks", float64(t.UseNow), float64(t.UseBefore), t.Weeks)
	}
	return fmt.Sprintf("%.1f uses a night, was %.1f, for %d weeks", t.NightNow, t.NightBefore, t.Weeks)
}

func moment(t time.Time) string {
	days := int(t.Sub(monday)/(24*time.Hour)) + 1
	return fmt.Sprintf("d%d %s", days, t.In(shanghai).Format("15:04"))
}

func (s *stage) line(f []string) error {
	if f[0] == "device" {
		d := stillwater.Device{ID: stillwater.DeviceID(f[1]), Kind: stillwater.DeviceKind(f[2])}
		if len(f) == 5 {
			every, err := stillwater.ParseSpan(f[4])
			if err != nil {
				return err
			}
			d.Every = every
		}
		s.spec.Devices = append(s.spec.Devices, d)
		return nil
	}
	if first, last, isDays := strings.Cut(f[0], ".."); isDays {
		return s.days(first, last, f)
	}
	if f[0] == "residents" {
		n, err := strconv.Atoi(f[1])
		s.spec.Residents = n
		return err
	}
	from, to, isRow := strings.Cut(f[1], "..")
	at, err := parseMoment(f[0], from)
	if err != nil {
		return err
	}
	if !isRow {
		return s.event(at, f[2:])
	}
	day, rest := f[0], f[2:]
	if strings.HasPrefix(to, "d") {
		day, to, rest = to, f[2], f[3:]
	}
	end, err := parseMoment(day, to)
	if err != nil {
		return err
	}
	step, err := stillwater.ParseSpan(rest[0])
	if err != nil {
		return err
	}
	for ; !at.After(end); at = at.Add(step) {
		if err := s.event(at, rest[1:]); err != nil {
			return err
		}
	}
	return nil
}

// days plays a line on each of some days.
func (s *stage) days(first, last string, f []string) error {
	from, err := strconv.Atoi(strings.TrimPrefix(first, "d"))
	if err != nil {
		return err
	}
	to, err := strconv.Atoi(strings.TrimPrefix(last, "d"))
	for day := from; day <= to && err == nil; day++ {
		err = s.line(append([]string{fmt.Sprint("d", day)}, f[1:]...))
	}
	return err
}

// shown fills in what meters show: all that was used up to then.
func (s *stage) shown() {
	slices.SortStableFunc(s.uses, func(a, b use) int { return a.at.Compare(b.at) })
	for _, e := range s.events {
		r := e.entry.Reading
		if r == nil || !math.IsNaN(r.Value) {
			continue
		}
		r.Value = 1000
		for _, u := range s.uses {
			if u.meter == string(r.Device) && !u.at.After(r.At) {
				r.Value += u.litres
			}
		}
	}
}

func parseMoment(day, clock string) (time.Time, error) {
	d, err := strconv.Atoi(strings.TrimPrefix(day, "d"))
	if err != nil {
		return time.Time{}, err
	}
	c, err := time.Parse("15:04", clock)
	return monday.AddDate(0, 0, d-1).Add(time.Duration(c.Hour())*time.Hour + time.Duration(c.Minute())*time.Minute), err
}

func (s *stage) event(at time.Time, f []string) error {
	switch f[0] {
	case "tick":
		s.events = append(s.events, event{at, stillwater.Entry{Tick: at}})
		return nil
	case "rearm":
		s.events = append(s.events, event{at, stillwater.Entry{Rearm: "h", At: at}})
		return nil
	case "away":
		a := &stillwater.Absence{Household: "h", At: at}
		var err, err2 error
		a.From, err = parseMoment(f[1], f[2])
		a.Until, err2 = parseMoment(f[3], f[4])
		s.events = append(s.events, event{at, stillwater.Entry{Away: a}})
		return errors.Join(err, err2)
	case "back":
		s.events = append(s.events, event{at, stillwater.Entry{Away: &stillwater.Absence{Household: "h", At: at}}})
		return nil
	case "resumed":
		s.events = append(s.events, event{at, stillwater.Entry{Resumed: at}})
		return nil
	}
	if f[1] == "passes" {
		if err := s.event(at, []string{f[0], "open"}); err != nil {
			return err
		}
		return s.event(at.Add(15*time.Second), []string{f[0], "closed"})
	}
	if f[1] == "uploads" {
		return s.upload(at, f[0], f[2])
	}
	if f[1] == "uses" {
		n, err := strconv.ParseFloat(f[2], 64)
		s.uses = append(s.uses, use{at, f[0], n})
		return err
	}
	r := &stillwater.Reading{Household: "h", At: at, Received: at}
	if f[0] == "got" { // got DEVICE VALUE at [dN] HH:MM
		f = f[1:]
		day := f[len(f)-2]
		if day == "at" {
			day = moment(at)
			day, _, _ = strings.Cut(day, " ")
		}
		var err error
		if r.At, err = parseMoment(day, f[len(f)-1]); err != nil {
			return err
		}
		f = f[:2]
	}
	r.Device = stillwater.DeviceID(f[0])
	r.Undated = slices.Contains(f, "undated")
	r.Quantity, r.Value = s.read(f[0], f[1])
	s.events = append(s.events, event{at, stillwater.Entry{Reading: r}})
	return nil
}

// upload sends what a meter showed at each hour of the days before a day.
func (s *stage) upload(at time.Time, device, days string) error {
	n, err := strconv.Atoi(days)
	to := at.Truncate(time.Hour).Add(-time.Duration(at.Hour()) * time.Hour)
	for hour := to.AddDate(0, 0, -n).Add(time.Hour); !hour.After(to); hour = hour.Add(time.Hour) {
		s.events = append(s.events, event{at, stillwater.Entry{Reading: &stillwater.Reading{
			Household: "h", Device: stillwater.DeviceID(device), Quantity: stillwater.WaterTotal, Value: math.NaN(), At: hour, Received: at,
		}}})
	}
	return err
}

func (s *stage) read(device, text string) (stillwater.Quantity, float64) {
	switch text {
	case "open":
		return stillwater.Door, stillwater.Open
	case "closed":
		return stillwater.Door, stillwater.Closed
	case "alive":
		return stillwater.Alive, 1
	case "gone":
		return stillwater.Gone, 1
	case "activity":
		return stillwater.Activity, 1
	case "shows": // see stage.shown
		return stillwater.WaterTotal, math.NaN()
	case "same":
		return stillwater.WaterTotal, s.value[device]
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		s.t.Fatalf("value %q", text)
	}
	if strings.HasPrefix(text, "+") {
		v += s.value[device]
	}
	s.value[device] = v
	return stillwater.WaterTotal, v
}
