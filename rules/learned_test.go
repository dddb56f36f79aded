package rules

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"stillwater"
)

// TestVisitors: after a month of guests who draw at all hours no bound by day is later than it would be without them; few are more than two
// hours sooner; there are no more false alerts afterwards; and a fall on the first day alone again is found.
func TestVisitors(t *testing.T) {
	later, bounds, early, alerts, without := 0.0, 0, 0, 0, 0
	for seed := range uint64(40) {
		p := newTenant(t, seed, shanghai, false, Defaults())
		p.live(90, alone)
		q := p.twin(nil)
		with := alone
		with.guests, with.bed = true, 23.5
		p.live(30, alone)
		q.live(30, with)
		a, b := p.bounds(), q.bounds()
		for _, i := range fallStarts {
			later = max(later, b[i]-a[i])
			if bounds++; a[i]-b[i] > 2 {
				early++
			}
		}
		falls := q.twin(nil)
		falls.live(1, alone)
		falls.found = nil
		last := falls.engine.homes.of("h").Life.last()
		falls.live(2, habits{empty: true}) // she lies there
		bound := falls.routine().bound(last.time().In(shanghai).Hour(), false)
		i := slices.IndexFunc(falls.found, func(f stillwater.Finding) bool {
			return f.Rule == "silence-learned" && f.Facts.Since.Equal(last.time())
		})
		if i < 0 || falls.found[i].Facts.Span > bound+time.Hour {
			t.Errorf("seed %d: the fall after the visit is not found within %v: %v", seed, bound, falls.found)
		}
		p.found, q.found = nil, nil
		p.rng, q.rng = rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(seed, 3)) // the same days at home
		p.live(60, alone)
		q.live(60, alone)
		alerts, without = alerts+q.alerts(), without+p.alerts()
	}
	t.Logf("after a month of guests: at most %v h later, %d of %d bounds more than 2 h sooner; in 60 days %d false alerts, without the guests %d",
		later, early, bounds, alerts, without)
	if later > 1 || early*10 > bounds || alerts > without+without/2+2 {
		t.Error("guests poison the routine")
	}
}

// TestHospital: two weeks in hospital, each alert closed, move hardly a bound by more than a class, and none later.
func TestHospital(t *testing.T) {
	off, bounds, later := 0, 0, 0
	for seed := range uint64(40) {
		p := newTenant(t, seed, shanghai, false, Defaults())
		p.live(90, alone)
		q := p.twin(nil)
		q.closes = true
		q.live(14, habits{empty: true})
		if q.alerts() == 0 {
			t.Errorf("seed %d: two weeks of silence and no alert", seed)
		}
		p.rng, q.rng = rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(seed, 3)) // the same days at home
		p.live(5, alone)
		q.live(5, alone)
		a, b := p.classes(), q.classes()
		for i := range a {
			if bounds++; a[i]-b[i] > 1 || b[i]-a[i] > 1 {
				off++
			}
			later = max(later, b[i]-a[i])
		}
		if d := math.Abs(p.routine().Seen - q.routine().Seen); d > 1.5 {
			t.Errorf("seed %d: %v days of the hospital count as known", seed, d)
		}
	}
	t.Logf("after two weeks in hospital: %d of %d bounds more than a class off, at most %d classes later", off, bounds, later)
	if off*33 > bounds || later > 2 {
		t.Error("a hospital stay poisons the routine")
	}
}

// taught is what the home has learned of stillnesses.
func (p *tenant) taught() []uint8 {
	inside := p.routine().Inside.Still.dense()
	all := inside[:]
	if o := p.routine().Outing; o != nil {
		outing := o.Still.dense()
		all = append(all, outing[:]...)
	}
	return all
}

