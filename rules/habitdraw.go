package rules

import (
	"math"
	"time"
)

// A habitDraw is water that a home draws by itself: a cat's fountain that tops itself up, a purifier that flushes, a tap that drips into a
// bucket. Once known it is no sign of life. It shows at night, when else hardly anything runs: as small draws in every night (see
// quick), or, if it is slow, as one size at one period, day and night (see slow). Who wakes three times a night and flushes is
// neither so small nor so regular. A rhythm that stops is forgotten.
//
// It takes a meter that is read each hour or more often. Less than a litre in a night cannot be told from chance on a litre counter,
// and hardly anything with a coarser one.
type habitDraw struct {
	Event draw  // what was drawn in the latest readings without a dry one between; To 0: nothing
	Mine  bool  // and it was counted as life
	Quick quick // many small draws
	Slow  slow  // a draw every few hours
}

// slow is a draw of one size at one period. It is looked for once a night draw has ended (see seek), and followed from then on: at each
// moment at which it is due there must be water, as much of it at least, day and night. It is known after slowLeast draws of that
// size and a week.
type slow struct {
	ML     uint32
	Period uint32 // seconds; 0: one draw was seen
	Since  instant
	Last   instant // of the size, or where it was hidden in a larger one
	Count  uint16
	Missed uint8 // at how many moments of late none ran although one was due
}

const (
	habitReading = 65 * time.Minute // between readings
	slowLeast    = 20
	slowSeen     = 3 // at which it is followed
	slowMissed   = 3 // and more is a rhythm no longer
	slowFrom     = 30 * time.Minute
	slowTo       = 12*time.Hour + 10*time.Minute
	slowSize     = 15000
	slowCoarse   = 3             // readings in a period
	slowEvening  = 2 * time.Hour // before the night
	habitSame    = 1.15          // sizes that are one size
)

// known says whether the home is known to draw water by itself.
func (b *habitDraw) known() bool { return b.Quick.Sure || b.Slow.known() }

func (b *habitDraw) fields(c *codec) {
	c.part(1, &b.Event)
	c.flag(2, &b.Mine)
	c.part(3, &b.Quick)
	c.part(4, &b.Slow)
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
		b.Event, b.Mine, b.Slow, b.Quick.At = draw{}, false, slow{}, 0
		return false
	}
	step := h.step()
	b.Quick.learn(w, step, h.Nights.From)
	quick := b.Quick.takes(w, step)
	switch {
	case w.ML == 0:
		h.endEvent(b, w, uint32(step))
		return false
	case quick:
		b.Event.To = w.To
		return true
	case b.Event.ML == 0:
		b.Event, b.Mine = draw{From: w.From}, false
	}
	b.Event.To, b.Event.ML = w.To, b.Event.ML+w.ML
	b.Mine = b.Mine || !b.Slow.expects(b.Event, uint32(step), w.span())
	return !b.Mine
}

// expects says whether a draw so far may be one that the home draws by itself.
func (s *slow) expects(e draw, step uint32, reading time.Duration) bool {
	if !s.known() || e.ML > int64(s.ML) && !s.same(e, step) {
		return false
	}
	_, on := s.phase(e, reading)
	return on
}

// endEvent takes the end of a draw, at the first dry reading after it: it may have been too small after all, and it teaches.
func (h *home) endEvent(b *habitDraw, dry draw, step uint32) {
	e, mine := b.Event, b.Mine
	b.Event, b.Mine = draw{To: dry.To}, false
	if e.ML == 0 {
		b.Slow.stop(dry.To, dry.span())
		return
	}
	if !mine && !(b.Slow.known() && b.Slow.same(e, step)) { // a bit of it may have come first
		h.live(byWater, e.From, e.To)
	}
	b.Slow.learn(e, step, dry.span())
	b.Slow.stop(dry.To, dry.span())
	if night := h.Nights.From; e.ML <= slowSize && e.From >= night.add(-slowEvening) && e.To <= night.add(nightHours*time.Hour) {
		b.Slow.seek(e, &h.Draws, step, dry.span())
	}
}

func (s *slow) known() bool {
	return s.Count >= slowLeast && s.Last.sub(s.Since) >= 7*24*time.Hour
}

func (s *slow) same(e draw, step uint32) bool {
	return math.Abs(float64(e.ML)-float64(s.ML)) <= max((habitSame-1)*float64(s.ML), float64(step))
}

// slack is by how much a draw may come beside its time, on a meter read so often.
func (s *slow) slack(reading time.Duration) time.Duration {
	return time.Duration(s.Period)*time.Second/50 + reading*11/10
}

