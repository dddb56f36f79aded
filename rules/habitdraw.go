package rules

import (
	"math"
	"time"
)

// A habitDraw is water that a home draws by itself: a cat's fountain that tops itself up, a purifier that flushes, a tap that drips into a
// bucket. Once known it is no sign of life. It shows at night, when else hardly anything runs: small draws of one size at one pace all
// night, for habitNights nights in a row; or, if it is slow, one size at one period to a few minutes, day and night, for a week.
// Who wakes three times a night and flushes is neither so small, so frequent nor so regular. A rhythm that stops is forgotten at once.
//
// It takes a meter read often and finely enough to tell one draw from the next: by the minute, or each five. On a litre counter read each
// quarter of an hour many are not learned, and with a coarser one a steady draw looks like a leak; see base.
type habitDraw struct {
	Event draw  // what was drawn in the latest readings without a dry one between; To 0: nothing
	Mine  bool  // and it was counted as life
	Quick quick // many small draws
	Slow  slow  // a draw every few hours
}

// quick is small draws all night.
type quick struct {
	Night      int32  // whose night is under way: the year and the day of it
	Low, High  uint32 // sizes, in millilitres
	Short, Gap uint32 // the shortest and the longest time between, in seconds
	First      instant
	Last       instant // of the size
	Other      bool    // something else ran since
	Bad        bool    // this night is not regular
	Seen       uint8   // in this night
	Nights     uint8   // regular ones in a row
}

// slow is a draw of one size at one period.
type slow struct {
	ML     uint32
	Period uint32 // seconds; 0: one draw was seen
	Since  instant
	Last   instant // of the size, or where it was hidden in a larger one
	Count  uint16
	Missed uint8
}

const (
	habitNights  = 7
	habitReading = 20 * time.Minute // between readings
	quickLeast   = 4                // draws in a night
	quickSpan    = 7 * time.Hour / 2
	quickSize    = 2000 // millilitres: a hand basin or a flush takes more
	quickGap     = 2 * 3600
	slowLeast    = 20
	slowSure     = 6
	slowFrom     = 30 * 60
	slowTo       = 12*3600 + 600
	slowSize     = 15000
	habitSame    = 1.15 // sizes that are one size
)

// known says whether the home is known to draw water by itself.
func (b *habitDraw) known() bool { return b.Quick.known() || b.Slow.known() }

func (b *habitDraw) fields(c *codec) {
	c.part(1, &b.Event)
	c.flag(2, &b.Mine)
	c.part(3, &b.Quick)
	c.part(4, &b.Slow)
}

func (q *quick) fields(c *codec) {
	small(c, 1, &q.Night)
	small(c, 2, &q.Low)
	small(c, 3, &q.High)
	small(c, 4, &q.Short)
	small(c, 5, &q.Gap)
	c.time(6, &q.First)
	c.time(7, &q.Last)
	c.flag(8, &q.Other)
	c.flag(9, &q.Bad)
	small(c, 10, &q.Seen)
	small(c, 11, &q.Nights)
}

func (s *slow) fields(c *codec) {
	small(c, 1, &s.ML)
	small(c, 2, &s.Period)
	c.time(3, &s.Since)
	c.time(4, &s.Last)
	small(c, 5, &s.Count)
	small(c, 6, &s.Missed)
}

// byItself takes every span of a meter and says whether its water is no sign of life because the home draws it by itself. Of a
// draw over several readings that turns out to be something else it says so as soon as it is too large, or when it has ended.
func (h *home) byItself(w draw) bool {
	b := h.Habit
	if b == nil {
		if w.ML == 0 || w.span() > habitReading {
			return false
		}
		b = &habitDraw{}
		h.Habit = b
	}
	if w.span() > habitReading || b.Event.To != 0 && w.From > b.Event.To { // a hole: what ran in it is not known
		*b = habitDraw{Quick: quick{Low: b.Quick.Low, High: b.Quick.High, Short: b.Quick.Short, Gap: b.Quick.Gap, Nights: b.Quick.Nights, Bad: true}}
		return false
	}
	step := uint32(h.step())
	if w.ML == 0 {
		h.endEvent(b, w, step)
		return false
	}
	if b.Event.ML == 0 {
		b.Event, b.Mine = draw{From: w.From}, false
	}
	b.Event.To, b.Event.ML = w.To, b.Event.ML+w.ML
	if b.Mine || !b.expects(b.Event, step) {
		b.Mine = true
		return false
	}
	return true
}

