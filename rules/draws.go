package rules

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"stillwater"
)

// A draw is water used between two readings of a meter, at an unknown moment of (From, To].
type draw struct {
	From, To instant
	ML       int64 // millilitres, so that sums are exact
}

// span is how long it can have taken.
func (w draw) span() time.Duration { return w.To.sub(w.From) }

// draws are the draws that a window can reach back to, in the order of their ends.
type draws struct {
	Last   draw
	Older  []byte  // a trail: of each the time from it to the next, its span, and its litres
	Oldest instant // the end of the first in Older
	Sum    int64   // millilitres of all
}

// finely is how many bytes of draws are kept exactly. A meter that shows more, a drip by the minute, has draws of drawsMerge
// kept as one.
const (
	finely     = 1536
	drawsMerge = 15 * time.Minute
)

// add files a draw. Draws within one minute are kept as one.
func (d *draws) add(w draw, coarse time.Duration) {
	d.Sum += w.ML
	near := time.Minute
	if len(d.Older) > finely {
		near = max(near, coarse)
	}
	switch {
	case d.Last.To == 0:
		d.Last = w
		return
	case w.To < d.Last.To: // of another meter
		all := d.all()
		i, _ := slices.BinarySearchFunc(all, w.To, func(o draw, to instant) int { return cmp.Compare(to, o.To) })
		d.keep(slices.Insert(all, i, w))
		return
	case w.To.sub(d.Last.From) <= near:
		d.Last.To, d.Last.ML = w.To, d.Last.ML+w.ML
		return
	}
	if len(d.Older) == 0 {
		d.Oldest = d.Last.To
	}
	var buf [32]byte
	step := pushDraw(buf[:0], d.Last, w)
	if n := len(d.Older) + len(step); n > cap(d.Older) {
		d.Older = append(make([]byte, 0, n+n/8+8), d.Older...)
	}
	d.Older = append(d.Older, step...)
	d.Last = w
}

// all are the draws, the newest first.
func (d *draws) all() []draw {
	var all []draw
	for c := d.newest(); c.next(); {
		all = append(all, c.draw)
	}
	return all
}

// keep makes them these, which are not none.
func (d *draws) keep(all []draw) {
	slices.Reverse(all)
	d.Older, d.Oldest, d.Last = d.Older[:0], all[0].To, all[0]
	for _, w := range all[1:] {
		d.Older = pushDraw(d.Older, d.Last, w)
		d.Last = w
	}
}

// forget drops the oldest draws that ended up to from.
func (d *draws) forget(from instant) {
	cut := 0
	for cut < len(d.Older) && d.Oldest <= from {
		gap, n := readNumber(d.Older[cut:])
		cut += n
		_, n = readNumber(d.Older[cut:])
		cut += n
		ml, n := readNumber(d.Older[cut:])
		cut += n
		d.Sum -= unzigzag(ml)
		if d.Oldest += numberSpan(gap); cut < len(d.Older) { // to the beginning of the next, and on to its end
			_, n = readNumber(d.Older[cut:])
			span, _ := readNumber(d.Older[cut+n:])
			d.Oldest += numberSpan(span)
		}
	}
	if cut > 0 {
		d.Older = d.Older[:copy(d.Older, d.Older[cut:])]
	}
}

// pushDraw writes a draw by what follows it: three numbers.
func pushDraw(trail []byte, w, next draw) []byte {
	trail = pushNumber(trail, spanNumber(next.From-w.To))
	trail = pushNumber(trail, spanNumber(w.To-w.From))
	return pushNumber(trail, zigzag(w.ML))
}

// drawCursor goes through draws from the newest to the oldest.
type drawCursor struct {
	draw
	older []byte
	end   int // of what is left of older; before the first: one beyond
}

// newest begins with the newest draw.
func (d *draws) newest() drawCursor {
	return drawCursor{draw: d.Last, older: d.Older, end: len(d.Older) + 1}
}

// next goes to the next older draw and says whether there is one.
func (c *drawCursor) next() bool {
	if c.end > len(c.older) {
		c.end--
		return c.draw.To != 0
	}
	ml, end := popNumber(c.older, c.end)
	if end < 0 {
		return false
	}
	span, end := popNumber(c.older, end)
	if end < 0 {
		return false
	}
	gap, end := popNumber(c.older, end)
	if end < 0 {
		return false
	}
	to := c.From - numberSpan(gap)
	c.draw, c.end = draw{From: to - numberSpan(span), To: to, ML: unzigzag(ml)}, end
	return true
}

// begins is when the oldest draw begins.
func (d *draws) begins() instant {
	if len(d.Older) == 0 {
		return d.Last.From
	}
	_, n := readNumber(d.Older)
	span, _ := readNumber(d.Older[n:])
	return d.Oldest - numberSpan(span)
}

// overlap says whether one begins before another ends, as of several meters.
func (d *draws) overlap() bool {
	begins := farthest
	for c := d.newest(); c.next(); begins = c.From {
		if c.To > begins {
			return true
		}
	}
	return false
}

// used is the water of the window (from, to]: whole, the most that can have been used in it; share, of draws longer than the window
// only their even share: the least its fullest instance held.
func (d *draws) used(from instant, within time.Duration) (whole, share int64) {
	for c := d.newest(); c.next() && c.To > from; {
		whole += c.ML
		share += evenShare(c.draw, within)
	}
	return whole, share
}

// evenShare is the part of a draw that the window surely held, if the draw is longer than the window and its water ran evenly.
func evenShare(w draw, within time.Duration) int64 {
	span := w.span()
	if span <= within {
		return w.ML
	}
	return int64(float64(w.ML) * float64(within) / float64(span))
}

// enough is when the latest draw ended that, with all after it, makes up ml; 0: all do not.
func (d *draws) enough(ml int64) instant {
	var sum int64
	for c := d.newest(); c.next(); {
		if sum += c.ML; sum >= ml {
			return c.To
		}
	}
	return 0
}

// split corrects the draw that ended at to by what the counter showed at a moment of it: all but after millilitres had been drawn
// by then. It says whether there is such a draw.
func (d *draws) split(at, to instant, after int64) bool {
	var all []draw
	found := false
	for _, w := range d.all() {
		if w.To != to || w.From >= at || w.ML < after || after < 0 {
			all = append(all, w)
			continue
		}
		found = true
		if after > 0 {
			all = append(all, draw{From: at, To: w.To, ML: after})
		}
		if w.ML > after {
			all = append(all, draw{From: w.From, To: at, ML: w.ML - after})
		}
	}
	if !found {
		return false
	}
	slices.SortStableFunc(all, func(a, b draw) int { return cmp.Compare(b.To, a.To) }) // another meter may have drawn since at
	d.keep(all)
	return true
}

func (w *draw) fields(c *codec) {
	c.time(1, &w.From)
	c.time(2, &w.To)
	c.int64(3, &w.ML)
}

func (d *draws) fields(c *codec) {
	c.part(1, &d.Last)
	c.bytes(2, &d.Older)
	if !c.reading {
		return
	}
	cursor := d.newest()
	for cursor.next() {
		d.Sum += cursor.ML
		d.Oldest = cursor.To
	}
	if cursor.end != 0 && len(d.Older) > 0 {
		c.fail(errors.New("draws remembered are not whole"))
	}
}

// litres is millilitres as people read them.
func litres(ml int64) stillwater.Litres { return stillwater.Litres(float64(ml) / 1000) }
