package rules

import (
	"math"
	"time"
)

// A routine is what is usual in one home: at what hours it goes still and for how long. From it follows after how long a stillness
// is told of.
//
// The question is not how unusual a stillness is but whether waiting longer is worth it. Waiting costs delay, should she have
// fallen; not waiting costs a visit for nothing. So a false alert is given a price in hours of delay, and for each hour of the
// day in which a stillness can begin that length is chosen for which
//
//	hours she is up and could fall × dread of the length + price × stillnesses that outlast the length
//
// is least; the dread of a length is its hours, and beyond twenty thirty times the hours more, for nobody is to lie for a day. Where
// one lives alone that is also worth daylong false alerts a year, so that only who is away for days time and again is waited for longer. At night, when most stillnesses end at seven, that is not before eight; in the morning, when hardly any lasts
// three hours, it is soon. The price is what keeps the budget: it rises with every false alert and falls with the days without.
// All that is remembered is how often the home was still from when and for how long, fading over months, so that what was once
// does not rule for ever and one bad fortnight is one stillness among hundreds. What a home has not shown yet is borrowed from
// all homes (see common.go), and less of it the longer the home is known.
type routine struct {
	Inside habit  // stillness in the home
	Outing *habit // stillness after the door; nil: no door has been seen

	Days    float64 // days these were learned from; they fade with them
	Seen    float64 // days seen in all
	Faded   float64 // of Seen, when it last faded
	Alert   price   // of a false alert
	Ask     price   // of a question that need not have been
	Known   bool    // the home is learned
	Sensors bool    // activity sensors cover it: they show more than a meter does
	Several bool    // two or more live there
	Blended bool    // the door is not believed: stillness after it is judged like any other
}

// The measures of learning. Those without a reason beside them were tried on real recordings; see the table in README.md.
const (
	starts    = 12          // a stillness is known by the two hours of the day in which it begins
	startSpan = 24 / starts // hours
	lengths   = len(bounds) // and by its length
	dayOut    = 10          // the index of twelve hours: nobody is out for longer without an alert
	askAhead  = 2           // hours, and places in bounds, from a question after the door to the alert

	once         = 8   // a stillness in its cell, so that it can fade
	fadeAfter    = 30  // days
	fade         = 0.8 // what is left of what is known after them: half of it after three months
	learnedIn    = 27  // days until a home is learned: it is from its 28th on
	learnedLeast = 20  // of them covered, if there are holes

	shape   = 10  // stillnesses that the common shape counts for where the home shows its own
	spill   = 0.3 // of a stillness that might as well have been a class longer
	upClose = 4.0 // hours: with life nearer than this before and after she is up

	ofAll     = 0.2  // how far the price is that of all homes rather than its own
	follow    = 0.2  // how far a day moves it to where the budget is expected to be kept
	heed      = 2.3  // what a false alert more than a budget of one adds to its logarithm
	heedLess  = -0.7 // and, as a power of the budget, of a greater one
	heedMost  = 5    // and what all of them can
	leastOwn  = 20   // hours
	mostOwn   = 3e6  // hours
	inADay    = 22   // hours: a bound at which she is found within a day
	daylong   = 10   // false alerts a year that no longer bound is worth
	saved     = 3.0  // alerts a year that a home without a door does without, for those that are so often empty that they cannot
	aimLeast  = 0.25 // of the budget, at least
	restOfIt  = 0.5  // this part of the budget at least is for stillness in the home, whatever comes of the door
	wholeYear = 365. // days
)

// bounds are the lengths, in hours, at which a stillness can be told of; a stillness is of class i if it is longer than bounds[i] and
// not longer than the next. Shorter ones are too common to be told of.
var bounds = [...]float64{2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 40, 44, 48}

// classOf is the class of a stillness; -1: it is too short to be of one.
func classOf(hours float64) int {
	i := -1
	for i+1 < lengths && hours > bounds[i+1] {
		i++
	}
	return i
}

// A sight is how sharply a home is seen. Sensors see whoever stirs, a meter only who draws water: so what sensors show is sooner worth more than what is common, which
// was learned from meters, and differs more from hour to hour.
type sight struct {
	borrowed float64 // days that what is common to all homes counts for
	beside   float64 // of a stillness that might as well have begun two hours sooner, or later
	itself   float64 // and of one where it began
	byHour   float64 // stillnesses that the common share of two hours counts for where the home shows its own; 0: it keeps to the common one
}

var (
	byMeter   = sight{borrowed: 60, beside: 0.2, itself: 0.6}
	bySensors = sight{borrowed: 15, beside: 0.05, itself: 0.9, byHour: 5}
)

func (r *routine) sight() sight {
	if r.Sensors {
		return bySensors
	}
	return byMeter
}

// An outlook is what to expect of a home in a day.
type outlook struct {
	longer [starts][lengths]float64 // stillnesses that begin in these two hours and outlast each bound
	up     [starts]float64          // hours in which she is up
	goesOn [lengths]float64         // which part of those that outlast the bound before outlast this one; of the first: how many do. Of what is common alone
}

// tally is how often, in 1/once, stillnesses that begin in two hours outlast each bound.
type tally [starts][lengths]int32