// expects says whether a draw so far may be one that the home draws by itself.
func (b *habitDraw) expects(e draw, step uint32) bool {
	q, s := &b.Quick, &b.Slow
	if q.known() && float64(e.ML) <= habitSame*float64(q.High)+float64(step)/2 && (q.Last == 0 || e.To.sub(q.Last).Seconds() >= 0.6*float64(q.Short)) {
		return true
	}
	if !s.known() || float64(e.ML) > habitSame*float64(s.ML)+float64(step)/2 {
		return false
	}
	_, on := s.phase(e)
	return on
}

// endEvent takes the end of a draw, at the first dry reading after it: it may have been too small after all, and it teaches.
func (h *home) endEvent(b *habitDraw, dry draw, step uint32) {
	e, mine := b.Event, b.Mine
	b.Event, b.Mine = draw{To: dry.To}, false
	b.Quick.stop(dry.To)
	b.Slow.stop(dry.To)
	if e.ML == 0 {
		return
	}
	same := b.Quick.known() && b.Quick.same(e, step) || b.Slow.known() && b.Slow.same(e, step) // a bit of it may have come first
	if !mine && !same {
		h.live(byWater, e.From, e.To)
	}
	b.Quick.learn(e, step, h.location)
	b.Slow.learn(e, step)
}

func (q *quick) known() bool { return q.Nights >= habitNights }

func (q *quick) same(e draw, step uint32) bool {
	ml := float64(e.ML)
	return ml <= habitSame*float64(q.Low)+float64(step) && habitSame*ml+float64(step) >= float64(q.High)
}

// stop forgets a rhythm that has stopped.
func (q *quick) stop(now instant) {
	gaps := 2.5
	if q.Other { // it may be hidden in what ran since
		gaps = 6
	}
	if q.known() && q.Last != 0 && now.sub(q.Last).Seconds() > gaps*float64(q.Gap) {
		*q = quick{}
	}
}

// learn takes a draw that has ended.
func (q *quick) learn(e draw, step uint32, zone *time.Location) {
	if q.known() { // only its going on is of interest
		if q.same(e, step) {
			q.Last, q.Other = e.To, false
		}
		return
	}
	local := e.To.time().In(zone)
	if local.Hour() >= nightBegins+nightHours {
		return
	}
	if night := int32(local.Year()*1000 + local.YearDay()); night != q.Night {
		q.endNight()
		q.Night, q.Seen, q.First, q.Last, q.Other, q.Bad = night, 0, 0, 0, false, false
	}
	switch {
	case q.Low != 0 && q.same(e, step):
		q.follow(e)
	case q.Low != 0 && e.ML > int64(q.High):
		q.Other = true
	case e.ML > quickSize || q.Low != 0 && q.Nights > 0:
		q.Other = true
		q.Bad = q.Bad || e.ML < int64(q.Low) // something smaller runs too
	default: // the size may be this
		*q = quick{Night: q.Night, Low: uint32(e.ML), High: uint32(e.ML), First: e.To, Last: e.To, Seen: 1}
	}
}

// follow takes one more draw of the size in a night.
func (q *quick) follow(e draw) {
	if q.Last == 0 {
		q.First = e.To
	} else if gap := uint32(e.To.sub(q.Last).Seconds()); !q.Other {
		short, long := gap, gap
		if q.Short != 0 {
			short, long = min(q.Short, gap), max(q.Gap, gap)
		}
		if long > 11*short/5+uint32(2*e.span().Seconds()) || long > quickGap {
			q.Bad = true
		} else {
			q.Short, q.Gap = short, long
		}
	}
	q.Last, q.Other = e.To, false
	q.Seen = min(q.Seen+1, 200)
	q.Low, q.High = min(q.Low, uint32(e.ML)), max(q.High, uint32(e.ML))
}

