package rules

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestCells holds the cells of a habit against an array that is told the same.
func TestCells(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all [allCells]uint8
		var c cells
		for range rapid.IntRange(0, 120).Draw(t, "changes") {
			cell := rapid.IntRange(0, allCells-1).Draw(t, "cell")
			by := rapid.SampledFrom([]int{once, once, once, -once, 200}).Draw(t, "by")
			c.add(cell, by)
			all[cell] = uint8(min(max(0, int(all[cell])+by), math.MaxUint8))
			if c.dense() != all {
				t.Fatalf("after %+d in cell %d: %v, want %v", by, cell, c.dense(), all)
			}
		}
		if err := c.check(); err != nil {
			t.Error(err)
		}
		var sum tally
		c.addTo(&sum)
		for cell, n := range all {
			if got := sum[cell/lengths][cell%lengths]; got != int32(n) {
				t.Errorf("cell %d adds %d, want %d", cell, got, n)
			}
		}
	})
}

// FuzzCells: bytes that are no cells are refused, and those that are do not end in a panic.
func FuzzCells(f *testing.F) {
	f.Add([]byte{8, 0, 255, 0, 60, 8})
	f.Add([]byte{0})
	f.Add(bytes.Repeat([]byte{1}, allCells+1))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := cells(data)
		if c.check() != nil {
			return
		}
		var sum tally
		c.addTo(&sum)
		before := c.dense()
		c.add(allCells-1, once)
		if after := c.dense(); [allCells - 1]uint8(before[:]) != [allCells - 1]uint8(after[:]) {
			t.Errorf("%v changed to %v", before, after)
		}
	})
}
