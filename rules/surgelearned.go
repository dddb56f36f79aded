package rules

import (
	"math"
	"time"

	"stillwater"
)

// learnedSurge finds more water in an hour or a day than this home ever uses: a ceiling learned from its weeks, under a budget of false
// alerts a year. Until they are known it is quiet, and the fixed limits stand alone. A surge that goes on, or comes again
// within surgeCalm, is one finding.
type learnedSurge struct{}

// surgeCalm is how long no window must have been over its ceiling for the surge to be over.
const surgeCalm = 24 * time.Hour

// surging is what a home remembers of its water for learnedSurge.
type surging struct {
	Hour, Day ceiling
	Over      *surge1 // the latest window over its ceiling; nil: none of late

	left int64 // what may be drawn before a window can hold more than any of its week, and 1; 0: not known, it follows from the rest
}

// surge1 is a window that held too much.
type surge1 struct {
	At        instant // when it was last seen
	Since     instant // its beginning
	ML, Bound int64
	Hours     uint8
}

func (s *surging) fields(c *codec) {
	c.part(1, &s.Hour)
	c.part(2, &s.Day)
	optional(c, 3, &s.Over)
}

func (s *surge1) fields(c *codec) {
	c.time(1, &s.At)
	c.time(2, &s.Since)
	c.int64(3, &s.ML)
	c.int64(4, &s.Bound)
	small(c, 5, &s.Hours)
}

func (learnedSurge) needs(Rule) map[string]need { return map[string]need{"budget": must} }

func (learnedSurge) kind() stillwater.Kind { return stillwater.Water }

// drew looks at the windows of an hour and a day if they can hold more than any other of the week: then they teach, or are too much.
func (learnedSurge) drew(h *home, r *boundRule, w draw) (judge bool) {
	s := &h.Surging
	if s.Over != nil && h.DataTo.sub(s.Over.At) >= surgeCalm {
		s.Over = nil
	}
	if s.left = max(0, s.left-w.ML); s.left > 0 && weekOf(h.DataTo) == s.Day.Week {
		return false
	}
	sure, unsure := h.sure()
	left := int64(math.MaxInt64 - 1)
	for _, l := range []struct {
		of     *ceiling
		common commonCeiling
		within time.Duration
	}{{&s.Hour, commonHour, time.Hour}, {&s.Day, commonDay, 24 * time.Hour}} {
		news, newWeek, all := l.of.news(), weekOf(h.DataTo) != l.of.Week, h.Draws.Sum
		if newWeek || float64(all-unsure) > news { // else no window of these draws holds more
			all = h.drawnSince(sure.add(-l.within))
		}
		used := float64(max(0, all-unsure))
		if used <= news && !newWeek {
			left = min(left, int64(news)-all)
			continue
		}
		bound := l.of.bound(l.common, r.Budget)
		if used > bound && l.of.known() && h.DataTo.sub(sure) <= max(l.within, leakReading) {
			s.Over = &surge1{At: h.DataTo, Since: sure.add(-l.within), ML: int64(used), Bound: int64(bound), Hours: uint8(l.within / time.Hour)}
			judge = true
		}
		l.of.most(h.DataTo, used, bound)
		left = min(left, int64(l.of.news())-all)
	}
	s.left = max(0, left+1)
	return judge
}

func (learnedSurge) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	over := h.Surging.Over
	if over == nil || h.DataTo.sub(over.At) >= surgeCalm {
		return holds
	}
	f := h.facts()
	f.Since, f.Limit, f.Night = over.Since.time(), time.Duration(over.Hours)*time.Hour, h.night(now)
	f.Litres, f.Bound, f.Rate = litres(over.ML), litres(over.Bound), r.Budget
	return append(holds, stillwater.Finding{Facts: f})
}
