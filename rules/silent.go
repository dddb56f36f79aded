package rules

import (
	"time"

	"stillwater"
)

// deviceSilent finds a device that has not reported for more than two of its intervals, or whose source says that it is away.
type deviceSilent struct{}

func (deviceSilent) needs(Rule) map[string]need { return map[string]need{} }

func (deviceSilent) kind() stillwater.Kind { return stillwater.Equipment }

func (deviceSilent) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	for _, d := range h.Devices {
		if h.silent(d, now) || h.stillSilent(r, d) {
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

// stillSilent says whether nothing has come from a device since it was found silent. Only that ends the finding: that the gateway itself
// was away since says nothing of the device, and must not be told as an end.
func (h *home) stillSilent(r *boundRule, d *device) bool {
	f := h.goingOn(r.Name, d.ID)
	return f != nil && f.Facts.Limit > 0 && f.Facts.Span >= f.Facts.Limit && !d.Heard.After(f.Facts.Since)
}

func (deviceSilent) wake(h *home, r *boundRule) time.Time {
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

func (deviceBlind) judge(h *home, r *boundRule, now time.Time, holds []stillwater.Finding) []stillwater.Finding {
	due := blindDue(h, r)
	if due.IsZero() || now.Before(due) && !h.stillBlind(r) {
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

// stillBlind says whether no data has come since the home was found blind; see stillSilent.
func (h *home) stillBlind(r *boundRule) bool {
	f := h.goingOn(r.Name, "")
	return f != nil && !h.DataTo.After(f.Facts.Since)
}

// blindDue is when the home has been blind for too long if nothing comes. After a time in which the gateway did not listen, the
// device has its usual patience to report; the wait does not begin anew, or a gateway started each night would never raise it.
func blindDue(h *home, r *boundRule) time.Time {
	var patience, soFar time.Duration
	covered := false
	for _, d := range h.Devices {
		if d.Kind == h.covering() {
			patience, covered = max(patience, d.patience()), true
			soFar = max(soFar, time.Duration(blindAfter*float64(d.Rate.soFar())))
		}
	}
	if !covered {
		return time.Time{} // nothing was ever there that could see her; the registry refuses such a home
	}
	limit := max(r.After, patience, soFar)
	if patience == 0 {
		patience = limit // how often it reports is not known
	}
	switch {
	case h.Vouched.IsZero() && h.Listening.IsZero():
		return time.Time{}
	case h.Vouched.IsZero():
		return h.Listening.Add(limit)
	case h.Listening.IsZero():
		return h.Vouched.Add(limit)
	}
	return later(h.Vouched.Add(limit), h.Listening.Add(patience))
}

func (deviceBlind) wake(h *home, r *boundRule) time.Time {
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
