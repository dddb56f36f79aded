package modbus

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/meterdial"
)

// A look is what was read of one device at one time, and the dial if somebody read it then.
type look struct {
	image *image
	dial  *meterdial.Dial
}

// A Candidate is one way to read a device that may be the right one.
type Candidate struct {
	Profile string            // "": none fits, the registers are named one by one
	Counter string            // of a profile with several counters
	Litres  stillwater.Litres // what it gives now
	Bits    float64           // by how much it is likelier than chance
	Why     []string          // what speaks for it and against it
	Same    []string          // other profiles that read the same registers in the same way
	Offset  bool              // the counter runs as the dial does, but was not set to it

	guess guess
}

// What speaks against a guess before anything is known, in bits: each doubles the odds against it. A model that is known and read as its
// document has it is far likelier than one that is read otherwise, and that likelier than a number somewhere.
const (
	otherOrder    = 4.0  // than the profile's, or than the usual one
	otherShift    = 5.0  // registers counted from one instead of zero, or the other way
	otherTable    = 5.0  // the other function
	otherScale    = 6.0  // than the profile's: the device was set otherwise
	noProfile     = 9.0  // some register of some hundred
	inTwo         = 4.0  // without a profile, a number in two halves
	notSet        = 6.0  // a counter that was not set to the dial
	noDevice      = 2.0  // the generic profile
	notAnswered   = 2.5  // a register that the profile has and the device has not
	notRecognised = 3.0  // the device does not answer what the profile is recognised by
	recognised    = 16.0 // it does
	impossible    = 6.0  // a value that no working device has
	couldBe       = 1.5  // one that a working device may have
	knownCode     = 3.0  // a setting that is known, and not zero: registers hold small numbers often
)

// ambiguous is how many bits the best must be ahead to be called found: 16 to one.
const ambiguous = 4.0

// rank lists the ways to read a device that the looks allow, the likeliest first. It is a pure function of what was read.
func rank(profiles []*Profile, looks []look) []Candidate {
	var list []Candidate
	for _, p := range profiles {
		list = append(list, p.candidates(looks, math.Log2(float64(len(profiles))))...)
	}
	if looks[0].dial != nil {
		for _, g := range plainGuesses(looks[0]) {
			if c, ok := g.judge(looks, ""); ok {
				list = append(list, c)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Bits, a.Bits), cmp.Compare(a.Profile, b.Profile))
	})
	return merge(list, looks[0].dial != nil)
}

// candidates are the ways to read a device that a profile allows; cost is what speaks against any of it beforehand.
func (p *Profile) candidates(looks []look, cost float64) (list []Candidate) {
	get := looks[0].image.get
	type support struct {
		bits float64
		why  []string
	}
	byOrder := map[string]support{}
	var near *meterdial.Dial
	if len(looks) == 1 {
		near = looks[0].dial // later ones may show a counter that runs as the dial does, far from it
	}
	for g := range p.guesses(get, near) {
		s, known := byOrder[g.order]
		if !known {
			var possible bool
			if s.bits, s.why, possible = p.support(g.order, get); !possible {
				return nil
			}
			byOrder[g.order] = s
		}
		if c, ok := g.judge(looks, p.Name); ok {
			c.Bits += s.bits + g.gauge.settingBits(get) - cost
			c.Why = append(c.Why, s.why...)
			list = append(list, c)
		}
	}
	return list
}

// merge makes one of candidates that read the same registers in the same way: nothing will ever tell them apart, and nothing has to. Without a
// dial nothing tells scales and orders apart either: one of each profile is enough.
func merge(list []Candidate, dial bool) []Candidate {
	at := map[string]int{}
	var kept []Candidate
	for _, c := range list {
		key := c.guess.key()
		if !dial {
			key = c.name()
		}
		i, known := at[key]
		if !known {
			at[key] = len(kept)
			kept = append(kept, c)
			continue
		}
		if name := c.name(); c.plain() && c.Profile != kept[i].Profile && !slices.Contains(kept[i].Same, name) {
			kept[i].Same = append(kept[i].Same, name)
		}
	}
	return kept
}

// name is the profile and what of it.
func (c Candidate) name() string {
	if c.Profile == "" {
		return "no profile"
	}
	if c.Counter != "" {
		return c.Profile + ", counter " + c.Counter
	}
	return c.Profile
}

