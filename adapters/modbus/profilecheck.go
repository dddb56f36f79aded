package modbus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stillwater"
)

// maxRegisters is what Modbus allows in one request.
const maxRegisters = 125

// ask stands for a scale that only the installer knows: how much one pulse is, or which unit the device was set to.
const ask = "ask"

// gauged is every quantity that a profile may have.
var gauged = []stillwater.Quantity{
	stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Battery, stillwater.Signal, stillwater.Door,
	stillwater.BatteryLow, stillwater.MeterLeak, stillwater.Reverse, stillwater.Empty, stillwater.Tamper, stillwater.Broken,
}

// A check goes through a profile and tells what is wrong, with the line.
type check struct {
	*Profile
	report func(line int, problem string)
}

func (p *Profile) validate(report func(line int, problem string)) {
	c := check{p, report}
	for key, text := range map[string]string{
		"model":   "which maker and model it is for",
		"source":  "the document that the registers are from, with its address",
		"checked": "yes or no, and against what",
	} {
		if map[string]string{"model": p.Model, "source": p.Source, "checked": p.Checked}[key] == "" {
			report(p.line, fmt.Sprintf("%s is missing; write %s", key, text))
		}
	}
	if _, ok := numberings[p.Numbering]; !ok {
		report(p.line, fmt.Sprintf("numbering is %q; write address (the document counts from 0, as the wire does), register (it counts from 1) or modicon (like 40001)", p.Numbering))
		return // no register means anything without it
	}
	if !c.word("table", p.Table, p.line, "", "holding", "input", "coil", "discrete") || !c.word("order", p.Order, p.line, append([]string{""}, orders...)...) {
		return
	}
	if p.Most < 0 || p.Most > maxRegisters {
		report(p.line, fmt.Sprintf("max_registers is %d; write 1 to %d, or leave it out", p.Most, maxRegisters))
	}
	c.link(p.Link)
	c.gauges()
	for _, s := range p.Identify {
		c.sign(s)
	}
	if p.Serial != nil {
		c.place(*p.Serial, true)
	}
}

// link checks the serial settings.
func (c check) link(l Link) {
	c.word("parity", l.Parity, l.line, "", "none", "even", "odd")
	if l.Baud != 0 && (l.Baud < 300 || l.Baud > 1_000_000) {
		c.report(l.line, fmt.Sprintf("baud is %d; write like 9600", l.Baud))
	}
	if l.Stop < 0 || l.Stop > 2 {
		c.report(l.line, fmt.Sprintf("stop is %d; write 1 or 2", l.Stop))
	}
	if l.Pause != "" {
		if _, err := stillwater.ParseSpan(l.Pause); err != nil {
			c.report(l.line, "pause: "+err.Error())
		}
	}
}

// gauges checks the values, and that there is one to count water or to notice a door.
func (c check) gauges() {
	if len(c.Values) == 0 {
		c.report(c.line, "values is missing, so nothing would be read; write at least one, like - {quantity: water.total, register: 9, type: uint32, scale: 1 L}")
		return
	}
	seen := map[string]bool{}
	for _, g := range c.Values {
		name := string(g.Quantity) + "/" + g.Point
		if seen[name] {
			c.report(g.line, fmt.Sprintf("%s is there twice; give each counter a point of its own, like point: 2", g.Quantity))
		}
		seen[name] = true
		if strings.ContainsAny(g.Point, " \t\n/") {
			c.report(g.line, fmt.Sprintf("point %q has spaces or slashes; write a word, like 2", g.Point))
		}
		c.gauge(g)
	}
}

func (c check) gauge(g Gauge) {
	if !slices.Contains(gauged, g.Quantity) {
		var known []string
		for _, q := range gauged {
			known = append(known, string(q))
		}
		c.report(g.line, unknown("quantity", string(g.Quantity), known))
		return
	}
	if isFlag(g.Quantity) {
		c.flag(g)
		return
	}
	if g.Bit != nil || g.Bits != nil || g.Equals != nil {
		c.report(g.line, fmt.Sprintf("bit, bits and equals are for what is yes or no; %s is a number", g.Quantity))
	}
	table, address, ok := c.place(g.Place, false)
	if ok && isBits(table) {
		c.report(g.line, fmt.Sprintf("%s is a number, and %s holds bits; it is in holding or input", g.Quantity, table))
	}
	c.scale(g)
	if f := g.Fraction; f != nil {
		other, second, known := c.place(f.Place, false)
		if f.Parts < 0 {
			c.report(f.line, fmt.Sprintf("parts is %d; write how many make one, like 1000", f.Parts))
		}
		if _, length := span(address, widths[g.Type], second, widths[f.Type]); ok && known && (other != table || length > c.most()) {
			c.report(f.line, "the fraction is so far from the first half that they cannot be read at one moment; together they would be wrong at times")
		}
	}
}

