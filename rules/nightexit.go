package rules

import (
	"math"
	"time"

	"stillwater"
)

// nightExit finds that she went out at night and is not back: the door went once at an hour of the night at which it hardly ever goes, and for
// After since then nothing stirs in the home, no water above all. Who comes home late is no exit: the door went once before. Until
// midnight has passed, neither is it where a caller came in the evening and was not seen to leave. What was drawn in a span that holds the
// moment of the door may have been drawn before it or after: then this rule says nothing, and away asks.
type nightExit struct{}

// The measures of a night exit.
const (
	exitFrom   = 22 // the night of a home whose door is known
	exitTo     = 6
	guestsTo   = 1  // after this hour it is not callers who leave
	exitOften  = 3  // times of late that the door went about this hour make it usual
	exitLearnt = 28 // days until the home's own hours are known
)

func (nightExit) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (nightExit) kind() stillwater.Kind { return stillwater.Welfare }

func (n nightExit) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := n.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.GoneAt.time(), h.DataTo.sub(h.GoneAt), r.After, true
	if goings, days := h.Doorway.about(h.GoneAt.time().In(h.today.zone).Hour()); days > 0 {
		f.Rate = max(0, goings-1) / days * wholeYear // without this one
	}
	return append(holds, stillwater.Finding{Facts: f})
}

func (nightExit) due(h *home, r *boundRule) instant {
	if h.DataTo == 0 || !h.out() || h.Doorway == nil || h.GoneAt == 0 || max(h.Life.Water, h.Life.Activity) > h.GoneAt || !h.oddHour(h.GoneAt) {
		return 0
	}
	return h.StillFrom.add(r.After)
}

// hastened is there because the hour at which the door goes tells whether it is night.
func (nightExit) hastened() {}

// oddHour says whether the moment is one of the night at which the door of this home hardly ever goes, for one who is alone.
func (h *home) oddHour(at instant) bool {
	w, hour := h.Doorway, at.time().In(h.today.zone).Hour()
	from, to := nightFrom, nightTo
	if w.Seen >= exitLearnt {
		from, to = exitFrom, exitTo
	}
	if hour < from && hour >= to {
		return false
	}
	goings, _ := w.about(hour)
	if goings >= exitOften+1 { // this one counts too
		return false
	}
	return hour < from && hour >= guestsTo || w.alone(h.civil(at.add(-eveningAt)))
}

// unusualDoor finds a door that goes far more often in a night than this home's ever does: so often that, nights being as they were, it would happen
// in less than one home in unusualYears years, and unusualLeast times at least. Homes differ in how regular their nights are; that
// they do is in the figure, that one night may be unlike all others is not.
type unusualDoor struct{}

const (
	unusualLeast = 6
	unusualYears = 20
	unusualPrior = 1 // night, of half a going, that is taken to be known of any home
)

func (unusualDoor) needs(Rule) map[string]need { return map[string]need{} }

func (unusualDoor) kind() stillwater.Kind { return stillwater.DoorKind }

func (unusualDoor) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	w := h.Doorway
	if w == nil || !isNight(now.time().In(h.today.zone).Hour()) || h.civil(now.add(-nightShift)) != w.Night || !h.active(r.Name, "") && !w.odd() {
		return holds
	}
	begins, _ := nightOf(h.GoneAt, h.today.zone)
	f := h.facts()
	f.Since, f.Count, f.Rate, f.Night = max(begins.add(-time.Hour), h.First).time(), int(w.Tonight), w.perNight(), true
	f.Span = now.sub(instantOf(f.Since))
	return append(holds, stillwater.Finding{Facts: f})
}

// perNight is how often the door goes in a night.
func (w *doorway) perNight() float64 {
	if w.Days == 0 {
		return 0
	}
	n := 0.0
	for hour, goings := range w.Hours {
		if isNight(hour) {
			n += float64(goings) / once
		}
	}
	return max(0, n-float64(w.Tonight)) / float64(w.Days)
}

// odd says whether the door has gone too often tonight. How often it goes in a night is known as well as the nights seen tell, so the count
// of one more is negative binomial.
func (w *doorway) odd() bool {
	if w.Tonight < unusualLeast || w.Seen < openLeast {
		return false
	}
	days := float64(w.Days)
	shape, next := w.perNight()*days+0.5, 1/(days+unusualPrior+1)
	// The chance of exactly k, from 0 on, and of as many as tonight or more.
	chance := math.Pow(1-next, shape)
	more := 1.0
	for k := range int(w.Tonight) {
		more -= chance
		chance *= (shape + float64(k)) / float64(k+1) * next
	}
	return more < 1/(unusualYears*wholeYear)
}
