package modbus

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"stillwater"
	"stillwater/adapters/meterdial"
)

// A fake is a device made of a profile's data by another hand than decode.go: it writes what a meter of that model would hold.
type fake struct {
	profile *Profile
	rand    *rand.Rand
	words   map[string]map[int]uint16
	// what was put in
	counter string
	scale   float64 // litres of one count where the profile asks for it
	total   float64 // litres that the device says
	truth   float64 // litres that its dial shows
}

// addressOf is where a register of a document is on the wire.
func addressOf(p *Profile, l Place) (table string, address int) {
	table = l.Table
	if table == "" {
		table = p.Table
	}
	if table == "" {
		table = "holding"
	}
	n := int(l.Register)
	switch p.Numbering {
	case "address":
		return table, n
	case "register":
		return table, n - 1
	}
	digits := strconv.Itoa(n)
	rest, _ := strconv.Atoi(digits[1:])
	return map[byte]string{'4': "holding", '3': "input", '1': "discrete"}[digits[0]], rest - 1
}

// write puts a number where a place says.
func (f *fake) write(l Place, n float64) {
	var b []byte
	switch l.Type {
	case "uint16":
		b = binary.BigEndian.AppendUint16(nil, uint16(n))
	case "int16":
		b = binary.BigEndian.AppendUint16(nil, uint16(int16(n)))
	case "uint32":
		b = binary.BigEndian.AppendUint32(nil, uint32(n))
	case "int32":
		b = binary.BigEndian.AppendUint32(nil, uint32(int32(n)))
	case "uint64", "int64":
		b = binary.BigEndian.AppendUint64(nil, uint64(n))
	case "float32":
		b = binary.BigEndian.AppendUint32(nil, math.Float32bits(float32(n)))
	case "float64":
		b = binary.BigEndian.AppendUint64(nil, math.Float64bits(n))
	default:
		panic("the encoder of the test has no " + l.Type)
	}
	f.put(l, b)
}

// put writes bytes, highest first, in the order of the place.
func (f *fake) put(l Place, b []byte) {
	order := l.Order
	if order == "" {
		order = f.profile.Order
	}
	var regs [][2]byte
	for i := 0; i < len(b); i += 2 {
		r := [2]byte{b[i], b[i+1]}
		if order == "BADC" || order == "DCBA" {
			r[0], r[1] = r[1], r[0]
		}
		regs = append(regs, r)
	}
	if order == "CDAB" || order == "DCBA" {
		slices.Reverse(regs)
	}
	table, at := addressOf(f.profile, l)
	for i, r := range regs {
		f.set(table, at+i, binary.BigEndian.Uint16(r[:]))
	}
}

func (f *fake) set(table string, at int, word uint16) {
	if f.words[table] == nil {
		f.words[table] = map[int]uint16{}
	}
	f.words[table][at] = word
}

// newFake makes a device in a random state.
func newFake(p *Profile, seed uint64) *fake {
	f := &fake{profile: p, rand: rand.New(rand.NewPCG(seed, 7)), words: map[string]map[int]uint16{}}
	var totals []Gauge
	for _, g := range p.Values {
		if g.Quantity == stillwater.WaterTotal {
			totals = append(totals, g)
		}
	}
	chosen := f.rand.IntN(len(totals))
	asked := []float64{1, 10, 100, 1000, 0.1, 0.01}[f.rand.IntN(6)]
	for _, g := range p.Values {
		switch {
		case isFlag(g.Quantity):
			if g.Type != "" {
				f.write(g.Place, 0)
			}
		case g.Quantity == stillwater.WaterTotal:
			truth, litres, scale := f.totalOf(g, asked)
			if g.Point == totals[chosen].Point {
				f.counter, f.truth, f.total, f.scale = g.Point, truth, litres, scale
			}
		case g.Quantity == stillwater.WaterFlow:
			f.flow(g)
		default:
			f.write(g.Place, float64(f.rand.IntN(100)))
		}
	}
	for _, s := range p.Identify {
		if s.Equals != nil {
			f.write(s.Place, float64(*s.Equals))
			continue
		}
		f.text(s.Place, s.Text)
	}
	if p.Serial != nil && p.Serial.Type == "text" {
		f.text(*p.Serial, fmt.Sprintf("SN%06d", f.rand.IntN(1e6)))
	} else if p.Serial != nil {
		f.write(*p.Serial, float64(f.rand.IntN(1e8)))
	}
	return f
}

