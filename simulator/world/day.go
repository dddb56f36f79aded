package world

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"time"
)

// A Fixture is where water comes out.
type Fixture string

// The fixtures of a home. Leaks are drawn by no fixture of a day but by a scenario.
const (
	Toilet   Fixture = "toilet"
	Tap      Fixture = "tap"
	Shower   Fixture = "shower"
	Washing  Fixture = "washing machine"
	ByItself Fixture = "by itself" // a cat fountain, a purifier, a tap that drips: no hand, no sign of life
	Leak     Fixture = "leak"
)

// litresPerMinute is how fast water comes out of a fixture.
func litresPerMinute(f Fixture) float64 {
	switch f {
	case Toilet:
		return 5
	case Shower:
		return 7
	case Washing:
		return 9
	}
	return 4.5
}

// A span is the time from its first moment up to before its last, in Unix milliseconds.
type span struct{ from, to int64 }

func (s span) covers(t int64) bool { return s.from <= t && t < s.to }

// A draw is water out of one fixture, evenly from start to end. Whole millilitres make sums exact, so that a counter never
// steps back by a rounding.
type draw struct {
	fixture    Fixture
	start, end int64
	ml         int64
	cut        int64 // something stopped it then; 0: nothing did
	who        int8  // of those who live there, counted from zero; -1: somebody else's
}

// by is the millilitres drawn up to t.
func (d draw) by(t int64) int64 {
	if d.cut != 0 {
		t = min(t, d.cut)
	}
	switch {
	case t <= d.start:
		return 0
	case t >= d.end:
		return d.ml
	}
	return d.ml * (t - d.start) / (d.end - d.start)
}

// A day is one local calendar day of one resident, before anything happens to it.
type day struct {
	draws    []draw // by start
	passages []span // the front door is open
	outings  []span // from the door's closing behind her until it opens again
}

// A planner makes one day of one person. Hours are of the local day.
type planner struct {
	r       *rand.Rand
	more    *rand.Rand // chance for what only some residents do: it shifts nothing of what all do
	habits  habits
	second  bool // another than the first who lives there: she does not wash the floor and the clothes again
	lazy    bool
	shift   float64 // hours by which the day comes later
	clock   calendarDay
	weekday time.Weekday // Sunday on a public holiday
	wake    float64
	bed     float64
	out     [][2]float64 // hours of leaving and coming back, in order
	day     day
}

// plan makes a day of a home with all who live there and what draws by itself, before anything happens to it; the caller holds mu.
func (h *home) plan(number int) day {
	d := h.planOf(0, number)
	for k := 1; k < len(h.people); k++ {
		d = d.with(h.planOf(k, number))
	}
	date := newCalendarDay(number, h.loc)
	d.draws = append(d.draws, automatic(h.people[0].byItself, date)...)
	d.sort()
	return d
}

// sort puts draws and passages in order.
func (d *day) sort() {
	slices.SortFunc(d.draws, func(a, b draw) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.ml, b.ml)) })
	slices.SortFunc(d.passages, func(a, b span) int { return cmp.Compare(a.from, b.from) })
}

// planOf makes a day of the k-th person of a home.
func (h *home) planOf(k, number int) day {
	date := newCalendarDay(number, h.loc)
	p := &planner{habits: h.people[k], second: k > 0, clock: date, weekday: date.date.Weekday()}
	who := ""
	if k > 0 {
		who = " " + string(rune('1'+k))
	}
	p.r, p.more = h.opts.random(h.index, number, "day"+who), h.opts.random(h.index, number, "more"+who)
	if slices.Contains(p.habits.holidays, number) {
		p.weekday = time.Sunday
	}
	p.wake = about(p.r, p.habits.wake, p.habits.wakeSpread)
	p.bed = about(p.r, p.habits.bed, p.habits.bedSpread)
	p.vary()
	p.goOut()
	p.visitors()
	p.night()
	p.morning()
	p.meals()
	p.toilets()
	if !p.second {
		p.wash()
		p.chores()
	}
	p.evening()
	p.thin()
	hers := len(p.day.draws)
	p.company()
	for i := range p.day.draws {
		p.day.draws[i].who = int8(k)
		if i >= hers {
			p.day.draws[i].who = -1
		}
	}
	return p.day
}

// with is a day of two people: the home is empty while both are out.
func (d day) with(other day) day {
	var both []span
	for _, a := range d.outings {
		for _, b := range other.outings {
			if from, to := max(a.from, b.from), min(a.to, b.to); from < to {
				both = append(both, span{from, to})
			}
		}
	}
	return day{append(d.draws, other.draws...), append(d.passages, other.passages...), both}
}

