package rules

import (
	"math"
	"time"

	"stillwater"
)

// runningDraw finds a draw that does not end, at least as much as a tap gives from one reading to the next: a tap on, a burst pipe,
// or she lies in the bathroom. How much is too much is learned from the longest draws of this home, by day and by night apart, under a
// budget of false alerts a year: three hundred litres an hour for two hours are a cleaning morning at ten and never at three in the
// night. What runs for After is told whatever was learned. Without a budget, what has run for After and held Over is told.
type runningDraw struct{}

const (
	tapLeast    = 90_000 // millilitres an hour: a tap that runs gives more, drips and cisterns less
	nightLeast  = 60_000 // a draw of so little is never too much, by night
	dayLeast    = 120_000
	fineReading = 10 * time.Minute // readings so close show a draw as it is; others need two in a row
	choresMost  = 150_000          // a tap that runs gives more, chores hardly ever
	choresMore  = 2                // times the limit, for them
)

// pouring is what a home remembers of its longest draws.
type pouring struct {
	Day, Night ceiling
	Last       uint32 // millilitres of the latest reading of the draw, which none has confirmed yet
	Span       uint32 // and its seconds
	Readings   uint8  // how many readings the draw has
}

func (p *pouring) fields(c *codec) {
	c.part(1, &p.Day)
	c.part(2, &p.Night)
	small(c, 3, &p.Last)
	small(c, 4, &p.Span)
	small(c, 5, &p.Readings)
}

func (runningDraw) needs(r Rule) map[string]need {
	return map[string]need{"after": must, "over": may, "budget": may}
}

func (runningDraw) kind() stillwater.Kind { return stillwater.Water }

// pours follows the draw. A coarse counter shows a tap as steps with nothing between.
func (h *home) pours(w draw) {
	s := &h.Running
	step := h.step()
	far := w.span() > leakReading || s.Since != 0 && w.From > s.To
	least := int64(tapLeast * hoursOf(w.span()))
	switch {
	case far || w.ML == 0 && (s.Since == 0 || hoursOf(w.To.sub(s.To))*tapLeast > float64(step)) || w.ML > 0 && w.ML+step < least:
		if s.Since != 0 {
			h.poured(s)
		}
		*s = flow{}
		h.Pouring.Last, h.Pouring.Span, h.Pouring.Readings = 0, 0, 0
	case w.ML > 0:
		if s.Since == 0 {
			s.Since = w.From
		}
		s.To, s.ML = w.To, s.ML+w.ML
		p := &h.Pouring
		p.Last, p.Span, p.Readings = uint32(min(w.ML, math.MaxUint32)), uint32(w.span()/time.Second), min(p.Readings+1, 200)
	}
}

// poured learns from a draw that has ended. Short ones are no longest.
func (h *home) poured(s *flow) {
	if h.rules.running == 0 || s.ML < 10_000 {
		return
	}
	c, common := h.longest(s)
	c.most(s.To, float64(s.ML), c.bound(common, h.rules.running/2))
}

// longest is the ceiling for a draw: of the night if it began in one.
func (h *home) longest(s *flow) (*ceiling, commonCeiling) {
	if h.night(s.Since) {
		return &h.Pouring.Night, commonNightDraw
	}
	return &h.Pouring.Day, commonDraw
}

// surely is how much of the draw is certain: the latest reading counts for a quarter more than the pace before it at most, until another
// follows from it.
func (h *home) surely(s *flow) int64 {
	p := &h.Pouring
	before := s.ML - int64(p.Last)
	span := s.To.sub(s.Since).Seconds() - float64(p.Span)
	if before <= 0 || span <= 0 {
		return 0
	}
	return before + min(int64(p.Last), int64(1.25*float64(before)/span*float64(p.Span)))
}

// tooMuch says whether the draw is told of, and from how many millilitres on it is.
func (runningDraw) tooMuch(h *home, r *boundRule) (ml int64, bound float64, yes bool) {
	s := &h.Running
	if s.Since == 0 {
		return 0, 0, false
	}
	if r.Budget == 0 {
		return s.ML, float64(r.Over) * 1000, s.lasted() >= r.After && litres(s.ML) >= r.Over
	}
	if h.active(r.Name, "") {
		return s.ML, 0, true
	}
	ml = h.surely(s)
	if ml < nightLeast || h.Pouring.Readings < 2 {
		return ml, 0, false
	}
	c, common := h.longest(s)
	least := float64(dayLeast)
	if c == &h.Pouring.Night {
		least = nightLeast
	}
	bound = max(least, float64(r.Over)*1000, c.bound(common, r.Budget/2))
	if c == &h.Pouring.Day && !c.known() && h.choresPace(s) {
		bound *= choresMore
	}
	return ml, bound, float64(ml) > bound || s.lasted() >= r.After
}

// choresPace says whether a draw may be chores: cleaning, washing by hand. They stop again and again, which an hourly meter does not show, and
// by the hour they come to less than a tap that runs. How much of it is usual here is not known in the first weeks.
func (h *home) choresPace(s *flow) bool {
	p := &h.Pouring
	return time.Duration(p.Span)*time.Second > fineReading && float64(s.ML) < choresMost*s.lasted().Hours()
}

func (d runningDraw) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	ml, bound, yes := d.tooMuch(h, r)
	if !yes {
		return holds
	}
	s, f := &h.Running, h.facts()
	f.Since, f.Span, f.Limit, f.Litres, f.Bound, f.Night = s.Since.time(), s.lasted(), r.After, litres(ml), litres(int64(bound)), h.night(now)
	return append(holds, stillwater.Finding{Facts: f})
}

func (d runningDraw) drew(h *home, r *boundRule, _ draw) bool {
	_, _, yes := d.tooMuch(h, r)
	return yes
}