// TestFestivalTeachesNothing: eight days of guests at Spring Festival, from the eve to the end.
func TestFestivalTeachesNothing(t *testing.T) {
	p := newTenant(t, 1, shanghai, true, Defaults())
	first := p.at.AddDate(0, 0, 20)
	p.engine.Keep(func(y int, m time.Month, d int) DayKind {
		if day := int(time.Date(y, m, d, 0, 0, 0, 0, shanghai).Sub(first).Hours() / 24); day >= 0 && day < 8 {
			return Festival
		}
		return Workday
	})
	p.live(20, alone)
	p.live(1, habits{rise: 9, bed: 23.9, gap: 0.5, guests: true, out: 1}) // what began on the eve has ended
	before, days := p.taught(), p.routine().Days
	p.live(6, habits{rise: 9, bed: 23.9, gap: 0.5, guests: true, out: 1})
	if after := p.taught(); !bytes.Equal(before, after) || p.routine().Days > days {
		t.Errorf("the festival taught: days %v, then %v", days, p.routine().Days)
	}
	p.live(4, alone)
	if bytes.Equal(before, p.taught()) || p.routine().Days == days {
		t.Error("nothing is learned after it either")
	}
}

// TestAbsenceTeachesNothing: nothing of a planned absence is learned, not by those who come meanwhile, and no day of it counts.
func TestAbsenceTeachesNothing(t *testing.T) {
	for _, door := range []bool{false, true} {
		p := newTenant(t, 2, shanghai, door, Defaults())
		p.live(40, alone)
		from := p.at.Add(-time.Hour) // she was up until ten and more
		p.step(stillwater.Entry{Away: &stillwater.Absence{Household: "h", From: from, Until: from.AddDate(0, 0, 14), At: from}})
		before, seen := p.taught(), p.routine().Seen
		h := p.engine.homes.of("h")
		usual := h.Usually
		p.live(3, habits{empty: true})
		p.litres += 20
		p.live(9, habits{empty: true})
		if after := p.taught(); !bytes.Equal(before, after) || h.Usually != usual {
			t.Error("the absence taught")
		}
		if p.alerts() > 0 && p.found[len(p.found)-1].Began.After(from) {
			t.Errorf("raised in the absence: %v", p.found[len(p.found)-1])
		}
		p.live(1, habits{empty: true})
		p.live(2, alone)
		if more := p.routine().Seen - seen; more < 1 || more > 3.6 {
			t.Errorf("two weeks away and two days at home count as %v days", more)
		}
	}
}

// TestLateDoorIsLearned: a door whose news waited in a buffer splits the stillness that was learned last.
func TestLateDoorIsLearned(t *testing.T) {
	day := func(late bool) *tenant {
		p := newTenant(t, 3, shanghai, true, Defaults())
		p.read("meter", stillwater.WaterTotal, p.litres, p.at.Add(7*time.Hour))
		p.read("door", stillwater.Door, 1, p.at.Add(7*time.Hour+time.Minute)) // how it stands is known
		for i, litres := range []float64{10, 0, 0, 0, 0, 0, 0, 0, 0, 8, 8} {  // nine hours of stillness
			at := p.at.Add(time.Duration(i+8) * time.Hour)
			if !late && i == 5 {
				p.read("door", stillwater.Door, 0, at.Add(-35*time.Minute))
				p.read("door", stillwater.Door, 1, at.Add(-30*time.Minute))
			}
			p.litres += litres
			p.read("meter", stillwater.WaterTotal, p.litres, at)
		}
		if late {
			for n, before := range []time.Duration{35 * time.Minute, 30 * time.Minute} {
				at := p.at.Add(18*time.Hour + 10*time.Minute)
				p.step(stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "door", Quantity: stillwater.Door, Value: float64(n), At: p.at.Add(13*time.Hour - before), Received: at}})
			}
		}
		return p
	}
	told, late := day(false).routine(), day(true).routine()
	var a, b int
	inTime, since := told.Inside.Still.dense(), late.Inside.Still.dense()
	for i := range inTime {
		a, b = a+int(inTime[i]), b+int(since[i])
		if class := i % lengths; bounds[class] >= 7 && since[i] != 0 {
			t.Errorf("a stillness of over %v h is still learned", bounds[class])
		}
	}
	if b == 0 || a == 0 && told.Outing == nil {
		t.Errorf("learned %d in time and %d late", a, b)
	}
}

