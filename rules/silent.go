package rules

import (
	"time"

	"stillwater"
)

// deviceSilent finds a device that has not reported for more than two of its intervals, or whose source says that it is away.
type deviceSilent struct{}

func (deviceSilent) needs(Rule) map[string]need { return map[string]need{} }

func (deviceSilent) kind() stillwater.Kind { return stillwater.Equipment }

func (deviceSilent) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	for i := range h.Devices {
		d := &h.Devices[i]
		if h.silent(d, now) || h.stillSilent(r, d) {
			f := h.facts()
			f.Since, f.Limit, f.Every = d.Heard.time(), d.patience(), d.usual()
			if f.Since.IsZero() { // never heard: since it is waited for
				f.Since = h.Listening.time()
			}
			f.Span = now.sub(instantOf(f.Since))
			holds = append(holds, stillwater.Finding{Device: d.ID, Facts: f})
		}
	}
	return holds
}

// stillSilent says whether nothing has come from a device since it was found silent. Only that ends the finding: that the gateway itself
// was away since says nothing of the device, and must not be told as an end.
func (h *home) stillSilent(r *boundRule, d *device) bool {
	f := h.finding(r.Name, d.ID)
	return f != nil && f.Facts.Limit > 0 && f.Facts.Span >= f.Facts.Limit && d.Heard <= instantOf(f.Facts.Since)
}

func (deviceSilent) wake(h *home, r *boundRule) instant {
	var first instant
	for i := range h.Devices {
		d := &h.Devices[i]
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

func (deviceBlind) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := h.blindSince(blindDue(h, r), now, r.After)
	if due == 0 || now < due && !h.stillBlind(r, now) {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Night = h.DataTo.time(), r.After, h.night(now)
	if f.Since.IsZero() {
		f.Since = h.Listening.time()
	}
	f.Span = now.sub(instantOf(f.Since))
	return append(holds, stillwater.Finding{Facts: f})
}

// stillBlind says whether no data has come since the home was found blind; see stillSilent.
func (h *home) stillBlind(r *boundRule, now instant) bool {
	f := h.finding(r.Name, "")
	return f != nil && f.Severity == h.severity(r, now) && h.DataTo <= instantOf(f.Facts.Since)
}

// blindDue is when the home has been blind for too long if nothing comes. After a time in which the gateway did not listen, the
// device has its usual patience to report; the wait does not begin anew, or a gateway started each night would never raise it.
func blindDue(h *home, r *boundRule) instant {
	var patience, soFar time.Duration
	covered := false
	for i := range h.Devices {
		d := &h.Devices[i]
		if d.Kind == h.covering() {
			patience, covered = max(patience, d.patience()), true
			soFar = max(soFar, time.Duration(blindAfter*float64(d.Rate.soFar())))
		}
	}
	if !covered {
		return 0 // nothing was ever there that could see her; the registry refuses such a home
	}
	limit := max(r.After, patience, soFar)
	if patience == 0 {
		patience = limit // how often it reports is not known
	}
	switch {
	case h.Vouched == 0 && h.Listening == 0:
		return 0
	case h.Vouched == 0:
		return h.Listening.add(limit)
	case h.Listening == 0:
		return h.Vouched.add(limit)
	}
	return max(h.Vouched.add(limit), h.Listening.add(patience))
}

func (deviceBlind) wake(h *home, r *boundRule) instant {
	if h.active(r.Name, "") {
		return 0
	}
	return h.blindSince(blindDue(h, r), h.Looked, r.After)
}
