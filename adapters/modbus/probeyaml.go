package modbus

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stillwater"
	"stillwater/adapters/bus"
)

// OwnProfile is what a profile of one's own is called where a candidate needs one, without .yaml.
const OwnProfile = "my-meter"

// Unit is the entry of a candidate in the configuration.
func (c Candidate) Unit(unit int) Unit {
	u := Unit{Unit: unit}
	g := c.guess
	switch {
	case c.Profile != "" && !g.moved():
		u.Profile, u.Counter, u.Order = c.Profile, c.Counter, g.order
		if g.scale != "" {
			u.Scale = stillwater.Litres(g.gauge.factor)
		}
	case c.Own() != "":
		u.Profile = "./" + OwnProfile + ".yaml"
	default:
		u.Register, u.Function, u.Type, u.Order = g.gauge.need.first, g.gauge.need.table, g.gauge.main.kind, g.gauge.main.order
		u.Scale = stillwater.Litres(g.gauge.factor)
	}
	return u
}

// Line is the unit as it is written in the configuration.
func (u Unit) line() string {
	parts := []string{fmt.Sprintf("unit: %d", u.Unit)}
	add := func(key, value string) { parts = append(parts, key+": "+value) }
	if u.Profile != "" {
		add("profile", u.Profile)
		if u.Counter != "" {
			add("counter", strconv.Quote(u.Counter))
		}
	} else {
		add("register", strconv.Itoa(u.Register))
		add("function", u.Function)
		add("type", u.Type)
	}
	if u.Order != "" {
		add("order", u.Order)
	}
	if u.Scale > 0 {
		add("scale", u.Scale.String())
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// A Find is a unit and what it is taken for.
type Find struct {
	Unit int
	Candidate
}

// Source is what the meter is called in the registry.
func (f Find) Source(busName string) string {
	u := f.Candidate.Unit(f.Unit)
	return busName + "/" + u.pointOf(f.Counter)
}

// YAML is the entry of a bus and its units, as it is pasted into the configuration.
func YAML(name string, l bus.Link, framing string, finds []Find) string {
	var b strings.Builder
	fmt.Fprintf(&b, "modbus:\n  - name: %s\n", name)
	if l.Serial != "" {
		fmt.Fprintf(&b, "    serial: %s\n    baud: %d\n    parity: %s\n", l.Serial, l.Baud, l.Parity)
	} else {
		fmt.Fprintf(&b, "    address: %s\n", l.Address)
	}
	if l.StopBits > 1 {
		fmt.Fprintf(&b, "    stop_bits: %d\n", l.StopBits)
	}
	if framing == "rtu" && l.Serial == "" {
		b.WriteString("    framing: rtu\n")
	}
	b.WriteString("    units:\n")
	for _, f := range finds {
		fmt.Fprintf(&b, "      - %s\n", f.Candidate.Unit(f.Unit).line())
	}
	return b.String()
}

// Own is the profile of one's own that a candidate needs: registers that no profile has, with more to them than a unit can say. "" if it needs none.
func (c Candidate) Own() string {
	g := c.guess.gauge
	if c.Profile != "" && !c.guess.moved() || g.fraction == nil && g.scale == nil && g.unit == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "model: %s\nsource: found by stillwater probe\nchecked: no, only against the dial of one meter\nnumbering: address\nvalues:\n", "a meter like "+first(c.Profile, "none that is known"))
	fmt.Fprintf(&b, "  - quantity: water.total\n    %s\n", strings.Join(placeLines(g.need, g.main), "\n    "))
	if g.unit == nil {
		fmt.Fprintf(&b, "    scale: %s\n", stillwater.Litres(g.factor))
	}
	if f := g.fraction; f != nil {
		parts := ""
		if g.parts != 1 {
			parts = fmt.Sprintf(", parts: %.0f", g.parts)
		}
		fmt.Fprintf(&b, "    fraction: {%s%s}\n", strings.Join(placeLines(g.need, *f), ", "), parts)
	}
	for key, l := range map[string]*lookup{"scale_register": g.scale, "unit_register": g.unit} {
		if l != nil {
			fmt.Fprintf(&b, "    %s: {%s, %s}\n", key, strings.Join(placeLines(l.need, spot{0, l.encoding}), ", "), l.codesLine(key == "unit_register"))
		}
	}
	return b.String()
}

// placeLines is where a number stands, as a profile says it.
func placeLines(n need, s spot) []string {
	return []string{"table: " + n.table, fmt.Sprintf("register: %d", n.first+s.offset), "type: " + s.kind, "order: " + s.order}
}

// codesLine is what the numbers of a setting mean.
func (l *lookup) codesLine(volume bool) string {
	if l.power != nil {
		return fmt.Sprintf("power: %d", *l.power)
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(l.codes)) {
		means := strconv.FormatFloat(l.codes[code], 'f', -1, 64)
		if volume {
			means += " L"
		}
		parts = append(parts, fmt.Sprintf("%d: %s", code, means))
	}
	return "codes: {" + strings.Join(parts, ", ") + "}"
}

// Speeds are the ways in which a serial line may be set, the usual ones of meters first; what the link says itself is kept.
func Speeds(l bus.Link) []bus.Link {
	var list []bus.Link
	for _, s := range []struct {
		baud   int
		parity string
	}{
		{9600, "none"}, {2400, "even"}, {9600, "even"}, {19200, "none"}, {19200, "even"}, {4800, "none"}, {2400, "none"}, {1200, "even"}, {38400, "none"}, {57600, "none"}, {115200, "none"},
	} {
		one := l
		if one.Parity != "" && one.Parity != s.parity {
			continue
		}
		one.Baud, one.Parity = s.baud, s.parity
		list = append(list, one)
	}
	return list
}

// Alike says whether the first looks at two units read the same: then it may be one device that answers whatever unit it is asked as.
func (p *Probe) Alike(a, b int) bool {
	x, y := p.looks[a], p.looks[b]
	if len(x) == 0 || len(y) == 0 {
		return false
	}
	for _, table := range []string{"holding", "input"} {
		list := x[0].image.addresses(table)
		if !slices.Equal(list, y[0].image.addresses(table)) {
			return false
		}
		for _, at := range list {
			n := need{table, at, 1}
			if string(x[0].image.get(n)) != string(y[0].image.get(n)) {
				return false
			}
		}
	}
	return true
}
