package modbus

import (
	"cmp"
	"slices"
)

// A block is one request, and what it is for.
type block struct {
	need         // what is asked for
	parts []need // what of it is needed
	bytes []byte // the answer of the present turn, nil where there is none
}

// limits are how large a request may become, in registers.
type limits struct{ registers, hole int }

// blocks combines needs into as few requests as the limits allow. A need is never split: its registers have to be of one moment.
func blocks(needs []need, l limits) []*block {
	sorted := slices.Clone(needs)
	slices.SortFunc(sorted, func(a, b need) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.first, b.first), cmp.Compare(a.count, b.count))
	})
	var list []*block
	for _, n := range sorted {
		if len(list) > 0 && list[len(list)-1].take(n, l) {
			continue
		}
		list = append(list, &block{need: n, parts: []need{n}})
	}
	return list
}

// take adds a need that begins no earlier than the block, if it fits.
func (b *block) take(n need, l limits) bool {
	end := max(b.first+b.count, n.first+n.count)
	most := l.registers
	if isBits(n.table) {
		most = min(16*most, maxBits)
	}
	if n.table != b.table || n.first > b.first+b.count+l.hole || end-b.first > most {
		return false
	}
	b.count = end - b.first
	if !slices.Contains(b.parts, n) {
		b.parts = append(b.parts, n)
	}
	return true
}

// cut gives the bytes of a need out of those of the block.
func (b *block) cut(n need) []byte {
	if b.bytes == nil || n.table != b.table || n.first < b.first || n.first+n.count > b.first+b.count {
		return nil
	}
	from := n.first - b.first
	if !isBits(n.table) {
		return b.bytes[2*from : 2*(from+n.count)]
	}
	bits := make([]byte, (n.count+7)/8)
	for i := range n.count {
		at := from + i
		bits[i/8] |= b.bytes[at/8] >> (at % 8) & 1 << (i % 8)
	}
	return bits
}