// Rivals is how many candidates are not clearly less likely than the first, itself included.
func Rivals(list []Candidate) int {
	n := 0
	for _, c := range list {
		if list[0].Bits-c.Bits < ambiguous && !c.within(list[0]) {
			n++
		}
	}
	return n
}

// within says whether a candidate is but another view of the number that a known model has there, like the lower half of it: then the model decides.
func (c Candidate) within(first Candidate) bool {
	a, b := c.guess.gauge.need, first.guess.gauge.need
	overlap := a.table == b.table && a.first < b.first+b.count && b.first < a.first+a.count
	return first.plain() && c.Profile == "" && overlap && c.Litres == first.Litres
}

// judge weighs a guess against what was read and what stood on the dial; false: it is out of the question.
func (g guess) judge(looks []look, profile string) (Candidate, bool) {
	c := Candidate{Profile: profile, Counter: g.gauge.point, Bits: -g.cost, guess: g}
	var values []stillwater.Litres
	agrees := ""
	for _, l := range looks {
		n, err := g.gauge.read(l.image.get)
		if err != nil && len(values) == 0 {
			return c, false
		}
		if err != nil {
			continue
		}
		if len(values) > 0 && stillwater.Litres(n) < values[len(values)-1] {
			return c, false // it ran back
		}
		values = append(values, stillwater.Litres(n))
		c.Litres = stillwater.Litres(n)
		if l.dial == nil {
			continue
		}
		grain := g.grain(l.image.get, n)
		bits := l.dial.Evidence(c.Litres, grain)
		if n == 0 {
			bits = min(bits, 0) // most registers are zero
		}
		c.Bits += bits
		if !math.IsInf(c.Bits, 0) {
			agrees = l.dial.Agrees(c.Litres, grain)
		}
	}
	if math.IsInf(c.Bits, -1) {
		return g.apart(c, looks, values)
	}
	if looks[0].dial == nil {
		c.Bits += plausible(values[0])
	}
	if agrees != "" {
		c.Why = append(c.Why, agrees)
	}
	c.Why = append(c.Why, g.why()...)
	return c, true
}

// apart weighs a guess by how far counter and dial have run between two looks: a pulse counter is seldom set to the dial.
func (g guess) apart(c Candidate, looks []look, values []stillwater.Litres) (Candidate, bool) {
	last := len(looks) - 1
	if len(values) < 2 || looks[0].dial == nil || looks[last].dial == nil {
		return c, false
	}
	first, second := *looks[0].dial, *looks[last].dial
	ran, counted := float64(second.Volume-first.Volume), float64(values[len(values)-1]-values[0])
	grain := float64(g.grain(looks[last].image.get, float64(c.Litres)))
	window := 2*float64(second.Digit) + 2*grain
	if ran <= 0 || counted <= 0 || math.Abs(ran-counted) > window/2 {
		return c, false
	}
	c.Bits = math.Log2(max(1, ran/window)*spanOfRun) - g.cost - notSet
	c.Offset = true
	c.Why = append([]string{fmt.Sprintf("ran %.4g L while the dial ran %.4g L, but was not set to the dial, which does not matter", counted, ran)}, g.why()...)
	return c, true
}

// spanOfRun is how many natural orders of magnitude there are in what can run between two looks.
const spanOfRun = 8

// plausible is what the value itself says where no dial was read: most meters have counted something, and less than 1,000,000 m³.
func plausible(l stillwater.Litres) float64 {
	switch {
	case l == 0:
		return -1
	case l > 1e9:
		return -impossible
	}
	return 1
}

// grain is how much one count of the guess is.
func (g guess) grain(get func(need) []byte, value float64) stillwater.Litres {
	kind, factor := g.gauge.main.kind, 0.0
	if w, err := g.gauge.weight(get); err == nil {
		factor = w
	}
	if f := g.gauge.fraction; f != nil {
		kind, factor = f.kind, factor/g.gauge.parts
	}
	switch kind {
	case "float32":
		if g.gauge.fraction != nil {
			return 0
		}
		return stillwater.Litres(math.Abs(value) * 0x1p-23)
	case "float64":
		return 0
	}
	return stillwater.Litres(factor)
}