// TestLateCounterIsLearned: a late value of a counter shows that the water was drawn hours before it was seen.
func TestLateCounterIsLearned(t *testing.T) {
	p := newTenant(t, 3, shanghai, false, Defaults())
	p.spec.Devices[0].Every = 3 * time.Hour // so that a stillness of uncertain end is learned
	p.engine.Put(p.spec)
	at := func(hour int) time.Time { return p.at.Add(time.Duration(hour) * time.Hour) }
	for _, r := range []struct {
		hour   int
		litres float64
	}{{6, 1000}, {8, 1010}, {11, 1010}, {14, 1010}, {20, 1018}} {
		p.read("meter", stillwater.WaterTotal, r.litres, at(r.hour))
	}
	if l := p.engine.homes.of("h").Taught; l.To != instantOf(at(20)) || l.From != instantOf(at(8)) {
		t.Fatalf("learned %v to %v", l.From.time(), l.To.time())
	}
	p.step(stillwater.Entry{Reading: &stillwater.Reading{Household: "h", Device: "meter", Quantity: stillwater.WaterTotal, Value: 1018, At: at(16), Received: at(20)}})
	h := p.engine.homes.of("h")
	if h.Taught.To != instantOf(at(16)) || h.Life.Water != instantOf(at(16)) {
		t.Errorf("after the late value: learned to %v, last seen %v", h.Taught.To.time(), h.Life.Water.time())
	}
	sum := 0
	for _, n := range h.Routine.Inside.Still.dense() {
		sum += int(n)
	}
	if sum != once {
		t.Errorf("%d of a stillness are learned", sum)
	}
}

// TestDST: through both changes of a year bounds keep to the local hour, and the long and the short day count as what they are.
func TestDST(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct {
		day   time.Time
		hours float64
	}{{time.Date(2026, 3, 29, 0, 0, 0, 0, madrid), 23}, {time.Date(2026, 10, 25, 0, 0, 0, 0, madrid), 25}} {
		p := newTenant(t, 4, madrid, false, Defaults())
		p.at = change.day.AddDate(0, 0, -60)
		p.live(60, alone)
		before, seen := p.bounds(), p.routine().Seen
		p.live(1, alone)
		p.live(1, alone)
		if more := (p.routine().Seen - seen) * 24; math.Abs(more-change.hours-24) > 6 { // a day is settled at its first sign of life
			t.Errorf("the day of %v hours and the next count as %v", change.hours, more)
		}
		p.live(5, alone)
		later, sooner := farthestOff(before, p.bounds())
		if later > 2 || sooner > 2 {
			t.Errorf("%v: bounds %v became %v", change.day, before, p.bounds())
		}
		rise := p.at.Add(10 * time.Hour) // she is up by ten
		p.read("meter", stillwater.WaterTotal, p.litres+5, rise)
		p.read("meter", stillwater.WaterTotal, p.litres+5, rise.Add(time.Hour))
		left := p.engine.Standing("h", rise.Add(time.Hour)).Alert.Sub(rise)
		if want := p.routine().bound(10, false); left < want || left > want+time.Hour {
			t.Errorf("still since ten local time: %v left, the bound is %v", left, want)
		}
	}
}

// TestYearWithoutReadings: a home that nothing was heard of for a year knows what it knew, and raises no silence for it.
func TestYearWithoutReadings(t *testing.T) {
	p := newTenant(t, 5, shanghai, true, Defaults())
	p.live(60, alone)
	before, seen := p.taught(), p.routine().Seen
	p.found = nil
	p.at = p.at.AddDate(1, 0, 0)
	p.read("meter", stillwater.WaterTotal, p.litres+70_000, p.at)
	if n := p.alerts(); n > 0 {
		t.Errorf("%d alerts about her: %v", n, p.found)
	}
	if p.live(1, alone); !slices.ContainsFunc(p.found, func(f stillwater.Finding) bool { return f.Rule == "device-blind" }) {
		t.Error("nobody was told that she is not seen")
	}
	if more := p.routine().Seen - seen; more > 2.1 {
		t.Errorf("the year counts as %v days", more)
	}
	after, differs := p.taught(), 0
	for i := range before {
		if before[i] != after[i] {
			differs++
		}
	}
	if differs > 12 {
		t.Errorf("%d cells are others", differs)
	}
}

