package modbus

import (
	"strconv"
	"strings"
)

// signs lists what has to be read to know the model and its number.
func (p *Profile) signs() []need {
	var list []need
	for _, s := range p.Identify {
		list = append(list, p.need(s.Place))
	}
	if p.Serial != nil {
		list = append(list, p.need(*p.Serial))
	}
	return list
}

// recognises says whether a device is of this model for certain; false: it is not, or the profile does not say how one knows.
func (p *Profile) recognises(get func(need) []byte) bool {
	for _, s := range p.Identify {
		raw := get(p.need(s.Place))
		if len(raw) == 0 {
			return false
		}
		if s.Text != "" && !strings.HasPrefix(p.text(s.Place, raw), s.Text) {
			return false
		}
		if s.Equals != nil && inOrder(p.encoding(s.Place).order, raw) != uint64(*s.Equals) {
			return false
		}
	}
	return len(p.Identify) > 0
}

// serial is the number of the device as printed on it; "" where it is not known.
func (p *Profile) serial(get func(need) []byte) string {
	if p.Serial == nil {
		return ""
	}
	raw := get(p.need(*p.Serial))
	if len(raw) == 0 {
		return ""
	}
	if p.Serial.Type == "text" {
		return p.text(*p.Serial, raw)
	}
	n, err := p.encoding(*p.Serial).decode(raw)
	if err != nil {
		return ""
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}

// text is what characters stand in registers.
func (p *Profile) text(l Place, raw []byte) string {
	order := p.encoding(l).order
	b := make([]byte, len(raw))
	for i := range raw {
		b[i] = raw[i]
		if order == "BADC" || order == "DCBA" { // the order of registers is that of the text
			b[i] = raw[i^1]
		}
	}
	text, _, _ := strings.Cut(string(b), "\x00")
	return strings.TrimSpace(text)
}

// need is the run of a place.
func (p *Profile) need(l Place) need {
	table, address, _ := p.wire(l)
	if l.Type == "text" {
		return need{table, address, l.Length}
	}
	return need{table, address, max(1, widths[l.Type])}
}
