package rules

import (
	"fmt"
	"math"
	"time"

	"stillwater"
)

// A Quantity is what a custom rule can ask of a home.
type Quantity uint8

// The quantities. Those with a window are asked of its length. A yes is 1 and a no is 0; hours are counted as fractions.
const (
	StillHours         Quantity = iota // without a sign of life, as far as readings vouch
	UsualHours                         // the longest stillness of a usual day
	CoveredDays                        // that readings vouch for, in all
	HoursSinceWater                    // as far as readings vouch, without a hole
	HoursSinceDoor                     // since the door last moved
	HoursSinceActivity                 // since another sensor last saw life
	LitresIn                           // used in the window
	DrawsIn                            // reading intervals in the window in which water was used, a minute at least
	LocalHour                          // 0 to 23
	LocalMonth                         // 1 to 12
	LocalWeekday                       // 0 is Sunday
	LocalDay                           // a DayKind
	LocalNight                         // whether it is from 22 to 6
	DoorOpen                           // whether a door stands open
	DoorOpenMinutes                    // how long it has, 0 when closed
	DataAgeHours                       // how old the newest data are
)

// Quantities is a home at one moment, as a custom rule sees it.
type Quantities interface {
	// Quantity is the value, NaN where it cannot be known: no data is never "no use".
	Quantity(q Quantity, within time.Duration) float64
}

// LongestWindow is how far back a window may reach: draws are remembered that long.
const LongestWindow = maxWithin

// Truth is what a condition comes to. What cannot be known neither begins a finding nor ends one.
type Truth int8

// The truths.
const (
	No Truth = iota
	Yes
	Unknown
)

// A Condition is the compiled When of a custom rule; see gateway/expression. It is safe for concurrent use.
type Condition struct {
	Holds func(Quantities) Truth // pure, of bounded cost
	Reads Reads                  // every quantity that Holds may ask for

	Shortest, Longest time.Duration // of its windows; zero: it has none
}

// Reads is a set of quantities.
type Reads uint32

// ReadsOf is the set of some quantities.
func ReadsOf(list ...Quantity) Reads {
	var set Reads
	for _, q := range list {
		set |= 1 << q
	}
	return set
}

// Any says whether the sets share a quantity.
func (r Reads) Any(other Reads) bool { return r&other != 0 }

// Which quantities speak of what data vouch for, and which others change as time passes.
const (
	ofData Reads = 1<<StillHours | 1<<UsualHours | 1<<CoveredDays | 1<<HoursSinceWater | 1<<LitresIn | 1<<DrawsIn
	ofTime Reads = 1<<LocalHour | 1<<LocalMonth | 1<<LocalWeekday | 1<<LocalDay | 1<<LocalNight
	ofAge  Reads = 1<<HoursSinceDoor | 1<<HoursSinceActivity
)

// customStep is how often a condition is judged that changes as time passes, besides at each reading of the home. One on the hour
// or the day alone is judged on the hour.
const customStep = 10 * time.Minute

// custom finds a home for which a condition holds that people wrote.
//
// A condition that speaks of water or stillness is judged at the moment up to which there are data: its hour is the hour of the
// data, however late they came, and it is judged at each reading alone, for without one nothing new is known. Any other is
// judged at the engine's now, at each reading and as time passes.
type custom struct {
	about     stillwater.Kind
	condition *Condition
	asked     customHome // to be asked without making garbage; an engine has one owner
}

// IsCustom says whether the rule has a condition that people wrote.
func (r *Rule) IsCustom() bool {
	_, is := detectorOf(r.Name).(*custom)
	return is
}

// bind makes the detector of one rule. It panics where nobody compiled the rule: a rule that never speaks is worse than none.
func (*custom) bind(r Rule) detector {
	if r.Condition == nil {
		panic(fmt.Sprintf("rules: nobody compiled the condition of rule %q; see gateway/expression", r.Name))
	}
	return &custom{about: r.kindOr(stillwater.Welfare), condition: r.Condition}
}

// kindOr is the kind that the rule says its findings are of, or otherwise.
func (r Rule) kindOr(otherwise stillwater.Kind) stillwater.Kind {
	if r.About == "" {
		return otherwise
	}
	return r.About
}

func (*custom) needs(Rule) map[string]need { return map[string]need{"when": must, "about": may} }

func (c *custom) kind() stillwater.Kind { return c.about }

func (*custom) eager() {}

func (c *custom) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	c.asked = customHome{home: h, now: now, at: now}
	if c.condition.Reads.Any(ofData) {
		c.asked.at = h.DataTo
	}
	switch c.condition.Holds(&c.asked) {
	case No:
		return holds
	case Unknown:
		if !h.active(r.Name, "") {
			return holds
		}
	}
	f := h.facts()
	f.Since, f.Night = c.since(h).time(), h.night(c.asked.at)
	f.Litres, f.Limit = c.asked.litres, c.asked.window
	if c.condition.Reads.Any(1 << StillHours) {
		f.Span = h.still()
	}
	return append(holds, stillwater.Finding{Facts: f})
}

// since is when what the condition is about began, as far as its quantities tell.
func (c *custom) since(h *home) instant {
	switch reads := c.condition.Reads; {
	case reads.Any(1 << StillHours):
		return max(h.Life.last(), h.Rearmed)
	case reads.Any(1<<DoorOpenMinutes | 1<<DoorOpen):
		if since := h.openSince(); since != 0 {
			return since
		}
	}
	return c.asked.at
}

