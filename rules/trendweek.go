package rules

import (
	"math"
	"slices"
	"time"

	"stillwater"
)

// A week's values are of its whole days: the uses between midnight and five of a mean night, the litres and the first use after five of
// a common day. A use is a sign of life by water, or in a home without a meter by an activity sensor, with what follows it within a quarter of an
// hour; a reading interval with water is one, so that an hourly meter shows at most one an hour. A door is none, nor is what the home draws by
// itself or a leak. Without a meter there are no litres, and so no trend of use; how often a sensor fires tells more of the sensor.
//
// Not whole, and left out, is a day with a hole, or with water at a moment not known to three hours; in a planned absence; of a festival; in which
// she was hardly in (fewer than three uses, or all within eight hours); in which an alert or a leak of unknown size went on, or before people
// closed one; and, of nights and rising, one with more than twice the usual water, for then somebody else is there. A week with fewer than four
// whole days is skipped. What comes late counts as long as its week is under way.
type trends struct {
	DayTo  instant // the end of the local day under way
	Told   *turns  // changes that are or were told; nil: none of late
	Levels [trendsAll]level
	Litres [weekDays]uint16 // of each day of the week under way, from Monday, in decilitres
	First  [weekDays]uint8  // use of the day after five, in tenths of an hour from midnight; 0: none
	Last   [weekDays]uint8  // use of the day, so too
	Night  [weekDays]uint8  // uses
	Uses   [weekDays]uint8  // of the day, with those of the night
	Bad    uint8            // a bit for each day that is not whole
	Day    uint8            // the day under way
}

const (
	weekDays   = 7
	wholeDays  = 4           // of a week that counts
	nightEnds  = 5           // o'clock
	tenths     = 10          // of an hour
	useApart   = 2           // tenths of an hour: what is no further apart is one use
	usesIn     = 3           // of a day on which she was in
	usesSpread = 8 * tenths  // from the first to the last of it
	visitors   = 2           // times the usual water
	deciLitre  = 100         // millilitres
	useKnown   = leakReading // the longest span that still tells when its water ran
	tenth      = 6 * minute  // of an hour
)

func (t *trends) fields(c *codec) {
	c.time(1, &t.DayTo)
	optional(c, 2, &t.Told)
	for i := range t.Levels {
		c.part(3+i, &t.Levels[i])
	}
	numbers(c, 10, t.Litres[:])
	numbers(c, 11, t.First[:])
	numbers(c, 12, t.Last[:])
	numbers(c, 13, t.Night[:])
	numbers(c, 14, t.Uses[:])
	small(c, 15, &t.Bad)
	small(c, 16, &t.Day)
	if c.reading {
		t.Day %= weekDays
	}
}

// used takes a sign of life at some moment after from and not after at, and the water of it.
func (h *home) used(k lifeKind, from, at instant) {
	if k == byDoor || k == byActivity && h.covering() == meter {
		return
	}
	t := h.Trends
	half := from + (at-from)/2
	if t == nil {
		day := h.day(half)
		t = &trends{DayTo: day.to, Day: weekday(day.from, h.today.zone)}
		h.Trends = t
	}
	if at.sub(from) > useKnown {
		h.unknownUse(t, from, at)
		return
	}
	if slot, clock := h.slot(t, half); slot >= 0 {
		t.use(slot, clock)
	}
}

// drank takes the water of a use.
func (h *home) drank(w draw) {
	t := h.Trends
	if t == nil || w.span() > useKnown {
		return
	}
	ml := w.ML
	if h.Base != nil {
		ml -= int64(float64(h.Base.Rate) * w.span().Hours())
	}
	if slot, _ := h.slot(t, w.From+(w.To-w.From)/2); slot >= 0 && ml > 0 {
		t.Litres[slot] = uint16(min(int64(t.Litres[slot])+(ml+deciLitre/2)/deciLitre, math.MaxUint16))
	}
}

// slot is the day of the week under way that a moment is in, and the tenth of its hour; -1: it is in another week.
func (h *home) slot(t *trends, at instant) (slot int, clock uint8) {
	if at >= t.DayTo && h.DataTo >= t.DayTo {
		h.pass(t)
	}
	day := h.day(at)
	into := at - day.from
	if day.to-day.from != 24*60*minute {
		local := at.time().In(h.today.zone)
		into = instant(local.Hour()*60+local.Minute()) * minute
	}
	slot = int(t.Day) + daysFrom(t.DayTo, day.to)
	if slot < 0 || slot >= weekDays {
		return -1, 0
	}
	return slot, uint8(min(into/tenth, 24*tenths-1))
}

// daysFrom is how many days later one local midnight is than another; a day is longer or shorter where the clock is put back or on.
func daysFrom(a, b instant) int {
	if a == b {
		return 0
	}
	return int(math.Round(b.sub(a).Hours() / 24))
}

// weekday counts from Monday.
func weekday(at instant, zone *time.Location) uint8 {
	return uint8(at.time().In(zone).Weekday()+weekDays-time.Monday) % weekDays
}

// use counts a use.
func (t *trends) use(slot int, clock uint8) {
	last := &t.Last[slot]
	apart := int(clock) - int(*last)
	if *last = max(*last, clock); t.Uses[slot] > 0 && apart >= -useApart && apart <= useApart {
		return
	}
	t.Uses[slot] = min(t.Uses[slot], math.MaxUint8-1) + 1
	if clock < nightEnds*tenths {
		t.Night[slot] = min(t.Night[slot], math.MaxUint8-1) + 1
		return
	}
	if first := &t.First[slot]; *first == 0 || clock < *first {
		*first = clock
	}
}

