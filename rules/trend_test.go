package rules

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"stillwater"
)

// ways are how somebody lives whose weeks are watched.
type ways struct {
	nights float64 // uses a night
	over   float64 // the shape of their gamma distribution from night to night; 0: they are Poisson
	litres float64 // a use by day
	uses   float64 // by day
	rise   float64 // o'clock
	late   float64 // standard deviation of rising, hours
	season float64 // part by which litres follow the seasons; rising does by 20 minutes for a tenth
	lost   float64 // how many of the days have a hole
	out    float64 // and on how many nobody is in
	hardly bool    // she is in to rise and to go to bed
}

var steady = ways{nights: 1, litres: 7, uses: 13, rise: 6.5, late: 0.4, season: 0.1, lost: 0.08, out: 0.03}

// drifted are the ways after each of the three changes.
func (w ways) drifted(of trendOf) ways {
	switch of {
	case ofNight:
		w.nights = 3
	case ofUse:
		w.litres *= 0.6
	case ofFirst:
		w.rise += 1.5
	}
	return w
}

// sitter is a home with a meter whose weeks are watched, and nothing else of it.
type sitter struct {
	t      fataler
	rng    *rand.Rand
	engine *Engine
	every  time.Duration
	at     time.Time // a local midnight
	litres float64
	daily  bool // the meter sends a day at two in the morning after it
	found  []stillwater.Finding
	taps   []stillwater.Entry
	record bool
}

func trendRules() []Rule {
	return slices.DeleteFunc(Defaults(), func(r Rule) bool { _, is := detectorOf(r.Name).(trend); return !is })
}

func newSitter(t fataler, seed uint64, zone *time.Location, every time.Duration, list []Rule) *sitter {
	s := &sitter{t: t, rng: rand.New(rand.NewPCG(seed, 17)), engine: New(list), every: every, litres: 1000}
	s.engine.Put(Home{ID: "h", Location: zone, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: every}}})
	s.at = time.Date(2026, 1, 5, 0, 0, 0, 0, zone) // a Monday
	return s
}

// weeks plays weeks of a life.
func (s *sitter) weeks(n int, w ways) {
	for range n * weekDays {
		s.day(w)
	}
}

// day plays a day of it.
func (s *sitter) day(w ways) {
	next := s.at.AddDate(0, 0, 1)
	uses := s.plan(w)
	hole := -1
	if s.rng.Float64() < w.lost {
		hole = 6 + s.rng.IntN(6) // o'clock; for so long and longer the meter is not heard
	}
	var batch []stillwater.Reading
	for at := s.at.Add(s.every); !at.After(next); at = at.Add(s.every) {
		for len(uses) > 0 && !uses[0].at.After(at) {
			s.litres += uses[0].litres
			uses = uses[1:]
		}
		if hour := at.Sub(s.at).Hours(); hole >= 0 && hour >= float64(hole) && hour < float64(hole)+8 {
			continue
		}
		r := stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, Value: math.Floor(s.litres), At: at, Received: at}
		if s.daily {
			r.Received = next.Add(2 * time.Hour)
		}
		batch = append(batch, r)
	}
	if s.daily {
		s.tick(next.Add(2 * time.Hour))
	}
	for i := range batch {
		s.tick(batch[i].Received)
		s.step(stillwater.Entry{Reading: &batch[i]})
	}
	s.at = next
}

// plan is the water of a day, in order.
func (s *sitter) plan(w ways) (uses []use) {
	if s.rng.Float64() < w.out {
		return nil
	}
	at := func(hour float64) time.Time {
		y, m, d := s.at.Date()
		return time.Date(y, m, d, 0, 0, int(hour*3600), 0, s.at.Location())
	}
	year := math.Sin(2 * math.Pi * float64(s.at.YearDay()) / 365)
	mean := w.nights
	if w.over > 0 {
		mean *= gamma(s.rng, w.over)
	}
	for range poisson(s.rng, mean) {
		uses = append(uses, use{at: at(5 * s.rng.Float64()), litres: 6})
	}
	rise := w.rise + w.late*s.rng.NormFloat64() + w.season*year*10/3
	size := w.litres * (1 + w.season*year)
	if day := s.at.Weekday(); day == time.Saturday || day == time.Sunday {
		rise, size = rise+0.3, size*1.2
	}
	uses = append(uses, use{at: at(rise), litres: 6})
	if w.hardly {
		return append(uses, use{at: at(21), litres: 6})
	}
	for range max(4, poisson(s.rng, w.uses)) {
		uses = append(uses, use{at: at(rise + (22-rise)*s.rng.Float64()), litres: size * s.rng.ExpFloat64()})
	}
	slices.SortStableFunc(uses, func(a, b use) int { return a.at.Compare(b.at) })
	return uses
}

func poisson(rng *rand.Rand, mean float64) (n int) {
	for p := rng.Float64(); p > math.Exp(-mean); n++ {
		p *= rng.Float64()
	}
	return n
}

