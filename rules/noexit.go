package rules

import (
	"time"

	"stillwater"
)

// noExit finds a home in which somebody lives and whose door has not moved for After, and for twice the longest time that is usual. It is
// gentle: something to ask at the next visit. It speaks of a door that is believed, and counts covered time: what nobody saw is not held
// against her.
type noExit struct{}

const (
	exitTimes = 2
	exitKnown = 4 // comings and goings before it is said
)

func (noExit) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (noExit) kind() stillwater.Kind { return stillwater.Welfare }

func (n noExit) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := n.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit = h.Life.Door.time(), h.unmoved(), due.sub(h.DataTo.add(-h.unmoved()))
	f.Usual = h.usuallyUnmoved()
	return append(holds, stillwater.Finding{Facts: f})
}

func (noExit) due(h *home, r *boundRule) instant {
	if h.DataTo == 0 || h.Doubt != believed || h.gone() {
		return 0
	}
	limit, known := r.After, false
	for i := range h.Devices {
		if t := h.Devices[i].Trust; t != nil {
			limit, known = max(limit, exitTimes*time.Duration(t.Gap)*time.Hour), known || t.Known >= exitKnown
		}
	}
	if !known {
		return 0
	}
	return h.DataTo.add(limit - h.unmoved())
}

// hastened is there because who was out is in.
func (noExit) hastened() {}

// usuallyUnmoved is for how long no door moves at most, as usual.
func (h *home) usuallyUnmoved() (most time.Duration) {
	for i := range h.Devices {
		if t := h.Devices[i].Trust; t != nil {
			most = max(most, time.Duration(t.Gap)*time.Hour)
		}
	}
	return most
}

// unmoved is for how much covered time no door has moved.
func (h *home) unmoved() time.Duration {
	least := h.Covered
	for i := range h.Devices {
		if t := h.Devices[i].Trust; t != nil {
			least = min(least, h.Covered-t.Moved)
		}
	}
	return max(0, least)
}