func (f *fake) text(l Place, text string) {
	b := make([]byte, 2*l.Length)
	copy(b, text)
	f.put(l, b)
}

// total_ writes a total between 1 m³ and 50,000 m³, or what fits into the counter, and says what it is.
func (f *fake) totalOf(g Gauge, asked float64) (truth, litres, scale float64) {
	litres = math.Exp(math.Log(1e3) + f.rand.Float64()*math.Log(5e4))
	factor, scale := 1.0, 0.0
	switch {
	case g.UnitRegister != nil:
		codes := codesOf(g.UnitRegister.Codes)
		code := codes[f.rand.IntN(min(2, len(codes)))]
		factor = litresOf(g.UnitRegister.Codes[code])
		f.write(g.UnitRegister.Place, float64(code))
	case g.Scale == ask:
		factor, scale = asked, asked
	default:
		factor = litresOf(g.Scale)
	}
	if l := g.ScaleRegister; l != nil && l.Power != nil {
		f.write(l.Place, float64(-*l.Power)) // ten to the power of zero
	} else if l != nil {
		panic("the encoder of the test has no codes of a scale")
	}
	if g.Type == "uint16" && factor < 1 {
		factor, scale = 10, 10 // finer, such a counter would begin anew after a week
	}
	most := map[string]float64{"uint16": 65000, "int32": 2e9, "uint32": 4e9}[g.Type]
	counts := litres / factor
	if most > 0 && counts > most {
		counts = math.Mod(counts, most)
	}
	truth = counts * factor
	if fr := g.Fraction; fr != nil {
		whole, rest := math.Modf(counts)
		f.write(g.Place, whole)
		if fr.Parts > 0 {
			rest = math.Floor(rest * float64(fr.Parts))
			f.write(fr.Place, rest)
			return truth, (whole + rest/float64(fr.Parts)) * factor, scale
		}
		f.write(fr.Place, rest)
		return truth, truth, scale
	}
	if !strings.HasPrefix(g.Type, "float") {
		counts = math.Floor(counts)
	}
	f.write(g.Place, counts)
	return truth, counts * factor, scale
}

func (f *fake) flow(g Gauge) {
	perHour := 0.0
	if f.rand.IntN(2) == 0 {
		perHour = 30 + 2000*f.rand.Float64()
	}
	scale := g.Scale
	if g.UnitRegister != nil {
		codes := codesOf(g.UnitRegister.Codes)
		code := codes[f.rand.IntN(len(codes))]
		scale = g.UnitRegister.Codes[code]
		f.write(g.UnitRegister.Place, float64(code))
	}
	volume, time, _ := strings.Cut(scale, "/")
	n := perHour / (litresOf(volume) * map[string]float64{"h": 1, "min": 60, "s": 3600}[time])
	if !strings.HasPrefix(g.Type, "float") {
		n = math.Floor(n)
	}
	f.write(g.Place, n)
}

func codesOf(codes map[int64]string) (list []int64) {
	for c := range codes {
		list = append(list, c)
	}
	slices.Sort(list)
	return list
}

// litresOf reads "1 m³" or "3.785 L".
func litresOf(text string) float64 {
	number, unit, _ := strings.Cut(strings.TrimSpace(text), " ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil {
		panic(err)
	}
	return n * map[string]float64{"L": 1, "m³": 1000}[unit]
}

// image is what a look at the device gives. How it answers for registers that the profile does not have differs from device to device:
// refused, zero, or something else.
func (f *fake) image(all []*Profile, rest string) *image {
	i := newImage()
	for table, words := range f.words {
		for at, word := range words {
			i.put(need{table, at, 1}, []byte{byte(word >> 8), byte(word)})
		}
	}
	if rest == "refused" {
		return i
	}
	for _, n := range append(append(needsOf(all), aroundOf(all)...), lowOf()...) {
		for at := n.first; at < n.first+n.count; at++ {
			one := need{n.table, at, 1}
			if i.get(one) != nil {
				continue
			}
			word := uint16(0)
			if rest == "noise" {
				word = []uint16{0, 1, uint16(f.rand.IntN(100)), uint16(f.rand.IntN(65536))}[f.rand.IntN(4)]
			}
			i.put(one, []byte{byte(word >> 8), byte(word)})
		}
	}
	return i
}