// tallied is that of habits together.
func tallied(habits []*habit) (t tally) {
	for _, b := range habits {
		b.Still.addTo(&t)
	}
	for start := range t {
		row, sum := &t[start], int32(0)
		for i := lengths - 1; i >= 0; i-- {
			sum += row[i]
			row[i] = sum
		}
	}
	return t
}

// expect makes the outlook what the habits of the days before let expect, together with what is common. It is by far the dearest thing
// done for a home, once a day, so it is done for no more than the first lengths that are asked for.
func (o *outlook) expect(r *routine, common *outlook, first int, habits ...*habit) {
	t := tallied(habits)
	see := r.sight()
	scale := scaleOf(common, r.Days, &t, first)
	own, borrow := 1/(once*(r.Days+see.borrowed)), see.borrowed/(r.Days+see.borrowed)
	for start := range starts {
		sooner, later := (start+starts-1)%starts, (start+1)%starts
		before, at, after, row, usual := &t[sooner], &t[start], &t[later], &o.longer[start], &common.longer[start]
		shorter := see.nearby(before[0], at[0], after[0])
		lent := borrow * see.shareOf(shorter/once, r.Days*scale[0]*usual[0])
		for i := range row {
			if i == first {
				break
			}
			n := see.nearby(before[i], at[i], after[i])
			row[i] = (n+spill*(shorter-n))*own + lent*scale[i]*usual[i]
			shorter = n
		}
		var up float64
		for _, b := range habits {
			up += see.nearby(int32(b.Up[sooner]), int32(b.Up[start]), int32(b.Up[later]))
		}
		o.up[start] = (up/60 + see.borrowed*common.up[start]) / (r.Days + see.borrowed)
	}
}

// nearby is how often something was, where some of it might as well have been two hours sooner or later.
func (s *sight) nearby(before, at, after int32) float64 {
	return s.beside*float64(before+after) + s.itself*float64(at)
}

// shareOf is how many times more often than expected stillnesses begin in two hours, as far as the home shows.
func (s *sight) shareOf(seen, expected float64) float64 {
	if s.byHour == 0 {
		return 1
	}
	return (seen + s.byHour) / (expected + s.byHour)
}

// scaleOf is how many times more often than common the home outlasts each of the first bounds, as far as it shows: bound by bound, from the
// shortest, the part that goes on to the next is its own and the common one's, each by how often it was seen. Beyond what the home has
// ever shown it goes on as in all homes, from as few as it has.
func scaleOf(common *outlook, days float64, t *tally, first int) (scale [lengths]float64) {
	var all [lengths]int32 // in 1/once
	for start := range t {
		for i, n := range &t[start] {
			all[i] += n
		}
	}
	shorter := float64(all[0]) / once
	s := (shorter + shape) / (common.goesOn[0]*days + shape)
	scale[0] = s
	for i := 1; i < first; i++ {
		goesOn, seen := common.goesOn[i], float64(all[i])/once
		s *= (seen + shape*goesOn) / ((shorter + shape) * goesOn)
		scale[i] = s
		shorter = seen
	}
	return scale
}

// dread is what it is worth not to lie for so many hours.
func dread(hours float64) float64 {
	const long, each = 20, 30
	return hours + each*max(0, hours-long)
}

// dreads are those of the bounds: a table.
var dreads = func() (d [lengths]float64) {
	for i, hours := range bounds {
		d[i] = dread(hours)
	}
	return d
}()

// choose sets the bounds for the price of an alert, and says how many alerts a year are to be expected of them. A bound of more than a day costs
// each start its part of worth alerts a year.
func (b *habit) choose(o *outlook, alert, worth float64) (alerts float64) {
	var ups float64
	for _, hours := range o.up {
		ups += hours
	}
	late := alert * worth / (wholeYear * ups)
	for start := range b.Bound {
		least, up, longer := math.Inf(1), o.up[start], &o.longer[start]
		for i := range longer {
			delay := up * dreads[i]
			if delay > least {
				break // and so is all that is longer
			}
			cost := delay + alert*longer[i]
			if bounds[i] > inADay {
				cost += late * up
			}
			if cost <= least {
				least, b.Bound[start] = cost, uint8(i)
			}
		}
		alerts += longer[b.Bound[start]]
	}
	return alerts * wholeYear
}

// chooseAsk sets the bounds of questions after the door, of which each is an alert askAhead later, or at dayOut.
func (b *habit) chooseAsk(o *outlook, alert, ask float64) (alerts, asks float64) {
	for start := range b.Bound {
		least, up, longer := math.Inf(1), o.up[start], &o.longer[start]
		for i := range dayOut - askAhead + 1 {
			told := i + askAhead
			if cost := up*dreads[told] + alert*longer[told] + ask*longer[i]; cost <= least {
				least, b.Bound[start] = cost, uint8(i)
			}
		}
		i := b.Bound[start]
		alerts += longer[i+askAhead]
		asks += longer[i]
	}
	return alerts * wholeYear, asks * wholeYear
}

