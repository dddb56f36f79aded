package modbus

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/meterdial"
)

// A guess is one way to read a counter, and what speaks against it beforehand.
type guess struct {
	gauge  gauge
	cost   float64 // bits
	was    need    // what the profile reads; that of the gauge where there is none
	usual  string  // the profile's order
	order  string  // "": as the profile has it
	scale  string  // "": as the profile has it, or the device says it
	known  bool    // the profile has a scale, or the device says it
	nobody bool    // no profile
}

// moved says whether it reads other registers than its profile.
func (g guess) moved() bool { return g.gauge.need != g.was }

// why says in words what the guess takes for given.
func (g guess) why() (list []string) {
	m := g.gauge
	if g.nobody {
		said := fmt.Sprintf("%s in %s register %d, order %s, one count is %s", m.main.kind, m.need.table, m.need.first, m.main.order, g.scale)
		if m.fraction != nil {
			said += ", and behind it what follows the point as " + m.fraction.kind
		}
		return []string{said}
	}
	if g.order != "" {
		list = append(list, "order "+g.order+" instead of the profile's "+g.usual)
	}
	if m.need.table != g.was.table {
		list = append(list, "in the table "+m.need.table+" instead of "+g.was.table)
	}
	if m.need.first != g.was.first {
		list = append(list, fmt.Sprintf("register %d instead of %d, as they go over the wire", m.need.first, g.was.first))
	}
	if g.scale != "" && g.known {
		list = append(list, "one count is "+g.scale+", not what the profile has")
	} else if g.scale != "" {
		list = append(list, "one count is "+g.scale)
	}
	return list
}

// A weight is how much one count can be, and how unlikely that is, in bits.
type weight struct {
	text   string
	litres float64
	cost   float64
}

// weights are the scales that meters and pulse heads have, the usual ones first.
var weights = []weight{
	{"1 L", 1, 1.5}, {"10 L", 10, 2}, {"100 L", 100, 3}, {"1 m³", 1000, 3}, {"0.1 L", 0.1, 4}, {"0.01 L", 0.01, 5}, {"0.001 L", 0.001, 5}, {"0.00001 L", 0.00001, 6},
	{"0.5 L", 0.5, 5}, {"2.5 L", 2.5, 6}, {"5 L", 5, 5}, {"25 L", 25, 6}, {"10 m³", 10000, 7},
	{"3.785411784 L", 3.785411784, 6}, {"37.85411784 L", 37.85411784, 7}, {"378.5411784 L", 378.5411784, 7}, {"0.3785411784 L", 0.3785411784, 7}, {"4.54609 L", 4.54609, 8},
	{"28.316846592 L", 28.316846592, 7}, {"283.16846592 L", 283.16846592, 8}, {"2.8316846592 L", 2.8316846592, 8},
}

// kinds are the types that a counter without a profile can have, and what speaks against each, in bits.
var kinds = []struct {
	kind string
	cost float64
}{
	{"uint32", 1}, {"float32", 2}, {"uint16", 3}, {"bcd32", 3.5}, {"float64", 3.5}, {"uint64", 4}, {"bcd48", 6}, {"bcd64", 6}, {"bcd16", 6},
}

// key tells readings apart: the same registers, in the same way.
func (g guess) key() string {
	m := g.gauge
	half := ""
	if m.fraction != nil {
		half = fmt.Sprint(m.fraction.offset, m.fraction.kind, m.fraction.order, m.parts)
	}
	return fmt.Sprintln(m.need, m.main.offset, m.main.kind, m.main.order, half, m.factor, m.scale != nil, m.unit != nil)
}

// ordersOf are the orders that differ for a type.
func ordersOf(kind string) []string {
	if widths[kind] == 1 {
		return []string{"ABCD", "BADC"}
	}
	return orders
}

