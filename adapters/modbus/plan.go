package modbus

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"stillwater"
)

// A need is a run of one table that has to be read at one moment.
type need struct {
	table        string // holding, input, coil or discrete
	first, count int    // addresses on the wire, from zero
}

// A value is what was read of a unit.
type value struct {
	quantity stillwater.Quantity
	point    string // second half of the source
	value    float64
}

// A plan is what is read of a unit and how: its profile, with the unit's own settings in it.
type plan struct {
	gauges   []gauge
	counters []string // the names of the profile's counters, where it has several
	most     int      // registers in one request
	link     Link     // of the device as it is delivered
}

// A gauge reads one value.
type gauge struct {
	quantity stillwater.Quantity
	point    string
	need     need
	main     spot
	fraction *spot
	parts    float64 // of the fraction that make one
	factor   float64 // litres, litres per hour, percent or dBm of one count; 0: the unit register says it
	scale    *lookup
	unit     *lookup
	mask     uint64 // of a flag
	equals   *uint64
	rollover stillwater.Litres
}

// A spot is a number in the registers of a need.
type spot struct {
	offset int // in registers
	encoding
}

// of gives the bytes of the spot.
func (s spot) of(raw []byte) []byte { return raw[2*s.offset : 2*(s.offset+widths[s.kind])] }

// A lookup is a setting of the device by which a value is read.
type lookup struct {
	need need
	encoding
	codes map[int64]float64
	power *int
}

// plan makes ready what is read of a valid profile.
func (p *Profile) plan() *plan {
	made := &plan{most: p.most(), link: p.Link}
	for _, g := range p.Values {
		made.gauges = append(made.gauges, p.gauge(g))
		if (g.Quantity == stillwater.WaterTotal || g.Quantity == stillwater.Door) && g.Point != "" {
			made.counters = append(made.counters, g.Point)
		}
	}
	return made
}

func (p *Profile) gauge(g Gauge) gauge {
	table, address, _ := p.wire(g.Place)
	made := gauge{quantity: g.Quantity, point: g.Point, main: spot{0, p.encoding(g.Place)}, parts: 1, factor: 1, rollover: g.Rollover}
	made.need = need{table, address, max(1, widths[g.Type])}
	if f := g.Fraction; f != nil {
		_, second, _ := p.wire(f.Place)
		made.need.first, made.need.count = span(address, widths[g.Type], second, widths[f.Type])
		made.main.offset = address - made.need.first
		made.fraction = &spot{second - made.need.first, p.encoding(f.Place)}
		made.parts = max(1, float64(f.Parts))
	}
	switch {
	case g.UnitRegister != nil || g.Scale == ask:
		made.factor = 0
	case g.Scale != "":
		made.factor, _ = scaleOf(g.Quantity, g.Scale)
	}
	made.scale = p.lookup(g.ScaleRegister, func(text string) float64 { f, _ := strconv.ParseFloat(text, 64); return f })
	made.unit = p.lookup(g.UnitRegister, func(text string) float64 { f, _ := scaleOf(g.Quantity, text); return f })
	made.mask = math.MaxUint64
	switch {
	case g.Bit != nil:
		made.mask = 1 << *g.Bit
	case g.Bits != nil:
		made.mask = uint64(*g.Bits)
	}
	if g.Equals != nil {
		made.equals = new(uint64)
		*made.equals = uint64(*g.Equals)
	}
	return made
}

func (p *Profile) lookup(l *Lookup, read func(text string) float64) *lookup {
	if l == nil {
		return nil
	}
	table, address, _ := p.wire(l.Place)
	made := &lookup{need{table, address, widths[l.Type]}, p.encoding(l.Place), map[int64]float64{}, l.Power}
	for code, text := range l.Codes {
		made.codes[code] = read(text)
	}
	return made
}

// span is the run that holds two.
func span(a, widthA, b, widthB int) (from, count int) {
	from = min(a, b)
	return from, max(a+widthA, b+widthB) - from
}

// override puts a unit's own order and scale in the place of the profile's. Flags keep theirs: they are no number with an order in doubt.
func (p *plan) override(order string, scale float64) {
	for i := range p.gauges {
		g := &p.gauges[i]
		if order != "" && !isFlag(g.quantity) {
			g.main.order = order
			if g.fraction != nil {
				g.fraction.order = order
			}
		}
		if scale != 0 && g.quantity == stillwater.WaterTotal {
			g.factor, g.scale, g.unit = scale, nil, nil
		}
	}
}

// only is the plan for one counter and what the device says of itself; "" is all.
func (p *plan) only(counter string) *plan {
	if counter == "" {
		return p
	}
	made := &plan{most: p.most, counters: p.counters, link: p.link}
	for _, g := range p.gauges {
		ofAll := g.point == "" && (g.quantity.OfDevice() || g.quantity == stillwater.Battery)
		if g.point == counter || ofAll {
			made.gauges = append(made.gauges, g)
		}
	}
	return made
}

