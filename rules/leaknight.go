package rules

import (
	"math"
	"time"

	"stillwater"
)

// leakNight finds a drip by its nights: no slot of a night was dry, for as many nights as After has days. It is what is left to see of a
// leak where holes in the data hide whole days. What another leak rule tells already it does not tell again.
type leakNight struct{}

// The hours of the night in which a home without a leak has a dry slot, and how much of them must be known.
const (
	nightBegins = 0 // o'clock, local
	nightHours  = 6
	nightKnown  = 5 * time.Hour
	leakClean   = 3 // nights in a row with a dry slot end the finding
)

// nights is what a home remembers of its nights.
type nights struct {
	From  instant // of the night under way, or the next; 0: not known
	Since instant // when the first of Wet began
	Least uint32  // the least rate of a slot in it, in millilitres per hour
	Base  uint32  // the same of the latest night that was wet
	Known uint32  // seconds of it that slots vouch for
	Dry   bool    // one of them was dry
	Wet   uint8   // nights in a row without a dry slot; those not known do not count
	Clean uint8   // nights in a row with one
}

func (n *nights) fields(c *codec) {
	c.time(1, &n.From)
	c.time(2, &n.Since)
	small(c, 3, &n.Known)
	c.flag(4, &n.Dry)
	small(c, 5, &n.Least)
	small(c, 6, &n.Base)
	small(c, 8, &n.Wet)
	small(c, 9, &n.Clean)
}

// slot takes a slot of the run, wet or dry, and says whether a night ended by it.
func (n *nights) slot(w draw, zone *time.Location) (ended bool) {
	if n.From != 0 && w.To <= n.From {
		return false
	}
	if n.From == 0 || w.To > n.From.add(nightHours*time.Hour) {
		ended = n.From != 0
		n.close()
		n.begin(w.To, zone)
	}
	if w.From < n.From {
		return ended
	}
	rate := uint32(min(math.MaxUint32, float64(w.ML)/hoursOf(w.span())))
	if n.Known == 0 || rate < n.Least {
		n.Least = rate
	}
	n.Known += uint32(w.span() / time.Second)
	n.Dry = n.Dry || w.ML == 0
	return ended
}

// close files a night. One with a dry slot is clean however little is known of it.
func (n *nights) close() {
	switch {
	case n.Dry:
		n.Clean, n.Wet = min(n.Clean+1, 200), 0
	case time.Duration(n.Known)*time.Second >= nightKnown:
		if n.Wet == 0 {
			n.Since = n.From
		}
		n.Wet, n.Clean, n.Base = min(n.Wet+1, 200), 0, n.Least
	}
	n.Known, n.Dry, n.Least = 0, false, 0
}

// begin is the night that a moment is in or before.
func (n *nights) begin(at instant, zone *time.Location) {
	local := at.time().In(zone)
	year, month, day := local.Date()
	from := time.Date(year, month, day, nightBegins, 0, 0, 0, zone)
	if local.Sub(from) >= nightHours*time.Hour {
		from = time.Date(year, month, day+1, nightBegins, 0, 0, 0, zone)
	}
	n.From = instantOf(from)
}

func (leakNight) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (leakNight) kind() stillwater.Kind { return stillwater.Water }

func (leakNight) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	n := &h.Nights
	if f := h.finding(r.Name, ""); f != nil {
		if n.Clean < leakClean {
			holds = append(holds, *f)
		}
		return holds
	}
	if time.Duration(n.Wet)*24*time.Hour < r.After || h.leaking() {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Base = n.Since.time(), h.DataTo.sub(n.Since), r.After, litres(int64(n.Base))
	return append(holds, stillwater.Finding{Facts: f})
}

func (leakNight) drew(h *home, r *boundRule, _ draw) bool {
	return time.Duration(h.Nights.Wet)*24*time.Hour >= r.After && h.Nights.Known == 0
}

// leaking says whether a leak was found and is not over.
func (h *home) leaking() bool {
	for i := range h.goingOn() {
		switch detectorOf((*h.Active)[i].Rule).(type) {
		case leak, leakNight:
			return true
		}
	}
	return false
}