// wake is the next moment at which the condition can change although no reading comes. It follows from when the home was last
// judged, so that homes do not all wake at each minute and a restart finds the same moments.
func (c *custom) wake(h *home, _ *boundRule) instant {
	if h.Looked == 0 {
		return 0
	}
	reads := c.condition.Reads
	aging := reads.Any(1 << DataAgeHours)
	if !reads.Any(ofData) {
		aging = aging || reads.Any(ofAge) || reads.Any(1<<DoorOpenMinutes) && h.openSince() != 0
		if !aging && reads.Any(ofTime) {
			return nextHour(h.Looked, h.today.zone)
		}
	}
	if !aging {
		return 0
	}
	return instantOf(h.Looked.time().Truncate(customStep).Add(customStep))
}

// nextHour is when the local clock next shows a whole hour. There are time zones of half and quarter hours.
func nextHour(after instant, zone *time.Location) instant {
	local := after.time().In(zone)
	into := time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
	return after.add(time.Hour - into)
}

// openSince is since when a door has stood open that can be believed; zero: none does.
func (h *home) openSince() instant {
	var since instant
	for i := range h.Devices {
		if d := &h.Devices[i]; d.open() {
			since = sooner(since, d.DoorSince)
		}
	}
	return since
}

// customHome is a home at a moment.
type customHome struct {
	home *home
	now  instant // the engine's
	at   instant // that the condition is judged at; zero: there are no data yet

	litres stillwater.Litres // what was said of the first window that was asked for, for the facts
	window time.Duration
}

// Quantity is the value, NaN where it cannot be known.
func (c *customHome) Quantity(q Quantity, within time.Duration) float64 {
	h := c.home
	if c.at == 0 {
		return math.NaN()
	}
	switch q {
	case StillHours:
		return known(h.still().Hours(), h.DataTo != 0 && h.StillFrom != 0)
	case UsualHours:
		return known(h.usual().Hours(), h.usual() > 0)
	case CoveredDays:
		return h.Covered.Hours() / 24
	case HoursSinceWater:
		return known(hours(max(h.Life.Water, h.WholeFrom), h.DataTo), h.Life.Water != 0 && h.metered())
	case HoursSinceDoor:
		return known(hours(h.Life.Door, c.at), h.Life.Door != 0 && c.heard(doorContact))
	case HoursSinceActivity:
		return known(hours(h.Life.Activity, c.at), h.Life.Activity != 0 && c.heard(activitySensor))
	case LitresIn, DrawsIn:
		return c.drawn(q, within)
	case DoorOpen, DoorOpenMinutes:
		return c.door(q)
	case DataAgeHours:
		return known(hours(h.DataTo, c.now), h.DataTo != 0)
	}
	return c.clock(q)
}

// known is the value, or NaN where it is not known.
func known(value float64, is bool) float64 {
	if !is {
		return math.NaN()
	}
	return value
}

func hours(from, to instant) float64 { return max(0, to.sub(from).Hours()) }

// metered says whether a meter covers the home: only then are litres known.
func (h *home) metered() bool { return h.covering() == meter }

// clock is a quantity of the local clock and calendar.
func (c *customHome) clock(q Quantity) float64 {
	local := c.at.time().In(c.home.today.zone)
	switch q {
	case LocalHour:
		return float64(local.Hour())
	case LocalMonth:
		return float64(local.Month())
	case LocalWeekday:
		return float64(local.Weekday())
	case LocalDay:
		return float64(c.home.rules.calendar.Kind(local.Date()))
	case LocalNight:
		return yes(c.home.night(c.at))
	}
	return math.NaN()
}

func yes(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// heard says whether a device of the kind is there and none of them is quiet for longer than it should be: a sensor that is
// dead saw nothing, and that says nothing.
func (c *customHome) heard(k kind) bool {
	any := false
	for i := range c.home.Devices {
		if d := &c.home.Devices[i]; d.Kind == k {
			if d.unheard(c.now) {
				return false
			}
			any = true
		}
	}
	return any
}

// door is how the doors stand.
func (c *customHome) door(q Quantity) float64 {
	state := math.NaN()
	if !c.heard(doorContact) {
		return state
	}
	for i := range c.home.Devices {
		if c.home.Devices[i].has(doorSeen) {
			state = 0
			break
		}
	}
	since := c.home.openSince()
	switch {
	case math.IsNaN(state) || since == 0:
		return state
	case q == DoorOpenMinutes:
		return hours(since, c.at) * 60
	}
	return 1
}

// drawn is the water of the window up to the newest data, of a draw that began before it the even share. It is not known where the
// window has a hole, or readings with water lie further apart than the window is long.
func (c *customHome) drawn(q Quantity, within time.Duration) float64 {
	h := c.home
	from := h.DataTo.add(-within)
	if h.DataTo == 0 || !h.metered() || h.WholeFrom == 0 || h.WholeFrom > from {
		return math.NaN()
	}
	var used float64
	count := 0
	for w := h.Draws.newest(); w.next() && w.To > from; {
		span, part := w.span(), 1.0
		if span > within {
			return math.NaN()
		}
		if w.From < from {
			part = float64(w.To.sub(from)) / float64(span)
		}
		used += part * float64(w.ML)
		count++
	}
	if q == DrawsIn {
		return float64(count)
	}
	if c.window == 0 {
		c.litres, c.window = litres(int64(used)), within
	}
	return used / 1000
}