// full is the first volume that a counter cannot show; zero where that depends on more than its registers.
func (g *gauge) full() stillwater.Litres {
	switch {
	case g.rollover > 0:
		return g.rollover
	case g.fraction != nil || g.scale != nil || g.unit != nil:
		return 0
	case strings.HasPrefix(g.main.kind, "uint"):
		return stillwater.Litres(math.Exp2(float64(16*widths[g.main.kind])) * g.factor)
	case strings.HasPrefix(g.main.kind, "bcd"):
		return stillwater.Litres(math.Pow10(4*widths[g.main.kind]) * g.factor)
	}
	return 0
}

// needs lists what has to be read, each run once, by table and address.
func (p *plan) needs() []need {
	var list []need
	for _, g := range p.gauges {
		list = append(list, g.need)
		for _, l := range []*lookup{g.scale, g.unit} {
			if l != nil {
				list = append(list, l.need)
			}
		}
	}
	slices.SortFunc(list, func(a, b need) int {
		if a.table != b.table {
			return strings.Compare(a.table, b.table)
		}
		if a.first != b.first {
			return a.first - b.first
		}
		return b.count - a.count
	})
	return slices.CompactFunc(list, func(a, b need) bool { return a == b })
}

// read turns registers into values; get gives the bytes of a need, nil where they could not be had. A total that cannot be made out is an
// error, and the others are given all the same; what the device says besides is left out where it is not known.
func (p *plan) read(get func(need) []byte) ([]value, error) {
	var list []value
	var wrong error
	for _, g := range p.gauges {
		n, err := g.read(get)
		if err == nil {
			list = append(list, value{g.quantity, g.point, n})
		} else if g.quantity == stillwater.WaterTotal && wrong == nil {
			wrong = fmt.Errorf("%s register %d: %w", g.need.table, g.need.first, err)
		}
	}
	return list, wrong
}

// read makes out one value.
func (g *gauge) read(get func(need) []byte) (float64, error) {
	raw := get(g.need)
	if isBits(g.need.table) {
		return g.bit(raw)
	}
	if len(raw) != 2*g.need.count {
		return 0, fmt.Errorf("%d bytes for %d registers", len(raw), g.need.count)
	}
	if isFlag(g.quantity) {
		return g.flag(inOrder(g.main.order, g.main.of(raw))), nil
	}
	n, err := g.count(raw)
	if err != nil {
		return 0, err
	}
	factor, err := g.weight(get)
	if err != nil {
		return 0, err
	}
	n *= factor
	if math.IsNaN(n) || math.IsInf(n, 0) || g.quantity == stillwater.WaterTotal && n < 0 {
		return 0, fmt.Errorf("a %s of %v", g.quantity, n)
	}
	return n, nil
}

// leastFraction is less than any meter resolves: a smaller part of one is a float with its registers the wrong way round.
const leastFraction = 1e-12

// count is the number, both halves of it. A second half that is no part of one comes from a wrong order or a reply put together wrongly.
func (g *gauge) count(raw []byte) (float64, error) {
	n, err := g.main.decode(g.main.of(raw))
	if err != nil || g.fraction == nil {
		return n, err
	}
	part, err := g.fraction.decode(g.fraction.of(raw))
	if err != nil {
		return 0, fmt.Errorf("fraction: %w", err)
	}
	part /= g.parts
	if !(math.Abs(part) <= 1) || n*part < 0 || part != 0 && math.Abs(part) < leastFraction {
		return 0, fmt.Errorf("%v and a fraction of %v are not the halves of one number", n, part)
	}
	return n + part, nil
}

// weight is how much one count is.
func (g *gauge) weight(get func(need) []byte) (float64, error) {
	factor := g.factor
	if g.unit != nil {
		factor = 1
	}
	for _, l := range []*lookup{g.scale, g.unit} {
		if l == nil {
			continue
		}
		f, err := l.read(get(l.need))
		if err != nil {
			return 0, err
		}
		factor *= f
	}
	if factor == 0 {
		return 0, fmt.Errorf("how much one count is is not known; write it as scale")
	}
	return factor, nil
}

func (l *lookup) read(raw []byte) (float64, error) {
	n, err := l.decode(raw)
	if err != nil {
		return 0, fmt.Errorf("setting in register %d: %w", l.need.first, err)
	}
	if l.power != nil {
		if math.Abs(n) > 12 {
			return 0, fmt.Errorf("setting in register %d: ten to the power of %v is no scale", l.need.first, n)
		}
		return math.Pow10(int(n) + *l.power), nil
	}
	f, ok := l.codes[int64(n)]
	if !ok {
		return 0, fmt.Errorf("setting in register %d: code %v is not known", l.need.first, n)
	}
	return f, nil
}

// flag says 1 for yes.
func (g *gauge) flag(bits uint64) float64 {
	bits &= g.mask
	if g.equals != nil && bits == *g.equals || g.equals == nil && bits != 0 {
		return 1
	}
	return 0
}

// bit reads a flag from a table of bits, packed as Modbus sends them.
func (g *gauge) bit(raw []byte) (float64, error) {
	if len(raw) != 1 {
		return 0, fmt.Errorf("%d bytes for a bit", len(raw))
	}
	return g.flag(uint64(raw[0] & 1)), nil
}
