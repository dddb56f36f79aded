package rules

import (
	"time"

	"stillwater"
)

// away finds a home where the last sign of life was the door, and nothing since for longer than the rule allows. A contact knows
// no direction, so she may be out, or somebody left and she lies inside: shorter than a plain silence, and asked about first.
type away struct{}

func (away) needs(Rule) map[string]need { return map[string]need{"after": must, "budget": may} }

func (away) kind() stillwater.Kind { return stillwater.Welfare }

func (a away) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := a.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.Life.Door.time(), h.still(), due.sub(h.StillFrom), h.night(now)
	h.usualHere(&f, r, true)
	return append(holds, stillwater.Finding{Facts: f})
}

// due is 0 where she is not out. Once her outings are known a question comes after one longer than usual, and the alert when nobody has
// answered it for askAhead hours, and both at the latest when the rule says.
func (away) due(h *home, r *boundRule) instant {
	if h.DataTo == 0 || !h.gone() {
		return 0
	}
	after := r.After
	if h.learned() && h.Routine.Outing != nil && h.rules.outings {
		usual := h.Routine.bound(h.startHour(), true)
		if r.Severity.Above(stillwater.Question) {
			usual += askAhead * time.Hour
		}
		after = min(after, usual)
	}
	return h.StillFrom.add(after)
}

// hastened is there because a bound may be shorter at another hour.
func (away) hastened() {}
