package world

import (
	"slices"
	"time"

	"stillwater"
)

// A DoorEvent is the front door opening or closing.
type DoorEvent struct {
	At   time.Time
	Open bool
}

// passages are the times the door is open that touch a window, with everything staged; the caller holds mu.
func (h *home) passages(window span) []span {
	var open []span
	for n := h.dayOf(window.from) - 1; n <= h.dayOf(window.to); n++ {
		open = append(open, h.day(n).passages...)
	}
	for _, e := range h.happening(window) {
		if e.stopsDoor() {
			open = slices.DeleteFunc(open, func(p span) bool { return e.when.covers(p.from) })
		}
		open = append(open, e.doors...)
	}
	return join(open)
}

// DoorEvents is what the door of a home did in (from, to], in order: always an opening after a closing.
func (w *World) DoorEvents(id stillwater.HouseholdID, from, to time.Time) []DoorEvent {
	h := w.home(id)
	if h == nil || !from.Before(to) {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var events []DoorEvent
	for _, e := range h.doorEvents(span{from.UnixMilli(), to.UnixMilli()}) {
		events = append(events, DoorEvent{time.UnixMilli(e.at).UTC(), e.open})
	}
	return events
}

// A doorChange is a DoorEvent in Unix milliseconds.
type doorChange struct {
	at   int64
	open bool
}

// doorEvents is what the door did after a window's beginning and up to its end; the caller holds mu.
func (h *home) doorEvents(window span) []doorChange {
	window.from = max(window.from, h.start)
	var events []doorChange
	for _, p := range h.passages(window) {
		if window.from < p.from && p.from <= window.to {
			events = append(events, doorChange{p.from, true})
		}
		if window.from < p.to && p.to <= window.to {
			events = append(events, doorChange{p.to, false})
		}
	}
	return events
}

// DoorOpen says whether the door of a home stands open.
func (w *World) DoorOpen(id stillwater.HouseholdID, at time.Time) bool {
	h := w.home(id)
	if h == nil {
		return false
	}
	t := at.UnixMilli()
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.passages(span{t, t}), func(p span) bool { return p.covers(t) })
}

// ContactOpen is what the door contact of a home takes for the state of the door: the state itself, unless it is stuck or inverted.
func (w *World) ContactOpen(id stillwater.HouseholdID, at time.Time) bool {
	h := w.home(id)
	if h == nil {
		return false
	}
	open := w.DoorOpen(id, at)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fitting.door == DoorStuck || h.happens(DoorSticks, at.UnixMilli()) {
		open = false
	}
	return h.contact(open) == stillwater.Open
}

// AtHome says whether the resident is in. Nothing that a device can see says so directly.
func (w *World) AtHome(id stillwater.HouseholdID, at time.Time) bool {
	h := w.home(id)
	if h == nil {
		return false
	}
	t := at.UnixMilli()
	h.mu.Lock()
	defer h.mu.Unlock()
	_, out := h.away(t)
	return !out
}

// away is the outing that covers t; the caller holds mu.
func (h *home) away(t int64) (span, bool) {
	var outings []span
	for n := dayNumber(t, h.loc) - 1; n <= dayNumber(t, h.loc); n++ {
		outings = append(outings, h.day(n).outings...)
	}
	for _, e := range h.happening(span{t, t}) {
		if e.stopsDoor() { // who did not pass the door did not go out
			outings = slices.DeleteFunc(outings, func(o span) bool { return e.when.covers(o.from) })
		}
		if e.event == GoesOut {
			outings = append(outings, e.when)
		}
	}
	for _, o := range outings {
		if o.covers(t) {
			return o, true
		}
	}
	return span{}, false
}

// MeterAnswers says whether the meter of a home works.
func (w *World) MeterAnswers(id stillwater.HouseholdID, at time.Time) bool {
	h := w.home(id)
	if h == nil {
		return false
	}
	t := at.UnixMilli()
	h.mu.Lock()
	defer h.mu.Unlock()
	return !slices.ContainsFunc(h.effects, func(e effect) bool { return e.event == MeterDies && e.when.covers(t) })
}

// BrokerDown says whether the broker was away at any moment of [from, to].
func (w *World) BrokerDown(from, to time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.ContainsFunc(w.outages, func(o span) bool { return o.from <= to.UnixMilli() && from.UnixMilli() < o.to })
}

// Battery is the charge of a home's door contact in percent: a new one lasts about two years.
func (w *World) Battery(id stillwater.HouseholdID, at time.Time) int {
	h := w.home(id)
	if h == nil {
		return 0
	}
	days := int(at.Sub(w.opts.Start).Hours() / 24)
	return max(5, 100-h.index%20-days/8)
}