// TestBudgetChange: another budget has its price from the next day on.
func TestBudgetChange(t *testing.T) {
	for _, c := range []struct {
		budget float64
		longer bool
	}{{2, true}, {60, false}} {
		p := newTenant(t, 3, shanghai, false, WithBudget(Defaults(), 12))
		p.live(60, alone)
		before := p.bounds()
		q := p.twin(WithBudget(Defaults(), c.budget))
		if now := q.bounds(); now != before {
			t.Errorf("budget %v: bounds changed at once: %v, then %v", c.budget, before, now)
		}
		q.live(2, alone)
		sum := 0.0
		for i, b := range q.bounds() {
			sum += b - before[i]
		}
		if c.longer != (sum > 0) || math.Abs(sum) < 6 {
			t.Errorf("budget %v: bounds %v, then %v", c.budget, before, q.bounds())
		}
	}
}

// TestLearnedTimeLeft is the promise of Protection in learned homes: if all stops at some moment of some day and the meter goes on, the
// alert comes exactly when it was said, by whichever rule was named, also through a planned absence.
func TestLearnedTimeLeft(t *testing.T) {
	raised, of := map[string]int{}, 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		rng := rand.New(rand.NewPCG(seed, 8))
		budget := rapid.SampledFrom([]float64{1, 4, 12, 33}).Draw(t, "budget")
		p := newTenant(t, seed, shanghai, rng.IntN(3) > 0, WithBudget(Defaults(), budget))
		p.live(30+rng.IntN(15), habits{rise: 5 + 4*rng.Float64(), bed: 20 + 3*rng.Float64(), gap: 0.3 + 2*rng.Float64(), out: rng.Float64()})
		if rng.IntN(2) == 0 { // somebody says something of the next days, or of the last
			at := p.at.Add(time.Duration(rng.IntN(60)) * time.Minute)
			e := randomAbsence(rng, "h", at)
			p.step(e)
		}
		door := 0.0
		at := p.at
		for range rng.IntN(30) { // and some hours are played without
			if at = at.Add(time.Hour); rng.IntN(3) == 0 {
				p.litres += 5
			}
			if len(p.spec.Devices) > 1 && rng.IntN(4) == 0 {
				door = 1 - door
				p.read("door", stillwater.Door, door, at.Add(-time.Duration(rng.IntN(50))*time.Minute))
			}
			p.read("meter", stillwater.WaterTotal, p.litres, at)
		}
		stopped := at.Add(time.Duration(rng.IntN(59)) * time.Minute)
		said, rule := p.engine.Protection("h", stopped)
		p.found = nil
		of++
		for range int(horizon / time.Hour) {
			if !said.After(stopped) && !said.IsZero() { // an alert goes on
				return
			}
			at = at.Add(time.Hour)
			p.read("meter", stillwater.WaterTotal, p.litres, at)
			i := slices.IndexFunc(p.found, func(f stillwater.Finding) bool {
				return (r{f}).stillness() && f.Severity == stillwater.Alert && f.Ended.IsZero()
			})
			if i >= 0 {
				if f := p.found[i]; !f.Began.Equal(said) {
					t.Fatalf("stopped at %v: said %v by %s, raised %v by %s", stopped, said, rule, f.Began, f.Rule)
				}
				raised[rule]++
				return
			}
		}
		if !said.IsZero() {
			t.Fatalf("said %v by %s, and nothing was raised", said, rule)
		}
	})
	t.Logf("of %d: %v", of, raised)
}

// r asks of a finding what it is of.
type r struct{ stillwater.Finding }

func (f r) stillness() bool {
	_, ok := detectorOf(f.Rule).(stillnessDetector)
	return ok
}

// TestLearningIsOfTheJournal is law 4 where homes are learned: stopped anywhere and rebuilt, or cut short, the engine finds the same.
func TestLearningIsOfTheJournal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		entries := months(seed, 50)
		cut := rapid.IntRange(0, len(entries)).Draw(t, "cut")
		whole := runAll(monthsEngine(), entries)
		first, second := monthsEngine(), monthsEngine()
		before := runAll(first, entries[:cut])
		rebuilt(t, first, second)
		after := runAll(second, entries[cut:])
		if len(before) > len(whole) || !slices.Equal(before, whole[:len(before)]) {
			t.Fatalf("cut at %d: what was found before the cut differs", cut)
		}
		if got := append(before, after...); !slices.Equal(got, whole) {
			t.Fatalf("stopped at %d: %s", cut, difference(got, whole))
		}
	})
}

