package rules

import (
	"time"

	"stillwater"
)

// deviceSilent finds a device that has not reported for more than two of its intervals, or whose source says that it is away.
type deviceSilent struct{}

func (deviceSilent) needs(Rule) map[string]need { return map[string]need{} }

func (deviceSilent) kind() stillwater.Kind { return stillwater.Equipment }

func (deviceSilent) judge(h *home, _ *Rule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	for _, d := range h.Devices {
		if h.silent(d, now) {
			f := h.facts()
			f.Since, f.Limit = d.Heard, d.patience()
			if f.Since.IsZero() { // never heard: since it is waited for
				f.Since = h.Listening
			}
			f.Span = now.Sub(f.Since)
			holds = append(holds, stillwater.Finding{Device: d.ID, Facts: f})
		}
	}
	return holds
}

func (deviceSilent) wake(h *home, r *Rule) time.Time {
	var first time.Time
	for _, d := range h.Devices {
		if !h.active(r.Name, d.ID) {
			first = sooner(first, h.silentAt(d))
		}
	}
	return first
}

// deviceBlind finds a home of which nothing has been known for After: its covering device is silent, or what it sends cannot be
// believed. A device that reports less often is given two of its intervals.
type deviceBlind struct{}

func (deviceBlind) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (deviceBlind) kind() stillwater.Kind { return stillwater.Equipment }

func (deviceBlind) judge(h *home, r *Rule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	due := blindDue(h, r)
	if due.IsZero() || now.Before(due) {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Night = h.DataTo, r.After, h.night(now)
	if f.Since.IsZero() {
		f.Since = h.Listening
	}
	f.Span = now.Sub(f.Since)
	return append(holds, stillwater.Finding{Facts: f})
}

// blindDue is when the home has been blind for too long if nothing comes.
func blindDue(h *home, r *Rule) time.Time {
	since := later(h.Vouched, h.Listening)
	if since.IsZero() {
		return since
	}
	patience, covered := r.After, false
	for _, d := range h.Devices {
		if d.Kind == h.covering() {
			patience, covered = max(patience, d.patience()), true
		}
	}
	if !covered {
		return time.Time{} // nothing was ever there that could see her; the registry refuses such a home
	}
	return since.Add(patience)
}

func (deviceBlind) wake(h *home, r *Rule) time.Time {
	if h.active(r.Name, "") {
		return time.Time{}
	}
	return blindDue(h, r)
}

// sooner is the earlier of two moments; a zero one does not count.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