// dial is what somebody reads off, a little before the device was asked.
func (f *fake) dial(digit float64) *meterdial.Dial {
	before := f.truth - float64(f.rand.IntN(3)*f.rand.IntN(6))
	return &meterdial.Dial{Volume: stillwater.Litres(math.Floor(max(0, before)/digit) * digit), Digit: stillwater.Litres(digit)}
}

// right says whether a candidate reads the device as it was made.
func (f *fake) right(c Candidate) bool {
	named := c.Profile == f.profile.Name || slices.ContainsFunc(c.Same, func(s string) bool { return strings.HasPrefix(s, f.profile.Name) })
	return named && c.Counter == f.counter && c.guess.order == "" && !c.guess.moved() && math.Abs(float64(c.Litres)-f.total) <= 1e-6*f.total
}

// A tally is how often the right way to read a device came first.
type tally struct{ states, first, clearly, misled int }

// count ranks one device.
func (n *tally) count(t *testing.T, all []*Profile, f *fake, rest string, digit float64) {
	list := rank(all, []look{{f.image(all, rest), f.dial(digit)}})
	right, alone := len(list) > 0 && f.right(list[0]), len(list) > 0 && Rivals(list) == 1
	n.states++
	switch {
	case right && alone:
		n.first++
		n.clearly++
	case right:
		n.first++
	case alone && list[0].Bits > 0:
		n.misled++
		t.Logf("%s, %v L, scale %v: %s is said to be clearly first, %v", f.profile.Name, f.truth, f.scale, list[0].name(), list[0].Why)
	}
}

// The right profile, counter, order and scale come first, for hundreds of states of each model; and where another does, it is said that there are several.
func TestRankFindsEachProfile(t *testing.T) {
	const states = 70
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			for _, rest := range []string{"refused", "zero", "noise"} {
				var fine, coarse tally
				for seed := range uint64(states) {
					fine.count(t, all, newFake(p, seed), rest, 1)
					if seed%4 == 0 {
						coarse.count(t, all, newFake(p, seed), rest, 1000)
					}
				}
				t.Logf("%-22s other registers %-8s dial to 1 L: right first %d of %d, clearly %d, misled %d; dial to 1 m³: %d of %d, clearly %d, misled %d", p.Name, rest+",",
					fine.first, fine.states, fine.clearly, fine.misled, coarse.first, coarse.states, coarse.clearly, coarse.misled)
				least := map[string]tally{"refused": {first: 98}, "zero": {first: 98}, "noise": {first: 85, misled: 3}}[rest]
				if 100*fine.first < least.first*fine.states || 100*fine.misled > least.misled*fine.states {
					t.Errorf("others %s: right first %d of %d, want %d %%; misled %d", rest, fine.first, fine.states, least.first, fine.misled)
				}
			}
		})
	}
}

// Where two profiles read the same registers in the same way, no reading tells them apart: they are one candidate, which says so.
func TestRankSaysWhatCannotBeToldApart(t *testing.T) {
	all, err := AllProfiles()
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]string{}
	for _, p := range all {
		for _, g := range p.plan().gauges {
			if g.quantity != stillwater.WaterTotal {
				continue
			}
			g := guess{gauge: g}
			name := (Candidate{Profile: p.Name, Counter: g.gauge.point}).name()
			if other, there := same[g.key()]; there {
				t.Logf("%s and %s read the same", other, name)
			} else {
				same[g.key()] = name
			}
		}
	}
	// An ADAM-4150 that does not answer what it is known by is an ADAM-6050 to everybody.
	image := newImage()
	image.put(need{"holding", 2, 2}, []byte{0x23, 0x45, 0x00, 0x01})
	list := rank(all, []look{{image, &meterdial.Dial{Volume: 745650, Digit: 10}}})
	if len(list) == 0 || len(list[0].Same) != 1 || !strings.HasPrefix(list[0].name(), "advantech-adam-") || !strings.HasPrefix(list[0].Same[0], "advantech-adam-") {
		for _, c := range list {
			t.Errorf("%s %.1f %v %v", c.name(), c.Bits, c.Same, c.Why)
		}
	}
}