// dayNumber counts local calendar days.
func dayNumber(ms int64, loc *time.Location) int {
	y, m, d := time.UnixMilli(ms).In(loc).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// dateOf is the calendar date of a day number.
func dateOf(number int) time.Time { return time.Unix(int64(number)*86400, 0).UTC() }

// A calendarDay is one local day and its clock.
type calendarDay struct {
	date     time.Time // only year, month and day count
	loc      *time.Location
	midnight int64
	even     bool // the clocks do not change on it, nor on the next
}

func newCalendarDay(number int, loc *time.Location) calendarDay {
	c := calendarDay{date: dateOf(number), loc: loc}
	y, m, d := c.date.Date()
	first := time.Date(y, m, d, 0, 0, 0, 0, loc)
	c.midnight = first.UnixMilli()
	c.even = first.AddDate(0, 0, 2).Sub(first) == 48*time.Hour
	return c
}

// at is the moment of an hour of the day.
func (c calendarDay) at(hour float64) int64 {
	if c.even {
		return c.midnight + int64(hour*3600)*1000
	}
	y, m, d := c.date.Date()
	return time.Date(y, m, d, 0, 0, int(hour*3600), 0, c.loc).UnixMilli()
}

// at is the moment of an hour of this day.
func (p *planner) at(hour float64) int64 { return p.clock.at(hour) }

// draw takes litres out of a fixture at an hour.
func (p *planner) draw(f Fixture, hour, litres float64) {
	ml := int64(litres * 1000)
	lasts := max(2000, int64(litres/litresPerMinute(f)*60)*1000)
	start := p.at(hour)
	p.day.draws = append(p.day.draws, draw{fixture: f, start: start, end: start + lasts, ml: ml})
}

// tap takes litres by hand, as this resident does.
func (p *planner) tap(hour, low, high float64) {
	p.draw(Tap, hour, between(p.r, low, high)*p.habits.thirst)
}

// toilet is a visit and the washing of hands after it.
func (p *planner) toilet(hour float64) {
	p.draw(Toilet, hour, p.habits.flush)
	if chance(p.r, 0.85) {
		p.tap(hour+0.02, 0.5, 1.4)
	}
}

// home says whether she is at home at an hour, with a few minutes before leaving that she spends on her shoes.
func (p *planner) home(hour float64) bool {
	for _, o := range p.out {
		if hour > o[0]-0.06 && hour < o[1]+0.03 {
			return false
		}
	}
	return true
}

// when moves an hour to after her coming back; it says no when that is more than patience hours later.
func (p *planner) when(hour, patience float64) (float64, bool) {
	for _, o := range p.out {
		if hour > o[0]-0.06 && hour < o[1]+0.05 {
			back := o[1] + between(p.r, 0.08, 0.3)
			return back, back-hour <= patience
		}
	}
	return hour, true
}

// open opens the door at an hour for so many seconds.
func (p *planner) open(hour, seconds float64) (closed int64) {
	from := p.at(hour)
	to := from + int64(seconds)*1000
	p.day.passages = append(p.day.passages, span{from, to})
	return to
}

// leave takes her out of the home from one hour to another, if she is awake and not out anyway.
func (p *planner) leave(from, to float64) {
	if from < p.wake+0.6 || to > p.bed-0.6 || to-from < 0.2 {
		return
	}
	if n := len(p.out); n > 0 && from < p.out[n-1][1]+0.7 {
		return
	}
	p.out = append(p.out, [2]float64{from, to})
	left := p.open(from, between(p.r, 4, 22))
	back := p.at(to)
	p.open(to, between(p.r, 5, 25))
	p.day.outings = append(p.day.outings, span{left, back})
}

// goOut is the shopping, the family, the walk, the dance, in the order of the day.
func (p *planner) goOut() {
	h := p.habits
	if p.planned() {
		return
	}
	if p.weekday == time.Sunday && chance(p.r, h.familyDays) {
		from := between(p.r, 9, 10.5)
		p.leave(from, from+between(p.r, 4.5, 7))
	} else {
		shops := h.shops
		if weekend(p.weekday) {
			shops *= 0.6
		}
		if chance(p.r, shops) {
			from := about(p.r, h.shopAt, 0.35)
			p.leave(from, from+between(p.r, 0.6, 1.9))
		}
		if chance(p.r, h.strolls) {
			from := between(p.r, 14.6, 15.8)
			p.leave(from, from+between(p.r, 0.5, 1.8))
		}
	}
	if h.dance[p.weekday] && chance(p.r, 0.85) {
		from := about(p.r, 18.7, 0.1)
		p.leave(from, from+between(p.r, 0.9, 1.4))
	}
	if !weekend(p.weekday) && chance(p.r, 0.25) { // the bin
		from := about(p.r, 16.7, 0.4)
		p.leave(from, from+between(p.r, 0.21, 0.3))
	}
}

// visitors open the door too; their going is not hers.
func (p *planner) visitors() {
	h := p.habits
	if chance(p.r, h.parcels) {
		if hour := between(p.r, 9.5, 17.5); p.home(hour) {
			p.open(hour, between(p.r, 20, 80))
		}
	}
	visits := h.visits
	if !weekend(p.weekday) {
		visits *= 0.2
	}
	if chance(p.r, visits) {
		come := between(p.r, 10, 15.5)
		gone := come + between(p.r, 0.7, 2.5)
		if p.home(come) && p.home(gone) {
			p.open(come, between(p.r, 8, 40))
			p.open(gone, between(p.r, 15, 90))
			p.tap(come+0.15, 0.8, 2) // tea
		}
	}
	if h.airs && chance(p.r, 0.6) {
		if hour := p.wake + between(p.r, 0.8, 1.2); p.home(hour) && p.home(hour+0.5) {
			p.open(hour, between(p.r, 6, 20)*60)
		}
	}
}