// flag checks what is yes or no.
func (c check) flag(g Gauge) {
	if g.Scale != "" || g.Fraction != nil || g.ScaleRegister != nil || g.UnitRegister != nil || g.Rollover != 0 {
		c.report(g.line, fmt.Sprintf("%s is yes or no; it has no scale, fraction, unit or rollover", g.Quantity))
	}
	table, _, problem := c.wire(g.Place)
	if problem == "" && isBits(table) {
		if g.Type != "" || g.Bit != nil || g.Bits != nil {
			c.report(g.line, table+" holds single bits; leave out type, bit and bits")
		}
		return
	}
	c.place(g.Place, false)
	if !strings.HasPrefix(g.Type, "uint") {
		c.report(g.line, fmt.Sprintf("%s is read from bits; write type: uint16, uint32 or uint64", g.Quantity))
	}
	if g.Bit != nil && (*g.Bit < 0 || *g.Bit >= 16*max(1, widths[g.Type])) {
		c.report(g.line, fmt.Sprintf("bit %d is not in a %s; bits count from 0, the lowest", *g.Bit, g.Type))
	}
	if g.Bit != nil && g.Bits != nil || g.Bit == nil && g.Bits == nil && g.Equals == nil {
		c.report(g.line, "say when it is yes: by bit (one), bits (any of several, like 0x0006) or equals (the whole register)")
	}
}

// scale checks how a number becomes a quantity.
func (c check) scale(g Gauge) {
	if g.Scale != "" && g.Scale != ask {
		if _, err := scaleOf(g.Quantity, g.Scale); err != nil {
			c.report(g.line, "scale: "+err.Error())
		}
	}
	if g.Scale == "" && g.UnitRegister == nil && (g.Quantity == stillwater.WaterTotal || g.Quantity == stillwater.WaterFlow) {
		c.report(g.line, fmt.Sprintf("scale is missing; write how much one count is, like 1 m³ for a volume or 1 m³/h for a flow, or %s if it depends on what is connected", ask))
	}
	if g.Scale != "" && g.UnitRegister != nil {
		c.report(g.line, "both scale and unit_register say what the unit is; remove one")
	}
	if l := g.ScaleRegister; l != nil {
		c.lookup(*l, func(text string) error { _, err := strconv.ParseFloat(text, 64); return err })
	}
	if l := g.UnitRegister; l != nil {
		c.lookup(*l, func(text string) error { _, err := scaleOf(g.Quantity, text); return err })
		if l.Power != nil {
			c.report(l.line, "power is for scale_register; a unit has codes")
		}
	}
}

// lookup checks a setting of the device.
func (c check) lookup(l Lookup, read func(text string) error) {
	c.place(l.Place, false)
	if (l.Power != nil) == (len(l.Codes) > 0) {
		c.report(l.line, "say what the register means: by codes, like {0: 1 m³, 1: 1 L}, or for a scale by power, like power: -3")
	}
	for code, text := range l.Codes {
		if err := read(text); err != nil {
			c.report(l.line, fmt.Sprintf("code %d: %v", code, err))
		}
	}
}

// sign checks what a model is known by.
func (c check) sign(s Sign) {
	c.place(s.Place, s.Text != "")
	if (s.Equals == nil) == (s.Text == "") {
		c.report(s.line, "say what the model answers there: equals: 24, or text: MAG with type: text")
	}
}

// place checks where a number stands; text may be there only where it is looked for.
func (c check) place(l Place, text bool) (table string, address int, ok bool) {
	if !c.word("table", l.Table, l.line, "", "holding", "input", "coil", "discrete") || !c.word("order", l.Order, l.line, append([]string{""}, orders...)...) {
		return "", 0, false
	}
	table, address, problem := c.wire(l)
	if problem != "" {
		c.report(l.line, problem)
		return "", 0, false
	}
	if text && l.Type == "text" {
		if l.Length < 1 || l.Length > c.most() {
			c.report(l.line, fmt.Sprintf("registers is %d; write how many the text takes, 1 to %d", l.Length, c.most()))
		}
		return table, address, true
	}
	if l.Type == "" {
		c.report(l.line, "type is missing; write one of "+strings.Join(names(widths), ", "))
		return "", 0, false
	}
	width, known := widths[l.Type]
	if !known {
		c.report(l.line, unknown("type", l.Type, names(widths)))
		return "", 0, false
	}
	if width > c.most() || address+width > 65536 {
		c.report(l.line, fmt.Sprintf("a %s takes %d registers, more than there are", l.Type, width))
	}
	return table, address, true
}

// word checks that a setting is one of a few words.
func (c check) word(key, word string, line int, known ...string) bool {
	if slices.Contains(known, word) {
		return true
	}
	c.report(line, unknown(key, word, slices.DeleteFunc(known, func(k string) bool { return k == "" })))
	return false
}

// most is how many registers may be asked for at once.
func (p *Profile) most() int {
	if p.Most == 0 {
		return maxRegisters
	}
	return p.Most
}
