package rules

import (
	"time"

	"stillwater"
)

// learnedSilence finds a home without a sign of life for longer than its routine allows; see routine. After the door it is away's to find.
type learnedSilence struct{}

func (learnedSilence) needs(Rule) map[string]need {
	return map[string]need{"after": must, "budget": must}
}

func (learnedSilence) kind() stillwater.Kind { return stillwater.Welfare }

func (l learnedSilence) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := l.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.stillSince().time(), h.still(), due.sub(h.StillFrom), h.night(now)
	h.usualHere(&f, r, false)
	return append(holds, stillwater.Finding{Facts: f})
}

// due is 0 until the home is learned.
func (learnedSilence) due(h *home, r *boundRule) instant {
	if h.StillFrom == 0 || h.DataTo == 0 || !h.learned() || h.out() {
		return 0
	}
	return h.StillFrom.add(min(r.After, h.Routine.bound(h.startHour(), false)))
}

// hastened is there because a bound may be shorter at another hour.
func (learnedSilence) hastened() {}

// stillSince is when the stillness under way began: at the last sign of life, or when people closed an incident after it.
func (h *home) stillSince() instant {
	if since := max(h.Life.last(), h.Rearmed); since != 0 {
		return since
	}
	return h.StillFrom
}

// startHour is the local hour at which the stillness under way began.
func (h *home) startHour() int { return h.hour(h.stillSince()) }

// learned says whether the home's routine is known.
func (h *home) learned() bool { return h.Routine != nil && h.Routine.Known }

// learn takes the end of a stillness, by a sign of life at the moment at: into the routine goes how long it had lasted as far as
// readings vouched before, and once a day the bounds are set anew. What people closed, what has a hole in it, and what began on a
// festival or ended at a moment that is not known says nothing of a routine.
func (h *home) learn(at instant) {
	if h.rules.per == nil {
		return
	}
	if h.Routine == nil {
		h.Routine = &routine{Known: h.Covered >= learnedIn*24*time.Hour} // somebody has come to live there
		h.knowHome()
		h.Routine.settle(0, *h.rules.per)
		h.SettledCovered, h.SettledDay = h.Covered, h.day(at).number
	}
	r, since := h.Routine, h.Life.last()
	if since != 0 {
		if h.Rearmed <= since && h.WholeFrom <= since && at.sub(h.vouchedTo) <= h.blur() && !h.dry() {
			h.teach(since, at)
		}
		h.tally(r)
	}
	if day := h.day(at); day.number != h.SettledDay {
		days := (h.Covered - h.SettledCovered).Hours() / 24
		if h.festival(day.from - 1) { // the day before does not count as known
			days = 0
		}
		h.SettledCovered, h.SettledDay = h.Covered, day.number
		h.knowHome()
		r.settle(max(0, days), *h.rules.per)
		r.Known = r.Known || h.Covered >= learnedIn*24*time.Hour || r.Seen >= learnedLeast && at.sub(h.First) >= learnedIn*24*time.Hour
	}
}

// knowHome tells the routine what the registry and the devices say of the home.
func (h *home) knowHome() {
	h.Routine.Sensors, h.Routine.Several = h.covering() == activitySensor, h.together() > 0
}

// teach puts a stillness into the habits.
func (h *home) teach(since, at instant) {
	length := hoursOf(h.vouchedTo.sub(since))
	if length > bounds[0] && h.festival(since) {
		return
	}
	r := h.Routine
	b := &r.Inside
	if h.out() || r.Blended && r.Outing != nil { // of a door that is not believed it is not known which
		if r.Outing == nil {
			r.Outing = &habit{}
		}
		b = r.Outing
	}
	b.learn(h.hour(since), length, hoursOf(at.sub(since)))
	h.remember(lesson{since, at, h.vouchedTo, b == r.Outing})
}

// blur is the longest time between two readings that still tells when life was.
func (h *home) blur() time.Duration {
	if d := h.reporter(); d != nil {
		return max(2*time.Hour, 3*d.usual())
	}
	return 2 * time.Hour
}

// tally counts what was raised of the stillness that ends: it was false, as far as the home can tell.
func (h *home) tally(r *routine) {
	for _, f := range h.memory.goingOn() {
		rule := h.rules.byName(f.Rule)
		if rule == nil || f.Trial {
			continue
		}
		switch rule.detector.(type) {
		case learnedSilence:
			r.Alert.Happened++
		case away:
			if f.Severity == stillwater.Question {
				r.Ask.Happened++
			}
		}
	}
}
