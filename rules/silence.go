package rules

import (
	"time"

	"stillwater"
)

// silence finds a home without a sign of life for longer than the rule allows, or with less water than Under in the last
// Within. It counts covered time only, so it is raised by readings and never by their absence.
type silence struct{}

func (silence) needs(r Rule) map[string]need {
	if r.Under != 0 || r.Within != 0 {
		return map[string]need{"under": must, "within": must}
	}
	return map[string]need{"after": must}
}

func (silence) kind() stillwater.Kind { return stillwater.Welfare }

func (silence) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	due := silenceDue(h, r, h.DataTo)
	if due.IsZero() || h.DataTo.Before(due) {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.Life.Last(), h.still(), r.After, h.night(now)
	if r.Under > 0 {
		f.Litres, f.Bound, f.Limit = litres(h.window(r).Whole), r.Under, r.Within
	}
	if f.Since.IsZero() {
		f.Since = h.StillFrom
	}
	return append(holds, stillwater.Finding{Facts: f})
}

// silenceDue is the coverage at which the rule is raised if the stillness goes on; zero: nothing vouches for the home. It is
// the one place that knows when a silence is too long: alerts, time left and protection delay all ask it. What is due after enough
// need not be exact.
func silenceDue(h *home, r *boundRule, enough time.Time) time.Time {
	if h.StillFrom.IsZero() || h.DataTo.IsZero() {
		return time.Time{}
	}
	if r.Under == 0 {
		return h.StillFrom.Add(r.After)
	}
	if h.covering() != stillwater.Meter {
		return time.Time{} // litres are not known
	}
	// The window must be whole, and count anew after a hole or a closed incident.
	due := later(h.WholeFrom, h.Rearmed).Add(r.Within)
	win := h.window(r)
	left := win.Whole
	bound := int64(float64(r.Under) * 1000)
	for i := win.Start - h.Dropped; i < len(h.Draws) && left >= bound && !due.After(enough); i++ {
		left -= h.Draws[i].ML
		due = later(due, h.Draws[i].To.Add(r.Within))
	}
	return due
}

func (silence) wake(*home, *boundRule) time.Time { return time.Time{} }