// A price is how many hours of delay it is worth not to raise a false alert. It is kept as logarithms.
type price struct {
	Own      float64 // where the budget is expected to be kept
	Heed     float64 // what false alerts have added, or their absence taken away
	Happened float64 // false alerts since the last day
}

// hours is the price, with what all homes pay.
func (p *price) hours(all float64) float64 {
	return math.Exp(ofAll*math.Log(all) + (1-ofAll)*p.Own + p.Heed)
}

// settle moves the price by a day or more: expected is how many false alerts a year its own part lets expect.
func (p *price) settle(expected, budget, days float64) {
	over := p.Happened - budget/wholeYear*days
	p.Heed = min(heedMost, max(-heedMost, p.Heed+heed*math.Pow(budget, heedLess)*over))
	p.Happened = 0
	step := math.Log((expected + 0.1) / budget)
	p.Own = min(math.Log(mostOwn), max(math.Log(leastOwn), p.Own+follow*min(2, max(-2, step))))
}

// budget is what the operator set: false alerts, and questions that need not have been, per home and year.
type budget struct{ alerts, asks float64 }

// settle learns from days more, covered by readings, and sets the bounds anew.
func (r *routine) settle(days float64, per budget) {
	r.Days += days
	r.Seen += days
	for ; r.Seen-r.Faded >= fadeAfter; r.Faded += fadeAfter {
		r.Days *= fade
		r.Inside.fade()
		if r.Outing != nil {
			r.Outing.fade()
		}
	}
	if r.Outing != nil && !r.Blended {
		r.settleBoth(days, per)
		return
	}
	habits := []*habit{&r.Inside}
	if r.Outing != nil {
		habits = append(habits, r.Outing)
	}
	aim := max(per.alerts-saved, aimLeast*per.alerts)
	all := allPay(aim)
	var o outlook
	o.expect(r, &commonAll, lengths, habits...)
	r.Alert.begin(all)
	r.Alert.settle(r.Inside.choose(&o, math.Exp(r.Alert.Own), r.worth()), aim, days)
	r.Inside.choose(&o, r.Alert.hours(all), r.worth())
}

// settleBoth settles a home with a door. What the door causes is bounded otherwise, by twelve hours, and so is no reason to wait for ever
// in the home: stillness there has what the door leaves of the budget, but never less than restOfIt.
func (r *routine) settleBoth(days float64, per budget) {
	allAlert, allAsk := allPayWithDoor(per.alerts), allPayToAsk(per.asks)
	r.Alert.begin(allAlert)
	r.Ask.begin(allAsk)
	var in, out outlook
	in.expect(r, &commonInside, lengths, &r.Inside)
	out.expect(r, &commonOuting, dayOut+1, r.Outing)
	ownAlert, ownAsk := math.Exp(r.Alert.Own), math.Exp(r.Ask.Own)
	outside, asks := r.Outing.chooseAsk(&out, ownAlert, ownAsk)
	r.Ask.settle(asks, per.asks, days)
	r.Alert.settle(r.Inside.choose(&in, ownAlert, r.worth()), max(per.alerts-outside, restOfIt*per.alerts), days)
	r.Inside.choose(&in, r.Alert.hours(allAlert), r.worth())
	r.Outing.chooseAsk(&out, r.Alert.hours(allAlert), r.Ask.hours(allAsk))
}

// worth is how many false alerts a year it is worth not to wait for more than a day. Where several live, that all of them are still for so long is a
// journey.
func (r *routine) worth() float64 {
	if r.Several {
		return 0
	}
	return daylong
}

// begin gives a new home the price of all.
func (p *price) begin(all float64) {
	if p.Own == 0 {
		p.Own = math.Log(all)
	}
}

// bound is after how long a stillness that begins at the local hour is told of: an alert, or after the door (out) a question.
func (r *routine) bound(hour int, out bool) time.Duration {
	b := &r.Inside
	if out && r.Outing != nil {
		b = r.Outing
	}
	return time.Duration(bounds[b.Bound[hour/startSpan]] * float64(time.Hour))
}

// rate is how many times a year a stillness that begins at the hour can be expected to outlast the bound.
func (r *routine) rate(hour int, out bool, bound time.Duration) float64 {
	common := &commonAll
	switch {
	case r.Outing == nil || r.Blended:
	case out:
		common = &commonOuting
	default:
		common = &commonInside
	}
	i := max(0, classOf(bound.Hours()))
	var o outlook
	o.expect(r, common, lengths, r.habitsOf(out)...)
	return o.longer[hour/startSpan][i] * wholeYear
}

func (r *routine) fields(c *codec) {
	c.part(1, &r.Inside)
	optional(c, 2, &r.Outing)
	c.float(3, &r.Days)
	c.float(4, &r.Seen)
	c.float(5, &r.Faded)
	c.part(6, &r.Alert)
	c.part(7, &r.Ask)
	c.flag(8, &r.Blended)
	c.flag(9, &r.Known)
	c.flag(10, &r.Sensors)
	c.flag(11, &r.Several)
}

func (p *price) fields(c *codec) {
	c.float(1, &p.Own)
	c.float(2, &p.Heed)
	c.float(3, &p.Happened)
}
