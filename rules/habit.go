package rules

import (
	"errors"
	"math"
)

// A habit is how often a home goes still for long, by when the stillness begins.
type habit struct {
	Still cells          // how often, in 1/once, by start and length; at most 31 times, which is too often for any alert
	Up    [starts]uint16 // minutes with life close before and after
	Bound [starts]uint8  // what follows: the length, an index of bounds, at which it is told of
}

// learn takes a stillness that life has ended: the local hour at which it began, its length as far as readings vouch for it, and the time
// to the life that ended it, both in hours.
func (b *habit) learn(hour int, length, toLife float64) {
	start := hour / startSpan
	if i := classOf(length); i >= 0 {
		b.Still.add(start*lengths+i, once)
	}
	if close := min(toLife, 2*upClose-toLife); close > 0 { // so much of it had life close on both sides
		b.Up[start] = uint16(min(float64(b.Up[start])+close*60+0.5, math.MaxUint16))
	}
}

// unlearn takes back what learn learned. Of a cell that was full, or has faded since, a little too much or too little.
func (b *habit) unlearn(hour int, length, toLife float64) {
	start := hour / startSpan
	if i := classOf(length); i >= 0 {
		b.Still.add(start*lengths+i, -once)
	}
	if close := min(toLife, 2*upClose-toLife); close > 0 {
		minutes := uint16(min(close*60+0.5, math.MaxUint16))
		b.Up[start] -= min(b.Up[start], minutes)
	}
}

// fade lets a part of what is known go.
func (b *habit) fade() {
	still := b.Still.dense()
	for i := range still {
		still[i] = uint8(float64(still[i])*fade + 0.5)
	}
	b.Still.set(&still)
	for i := range b.Up {
		b.Up[i] = uint16(float64(b.Up[i])*fade + 0.5)
	}
}

func (b *habit) fields(c *codec) {
	c.bytes(1, (*[]byte)(&b.Still))
	numbers(c, 2, b.Up[:])
	c.cells(3, b.Bound[:])
	if !c.reading {
		return
	}
	if err := b.Still.check(); err != nil {
		c.fail(err)
	}
	for i := range b.Bound {
		b.Bound[i] = min(b.Bound[i], uint8(lengths-1))
	}
}

// cells are small counts by start and length, start*lengths+length. Most are zero, and few homes have many: a run of zeros
// is a zero and its length, and zeros at the end are left out.
type cells []byte

const (
	allCells   = starts * lengths
	cellsSpare = 16 // bytes
)

var errCells = errors.New("habits remembered are not whole")

// each goes through the cells that are not zero: where each stands, and its number in order.
func (c cells) each(yield func(k, cell int) bool) {
	for k, cell := 0, 0; k < len(c); k++ {
		if c[k] == 0 {
			k++
			cell += int(c[k])
			continue
		}
		if !yield(k, cell) {
			return
		}
		cell++
	}
}

// dense are all cells.
func (c cells) dense() (all [allCells]uint8) {
	for k, cell := range c.each {
		all[cell] = c[k]
	}
	return all
}

// set makes them these.
func (c *cells) set(all *[allCells]uint8) {
	out := (*c)[:0]
	zeros := 0
	for _, n := range all {
		if n == 0 {
			zeros++
			continue
		}
		for ; zeros > 0; zeros -= min(zeros, math.MaxUint8) {
			out = append(out, 0, uint8(min(zeros, math.MaxUint8)))
		}
		out = append(out, n)
	}
	if cap(out)-len(out) > cellsSpare { // append doubles, and there are many homes
		out = append(make(cells, 0, len(out)+cellsSpare), out...)
	}
	*c = out
}

// add changes one cell, and not below zero or above what fits.
func (c *cells) add(cell, by int) {
	if k := c.find(cell); k >= 0 {
		if n := min(int((*c)[k])+by, math.MaxUint8); n > 0 {
			(*c)[k] = uint8(n)
			return
		}
	} else if by <= 0 {
		return
	}
	all := c.dense()
	all[cell] = uint8(min(max(0, int(all[cell])+by), math.MaxUint8))
	c.set(&all)
}

// find is where the cell is; -1: it is zero.
func (c cells) find(cell int) int {
	for k, at := range c.each {
		if at == cell {
			return k
		}
		if at > cell {
			break
		}
	}
	return -1
}

// addTo adds them to a tally.
func (c cells) addTo(t *tally) {
	for k, cell := range c.each {
		t[cell/lengths][cell%lengths] += int32(c[k])
	}
}

// check says whether they are whole, as they were written.
func (c cells) check() error {
	cell := 0
	for k := 0; k < len(c); k++ {
		if c[k] != 0 {
			cell++
			continue
		}
		if k++; k == len(c) || c[k] == 0 {
			return errCells
		}
		cell += int(c[k])
	}
	if cell > allCells {
		return errCells
	}
	return nil
}
