package rules

import (
	"time"

	"stillwater"
)

// surge finds more water than Over in the last Within. Litres that accumulated over a gap count by their even share only.
type surge struct{}

func (surge) needs(Rule) map[string]need { return map[string]need{"over": must, "within": must} }

func (surge) kind() stillwater.Kind { return stillwater.Water }

func (surge) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	used := litres(h.window(r).Share)
	if used <= r.Over {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Litres, f.Bound, f.Night = h.DataTo.Add(-r.Within), r.Within, used, r.Over, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

func (surge) wake(*home, *boundRule) time.Time { return time.Time{} }