func monthsEngine() *Engine {
	e := New(append(Defaults(), OnTrial(Defaults())...))
	e.Put(newTenant(nil, 0, shanghai, true, nil).spec)
	return e
}

// months is the journal of somebody's life, with absences and closed incidents, and readings that come late.
func months(seed uint64, days int) []stillwater.Entry {
	p := newTenant(nil, seed, shanghai, true, Defaults())
	rng := rand.New(rand.NewPCG(seed, 5))
	p.closes = true
	p.tap = func(e stillwater.Entry) {
		if r := e.Reading; r != nil && rng.IntN(50) == 0 {
			late := *r
			late.Received = late.Received.Add(time.Duration(rng.IntN(300)) * time.Minute)
			e.Reading = &late
		}
		p.journal = append(p.journal, e)
		if rng.IntN(400) == 0 && e.Reading != nil {
			p.journal = append(p.journal, randomAbsence(rng, "h", e.Reading.Received))
		}
	}
	for range days {
		d := alone
		d.guests, d.empty = rng.IntN(15) == 0, rng.IntN(10) == 0
		p.live(1, d)
	}
	slices.SortStableFunc(p.journal, func(a, b stillwater.Entry) int { return entryTime(&a).Compare(entryTime(&b)) })
	return p.journal
}

// FuzzRoutine lets a home show anything at all: bounds stay within two hours and two days, and what is expected is a number and not less
// than none.
func FuzzRoutine(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte("0aZz0aZz0aZz0aZz0aZz0aZz0aZz"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, per := &routine{}, budget{4, 6}
		for ; len(data) >= 4; data = data[4:] {
			length, more := float64(data[1])+float64(data[2])/256, float64(data[3])/16
			b := &r.Inside
			if data[0]&0x20 != 0 {
				if r.Outing == nil {
					r.Outing = &habit{}
				}
				b = r.Outing
			}
			switch hour := int(data[0]&31) % 24; data[0] >> 6 {
			case 0:
				b.learn(hour, length, length+more)
			case 1:
				b.unlearn(hour, length, length+more)
			case 2:
				r.Alert.Happened += float64(data[1] & 3)
				r.Ask.Happened += float64(data[2] & 3)
				r.settle(more, per)
			case 3:
				per = budget{math.Exp(float64(data[1])/40 - 1), math.Exp(float64(data[2])/40 - 1)}
				r.settle(more*20, per)
			}
		}
		r.settle(1, per)
		for hour := range 24 {
			for _, out := range []bool{false, true} {
				bound := r.bound(hour, out)
				if bound < 2*time.Hour || bound > 48*time.Hour {
					t.Errorf("the bound at %d is %v", hour, bound)
				}
				if rate := r.rate(hour, out, bound); math.IsNaN(rate) || math.IsInf(rate, 0) || rate < 0 {
					t.Errorf("the rate at %d is %v", hour, rate)
				}
			}
		}
		for _, p := range []float64{r.Alert.Own, r.Alert.Heed, r.Ask.Own, r.Ask.Heed, r.Days, r.Seen} {
			if math.IsNaN(p) || math.IsInf(p, 0) {
				t.Errorf("the routine holds %v", *r)
			}
		}
	})
}

// BenchmarkSettle is what a home learns from a day: the bounds of all hours anew, and how many bytes its routine takes.
func BenchmarkSettle(b *testing.B) {
	for name, door := range map[string]bool{"inside": false, "with outings": true} {
		b.Run(name, func(b *testing.B) {
			p := newTenant(b, 1, shanghai, door, Defaults())
			p.live(60, alone)
			r, per := *p.routine(), *p.engine.set.per
			size := int(unsafe.Sizeof(r)) + cap(r.Inside.Still)
			if r.Outing != nil {
				size += int(unsafe.Sizeof(*r.Outing)) + cap(r.Outing.Still)
			}
			b.ReportAllocs()
			for b.Loop() {
				day := r
				day.settle(1, per)
			}
			b.ReportMetric(float64(size), "bytes/home")
			b.ReportMetric(float64(unsafe.Sizeof(lesson{})), "bytes/lesson")
			b.ReportMetric(float64(unsafe.Sizeof(absence{})), "bytes/absence")
		})
	}
}
