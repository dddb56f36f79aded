package registry

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// A merged is the merged cells of a sheet. Only the first of them holds the value, and it is meant for all: one street written once beside
// twenty homes.
type merged struct {
	ranges []mergedRange // by their first row
	open   []mergedRange // those that the row at hand may lie in
}

type mergedRange struct {
	fromRow, toRow, from, to int // from 1, both ends in it
	cell, raw                string
}

// newMerged reads ranges like A1:F1.
func newMerged(refs []string) (*merged, error) {
	m := &merged{}
	for _, ref := range refs {
		first, last, _ := strings.Cut(ref, ":")
		if last == "" {
			last = first
		}
		c1, r1, err := excelize.CellNameToCoordinates(first)
		c2, r2, also := excelize.CellNameToCoordinates(last)
		if err != nil || also != nil {
			return nil, fmt.Errorf("has merged cells at %q, which is no range; undo the merging and save it again", ref)
		}
		m.ranges = append(m.ranges, mergedRange{fromRow: min(r1, r2), toRow: max(r1, r2), from: min(c1, c2), to: min(max(c1, c2), maxColumns)})
	}
	slices.SortStableFunc(m.ranges, func(a, b mergedRange) int { return cmp.Compare(a.fromRow, b.fromRow) })
	return m, nil
}

// spread fills the cells of a row that are merged with an earlier one. Rows come in order.
func (m *merged) spread(r row) (row, error) {
	m.open = slices.DeleteFunc(m.open, func(g mergedRange) bool { return g.toRow < r.number })
	for len(m.ranges) > 0 && m.ranges[0].fromRow <= r.number {
		g := m.ranges[0]
		m.ranges = m.ranges[1:]
		if g.fromRow == r.number && g.from <= len(r.raw) && r.raw[g.from-1] != "" {
			g.cell, g.raw = r.cells[g.from-1], r.raw[g.from-1]
			m.open = append(m.open, g)
		}
	}
	if len(m.open) > maxColumns {
		return r, fmt.Errorf("has merged cells over each other in row %d; undo the merging and save it again", r.number)
	}
	if len(m.open) > 0 {
		r.raw = slices.Clone(r.raw) // it may be the same list
	}
	for _, g := range m.open {
		for len(r.raw) < g.to {
			r.cells, r.raw = append(r.cells, ""), append(r.raw, "")
		}
		for i := g.from - 1; i < g.to; i++ {
			if r.raw[i] == "" {
				r.cells[i], r.raw[i] = g.cell, g.raw
			}
		}
	}
	return r, nil
}
