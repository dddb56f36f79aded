package rules

import "stillwater"

// surge finds more water than Over in the last Within. Litres that accumulated over a gap count by their even share only, and
// the latest draw of a meter counts once the reading after it has confirmed it: a foreign or stale value that happens to follow
// from the last one is refuted by then.
type surge struct{}

func (surge) needs(Rule) map[string]need { return map[string]need{"over": must, "within": must} }

func (surge) kind() stillwater.Kind { return stillwater.Water }

func (s surge) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	sure, all, unsure := s.used(h, r)
	used := litres(all - unsure)
	if used <= r.Over {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Litres, f.Bound, f.Night = sure.add(-r.Within).time(), r.Within, used, r.Over, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

// used is the water of the window that ends at sure, with that drawn since, which is unsure; or more if that is too little all the same.
func (surge) used(h *home, r *boundRule) (sure instant, all, unsure int64) {
	if litres(h.Draws.Sum) <= r.Over {
		return h.DataTo, h.Draws.Sum, 0
	}
	sure, unsure = h.sure()
	return sure, h.drawnSince(sure.add(-r.Within)), unsure
}

// drawnSince is the water drawn since from. Mostly that is all that is remembered.
func (h *home) drawnSince(from instant) int64 {
	if !h.overlap && from <= h.Draws.begins() {
		return h.Draws.Sum
	}
	return h.Draws.since(from)
}

// since is the water drawn since from, of a draw that had begun by then its even share.
func (d *draws) since(from instant) (ml int64) {
	for c := d.newest(); c.next() && c.To > from; {
		if c.From >= from {
			ml += c.ML
			continue
		}
		ml += int64(float64(c.ML) * float64(c.To-from) / float64(c.To-c.From))
	}
	return ml
}

func (s surge) room(h *home, r *boundRule) int64 {
	_, all, _ := s.used(h, r)
	return int64(float64(r.Over)*1000) - all
}

// refutedFrom is how much one reading must have shown to be taken back when the next ones do not follow from it. A common draw before a
// reset was one all the same.
const refutedFrom = 200_000 // millilitres

// refute takes back what the last reading of a counter showed where the readings after it have shown that it did not belong to it.
func (h *home) refute(before *counter, outcome Outcome) {
	if outcome != Reset && outcome != Swapped && outcome != Reversed || before.LastML < refutedFrom {
		return
	}
	all := h.Draws.all()
	for i := range all {
		if all[i].To != before.At {
			continue
		}
		left := max(0, all[i].ML-int64(before.LastML))
		h.Draws.Sum -= all[i].ML - left
		all[i].ML = left
		h.Draws.keep(all)
		h.stirred = true // less was drawn than the gate believes
		return
	}
}

// sure is up to when draws are confirmed by a reading after them, and how much was drawn since.
func (h *home) sure() (to instant, unsure int64) {
	for i := range h.Devices {
		if c := h.Devices[i].Counter; c != nil {
			to = max(to, c.Before)
			unsure += int64(c.LastML)
		}
	}
	return to, unsure
}
