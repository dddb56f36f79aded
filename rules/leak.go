package rules

import (
	"time"

	"stillwater"
)

// run is water that has not stopped, for one leak rule.
type run struct {
	Since time.Time `json:"since,omitzero"` // when the water began to run without a stop
	To    time.Time `json:"to,omitzero"`    // up to when that is known
	ML    int64     `json:"ml,omitempty"`

	SlotFrom time.Time `json:"slotFrom,omitzero"` // the slot being filled
	SlotML   int64     `json:"slotML,omitempty"`
}

// lasted is how long the water has run.
func (r *run) lasted() time.Duration {
	if r.Since.IsZero() {
		return 0
	}
	return r.To.Sub(r.Since)
}

// run is the rule's run.
func (h *home) run(r *boundRule) *run {
	if state := h.runs[r.index]; state != nil {
		return state
	}
	state := h.Runs[r.Name]
	if state == nil {
		if h.Runs == nil {
			h.Runs = map[string]*run{}
		}
		state = &run{}
		h.Runs[r.Name] = state
	}
	h.runs[r.index] = state
	return state
}

// flowWatcher is a detector that follows each span of a meter, used or not.
type flowWatcher interface{ flow(*run, draw) }

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

// flow fills the slots. After a span too long to say what happened in it the run begins anew.
func (leak) flow(s *run, w draw) {
	if s.SlotFrom.IsZero() || w.To.Sub(w.From) > leakReading || w.From.After(s.To) {
		*s = run{SlotFrom: w.To, To: w.To}
		return
	}
	s.SlotML += w.ML
	s.To = w.To
	if w.To.Sub(s.SlotFrom) < leakSlot*9/10 { // meters are not read on the second
		return
	}
	if s.SlotML == 0 {
		*s = run{To: w.To}
	} else if s.Since.IsZero() {
		s.Since = s.SlotFrom
	}
	s.ML, s.SlotML = s.ML+s.SlotML, 0
	s.SlotFrom = w.To
}

func (leak) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	return raiseRun(h, r, now, holds)
}

func (leak) wake(*home, *boundRule) time.Time { return time.Time{} }

// raiseRun raises a run that has lasted After and held Over.
func raiseRun(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	s := h.run(r)
	if s.lasted() < r.After || litres(s.ML) < r.Over {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Litres, f.Bound, f.Night = s.Since, s.lasted(), r.After, litres(s.ML), r.Over, h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

// runningDraw finds one draw that does not end: each reading, close enough to the last to see a stop, shows more. Over keeps a drip
// on a fine counter from being taken for a tap.
type runningDraw struct{}

// fineReading is the longest span between readings in which a draw that stopped would show as a stop.
const fineReading = 10 * time.Minute

func (runningDraw) needs(Rule) map[string]need { return map[string]need{"after": must, "over": may} }

func (runningDraw) kind() stillwater.Kind { return stillwater.Water }

func (runningDraw) flow(s *run, w draw) {
	if w.ML == 0 || w.To.Sub(w.From) > fineReading || w.From.After(s.To) && !s.Since.IsZero() {
		*s = run{}
		return
	}
	if s.Since.IsZero() {
		s.Since = w.From
	}
	s.To, s.ML = w.To, s.ML+w.ML
}

func (runningDraw) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	return raiseRun(h, r, now, holds)
}

func (runningDraw) wake(*home, *boundRule) time.Time { return time.Time{} }
