package rules

import "stillwater"

// silence finds a home without a sign of life for longer than the rule allows, or with less water than Under in the last
// Within. It counts covered time only, so it is raised by readings and never by their absence.
type silence struct{}

func (silence) needs(r Rule) map[string]need {
	if r.Under != 0 || r.Within != 0 {
		return map[string]need{"under": must, "within": must}
	}
	return map[string]need{"after": must, "learning": may}
}

func (silence) kind() stillwater.Kind { return stillwater.Welfare }

func (s silence) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := s.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.Life.last().time(), h.still(), r.After, h.night(now)
	if r.Under > 0 {
		whole, _ := h.Draws.used(h.DataTo.add(-r.Within), r.Within)
		f.Litres, f.Bound, f.Limit = litres(whole), r.Under, r.Within
	}
	if f.Since.IsZero() {
		f.Since = h.StillFrom.time()
	}
	h.usualHere(&f, r, h.out())
	return append(holds, stillwater.Finding{Facts: f})
}

// due is the one place that knows when a silence is too long: alerts, time left and protection delay all ask it.
func (silence) due(h *home, r *boundRule) instant {
	if h.StillFrom == 0 || h.DataTo == 0 || r.Learning && h.learned() {
		return 0
	}
	if r.Under == 0 {
		return h.StillFrom.add(r.After)
	}
	if h.covering() != meter {
		return 0 // litres are not known
	}
	// The window must be whole, and count anew after a hole or a closed incident.
	due := max(h.WholeFrom, h.Rearmed).add(r.Within)
	if enough := h.Draws.enough(int64(float64(r.Under) * 1000)); enough != 0 {
		due = max(due, enough.add(r.Within))
	}
	return due
}