// support is what everything but the total says of a model, in bits, and whether it is possible at all. Its numbers are read in another
// order, if there is one.
func (p *Profile) support(order string, get func(need) []byte) (bits float64, why []string, possible bool) {
	if p.Name == genericName {
		bits -= noDevice
	}
	switch {
	case p.recognises(get):
		bits += recognised
		why = append(why, "the device names itself as this model")
	case len(p.Identify) > 0 && p.contradicts(get):
		return 0, nil, false
	case len(p.Identify) > 0:
		bits -= notRecognised
		why = append(why, "the device does not answer what this model is known by")
	}
	if p.Serial != nil {
		serial := p.serial(get)
		bits += p.serialBits(get, serial)
		if serial != "" && serial != "0" {
			why = append(why, "serial number "+serial+", see whether that is on its plate")
		}
	}
	made := p.plan()
	made.override(order, 0)
	for _, g := range made.gauges {
		if g.quantity == stillwater.WaterTotal {
			continue
		}
		b, said := g.besideBits(get)
		bits += b
		if said != "" {
			why = append(why, said)
		}
	}
	return bits, why, true
}

const genericName = "generic"

// contradicts says whether the device answers something else than the model would.
func (p *Profile) contradicts(get func(need) []byte) bool {
	for _, s := range p.Identify {
		raw := get(p.need(s.Place))
		if len(raw) == 0 {
			continue
		}
		one := Profile{Numbering: p.Numbering, Table: p.Table, Order: p.Order, Identify: []Sign{s}}
		if !one.recognises(get) {
			return true
		}
	}
	return false
}

// serialBits is what the serial number says: text that can be read is no chance, a number says little.
func (p *Profile) serialBits(get func(need) []byte, serial string) float64 {
	raw := get(p.need(*p.Serial))
	switch {
	case len(raw) == 0:
		return -notAnswered
	case p.Serial.Type != "text":
		return 0.5 * truth(serial != "" && serial != "0")
	case serial != "" && strings.IndexFunc(serial, func(r rune) bool { return r < ' ' || r > '~' }) < 0:
		return 4
	}
	return -1
}

// settingBits is what the settings say by which a total is read: that a code is known is some evidence, unless it is zero.
func (g *gauge) settingBits(get func(need) []byte) (bits float64) {
	for _, l := range []*lookup{g.scale, g.unit} {
		if l == nil {
			continue
		}
		raw := get(l.need)
		_, err := l.read(raw)
		switch {
		case len(raw) == 0:
			bits -= notAnswered
		case err != nil:
			bits -= impossible
		case wide(raw) == 0: // as most registers are
		default:
			bits += knownCode
		}
	}
	return bits
}

// besideBits is what a value beside the total says: whether it is there, and could be.
func (g *gauge) besideBits(get func(need) []byte) (bits float64, said string) {
	raw := get(g.need)
	if len(raw) == 0 {
		return -notAnswered, ""
	}
	if isFlag(g.quantity) {
		return 0, ""
	}
	n, err := g.read(get)
	switch {
	case err != nil && wide(raw[:min(8, len(raw))]) == 0:
		return 0, ""
	case err != nil:
		return -2, fmt.Sprintf("its %s cannot be read", words[g.quantity])
	case !within(g.quantity, n):
		return -impossible, fmt.Sprintf("its %s would be %.4g, which cannot be", words[g.quantity], n)
	case n == 0:
		return 0, ""
	case g.quantity == stillwater.WaterFlow && math.Abs(n) < tinyFlow:
		return -2, "" // a whole number read as a float, mostly
	}
	return couldBe, fmt.Sprintf("its %s is %s, which could be", words[g.quantity], amount(g.quantity, n))
}

// tinyFlow is less than any meter measures, in litres per hour.
const tinyFlow = 1e-3

var words = map[stillwater.Quantity]string{stillwater.WaterFlow: "flow", stillwater.Battery: "battery", stillwater.Signal: "signal"}

func within(q stillwater.Quantity, n float64) bool {
	switch q {
	case stillwater.WaterFlow:
		return math.Abs(n) <= 1e5
	case stillwater.Battery:
		return n >= 0 && n <= 100
	case stillwater.Signal:
		return n >= -200 && n <= 50
	}
	return true
}

func amount(q stillwater.Quantity, n float64) string {
	unit := map[stillwater.Quantity]string{stillwater.WaterFlow: " L/h", stillwater.Battery: " %", stillwater.Signal: " dBm"}[q]
	return fmt.Sprintf("%.4g%s", n, unit)
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
