package rules

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// diary is what the slow, obvious way makes of a journal: it keeps every reading of the one meter, and looks at each day for itself.
type diary struct {
	zone     *time.Location
	readings []stillwater.Reading
	absences []stillwater.Absence
	closed   []time.Time
	festival func(time.Time) bool
}

// oracleDay is a local day by its date.
type oracleDay struct {
	whole  bool
	litres float64
	clocks []int // of uses in tenths of an hour
}

// days are those that the readings vouch for to their ends.
func (d *diary) days() (from time.Time, all []oracleDay) {
	midnight := func(t time.Time) time.Time {
		y, m, day := t.In(d.zone).Date()
		return time.Date(y, m, day, 0, 0, 0, 0, d.zone)
	}
	first, last := d.readings[0].At, d.readings[len(d.readings)-1].At
	from = midnight(first)
	from = from.AddDate(0, 0, -(int(from.Weekday())+6)%7)
	for day := from; !day.AddDate(0, 0, 1).After(last); day = day.AddDate(0, 0, 1) {
		all = append(all, d.day(day, day.AddDate(0, 0, 1), first))
	}
	return from, all
}

func (d *diary) day(from, to, first time.Time) oracleDay {
	day := oracleDay{whole: !first.After(from) && !d.festival(from)}
	for _, a := range d.absences {
		if a.From.Before(to) && a.Until.After(from) {
			day.whole = false
		}
	}
	for _, c := range d.closed {
		if c.After(from) && !c.After(to.Add(1)) {
			day.whole = false
		}
	}
	for i := 1; i < len(d.readings); i++ {
		a, b := &d.readings[i-1], &d.readings[i]
		if b.Value == a.Value || !b.At.After(from) || !a.At.Before(to) {
			continue
		}
		if b.At.Sub(a.At) > useKnown {
			day.whole = false
			continue
		}
		half := a.At.Add(b.At.Sub(a.At) / 2).Truncate(time.Microsecond)
		if half.Before(from) || !half.Before(to) {
			continue
		}
		local := half.In(d.zone)
		day.litres += math.Round((b.Value-a.Value)*10) / 10
		day.clocks = append(day.clocks, (local.Hour()*60+local.Minute())/6)
	}
	return day
}

// oracleWeek is a week's values.
func oracleWeek(week []oracleDay, usual float64) [trendsAll]float64 {
	var nights, litres, firsts []float64
	for _, day := range week {
		var starts []int
		for i, c := range day.clocks {
			if i == 0 || c-day.clocks[i-1] > useApart {
				starts = append(starts, c)
			}
		}
		if !day.whole || len(starts) < usesIn {
			continue
		}
		lastly := slices.Max(day.clocks)
		earliest := starts[0]
		if earliest < nightEnds*tenths {
			earliest = 0
		}
		if lastly-earliest < usesSpread {
			continue
		}
		if day.litres > 0 {
			litres = append(litres, day.litres)
		}
		if usual > 0 && day.litres > visitors*usual {
			continue
		}
		night := 0.0
		for _, c := range starts {
			if c < nightEnds*tenths {
				night++
			}
		}
		nights = append(nights, night)
		if i := slices.IndexFunc(starts, func(c int) bool { return c >= nightEnds*tenths }); i >= 0 {
			firsts = append(firsts, float64(starts[i])*6)
		}
	}
	average := func(list []float64, cut int) float64 {
		if len(list) < wholeDays {
			return math.NaN()
		}
		slices.SortFunc(list, cmp.Compare[float64])
		sum := 0.0
		for _, v := range list[cut : len(list)-cut] {
			sum += v
		}
		return sum / float64(len(list)-2*cut)
	}
	cut := func(list []float64) int {
		if len(list) >= 6 {
			return 2
		}
		return 1
	}
	return [trendsAll]float64{average(nights, 0), average(litres, cut(litres)), average(firsts, cut(firsts))}
}

// levels are what the weeks of the diary teach, and how many changes are told.
func (d *diary) levels() (all [trendsAll]level, told int) {
	_, days := d.days()
	for ; len(days) >= weekDays; days = days[weekDays:] {
		usual := 0.0
		if l := &all[ofUse]; l.Weeks >= levelLearns {
			usual = math.Exp(float64(l.Usual)/4096) - 5
		}
		for of, v := range oracleWeek(days[:weekDays], usual) {
			if math.IsNaN(v) {
				all[of].missed()
			} else if _, tell := all[of].week(&trendKinds[of], v); tell {
				told++
			}
		}
	}
	return all, told
}

