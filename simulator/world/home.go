package world

import (
	"math/rand/v2"
	"sync"
	"time"

	"stillwater"
)

// keptDays is how many worked-out days of a home are remembered: today, yesterday (whose draws may reach over midnight) and
// two for somebody who looks back.
const keptDays = 4

// A home is one resident's home.
type home struct {
	household stillwater.Household
	opts      Options
	loc       *time.Location
	index     int
	start     int64 // of the world
	first     int   // day number of the day before the world's first: its late draws reach over midnight
	initial   int64 // millilitres on the counter at the start
	phase     int64 // milliseconds by which its reports come after the full interval

	mu        sync.Mutex // guards everything below
	resident  Resident   // what is known of who lives there
	people    []habits   // of each who lives there, the first first
	fitting   fitting
	effects   []effect // in the order they were staged
	leaking   []draw   // of all leaks that were staged
	today     today    // the local day asked for last
	journeyOf [2]weekJourneys
	days      [keptDays]cachedDay
	sums      []int64 // sums[k] is the millilitres of all days before day first+k, each whole
	before    *int64  // what of them flowed before the start; nil: not worked out yet
}

// A cachedDay is a day as it is with everything staged.
type cachedDay struct {
	number int // 0: empty
	day    day
}

// newHome makes home i.
func newHome(o Options, loc *time.Location, i int) *home {
	r := o.random(i, 0, "meter")
	start := o.Start.UnixMilli()
	h := &home{
		household: register(o, i), opts: o, loc: loc, index: i, start: start, first: dayNumber(start, loc) - 1,
		initial: int64(r.IntN(400_000))*1000 + int64(r.IntN(1000)),
		phase:   phaseOf(r, o),
		sums:    []int64{0},
	}
	known := Resident{}
	if i < len(o.Residents) {
		known = o.Residents[i]
	}
	h.moveIn(known)
	h.equip(known)
	return h
}

// phaseOf spreads the homes' reports over the interval, in whole seconds.
func phaseOf(r *rand.Rand, o Options) int64 {
	return int64(r.IntN(max(1, int(min(o.MeterEvery, o.BeatEvery)/time.Second)))) * 1000
}

// settle makes the index of homes once all are there.
func (w *World) settle() {
	for _, h := range w.homes {
		w.byID[h.household.ID] = h
	}
}

// today is one local day from its first moment up to before its last.
type today struct {
	span
	number int
}

// dayOf is the day number of a moment; the caller holds mu. Most moments asked for are of the same day as the one before.
func (h *home) dayOf(t int64) int {
	if !h.today.covers(t) {
		n := dayNumber(t, h.loc)
		h.today = today{span{newCalendarDay(n, h.loc).midnight, newCalendarDay(n+1, h.loc).midnight}, n}
	}
	return h.today.number
}

// day is a day with everything staged; the caller holds mu.
func (h *home) day(number int) *day {
	c := &h.days[((number%keptDays)+keptDays)%keptDays]
	if c.number != number {
		d := h.plan(number)
		h.touch(&d, number)
		*c = cachedDay{number, d}
	}
	return &c.day
}

// changed forgets what may no longer hold after something was staged from a moment on; the caller holds mu.
func (h *home) changed(from int64) {
	h.days, h.journeyOf = [keptDays]cachedDay{}, [2]weekJourneys{}
	h.leaking = leaks(h.effects)
	if keep := dayNumber(from, h.loc) - h.first; keep < len(h.sums) {
		h.sums = h.sums[:max(1, keep)]
	}
}

// flowed is the millilitres drawn by t since the day before the world began; the caller holds mu.
func (h *home) flowed(t int64) int64 {
	k := h.dayOf(t) - h.first // its draws and those of the day before may be going on
	if k < 0 {
		return 0
	}
	for len(h.sums) < k {
		number := h.first + len(h.sums) - 1
		h.sums = append(h.sums, h.sums[len(h.sums)-1]+total(h.day(number).draws))
	}
	ml := int64(0)
	if k > 0 {
		ml = h.sums[k-1] + drawnBy(h.day(h.first+k-1).draws, t)
	}
	return ml + drawnBy(h.day(h.first+k).draws, t)
}

// total is what the draws come to in the end.
func total(draws []draw) (ml int64) {
	for _, d := range draws {
		ml += d.by(d.end)
	}
	return ml
}

// drawnBy is what the draws have come to by t.
func drawnBy(draws []draw, t int64) (ml int64) {
	for _, d := range draws {
		if d.start >= t {
			break // they are in order
		}
		ml += d.by(t)
	}
	return ml
}

// millilitres is what the counter has seen at t.
func (h *home) millilitres(t int64) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.metered(t)
}

// metered is what the counter has seen at t; the caller holds mu.
func (h *home) metered(t int64) int64 {
	if t <= h.start {
		return h.initial
	}
	if h.before == nil {
		before := h.flowed(h.start) // nothing is staged before the start, so this holds for good
		h.before = &before
	}
	return h.initial + h.flowed(t) - *h.before + drawnBy(h.leaking, t)
}

// Litres is what the home's meter has counted at a moment, with the parts of a litre a dial shows; 0 for an unknown home.
func (w *World) Litres(id stillwater.HouseholdID, at time.Time) float64 {
	h := w.home(id)
	if h == nil {
		return 0
	}
	return float64(h.millilitres(at.UnixMilli())) / 1000
}

// Counter is what the home's meter reports at a moment: whole steps of its counter.
func (w *World) Counter(id stillwater.HouseholdID, at time.Time) uint32 {
	h := w.home(id)
	if h == nil {
		return 0
	}
	return uint32(h.shown(h.millilitres(at.UnixMilli())))
}

// A Draw is water out of one fixture.
type Draw struct {
	Fixture  Fixture
	Start    time.Time
	Duration time.Duration
	Litres   float64
}

// Draws are the draws of a home that begin in [from, to), by their beginning; leaks of scenarios come last.
func (w *World) Draws(id stillwater.HouseholdID, from, to time.Time) []Draw {
	h := w.home(id)
	if h == nil || !from.Before(to) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []draw
	for n := dayNumber(from.UnixMilli(), h.loc) - 1; n <= dayNumber(to.UnixMilli(), h.loc); n++ {
		all = append(all, h.day(n).draws...)
	}
	all = append(all, h.leaking...)
	window := span{max(from.UnixMilli(), h.start), to.UnixMilli()}
	var draws []Draw
	for _, d := range all {
		end := d.end
		if d.cut != 0 {
			end = min(end, d.cut)
		}
		if window.covers(d.start) && end > d.start {
			draws = append(draws, Draw{d.fixture, time.UnixMilli(d.start).UTC(), time.Duration(end-d.start) * time.Millisecond,
				float64(d.by(end)) / 1000})
		}
	}
	return draws
}