// gamma is of mean one, the larger the shape the narrower.
func gamma(rng *rand.Rand, shape float64) (sum float64) {
	for range int(shape) {
		sum += rng.ExpFloat64() / shape
	}
	return sum
}

func (s *sitter) tick(to time.Time) {
	for next := s.engine.Next(); !next.IsZero() && !next.After(to); next = s.engine.Next() {
		s.step(stillwater.Entry{Tick: next})
	}
}

func (s *sitter) step(e stillwater.Entry) {
	if s.record {
		s.taps = append(s.taps, e)
	}
	found, _ := s.engine.Step(&e)
	s.found = append(s.found, found...)
}

// told are the trends that began.
func (s *sitter) told() (all []stillwater.Finding) {
	for _, f := range s.found {
		if f.Facts.Trend != nil && f.Ended.IsZero() {
			all = append(all, f)
		}
	}
	return all
}

// lives are homes of many ways.
func lives(rng *rand.Rand) ways {
	w := steady
	w.nights = []float64{0.3, 0.7, 1, 2}[rng.IntN(4)]
	if rng.IntN(2) == 0 {
		w.over = 3
	}
	w.litres, w.uses = 4+8*rng.Float64(), 8+10*rng.Float64()
	w.rise, w.late = 5.5+2.5*rng.Float64(), 0.25+0.5*rng.Float64()
	return w
}

// TestTrendFalseRate is the false rate that the comment of trend states: homes in which nothing changes.
func TestTrendFalseRate(t *testing.T) {
	const homes, years = 60, 3
	count := map[string]int{}
	for i := range homes {
		rng := rand.New(rand.NewPCG(uint64(i), 3))
		s := newSitter(t, uint64(i), shanghai, []time.Duration{time.Hour, 15 * time.Minute}[i%2], trendRules())
		s.weeks(years*52, lives(rng))
		for _, f := range s.told() {
			count[f.Rule]++
		}
	}
	all := 0
	for _, n := range count {
		all += n
	}
	rate := float64(all) / homes / years
	t.Logf("%v in %d home-years: %.3f a home and year", count, homes*years, rate)
	if rate > 0.15 {
		t.Errorf("%.3f false notices a home and year", rate)
	}
}

// TestTrendPower is the power that it states: how many weeks until a change is told, in homes that are known.
func TestTrendPower(t *testing.T) {
	const homes, wait = 40, 16
	for of, rule := range []string{"trend-night", "trend-use", "trend-first"} {
		var after []int
		for i := range homes {
			rng := rand.New(rand.NewPCG(uint64(i), 4))
			s := newSitter(t, uint64(i), shanghai, time.Hour, trendRules())
			w := lives(rng)
			w.nights = min(w.nights, 1)
			s.weeks(26+i, w)
			from := s.at
			s.weeks(wait, w.drifted(trendOf(of)))
			for _, f := range s.told() {
				if f.Rule == rule && f.Began.After(from) {
					after = append(after, int(math.Round(f.Began.Sub(from).Hours()/24/7)))
					break
				}
			}
		}
		slices.Sort(after)
		t.Logf("%s: %d of %d told, after %v weeks", rule, len(after), homes, after)
		if len(after) < homes*8/10 || after[len(after)/2] > 5 {
			t.Errorf("%s: %d of %d told", rule, len(after), homes)
		}
	}
}

// TestTrendOnce: a level that shifts is told once, for a week, and not again while it stays; nor is the way back to what was usual.
func TestTrendOnce(t *testing.T) {
	for of, rule := range []string{"trend-night", "trend-use", "trend-first"} {
		t.Run(rule, func(t *testing.T) {
			calm := ways{nights: 1, litres: 7, uses: 14, rise: 6.5, late: 0.25}
			s := newSitter(t, uint64(of), shanghai, 15*time.Minute, trendRules())
			s.weeks(20, calm)
			if all := s.told(); len(all) > 0 {
				t.Fatalf("told %s of a steady home", all[0].Rule)
			}
			s.weeks(30, calm.drifted(trendOf(of)))
			s.weeks(30, calm)
			all := s.told()
			if len(all) != 1 || all[0].Rule != rule {
				t.Fatalf("told %v", asText(all))
			}
			began := all[0].Began.In(shanghai)
			if began.Weekday() != time.Monday || began.Hour() != trendHour || began.Minute() != 0 || began.Second() != 0 {
				t.Errorf("told at %v", began)
			}
			last := s.found[len(s.found)-1]
			if last.Rule != rule || last.Ended.Sub(last.Began) != trendTells {
				t.Errorf("stood from %v to %v", last.Began, last.Ended)
			}
			plausible(t, trendOf(of), all[0].Facts.Trend)
		})
	}
}

