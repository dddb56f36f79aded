package rules

import (
	"time"

	"stillwater"
)

// run is water that has not stopped.
type run struct {
	flow

	SlotFrom instant // the slot being filled
	SlotML   int64
}

// flow is a draw that goes on.
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

// leak finds water in every half-hour, or reading interval if that is longer, for After.
type leak struct{}

// leakSlot is the shortest slot that must each hold water: the half-hours that utilities look at. A reading interval up to
// leakReading makes a longer slot; of a longer one too little is known.
const (
	leakSlot    = 30 * time.Minute
	leakReading = 2 * time.Hour
)

func (leak) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (leak) kind() stillwater.Kind { return stillwater.Water }

// fill fills the slots. After a span too long to say what happened in it the run begins anew.
func (s *run) fill(w draw) {
	if s.SlotFrom == 0 || w.span() > leakReading || w.From > s.To {
		*s = run{SlotFrom: w.To, flow: flow{To: w.To}}
		return
	}
	s.SlotML += w.ML
	s.To = w.To
	if w.To.sub(s.SlotFrom) < leakSlot*9/10 { // meters are not read on the second
		return
	}
	if s.SlotML == 0 {
		*s = run{flow: flow{To: w.To}}
	} else if s.Since == 0 {
		s.Since = s.SlotFrom
	}
	s.ML, s.SlotML = s.ML+s.SlotML, 0
	s.SlotFrom = w.To
}

func (leak) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	return raiseRun(h, r, &h.Leak.flow, now, holds)
}

func (leak) drew(h *home, r *boundRule, _ draw) bool { return h.Leak.lasted() >= r.After }

// raiseRun raises a run that has lasted After and held Over.
func raiseRun(h *home, r *boundRule, s *flow, now instant, holds []stillwater.Finding) []stillwater.Finding {
	if s.lasted() < r.After || litres(s.ML) < r.Over {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Litres, f.Bound, f.Night = s.Since.time(), s.lasted(), r.After, litres(s.ML), r.Over, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

// runningDraw finds one draw that does not end: each reading, close enough to the last to see a stop, shows more. Over keeps a drip
// on a fine counter from being taken for a tap.
type runningDraw struct{}

// fineReading is the longest span between readings in which a draw that stopped would show as a stop.
const fineReading = 10 * time.Minute

func (runningDraw) needs(Rule) map[string]need { return map[string]need{"after": must, "over": may} }

func (runningDraw) kind() stillwater.Kind { return stillwater.Water }

// follow follows the draw.
func (s *flow) follow(w draw) {
	if w.ML == 0 || w.span() > fineReading || w.From > s.To && s.Since != 0 {
		*s = flow{}
		return
	}
	if s.Since == 0 {
		s.Since = w.From
	}
	s.To, s.ML = w.To, s.ML+w.ML
}

func (runningDraw) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	return raiseRun(h, r, &h.Running, now, holds)
}

func (runningDraw) drew(h *home, r *boundRule, _ draw) bool { return h.Running.lasted() >= r.After }