// unknownUse takes water of which it is not known when it ran: the days it may have run in are not whole.
func (h *home) unknownUse(t *trends, from, at instant) {
	if at >= t.DayTo && h.DataTo >= t.DayTo {
		t.Bad |= 1 << t.Day
		h.pass(t)
	}
	first, last := daysFrom(t.DayTo, h.day(from).to), daysFrom(t.DayTo, h.day(at-1).to)
	for slot := max(0, int(t.Day)+first); slot <= min(int(t.Day)+last, weekDays-1); slot++ {
		t.Bad |= 1 << slot
	}
}

// passDays ends the days that readings vouch for. It is called where coverage has advanced and what it showed is filed.
func (h *home) passDays() {
	if t := h.Trends; t != nil && h.DataTo >= t.DayTo {
		h.pass(t)
	}
}

// pass ends the day under way and begins that of the watermark.
func (h *home) pass(t *trends) {
	day := h.day(t.DayTo - 1)
	if h.unlike(day.from, day.to) {
		t.Bad |= 1 << t.Day
	}
	ended := t.DayTo
	now := *h.day(h.DataTo)
	days := daysFrom(ended, now.to)
	if int(t.Day)+days >= weekDays {
		h.endWeek(t, weekEnd(ended, t.Day, h.today.zone))
	}
	t.DayTo, t.Day = now.to, weekday(now.from, h.today.zone)
}

// weekEnd is the Monday after the day that ended.
func weekEnd(ended instant, day uint8, zone *time.Location) time.Time {
	local := (ended - 1).time().In(zone)
	year, month, date := local.Date()
	return time.Date(year, month, date+weekDays-int(day), 0, 0, 0, 0, zone)
}

// unlike says whether a day was not whole, or unlike others.
func (h *home) unlike(from, to instant) bool {
	return h.WholeFrom > from || h.Rearmed > from || h.absentIn(from, to) > 0 || h.festival(from) || h.troubled()
}

// troubled says whether an alert goes on, or a leak whose size is not known.
func (h *home) troubled() bool {
	for i := range h.goingOn() {
		f := &(*h.Active)[i]
		if !f.Trial && (f.Kind == stillwater.Welfare || f.Kind == stillwater.Water) && f.Severity.Above(stillwater.Question) {
			return true
		}
	}
	return h.leaking() && (h.Base == nil || h.Base.Rate == 0)
}

// endWeek judges a week, which ended at end, and begins another.
func (h *home) endWeek(t *trends, end time.Time) {
	if t.Told != nil && !slices.ContainsFunc(t.Told[:], func(c turn) bool { return c.At.add(trendTells) > instantOf(end) }) {
		t.Told = nil
	}
	values := t.values()
	for of := range trendsAll {
		l, k := &t.Levels[of], &trendKinds[of]
		if math.IsNaN(values[of]) {
			l.missed()
			continue
		}
		c, tell := l.week(k, values[of])
		if !tell {
			continue
		}
		year, month, day := end.Date()
		c.Since = instantOf(time.Date(year, month, day-weekDays*int(c.Weeks), 0, 0, 0, 0, h.today.zone))
		c.At = max(instantOf(time.Date(year, month, day, trendHour, 0, 0, 0, h.today.zone)), ceilMinute(h.Vouched))
		if t.Told == nil {
			t.Told = &turns{}
		}
		t.Told[of] = c
		h.stirred = true
	}
	*t = trends{DayTo: t.DayTo, Day: t.Day, Told: t.Told, Levels: t.Levels}
}

// values are the values of the week, NaN where too few days are known.
func (t *trends) values() (all [trendsAll]float64) {
	var nights, litres, firsts []float64
	var room [3 * weekDays]float64
	nights, litres, firsts = room[0:0:weekDays], room[weekDays:weekDays:2*weekDays], room[2*weekDays:2*weekDays]
	for i := range weekDays {
		if t.Bad>>i&1 == 1 || t.Uses[i] < usesIn || int(t.Last[i])-int(t.firstOf(i)) < usesSpread {
			continue
		}
		if t.Litres[i] > 0 {
			litres = append(litres, float64(t.Litres[i])/10)
		}
		if t.visited(i) {
			continue
		}
		nights = append(nights, float64(t.Night[i]))
		if t.First[i] > 0 {
			firsts = append(firsts, float64(t.First[i])*60/tenths)
		}
	}
	return [trendsAll]float64{ofNight: mean(nights, 0), ofUse: middle(litres), ofFirst: middle(firsts)}
}

// firstOf is the first use that a day is known by: after five, or at night.
func (t *trends) firstOf(day int) uint8 {
	if t.Night[day] > 0 || t.First[day] == 0 {
		return 0
	}
	return t.First[day]
}

// visited says whether so much water ran that more than the usual people were there.
func (t *trends) visited(day int) bool {
	l, k := &t.Levels[ofUse], &trendKinds[ofUse]
	return l.known() && float64(t.Litres[day])/10 > visitors*k.people(k.unpack(l.Usual))
}

// middle is the mean of the middle of some days: of seven the middle three.
func middle(days []float64) float64 {
	slices.Sort(days)
	if len(days) < 6 {
		return mean(days, 1)
	}
	return mean(days, 2)
}

// mean leaves so many out at each end. Of fewer than wholeDays days it is not known.
func mean(days []float64, out int) float64 {
	if len(days) < wholeDays {
		return math.NaN()
	}
	sum := 0.0
	for _, d := range days[out : len(days)-out] {
		sum += d
	}
	return sum / float64(len(days)-2*out)
}
