package rules

import (
	"slices"
	"time"
)

// base is the flow of a leak that goes on beside her life. It is the lower quarter of what the slots of a day hold, for in a quarter of
// them, at night if ever, nothing runs but the leak. Water up to it is no sign of life. It is known once water has not stopped
// for baseAfter, and forgotten when it does.
type base struct {
	Rates [baseSlots]uint16 // of the latest slots, in 10 mL an hour: a ring
	Next  uint8
	Seen  uint8
	Rate  int64 // millilitres an hour; 0: not known yet
	Top   int64 // the same with as much above it as most of a quiet hour is below
}

const (
	baseSlots  = 48
	baseFrom   = 6 * time.Hour
	baseAfter  = 24 * time.Hour
	baseSlack  = 1.05             // a leak's flow varies, beyond Top
	baseBurst  = 15 * time.Minute // and a cistern takes its share of so long at once
	baseUnfelt = 5000             // millilitres: where more than this goes unseen, protection is reduced
)

func (b *base) fields(c *codec) {
	numbers(c, 1, b.Rates[:])
	small(c, 2, &b.Next)
	small(c, 3, &b.Seen)
	c.int64(4, &b.Rate)
	c.int64(5, &b.Top)
	if c.reading {
		b.Next, b.Seen = b.Next%baseSlots, min(b.Seen, baseSlots)
	}
}

// slot takes a wet slot of a run that has lasted so long, and says whether the base became known by it.
func (b *base) slot(w draw, lasted time.Duration) (known bool) {
	b.Rates[b.Next] = uint16(min(float64(w.ML)/10/hoursOf(w.span()), 1<<16-1))
	b.Next = (b.Next + 1) % baseSlots
	b.Seen = min(b.Seen+1, baseSlots)
	if lasted < baseAfter {
		return false
	}
	sorted := b.Rates
	slices.Sort(sorted[:b.Seen])
	known = b.Rate == 0
	b.Rate = max(1, 10*int64(sorted[b.Seen/4]))
	b.Top = 2*b.Rate - 10*int64(sorted[b.Seen/12])
	return known
}

// unseen is how much of a span the base can hide.
func (b *base) unseen(span time.Duration, step int64) int64 {
	return int64(baseSlack*float64(b.Top)*max(span, baseBurst).Hours()) + step
}

// isBase says whether the draw is no more than the leak that goes on.
func (h *home) isBase(w draw) bool {
	return h.Base != nil && h.Base.Rate > 0 && w.ML <= h.Base.unseen(w.span(), max(h.step(), 1))
}

// leaks takes a span of a meter into the run, and each slot of that into the nights and the base. When the base becomes known, draws that
// were no more than it were no life: she was last seen when there was more.
func (h *home) leaks(w draw) {
	slot, full := h.Leak.fill(w)
	if !full {
		if h.Leak.Since == 0 {
			h.Base = nil
		}
		return
	}
	h.Nights.slot(slot, h.today.zone)
	lasted := h.Leak.lasted()
	if h.Base != nil && h.Base.Rate > 0 && !h.isBase(slot) { // many small draws, each no more than the leak
		h.live(byWater, slot.From, slot.To)
	}
	switch {
	case lasted < baseFrom:
		h.Base = nil
		return
	case h.Base == nil:
		h.Base = &base{}
	}
	if !h.Base.slot(slot, lasted) {
		return
	}
	seen := h.Leak.Since
	for c := h.Draws.newest(); c.next() && c.To > h.Leak.Since; {
		if seen = c.From; !h.isBase(c.draw) {
			seen = c.To
			break
		}
	}
	if seen < h.Life.Water {
		h.lastSeen(byWater, seen)
		h.stirred = true
	}
}

// step is the resolution of the home's meter, the coarsest if it has several; 0: not known.
func (h *home) step() (ml int64) {
	for i := range h.Devices {
		if c := h.Devices[i].Counter; c != nil {
			ml = max(ml, c.step())
		}
	}
	return ml
}

// reduced says whether water may be counted as life that is none, or life be hidden by water: a leak whose base is not known, or is
// so large or so coarsely counted that she could wash unseen.
func (h *home) reduced() bool {
	if h.Base != nil && h.Base.Rate > 0 {
		span := time.Hour
		if d := h.reporter(); d != nil && d.usual() > 0 {
			span = d.usual()
		}
		return h.Base.unseen(span, h.step()) > baseUnfelt
	}
	return h.leaking()
}