// TestTrendWeeks holds the weeks that the engine counts, by the reading, against the diary: in zones with and without summer time, for meters of all
// intervals, with holes, absences, closed incidents, festivals and visitors, by the hour or once a day, stopped and rebuilt at any point.
func TestTrendWeeks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 21))
		zone := mustLoad(t, []string{"Asia/Shanghai", "Europe/Madrid", "America/St_Johns", "Australia/Lord_Howe"}[rng.IntN(4)])
		every := []time.Duration{15 * time.Minute, time.Hour, 2 * time.Hour, 7 * time.Minute}[rng.IntN(4)]
		s := newSitter(t, seed, zone, every, trendRules())
		s.record, s.daily = true, rng.IntN(3) == 0
		s.at = s.at.AddDate(0, 0, rng.IntN(80))
		d := &diary{zone: zone, festival: func(day time.Time) bool { return day.In(zone).YearDay()%19 == 0 }}
		keep := func(y int, m time.Month, day int) DayKind {
			if time.Date(y, m, day, 0, 0, 0, 0, zone).YearDay()%19 == 0 {
				return Festival
			}
			return Workday
		}
		s.engine.Keep(keep)
		w, empty := lives(rng), 0
		for day := range 7 * (6 + rng.IntN(16)) {
			today := w
			if empty--; empty >= 0 && empty < 4 {
				today.out = 1
			}
			switch rng.IntN(25) {
			case 0:
				today.litres *= 4 // visitors
			case 1:
				today.hardly = true
			case 2:
				w = w.drifted(trendOf(rng.IntN(3)))
			}
			s.day(today)
			switch e := (stillwater.Entry{}); {
			case day%9 == 8 && rng.IntN(2) == 0:
				a := stillwater.Absence{Household: "h", At: s.lastAt(), From: s.at.Add(time.Duration(17+rng.IntN(4)) * time.Hour)}
				a.Until = a.From.Add(time.Duration(12+rng.IntN(50)) * time.Hour)
				if len(d.absences) == 0 || d.absences[len(d.absences)-1].Until.Before(a.At) {
					d.absences, empty = append(d.absences, a), 5 // she leaves late, and what stirs after it would end it
					e.Away = &a
					s.step(e)
				}
			case rng.IntN(30) == 0 && !s.daily:
				at := s.lastAt().Add(time.Minute)
				d.closed = append(d.closed, at)
				s.step(stillwater.Entry{Rearm: "h", At: at})
			}
			if rng.IntN(10) == 0 {
				next := New(trendRules())
				next.Keep(keep)
				next.Put(Home{ID: "h", Location: zone, Devices: []stillwater.Device{{ID: "meter", Kind: stillwater.Meter, Every: every}}})
				s.engine = rebuilt(t, s.engine, next)
			}
		}
		for _, e := range s.taps {
			if e.Reading != nil {
				d.readings = append(d.readings, *e.Reading)
			}
		}
		s.tick(s.at.AddDate(0, 0, 2)) // to the Monday after
		want, told := d.levels()
		if got := s.engine.homes.of("h").Trends.Levels; got != want {
			t.Fatalf("every %v in %v, learned\n%+v\nwant\n%+v", every, zone, got, want)
		}
		if got := len(s.told()); got != told {
			t.Fatalf("told %d, want %d", got, told)
		}
	})
}

// lastAt is the moment of the latest entry.
func (s *sitter) lastAt() time.Time { return entryTime(&s.taps[len(s.taps)-1]) }

func mustLoad(t *rapid.T, name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestTrendTroubled: a day on which an alert goes on, or a leak whose size is not known, is not like others; one with a notice is.
func TestTrendTroubled(t *testing.T) {
	for name, c := range map[string]struct {
		found stillwater.Finding
		base  *base
		bad   bool
	}{
		"surge":         {found: stillwater.Finding{Rule: "surge-learned", Kind: stillwater.Water, Severity: stillwater.Alert}, bad: true},
		"silence":       {found: stillwater.Finding{Rule: "silence-learned", Kind: stillwater.Welfare, Severity: stillwater.Urgent}, bad: true},
		"trial":         {found: stillwater.Finding{Rule: "silence-24h", Kind: stillwater.Welfare, Severity: stillwater.Alert, Trial: true}},
		"question":      {found: stillwater.Finding{Rule: "away-question", Kind: stillwater.Welfare, Severity: stillwater.Question}},
		"meter silent":  {found: stillwater.Finding{Rule: "device-blind", Kind: stillwater.Equipment, Severity: stillwater.Alert}},
		"leak":          {found: stillwater.Finding{Rule: "leak-24h", Kind: stillwater.Water, Severity: stillwater.Notice}, bad: true},
		"leak measured": {found: stillwater.Finding{Rule: "leak-24h", Kind: stillwater.Water, Severity: stillwater.Notice}, base: &base{Rate: 3000}},
	} {
		s := newSitter(t, 3, shanghai, time.Hour, trendRules())
		calm := ways{nights: 1, litres: 7, uses: 14, rise: 6.5}
		for range 2 {
			s.day(calm)
		}
		h := s.engine.homes.of("h")
		h.setGoingOn([]stillwater.Finding{c.found})
		h.Base = c.base
		if got := h.unlike(h.Trends.DayTo-24*60*minute, h.Trends.DayTo); got != c.bad {
			t.Errorf("%s: unlike others %v, want %v", name, got, c.bad)
		}
	}
}

// TestTrendSigns: water counts where there is a meter, an activity sensor where there is none, and a door nowhere; of a leak that goes on
// beside her life its share of the litres does not.
func TestTrendSigns(t *testing.T) {
	at := instantOf(monday.Add(8 * time.Hour))
	home := func(devices ...kind) *home {
		e := New(trendRules())
		e.Locate("h", shanghai)
		for _, k := range devices {
			e.homes.of("h").Devices = append(e.homes.of("h").Devices, device{Kind: k, said: unsaid})
		}
		return e.homes.of("h")
	}
	for name, c := range map[string]struct {
		devices []kind
		by      lifeKind
		counts  bool
	}{
		"water":                  {[]kind{meter}, byWater, true},
		"door":                   {[]kind{meter, doorContact}, byDoor, false},
		"door without a meter":   {[]kind{activitySensor, doorContact}, byDoor, false},
		"sensor beside a meter":  {[]kind{meter, activitySensor}, byActivity, false},
		"sensor without a meter": {[]kind{activitySensor}, byActivity, true},
	} {
		h := home(c.devices...)
		if h.used(c.by, at, at); (h.Trends != nil) != c.counts {
			t.Errorf("%s: counts %v, want %v", name, !c.counts, c.counts)
		}
	}
	h := home(meter)
	h.Base = &base{Rate: 3000}
	w := draw{From: at, To: at + 60*minute, ML: 10_000}
	h.used(byWater, w.From, w.To)
	if h.drank(w); h.Trends.Litres[0] != 70 {
		t.Errorf("counts %d dL, want 70", h.Trends.Litres[0])
	}
}
