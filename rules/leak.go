package rules

import (
	"time"

	"stillwater"
)

// run is water that has not stopped: every slot since it began held some.
type run struct {
	flow

	SlotFrom instant // the slot being filled
	SlotML   int64
}

// flow is water that goes on.
type flow struct {
	Since instant // 0: none does
	To    instant // up to when that is known
	ML    int64
}

// lasted is how long the water has run.
func (s *flow) lasted() time.Duration {
	if s.Since == 0 {
		return 0
	}
	return s.To.sub(s.Since)
}

func (s *run) fields(c *codec) {
	c.part(1, &s.flow)
	c.time(2, &s.SlotFrom)
	c.int64(3, &s.SlotML)
}

func (s *flow) fields(c *codec) {
	c.time(1, &s.Since)
	c.time(2, &s.To)
	c.int64(3, &s.ML)
}

// leak finds water in every half-hour, or reading interval if that is longer, for After. It is over with the first that is dry: a cistern
// that stops now and then gives a finding each time, and all of them are one incident until people close it.
type leak struct{}

// leakSlot is the shortest slot that must each hold water: the half-hours that utilities look at. A reading interval up to
// leakReading makes a longer slot, and so do up to two readings missed of an hourly meter; of a longer one too little is known.
const (
	leakSlot    = 30 * time.Minute
	leakReading = 3*time.Hour + 15*time.Minute
)

func (leak) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (leak) kind() stillwater.Kind { return stillwater.Water }

// fill fills the slots and gives the one that is full now, if one is. After a span too long to say what happened in it the run begins
// anew.
func (s *run) fill(w draw) (slot draw, full bool) {
	if s.SlotFrom == 0 || w.span() > leakReading || w.From > s.To {
		*s = run{SlotFrom: w.To, flow: flow{To: w.To}}
		return slot, false
	}
	s.SlotML += w.ML
	s.To = w.To
	if w.To.sub(s.SlotFrom) < leakSlot*9/10 { // meters are not read on the second
		return slot, false
	}
	slot = draw{From: s.SlotFrom, To: w.To, ML: s.SlotML}
	if s.SlotML == 0 {
		*s = run{flow: flow{To: w.To}}
	} else if s.Since == 0 {
		s.Since = s.SlotFrom
	}
	s.ML, s.SlotML = s.ML+s.SlotML, 0
	s.SlotFrom = w.To
	return slot, true
}

func (leak) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	if s := &h.Leak.flow; s.lasted() >= r.After {
		return h.raiseLeak(r, s, now, holds)
	}
	return holds
}

func (leak) drew(h *home, r *boundRule, _ draw) bool { return h.Leak.lasted() >= r.After }

// raiseLeak raises a run with what is known of its base.
func (h *home) raiseLeak(r *boundRule, s *flow, now instant, holds []stillwater.Finding) []stillwater.Finding {
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Litres, f.Night = s.Since.time(), s.lasted(), r.After, litres(s.ML), h.night(now)
	if f.Reduced = true; h.Base != nil && h.Base.Rate > 0 {
		f.Base, f.Reduced = litres(h.Base.Rate), h.reduced()
	}
	return append(holds, stillwater.Finding{Facts: f})
}
