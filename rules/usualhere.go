package rules

import (
	"time"

	"stillwater"
)

// What is told of a home's own stillness at an hour: it needs so many of its own, and leaves out one in ten.
const (
	withinLeast = 5 * once
	withinPart  = 0.1
	shortMost   = 180 // minutes that a stillness under two hours has life close before and after, at most; so many of them there were, at least
)

// within is after how long nine in ten of the home's own stillnesses that began about the local hour were over, as long as readings vouched
// for. Of those under two hours it is remembered only how long she was up: where they are nearly all, it is two hours; else it is said of
// the longer ones, and so holds for all. Zero: the home has shown too few, or more than one in ten of them outlasted every bound.
func (r *routine) within(hour int, out bool) time.Duration {
	habits := r.habitsOf(out)
	t, start := tallied(habits), hour/startSpan
	longer, short := t[start], 0.0
	for _, b := range habits {
		short += float64(b.Up[start]) / shortMost
	}
	if seen := short + float64(longer[0])/once; seen*once >= withinLeast && float64(longer[0]) <= withinPart*seen*once {
		return time.Duration(bounds[0] * float64(time.Hour))
	}
	if longer[0] < withinLeast { // those that began a little sooner or later count too
		for i := range longer {
			longer[i] += t[(start+starts-1)%starts][i] + t[(start+1)%starts][i]
		}
	}
	if longer[0] < withinLeast {
		return 0
	}
	for i, n := range longer {
		if float64(n) <= withinPart*float64(longer[0]) {
			return time.Duration(bounds[i] * float64(time.Hour))
		}
	}
	return 0
}

// habitsOf are the habits that a stillness in the home, or after the door (out), belongs to.
func (r *routine) habitsOf(out bool) []*habit {
	switch {
	case r.Outing == nil:
		return []*habit{&r.Inside}
	case r.Blended:
		return []*habit{&r.Inside, r.Outing}
	case out:
		return []*habit{r.Outing}
	}
	return []*habit{&r.Inside}
}

// usualHere adds to the facts of a stillness what of it nobody saw, and, when it is first told of, what is usual of one from this hour: that is
// dear, and what goes on keeps the facts it began with.
func (h *home) usualHere(f *stillwater.Facts, r *boundRule, out bool) {
	if since := h.stillSince(); h.StillFrom > since {
		f.Unseen = h.StillFrom.sub(since)
	}
	if !h.learned() || h.active(r.Name, "") || out && h.Routine.Outing == nil {
		return
	}
	f.Within = h.Routine.within(h.startHour(), out)
	if f.Limit > 0 && r.Under == 0 {
		f.Rate = h.Routine.rate(h.startHour(), out, f.Limit)
	}
}

// doorless says whether the home has no door contact, nor had one.
func (h *home) doorless() bool {
	for i := range h.Devices {
		if h.Devices[i].Kind == doorContact {
			return false
		}
	}
	return h.Doubt != doorless
}

// every is how often the covering device that was heard last usually reports; zero: not known yet.
func (h *home) every() time.Duration {
	if d := h.reporter(); d != nil {
		return d.usual()
	}
	return 0
}
