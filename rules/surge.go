package rules

import "stillwater"

// surge finds more water than Over in the last Within. Litres that accumulated over a gap count by their even share only.
type surge struct{}

func (surge) needs(Rule) map[string]need { return map[string]need{"over": must, "within": must} }

func (surge) kind() stillwater.Kind { return stillwater.Water }

func (s surge) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	used := litres(s.used(h, r))
	if used <= r.Over {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Litres, f.Bound, f.Night = h.DataTo.add(-r.Within).time(), r.Within, used, r.Over, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

// used is the water of the window, or more if that is too little all the same.
func (surge) used(h *home, r *boundRule) int64 {
	if litres(h.Draws.Sum) <= r.Over {
		return h.Draws.Sum
	}
	_, share := h.Draws.used(h.DataTo.add(-r.Within), r.Within)
	return share
}

func (s surge) room(h *home, r *boundRule) int64 { return int64(float64(r.Over)*1000) - s.used(h, r) }
