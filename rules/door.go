package rules

import (
	"time"

	"stillwater"
)

// doorOpen finds a door that has stood open for longer than After. Of a contact that has gone silent it says nothing new.
type doorOpen struct{}

func (doorOpen) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (doorOpen) kind() stillwater.Kind { return stillwater.DoorKind }

func (doorOpen) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	for _, d := range h.Devices {
		if d.Door == nil || !d.Door.Open || now.Sub(d.Door.Since) < r.After {
			continue
		}
		if h.silent(d, now) && !h.active(r.Name, d.ID) {
			continue
		}
		f := h.facts()
		f.Since, f.Span, f.Limit, f.Night, f.DataTo = d.Door.Since, now.Sub(d.Door.Since), r.After, h.night(now), d.Heard
		holds = append(holds, stillwater.Finding{Device: d.ID, Facts: f})
	}
	return holds
}

func (doorOpen) wake(h *home, r *boundRule) time.Time {
	var first time.Time
	for _, d := range h.Devices {
		if d.Door == nil || !d.Door.Open || h.active(r.Name, d.ID) {
			continue
		}
		due := d.Door.Since.Add(r.After)
		if at := h.silentAt(d); !at.IsZero() && !due.Before(at) { // it will be silent by then
			continue
		}
		first = sooner(first, due)
	}
	return first
}