// endNight files a night. One that is not regular, for she was up in it, counts against two that were; in the first three all begins anew.
func (q *quick) endNight() {
	switch regular := !q.Bad && q.Seen >= quickLeast && q.Last.sub(q.First) >= quickSpan; {
	case regular:
		q.Nights++
	case q.Nights > 2:
		q.Nights -= 2
	default:
		*q = quick{}
	}
}

func (s *slow) known() bool {
	return s.Count >= slowLeast && s.Last.sub(s.Since) >= 7*24*time.Hour
}

func (s *slow) same(e draw, step uint32) bool {
	return math.Abs(float64(e.ML)-float64(s.ML)) <= (habitSame-1)*float64(s.ML)+float64(step)
}

// phase is how many periods after the last a draw came, and whether it came when one was due.
func (s *slow) phase(e draw) (periods int, on bool) {
	since := e.To.sub(s.Last).Seconds()
	periods = int(math.Round(since / float64(s.Period)))
	slack := 0.02*float64(s.Period) + 1.1*e.span().Seconds()
	if 6*e.span().Seconds() > float64(s.Period) {
		return periods, false // too coarse to tell
	}
	return periods, periods > 0 && math.Abs(since-float64(periods)*float64(s.Period)) <= slack*math.Sqrt(float64(periods))
}

// stop forgets a rhythm that has stopped.
func (s *slow) stop(now instant) {
	periods := 3.5
	if s.Count < slowSure {
		periods = 1.3 // it was none, more likely
	}
	if s.Period != 0 && now.sub(s.Last).Seconds() > periods*float64(s.Period) {
		*s = slow{}
	}
}

// learn takes a draw that has ended.
func (s *slow) learn(e draw, step uint32) {
	switch same := s.same(e, step); {
	case s.Period != 0:
		periods, on := s.phase(e)
		switch {
		case !on && same && s.Count < slowLeast && s.halved(e):
		case !on: // hers
		case same:
			s.hit(e, periods)
		case e.ML > int64(s.ML): // hidden in it
			s.Last = s.Last.add(time.Duration(periods) * time.Duration(s.Period) * time.Second)
		}
	case s.ML != 0 && same:
		if gap := e.To.sub(s.Last).Seconds(); gap >= slowFrom && gap <= slowTo {
			s.Period, s.Since, s.Last, s.Count = uint32(gap), s.Last, e.To, 2
		} else if gap > slowTo {
			s.Last = e.To
		}
	case e.ML <= slowSize && (s.ML == 0 || e.To.sub(s.Last).Seconds() > slowTo):
		*s = slow{ML: uint32(e.ML), Last: e.To}
	}
}

// halved takes a draw that came half-way, or a third of the way: the first two seen were not next to each other.
func (s *slow) halved(e draw) bool {
	since := e.To.sub(s.Last).Seconds()
	for _, part := range []float64{2, 3} {
		period := float64(s.Period) / part
		if period >= slowFrom && math.Abs(since-period) <= 0.02*period+e.span().Seconds() {
			s.Period, s.Since, s.Last, s.Count, s.Missed = uint32(since), s.Last, e.To, 2, 0
			return true
		}
	}
	return false
}

// hit takes a draw that came when it was due.
func (s *slow) hit(e draw, periods int) {
	s.Missed = uint8(min(200, int(s.Missed)+periods-1))
	if s.Count < math.MaxUint16 {
		s.Count++
	}
	if int(s.Missed) > 2+int(s.Count)/6 {
		*s = slow{ML: uint32(e.ML), Last: e.To}
		return
	}
	if period := e.To.sub(s.Last).Seconds() / float64(periods); s.Count < 100 {
		s.Period = uint32(float64(s.Period) + (period-float64(s.Period))/float64(min(s.Count, 20)))
	}
	s.Last = e.To
}
