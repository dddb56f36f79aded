package rules

import (
	"time"

	"stillwater"
)

// horizon is how far ahead the engine looks for an alert.
const horizon = 10 * 24 * time.Hour

// Standing is what can be said of the home at now. Incidents and absences are not the engine's: a home with one has another state.
func (e *Engine) Standing(id stillwater.HouseholdID, now time.Time) stillwater.Standing {
	s := stillwater.Standing{Household: id, State: stillwater.Blind}
	h := e.homes[id]
	if h == nil {
		return s
	}
	s.Life, s.DataTo, s.Still, s.Usual = h.Life, h.DataTo, h.still(), h.usual()
	for _, f := range h.Active {
		if !f.Trial {
			s.Findings = append(s.Findings, f)
		}
	}
	s.Question, _ = h.ahead(now, func(v stillwater.Severity) bool { return v == stillwater.Question })
	s.Alert, s.AlertRule = h.ahead(now, func(v stillwater.Severity) bool { return v.Above(stillwater.Question) })
	s.State = h.state(now)
	return s
}

// state names how the home is.
func (h *home) state(now time.Time) stillwater.HomeState {
	blind := true
	for _, d := range h.Devices {
		if d.Kind == h.covering() && !d.Vouched.IsZero() && !d.unheard(now) {
			blind = false
		}
	}
	quiet := h.usual()
	if quiet == 0 {
		quiet = 6 * time.Hour // until it is known: half the time after which people are asked
	}
	switch {
	case blind:
		return stillwater.Blind
	case h.doorLast() && h.still() > 0 && h.doorClosed():
		return stillwater.PerhapsOut
	case h.still() > quiet:
		return stillwater.Still
	}
	return stillwater.Fine
}

// doorClosed says whether no door stands open.
func (h *home) doorClosed() bool {
	for _, d := range h.Devices {
		if d.Door != nil && d.Door.Open {
			return false
		}
	}
	return true
}

// Protection is when the first alert would be raised had every sign of life stopped right after now, with the devices still
// reporting at their usual interval, and by which rule. Zero: not within ten days.
func (e *Engine) Protection(id stillwater.HouseholdID, now time.Time) (time.Time, string) {
	h := e.homes[id]
	if h == nil {
		return time.Time{}, ""
	}
	return h.ahead(now, func(v stillwater.Severity) bool { return v.Above(stillwater.Question) })
}

// ahead is when the first silence or away finding of a severity would be raised if the stillness went on.
func (h *home) ahead(now time.Time, severe func(stillwater.Severity) bool) (at time.Time, rule string) {
	for i := range h.rules {
		r := &h.rules[i]
		if r.Trial || !severe(r.Severity) {
			continue
		}
		raised := h.raisedAt(r, now)
		if raised.IsZero() || raised.Sub(now) > horizon {
			continue
		}
		if at.IsZero() || raised.Before(at) {
			at, rule = raised, r.Name
		}
	}
	return at, rule
}

// raisedAt is when the rule was or would be raised; zero: never, or it is not about stillness.
func (h *home) raisedAt(r *boundRule, now time.Time) time.Time {
	var due time.Time
	switch r.detector.(type) {
	case silence:
		due = silenceDue(h, r, now.Add(2*horizon))
	case away:
		due = awayDue(h, r)
	}
	if due.IsZero() {
		return due
	}
	if f := h.goingOn(r.Name, ""); f != nil {
		return f.Began
	}
	return h.arrival(due, now)
}

// arrival is when a reading that vouches for the moment due would come, after now, if the covering device reports as usual.
func (h *home) arrival(due, now time.Time) time.Time {
	d := h.reporter()
	if d == nil {
		return time.Time{}
	}
	step := d.usual()
	if step <= 0 {
		step = time.Hour // not known yet: the commonest interval of a meter
	}
	lag := h.Vouched.Sub(h.DataTo) // a daily upload is about the past
	first := h.DataTo.Add(step)
	after := due
	if known := now.Add(-lag); known.After(after) {
		after = known.Add(1)
	}
	if after.After(first) {
		n := (after.Sub(first) + step - 1) / step
		first = first.Add(n * step)
	}
	return first.Add(lag)
}

// reporter is the covering device that was heard last.
func (h *home) reporter() *device {
	var best *device
	for _, d := range h.Devices {
		if d.Kind == h.covering() && !d.Vouched.IsZero() && (best == nil || d.Heard.After(best.Heard)) {
			best = d
		}
	}
	return best
}

// Covered is how long the readings of the household vouch for, and when its first reading was.
func (e *Engine) Covered(id stillwater.HouseholdID) (first time.Time, covered time.Duration) {
	if h := e.homes[id]; h != nil {
		return h.First, h.Covered
	}
	return time.Time{}, 0
}
