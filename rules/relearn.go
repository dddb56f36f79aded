package rules

import "time"

// lesson is the last stillness that the routine learned and that was long enough to count. A late reading can show that it was none: a door or a sensor whose news waited in
// a buffer. Then it is taken out, and what is left of it on both sides is learned instead. What was learned before the last is left as it
// is: one stillness among hundreds, that fades.
type lesson struct {
	From, To instant // the signs of life around it
	Vouched  instant // up to when readings vouched for it
	Outing   bool
}

// remember notes what was learned.
func (h *home) remember(l lesson) {
	if classOf(hoursOf(l.Vouched.sub(l.From))) >= 0 {
		h.Taught = l
	}
}

// relearn takes a late sign of life to the last lesson.
func (h *home) relearn(at instant) {
	if at >= h.Taught.To || at <= h.Taught.From || h.Routine == nil {
		return
	}
	l, r := h.Taught, h.Routine
	b := &r.Inside
	if l.Outing {
		b = r.Outing
	}
	if b == nil {
		return
	}
	b.unlearn(h.lessonOf(l))
	first, rest := lesson{l.From, at, min(at, l.Vouched), l.Outing}, lesson{at, l.To, max(at, l.Vouched), false}
	b.learn(h.lessonOf(first))
	r.Inside.learn(h.lessonOf(rest)) // somebody was in
	h.Taught = rest
}

// reteach moves the end of the last lesson to an earlier moment, at which life is now known to have been.
func (h *home) reteach(was, at instant) {
	if h.Taught.To != was || at <= h.Taught.From {
		return
	}
	before := h.Taught
	h.relearn(at)
	if h.Taught != before { // the time after it is not learned: it is stillness that goes on
		h.Routine.Inside.unlearn(h.lessonOf(h.Taught))
		h.Taught = lesson{before.From, at, min(at, before.Vouched), before.Outing}
	}
}

// lessonOf is a lesson as habits take it: the local hour, the length and the time to life, in hours.
func (h *home) lessonOf(l lesson) (hour int, length, toLife float64) {
	return l.From.time().In(h.today.zone).Hour(), l.Vouched.sub(l.From).Hours(), l.To.sub(l.From).Hours()
}

func (l *lesson) fields(c *codec) {
	c.time(1, &l.From)
	c.time(2, &l.To)
	c.time(3, &l.Vouched)
	c.flag(4, &l.Outing)
}

// outOfSightAfter is how long a span between two values of a counter is, of which nothing can be learned: not when life was in it, and so not how
// many of its days passed as usual.
const outOfSightAfter = 14 * 24 * time.Hour

// outOfSight keeps the days of such a span from counting as known.
func (h *home) outOfSight(w draw) {
	if span := w.span(); span > outOfSightAfter {
		h.SettledCovered += span - h.absentIn(w.From, w.To)
	}
}