// TestTrendEnds: a notice is over after a week although nothing more is heard of the home.
func TestTrendEnds(t *testing.T) {
	s := newSitter(t, 5, shanghai, time.Hour, trendRules())
	calm := ways{nights: 1, litres: 7, uses: 14, rise: 6.5, late: 0.25}
	for s.weeks(20, calm); len(s.told()) == 0; {
		s.day(calm.drifted(ofNight))
	}
	s.tick(s.at.AddDate(0, 0, 30))
	if last := s.found[len(s.found)-1]; last.Ended.Sub(last.Began) != trendTells {
		t.Errorf("stood from %v to %v", last.Began, last.Ended)
	}
}

// plausible: what is told is near what was.
func plausible(t *testing.T, of trendOf, told *stillwater.Trend) {
	t.Helper()
	near := func(name string, got, want, by float64) {
		if math.Abs(got-want) > by {
			t.Errorf("%s is told as %v, want about %v", name, got, want)
		}
	}
	switch of {
	case ofNight:
		near("before", told.NightBefore, 1, 0.5)
		near("now", told.NightNow, 3, 1)
	case ofUse:
		near("part left", float64(told.UseNow/told.UseBefore), 0.6, 0.12)
	case ofFirst:
		near("before", told.FirstBefore.Hours(), 6.5, 0.3)
		near("now", told.FirstNow.Hours(), 8, 0.4)
	}
}

// TestTrendLaws is law 4 for what takes months: the same journal gives the same findings when the engine is stopped and rebuilt at random
// points, when it judges at every reading, when the readings come once a day, and up to any cut.
func TestTrendLaws(t *testing.T) {
	told := 0
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 5))
		s := newSitter(t, seed, shanghai, 2*time.Hour, Defaults())
		s.record = true
		if s.daily = seed%2 == 0; s.daily {
			s.engine.Put(Home{ID: "h", Location: shanghai, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: 24 * time.Hour}}})
		}
		w := lives(rng)
		w.nights = min(w.nights, 1)
		s.weeks(10+rng.IntN(6), w)
		s.weeks(10, w.drifted(trendOf(rng.IntN(3))))
		if err := sameTrends(rng, s.engine.homes.of("h").Devices[0].said.every, s.taps, asText(s.found)); err != "" {
			t.Errorf("seed %d: %s", seed, err)
		}
		told += len(s.told())
	}
	if told < 4 {
		t.Errorf("%d told: the journals show too little", told)
	}
}

// sameTrends holds other ways through the journal against what was found.
func sameTrends(rng *rand.Rand, every time.Duration, entries []stillwater.Entry, want []string) string {
	cut := rng.IntN(len(entries))
	fresh := func() *Engine {
		e := New(Defaults())
		e.Put(Home{ID: "h", Location: shanghai, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: every}}})
		return e
	}
	stopped, slow, short := fresh(), fresh(), fresh()
	slow.always = true
	var a, b, c []string
	for i := range entries {
		if rng.IntN(300) == 0 {
			next, broken := fresh(), error(nil)
			err := stopped.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) { broken = next.Restore(id, data) })
			if err = cmp.Or(err, broken); err != nil {
				return err.Error()
			}
			stopped = next
		}
		found, _ := stopped.Step(&entries[i])
		a = append(a, asText(found)...)
		found, _ = slow.Step(&entries[i])
		b = append(b, asText(found)...)
		if i < cut {
			found, _ = short.Step(&entries[i])
			c = append(c, asText(found)...)
		}
	}
	switch {
	case !slices.Equal(a, want):
		return fmt.Sprint("stopped and rebuilt: ", difference(a, want))
	case !slices.Equal(b, want):
		return fmt.Sprint("judged at every reading: ", difference(b, want))
	case !slices.Equal(c, want[:len(c)]):
		return fmt.Sprint("cut short: ", difference(c, want[:len(c)]))
	}
	return ""
}

// TestTrendNeedsNoAlarm: a rule of a trend can be a notice alone, and has no numbers.
func TestTrendNeedsNoAlarm(t *testing.T) {
	for problem, r := range map[string]Rule{
		`rule "trend-night" is for prevention and never an alarm; write severity: notice`: {Name: "trend-night", Severity: stillwater.Alert},
		`rule "trend-use-much" does not use over; take the line out`:                      {Name: "trend-use-much", Severity: stillwater.Notice, Over: 3},
		`rule "trend" begins with no detector; did you mean "trend-first"?`:               {Name: "trend", Severity: stillwater.Notice},
		`rule "trend-first" does not use budget; take the line out`:                       {Name: "trend-first", Severity: stillwater.Notice, Budget: 1},
	} {
		var got []string
		r.Validate(func(_ any, p string) { got = append(got, p) })
		if len(got) != 1 || !strings.HasPrefix(got[0], problem) {
			t.Errorf("%s: %q", r.Name, got)
		}
	}
}

// TestTrendRoom: what a home remembers of its weeks stays small.
func TestTrendRoom(t *testing.T) {
	if size := unsafe.Sizeof(trends{}); size > 96 {
		t.Errorf("%d bytes a home", size)
	}
}