// guesses are the ways in which a counter of the profile can stand in a device: as the profile has it, and with each thing otherwise that
// makers, boards and gateways do otherwise. Those that are nowhere near the dial are left out, if there is one.
func (p *Profile) guesses(get func(need) []byte, dial *meterdial.Dial) iter.Seq[guess] {
	totals := slices.DeleteFunc(p.plan().gauges, func(g gauge) bool { return g.quantity != stillwater.WaterTotal })
	return func(yield func(guess) bool) {
		for _, g := range totals {
			for _, v := range g.variants() {
				raw := get(v.gauge.need)
				if raw == nil {
					continue
				}
				n, err := v.gauge.count(raw)
				if err != nil {
					continue
				}
				v.cost += math.Log2(float64(len(totals)))
				for s := range v.scales() {
					if s.scale != "" && dial != nil && !near(dial, n*s.gauge.factor, s.gauge.factor) {
						continue
					}
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

// variants are the counter's gauge in every order and table, and one register off.
func (g gauge) variants() (list []guess) {
	for _, order := range ordersOf(g.main.kind) {
		for _, table := range []string{g.need.table, otherTableOf[g.need.table]} {
			for _, shift := range []int{0, -1, 1} {
				if g.need.first+shift >= 0 {
					list = append(list, g.variant(order, table, shift))
				}
			}
		}
	}
	return list
}

var otherTableOf = map[string]string{"holding": "input", "input": "holding"}

// variant is the gauge with one thing otherwise, or several.
func (g gauge) variant(order, table string, shift int) guess {
	v := guess{gauge: g, was: g.need, usual: g.main.order, known: g.factor != 0 || g.unit != nil}
	if widths[g.main.kind] > 1 && order != g.main.order || widths[g.main.kind] == 1 && swapped(order) != swapped(g.main.order) {
		v.order, v.gauge.main.order = order, order
		v.cost += otherOrder
		if g.fraction != nil {
			v.gauge.fraction = new(*g.fraction)
			v.gauge.fraction.order = order
		}
	}
	if table != g.need.table {
		v.cost += otherTable
	}
	if shift != 0 {
		v.cost += otherShift
	}
	v.gauge.need.table, v.gauge.need.first = table, g.need.first+shift
	v.gauge.scale, v.gauge.unit = g.scale.at(table, shift), g.unit.at(table, shift)
	return v
}

// at is the lookup in another table or register.
func (l *lookup) at(table string, shift int) *lookup {
	if l == nil {
		return nil
	}
	moved := *l
	moved.need.table, moved.need.first = table, l.need.first+shift
	return &moved
}

// swapped says whether the bytes of a register are.
func swapped(order string) bool { return order == "BADC" || order == "DCBA" }

// scales is the guess with every scale: of those that the device says, or the profile, any other is unlikely.
func (g guess) scales() iter.Seq[guess] {
	return func(yield func(guess) bool) {
		if g.known && !yield(g) {
			return
		}
		for _, w := range weights {
			if g.known && g.gauge.factor == w.litres && g.gauge.scale == nil {
				continue
			}
			s := g
			s.scale, s.cost = w.text, g.cost+w.cost
			s.gauge.factor, s.gauge.scale, s.gauge.unit = w.litres, nil, nil
			if g.known {
				s.cost += otherScale
			}
			if !yield(s) {
				return
			}
		}
	}
}

// plainGuesses lists the numbers anywhere in the registers that agree with the dial, without any profile.
func plainGuesses(l look) (list []guess) {
	for _, table := range []string{"holding", "input"} {
		for _, first := range l.image.addresses(table) {
			for _, k := range kinds {
				for i, order := range ordersOf(k.kind) {
					g := guess{gauge: bare(table, first, k.kind, order), nobody: true}
					g.cost = noProfile + k.cost + float64(i)*oddOrder + tableCost[table]
					list = append(list, g.agreeing(l)...)
					if isWhole(k.kind) {
						list = append(list, g.halves(l)...)
					}
				}
			}
		}
	}
	return list
}

// oddOrder is what each order costs more than the one before it, the usual one first.
const oddOrder = 1.5

var tableCost = map[string]float64{"holding": 0, "input": 1}

// agreeing are the scales with which a plain gauge agrees with the dial.
func (g guess) agreeing(l look) (list []guess) {
	raw := l.image.get(g.gauge.need)
	if raw == nil {
		return nil
	}
	n, err := g.gauge.count(raw)
	if err != nil || n <= 0 {
		return nil
	}
	for _, w := range weights {
		grain := w.litres
		if !isWhole(g.gauge.main.kind) || g.gauge.fraction != nil {
			grain = 0
		}
		if !near(l.dial, n*w.litres, grain) || l.dial.Evidence(stillwater.Litres(n*w.litres), stillwater.Litres(grain)) < leastEvidence {
			continue
		}
		s := g
		s.gauge.factor, s.scale = w.litres, w.text
		s.cost += w.cost
		list = append(list, s)
	}
	return list
}

// near says whether a value can be the dial's at all, before that is weighed.
func near(d *meterdial.Dial, litres, grain float64) bool {
	return math.Abs(litres-float64(d.Volume)) <= 1000+grain+float64(d.Digit)
}

// leastEvidence is how many bits a number of no profile must agree with the dial: there are many numbers.
const leastEvidence = 4

// fractions are the second halves that numbers have: a type, and how many make one.
var fractions = []struct {
	kind  string
	parts float64
}{{"float32", 1}, {"uint16", 1000}, {"uint16", 10000}, {"uint32", 1000}, {"uint32", 1e6}}

// halves are the plain gauge with a second half right behind it.
func (g guess) halves(l look) (list []guess) {
	first := widths[g.gauge.main.kind]
	if first > 2 || !g.wholePart(l) {
		return nil
	}
	for _, f := range fractions {
		v := g
		v.gauge.fraction = &spot{first, encoding{kind: f.kind, order: g.gauge.main.order}}
		v.gauge.parts = f.parts
		v.gauge.need.count = first + widths[f.kind]
		v.cost += inTwo
		list = append(list, v.agreeing(l)...)
	}
	return list
}

// wholePart says whether the gauge can be what stands before the point of the dial, in some unit.
func (g guess) wholePart(l look) bool {
	raw := l.image.get(g.gauge.need)
	if raw == nil {
		return false
	}
	n, err := g.gauge.count(raw)
	return err == nil && n > 0 && slices.ContainsFunc(weights, func(w weight) bool { return near(l.dial, (n+0.5)*w.litres, w.litres) })
}

// bare is a gauge at a register of no profile.
func bare(table string, first int, kind, order string) gauge {
	return gauge{
		quantity: stillwater.WaterTotal, need: need{table, first, widths[kind]},
		main: spot{0, encoding{kind: kind, order: order}}, parts: 1,
	}
}

// isWhole says whether a type holds whole numbers.
func isWhole(kind string) bool { return !strings.HasPrefix(kind, "float") }
