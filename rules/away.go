package rules

import (
	"time"

	"stillwater"
)

// away finds a home where the last sign of life was the door, and nothing since for longer than the rule allows. A contact knows
// no direction, so she may be out, or somebody left and she lies inside: shorter than a plain silence, and asked about first.
type away struct{}

func (away) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (away) kind() stillwater.Kind { return stillwater.Welfare }

func (away) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	due := awayDue(h, r)
	if due.IsZero() || h.DataTo.Before(due) {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.Life.Door, h.still(), r.After, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

// awayDue is the coverage at which the rule is raised if the stillness goes on; zero: the door was not the last sign of life.
func awayDue(h *home, r *boundRule) time.Time {
	if !h.doorLast() || h.DataTo.IsZero() {
		return time.Time{}
	}
	return h.StillFrom.Add(r.After)
}

// doorLast says whether the last sign of life was a door transition.
func (h *home) doorLast() bool {
	return !h.Life.Door.IsZero() && !h.Life.Door.Before(h.Life.Last())
}

func (away) wake(*home, *boundRule) time.Time { return time.Time{} }
