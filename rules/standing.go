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
	h := e.homes.of(id)
	if h == nil {
		return s
	}
	s.Life, s.DataTo, s.Still, s.Usual, s.Doubt = h.Life.told(), h.DataTo.time(), h.still(), h.usual(), h.Doubt.told()
	for _, f := range h.goingOn() {
		if !f.Trial {
			s.Findings = append(s.Findings, f)
		}
	}
	s.Findings = append(s.Findings, e.shares(h)...)
	s.Question, _ = h.ahead(instantOf(now), func(v stillwater.Severity) bool { return v == stillwater.Question })
	s.Alert, s.AlertRule = h.ahead(instantOf(now), func(v stillwater.Severity) bool { return v.Above(stillwater.Question) })
	s.State = h.state(instantOf(now))
	s.Reduced = h.reduced()
	s.Residents, s.Absence, s.Cut = h.together(), h.plannedAbsence(instantOf(now)), h.announced(instantOf(now))
	return s
}

// state names how the home is.
func (h *home) state(now instant) stillwater.HomeState {
	quiet := h.usual()
	if quiet == 0 {
		quiet = 6 * time.Hour // until it is known: half the time after which people are asked
	}
	switch {
	case h.absent(now):
		return stillwater.Paused
	case h.blind(now):
		return stillwater.Blind
	case h.out() && h.still() > 0 && h.doorClosed():
		return stillwater.PerhapsOut
	case h.still() > quiet:
		return stillwater.Still
	}
	return stillwater.Fine
}

// blind says whether nothing is heard of the home.
func (h *home) blind(now instant) bool {
	for i := range h.Devices {
		d := &h.Devices[i]
		if d.Kind == h.covering() && d.Vouched != 0 && !d.unheard(now) {
			return false
		}
	}
	return true
}

// doorClosed says whether no door stands open.
func (h *home) doorClosed() bool {
	for i := range h.Devices {
		if h.Devices[i].open() {
			return false
		}
	}
	return true
}

// Protection is when the first alert would be raised had every sign of life stopped right after now, with the devices still
// reporting at their usual interval, and by which rule. Zero: not within ten days.
func (e *Engine) Protection(id stillwater.HouseholdID, now time.Time) (time.Time, string) {
	h := e.homes.of(id)
	if h == nil {
		return time.Time{}, ""
	}
	return h.ahead(instantOf(now), func(v stillwater.Severity) bool { return v.Above(stillwater.Question) })
}

// ahead is when the first silence or away finding of a severity would be raised if the stillness went on.
func (h *home) ahead(now instant, severe func(stillwater.Severity) bool) (when time.Time, rule string) {
	var first instant
	for _, r := range h.rules.stillness {
		if r.Trial || !severe(r.Severity) {
			continue
		}
		raised := h.raisedAt(r, now)
		if raised == 0 || raised.sub(now) > horizon {
			continue
		}
		if first == 0 || raised < first {
			first, rule = raised, r.Name
		}
	}
	return first.time(), rule
}

// raisedAt is when the rule was or would be raised; 0: never.
func (h *home) raisedAt(r bound[stillnessDetector], now instant) instant {
	due := h.dueOf(r.boundRule, r.as)
	if due == 0 {
		return 0
	}
	if f := h.finding(r.Name, ""); f != nil {
		return instantOf(f.Began)
	}
	raised := h.arrival(due, now)
	if h.paused(raised) && due < h.Absence.From {
		raised = h.arrival(h.dueAfter(r.boundRule, r.as), now)
	}
	return max(raised, ceilMinute(h.rules.heldUntil(h, r.boundRule)))
}

// arrival is when a reading that vouches for the moment due would come, after now, and be judged, if the covering device reports as
// usual. A meter that uploads its history once a day brings the moment with the upload after it.
func (h *home) arrival(due, now instant) instant {
	d := h.reporter()
	if d == nil {
		return 0
	}
	usual := d.usual()
	if usual == 0 {
		usual = d.Rate.latest() // it is not known yet
	}
	step := instant(usual / time.Microsecond)
	if step <= 0 {
		step = 60 * minute // not known yet: the commonest interval of a meter
	}
	lag := h.Vouched - h.DataTo
	first := h.DataTo + step
	after := due
	if known := now - lag; known > after {
		after = known + 1
	}
	if after > first {
		first += (after - first + step - 1) / step * step
	}
	came := first + lag
	if lag.sub(0) > historyAfter { // it is judged when all that comes with it has come
		came = ceilMinute(came + 1)
	}
	return came
}

// reporter is the covering device that was heard last.
func (h *home) reporter() *device {
	var best *device
	for i := range h.Devices {
		d := &h.Devices[i]
		if d.Kind == h.covering() && d.Vouched != 0 && (best == nil || d.Heard > best.Heard) {
			best = d
		}
	}
	return best
}

// Covered is how long the readings of the household vouch for, and when its first reading was.
func (e *Engine) Covered(id stillwater.HouseholdID) (first time.Time, covered time.Duration) {
	if h := e.homes.of(id); h != nil {
		return h.First.time(), h.Covered
	}
	return time.Time{}, 0
}