// phase is how many periods after the last one a draw was due, and whether that was while this one ran.
func (s *slow) phase(e draw, reading time.Duration) (periods int, on bool) {
	period := time.Duration(s.Period) * time.Second
	if period == 0 || slowCoarse*reading > period {
		return 0, false // none, or too coarse to tell
	}
	since, slack := e.To.sub(s.Last), s.slack(reading)
	periods = int((since + slack) / period) // the latest that was due
	early := since - max(0, e.span()-reading) - time.Duration(periods)*period
	return periods, periods > 0 && early <= slack
}

// stop forgets a rhythm that has stopped, or was none: nothing ran when a draw was due.
func (s *slow) stop(now instant, reading time.Duration) {
	if s.Period == 0 {
		return
	}
	period := time.Duration(s.Period) * time.Second
	late := period + s.slack(reading) + reading
	if s.Count >= slowLeast {
		late = 7 * period / 2
	}
	if now.sub(s.Last) > late {
		*s = slow{}
	}
}

// learn takes a draw that has ended.
func (s *slow) learn(e draw, step uint32, reading time.Duration) {
	periods, on := s.phase(e, reading)
	if !on || e.ML < int64(s.ML) && !s.same(e, step) {
		return // hers
	}
	period := time.Duration(s.Period) * time.Second
	missed := max(0, int((e.From.sub(s.Last)-s.slack(reading))/period))
	if s.same(e, step) {
		s.hit(e, periods)
	} else { // hidden in it
		s.Last = s.Last.add(time.Duration(periods) * period)
	}
	s.miss(missed)
}

// miss counts moments at which none ran. A few are forgiven in time: the water may have been cut off.
func (s *slow) miss(n int) {
	if n == 0 && s.Missed > 0 && s.Count%slowLeast == 0 {
		s.Missed--
	}
	if s.Missed = uint8(min(int(s.Missed)+n, 200)); s.Missed > slowMissed {
		*s = slow{}
	}
}

// hit takes a draw that came when it was due.
func (s *slow) hit(e draw, periods int) {
	if s.Count < math.MaxUint16 {
		s.Count++
	}
	part := 1 / float64(min(s.Count, 20))
	s.ML = uint32(float64(s.ML) + (float64(e.ML)-float64(s.ML))*part)
	if period := e.To.sub(s.Last).Seconds() / float64(periods); s.Count < 100 {
		s.Period = uint32(float64(s.Period) + (period-float64(s.Period))*part)
	}
	s.Last = e.To
}

// seek looks for a rhythm that ends with a draw: of all times to an older one of its size, that after which water ran again and again, as
// far back as draws are remembered. Of one that is followed already it may be a part: some of its draws had not been seen.
func (s *slow) seek(e draw, all *draws, step uint32, reading time.Duration) {
	size := slow{ML: uint32(e.ML)}
	best, was := slowSeen-1, *s
	for c := all.newestEvent(); c.next(); {
		gap := e.To.sub(c.event.To)
		if gap > slowTo {
			return
		}
		if gap < slowFrom || gap < slowCoarse*reading || !size.same(c.event, step) || !was.partly(gap) {
			continue
		}
		try := slow{ML: size.ML, Period: uint32(gap / time.Second), Since: e.To, Last: e.To, Count: 1}
		if seen := try.seen(e, all, step, reading); seen > best {
			s.ML, s.Period, best = try.ML, try.Period, seen
			if was.Period == 0 {
				*s = try
			}
		}
	}
}

// partly says whether the period is a half, a third or so of a longer one; or there is none yet.
func (s *slow) partly(period time.Duration) bool {
	parts := float64(s.Period) / period.Seconds()
	return s.Period == 0 || parts > 1.5 && math.Abs(parts-math.Round(parts)) < 0.05
}

// seen is at how many of the moments at which a draw was due before this one water ran; 0: at one of them none did.
func (s *slow) seen(e draw, all *draws, step uint32, reading time.Duration) (n int) {
	period, slack := time.Duration(s.Period)*time.Second, s.slack(reading)
	due := e.To.add(-period)
	for c := all.newestEvent(); c.next(); {
		for c.event.To < due.add(-slack) {
			return 0
		}
		if c.event.From < due.add(slack) && c.event.ML+int64(step) >= int64(s.ML) {
			if n++; s.same(c.event, step) {
				n++
			}
			due = due.add(-period)
		}
	}
	return n
}

// eventCursor goes through what was drawn without a dry reading between, from the newest to the oldest.
type eventCursor struct {
	event draw
	drawCursor
	more bool
}

func (d *draws) newestEvent() eventCursor {
	c := eventCursor{drawCursor: d.newest()}
	c.more = c.drawCursor.next()
	return c
}

func (c *eventCursor) next() bool {
	if !c.more {
		return false
	}
	c.event = c.draw
	for c.more = c.drawCursor.next(); c.more && c.To >= c.event.From; c.more = c.drawCursor.next() {
		c.event.From, c.event.ML = c.From, c.event.ML+c.ML
	}
	return true
}
