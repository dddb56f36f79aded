package modbus

import (
	"cmp"
	"slices"

	"stillwater"
)

// An image is the registers of a device as far as they were read. Each was read once, and all that looks at it shares that.
type image struct {
	tables  map[string]*tableImage
	refused []need // asked for, and not answered
}

// A tableImage is one table: all registers there can be, and which of them are known.
type tableImage struct {
	bytes [2 * 65536]byte
	known [65536]bool
}

func newImage() *image { return &image{tables: map[string]*tableImage{}} }

// put takes in an answer.
func (i *image) put(n need, raw []byte) {
	t := i.tables[n.table]
	if t == nil {
		t = &tableImage{}
		i.tables[n.table] = t
	}
	for at := n.first; at < min(n.first+n.count, n.first+len(raw)/2, 65536); at++ {
		copy(t.bytes[2*at:2*at+2], raw[2*(at-n.first):])
		t.known[at] = true
	}
}

// get gives the bytes of a need as Modbus sends them; nil if not all of them are there.
func (i *image) get(n need) []byte {
	t := i.tables[n.table]
	if t == nil || n.first < 0 || n.first+n.count > 65536 || slices.Contains(t.known[n.first:n.first+n.count], false) {
		return nil
	}
	return t.bytes[2*n.first : 2*(n.first+n.count)]
}

// addresses are the registers of a table that are known, in order.
func (i *image) addresses(table string) (list []int) {
	if t := i.tables[table]; t != nil {
		for at, known := range t.known {
			if known {
				list = append(list, at)
			}
		}
	}
	return list
}

// has says whether there is no more to learn of a need.
func (i *image) has(n need) bool { return i.get(n) != nil || slices.Contains(i.refused, n) }

// refuse notes that a need is not answered.
func (i *image) refuse(n need) { i.refused = append(i.refused, n) }

// needsOf is what has to be read to weigh profiles: what they read and are known by, and around each total the register before and after,
// in both tables. Flags are of no use here.
func needsOf(profiles []*Profile) (list []need) {
	for _, p := range profiles {
		list = append(list, p.signs()...)
		for _, g := range p.plan().gauges {
			if isBits(g.need.table) || isFlag(g.quantity) {
				continue
			}
			list = append(list, g.needs()...)
		}
	}
	return sortedNeeds(list)
}

// aroundOf is what else may hold a total of the profiles: one register further, or in the other table.
func aroundOf(profiles []*Profile) (list []need) {
	for _, p := range profiles {
		for _, g := range p.plan().gauges {
			if g.quantity != stillwater.WaterTotal {
				continue
			}
			for _, n := range g.needs() {
				near := around(n)
				list = append(list, near, need{otherTableOf[near.table], near.first, near.count})
			}
		}
	}
	return sortedNeeds(list)
}

// around is a need with the register before and the one after.
func around(n need) need {
	first := max(0, n.first-1)
	return need{n.table, first, min(65536, n.first+n.count+1) - first}
}

// lowOf is where devices without a profile mostly have their counters.
func lowOf() (list []need) {
	const run, runs = 16, 6
	for _, table := range []string{"holding", "input"} {
		for i := range runs {
			list = append(list, need{table, i * run, run})
		}
	}
	return list
}

func sortedNeeds(list []need) []need {
	slices.SortFunc(list, func(a, b need) int {
		return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.first, b.first), cmp.Compare(a.count, b.count))
	})
	return slices.Compact(list)
}

// needs is what a gauge reads.
func (g *gauge) needs() []need {
	list := []need{g.need}
	for _, l := range []*lookup{g.scale, g.unit} {
		if l != nil {
			list = append(list, l.need)
		}
	}
	return list
}
