package rules

import (
	"time"

	"stillwater"
)

// learnedSilence finds a home without a sign of life for longer than its routine allows; see routine. After the door it is away's to find.
type learnedSilence struct{}

func (learnedSilence) needs(Rule) map[string]need {
	return map[string]need{"after": must, "budget": must}
}

func (learnedSilence) kind() stillwater.Kind { return stillwater.Welfare }

func (l learnedSilence) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	due := l.due(h, r)
	if due == 0 || h.DataTo < due {
		return holds
	}
	f := h.facts()
	f.Since, f.Span, f.Limit, f.Night = h.stillSince().time(), h.still(), due.sub(h.StillFrom), h.night(now)
	f.Rate = h.Routine.rate(h.startHour(), false, f.Limit)
	return append(holds, stillwater.Finding{Facts: f})
}

// due is 0 until the home is learned.
func (learnedSilence) due(h *home, r *boundRule) instant {
	if h.StillFrom == 0 || h.DataTo == 0 || !h.learned() || h.out() {
		return 0
	}
	return h.StillFrom.add(min(r.After, h.Routine.bound(h.startHour(), false)))
}

// lived is there because a bound may be shorter at another hour.
func (learnedSilence) lived(*home, *boundRule, lifeKind, instant) {}

// stillSince is when the stillness under way began: at the last sign of life, or when people closed an incident after it.
func (h *home) stillSince() instant {
	if since := max(h.Life.last(), h.Rearmed); since != 0 {
		return since
	}
	return h.StillFrom
}

// startHour is the local hour at which the stillness under way began.
func (h *home) startHour() int { return h.stillSince().time().In(h.location).Hour() }

// learned says whether the home's routine is known.
func (h *home) learned() bool { return h.Routine != nil && h.Routine.learned() }

// learn takes the end of a stillness, by a sign of life at the moment at: into the routine goes how long it had lasted as far as
// readings vouched before, and once a day the bounds are set anew. What people closed, what has a hole in it, and what began on a
// festival or ended at a moment that is not known says nothing of a routine.
func (h *home) learn(at instant) {
	if h.rules.per == nil {
		return
	}
	if h.Routine == nil {
		h.Routine = &routine{}
		h.Routine.settle(0, *h.rules.per)
		h.SettledCovered, h.SettledDay = h.Covered, dayNumber(at, h.location)
	}
	r, since, out := h.Routine, h.Life.last(), h.out()
	if since != 0 {
		begun := since.time().In(h.location)
		whole := h.Rearmed <= since && h.WholeFrom <= since && at.sub(h.vouchedTo) <= h.blur()
		if festival := h.rules.calendar.Kind(begun.Date()) == Festival; whole && !festival {
			b := &r.Inside
			if out {
				if b = r.Outing; b == nil {
					b = &habit{}
					r.Outing = b
				}
			}
			b.learn(begun.Hour(), h.vouchedTo.sub(since).Hours(), at.sub(since).Hours())
			h.Taught = lesson{since, at, h.vouchedTo, out}
		}
		h.tally(r)
	}
	if day := dayNumber(at, h.location); day != h.SettledDay {
		days := (h.Covered - h.SettledCovered).Hours() / 24
		if h.festive(at) {
			days = 0
		}
		h.SettledCovered, h.SettledDay = h.Covered, day
		r.settle(max(0, days), *h.rules.per)
	}
}

// festive says whether the day before the moment was a festival: its hours do not count as known.
func (h *home) festive(at instant) bool {
	return h.rules.calendar.Kind(at.time().In(h.location).AddDate(0, 0, -1).Date()) == Festival
}

// blur is the longest time between two readings that still tells when life was.
func (h *home) blur() time.Duration {
	if d := h.reporter(); d != nil {
		return max(2*time.Hour, 3*d.usual())
	}
	return 2 * time.Hour
}

// tally counts what was raised of the stillness that ends: it was false, as far as the home can tell.
func (h *home) tally(r *routine) {
	for _, f := range h.memory.goingOn() {
		switch {
		case f.Trial || f.Kind != stillwater.Welfare:
		case h.rules.asks(f.Rule) && f.Severity == stillwater.Question:
			r.Ask.Happened++
		case h.rules.learns(f.Rule):
			r.Alert.Happened++
		}
	}
}

// dayNumber numbers local days; the numbers of two days differ.
func dayNumber(at instant, zone *time.Location) int32 {
	year, month, day := at.time().In(zone).Date()
	return int32((year*12+int(month))*31 + day)
}

// doorEpisode is how far apart two transitions of the door are one coming or going.
const doorEpisode = 5 * time.Minute

// doorBelieved is how many comings and goings in a row, without any other sign of life, are hers: a loose contact does not talk a
// silence out of its alert.
const doorBelieved = 6

// went counts a transition of the door. It must be called before the home's memory has it.
func (m *memory) went(at instant) {
	if m.Goings == 0 || at.sub(m.Life.Door) > doorEpisode {
		m.Goings = min(m.Goings+1, doorBelieved+1)
	}
}

// wasIn takes a sign of life in the home, at a moment not before at: it makes her be in, unless she may have gone since.
func (m *memory) wasIn(at instant) {
	if at >= m.Life.Door {
		m.Goings = 0
	}
}

// out says whether she may be out: the door was the last sign of life, and went an odd number of times since she was known to be in. A
// contact knows no direction; but who went and came again is in.
func (h *home) out() bool {
	return h.Goings%2 == 1 && h.rules.away && (h.Routine == nil || !h.Routine.Blended)
}
