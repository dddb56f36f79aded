package rules

import (
	"math"
	"time"

	"stillwater"
)

// noData is a gateway or feed that has gone silent: the devices of many homes that stop reporting together. Silent devices are notices,
// told to nobody, and stay with the group for as long as it is; alerts of blind homes are held back like those of stillness.
type noData struct{}

const (
	overdue = 1.2 // a device that has not reported for so many of its intervals is overdue
	unlucky = 0.1 // so often a device is overdue by itself; where the radio is poor it is more, so that half of all must be
)

func (noData) kind() stillwater.Kind { return stillwater.Equipment }

func (noData) explains(h *home, r *boundRule, f *stillwater.Finding) bool {
	if r == nil {
		return false
	}
	switch r.detector.(type) {
	case deviceBlind:
		return true
	case deviceSilent:
		d := h.reporter()
		return d != nil && d.ID == f.Device
	}
	return false
}

// seen is so for a home whose device reports at intervals.
func (noData) seen(h *home, _ instant) bool {
	d := h.reporter()
	return d != nil && d.patience() > 0
}

// struck is so for a home that is overdue, and was not yet when the others were heard last.
func (noData) struck(h *home, since, now instant) (last instant, is bool) {
	d := h.reporter()
	if d == nil || d.patience() == 0 {
		return 0, false
	}
	return d.Heard, h.overdue(d, now) && d.Heard > since.add(-d.patience())
}

// overdue says whether the device should have been heard.
func (h *home) overdue(d *device, now instant) bool {
	return d.has(gone) || now.sub(max(d.Heard, h.Listening)) >= time.Duration(overdue*float64(d.usual()))
}

// spared is so for a home where it stands to be seen how she is: then not to see her is an emergency of its own.
func (noData) spared(h *home, _ instant) bool {
	for _, f := range h.goingOn() {
		if !f.Trial && f.Kind == stillwater.Welfare && f.Severity.Above(stillwater.Notice) {
			return true
		}
	}
	return false
}

func (noData) over(h *home, c *cause) bool {
	d := h.reporter()
	return d == nil || d.Heard > c.Since
}

func (n noData) back(h *home, c *cause) bool { return n.over(h, c) }

// weigh counts the homes whose devices would be overdue by now had they stopped with that of h. One that has a part in a notice of the
// silence counts where people are to be told of it a day later.
func (n noData) weigh(g *group, h *home, rule string, now instant) (seldom float64, since instant) {
	own := h.reporter()
	if own == nil || own.usual() == 0 {
		return 0, 0
	}
	var l look
	for i := 0; i < len(g.members); i += g.stride() {
		m := g.members[i]
		if !n.seen(m, now) || m.part(rule) != nil {
			continue
		}
		d := m.reporter()
		_, struck := n.struck(m, own.Heard, now)
		switch {
		case struck:
			l.still++
		case m.overdue(d, now), float64(d.usual()) > 1.5*float64(own.usual()):
			continue // it was silent before, or could not be missed yet
		}
		l.homes++
	}
	l.expected = unlucky * float64(l.homes)
	if l.still < leastTogether || 2*l.still < l.homes {
		return 0, 0
	}
	return math.Max(0, l.seldom()), own.Heard
}
