package cjt188

import (
	"errors"
	"fmt"

	"stillwater"
)

// The layouts in which meters answer the question for their data.
const (
	layoutAuto = "auto"
	// layoutA is the standard's: total and unit, total of the last settlement day and unit, time, status.
	layoutA = "a"
	// layoutB is of some ultrasonic meters: whole cubic metres, the fraction of one in six digits, flow, temperature, time, status.
	layoutB = "b"
	// layoutC is the shortest: total, status.
	layoutC = "c"
)

// How many bytes follow the identifier and the serial number.
const (
	sizeAB = 19
	sizeC  = 6
)

// volumes is every unit of a volume, in litres.
var volumes = map[byte]float64{
	0x26: 0.001, 0x27: 0.01, 0x28: 0.1, // mL, 10 mL, 100 mL
	0x29: 1, 0x2A: 10, 0x2B: 100, // L, …
	0x2C: 1000, 0x2D: 10_000, 0x2E: 100_000, // m³, …
}

// hundredths: totals have two digits behind the point.
const hundredths = 100

// errDigits says that a byte is no two decimal digits.
var errDigits = errors.New("no decimal digits")

// digits reads two digits a byte, the last two first.
func digits(b []byte) (float64, error) {
	n := 0.0
	for i := len(b) - 1; i >= 0; i-- {
		high, low := b[i]>>4, b[i]&0xF
		if high > 9 || low > 9 {
			return 0, fmt.Errorf("% x: %w", b, errDigits)
		}
		n = 100*n + float64(10*high+low)
	}
	return n, nil
}

// A report is what a meter says of itself.
type report struct {
	layout string
	litres float64
	valve  valve
	low    bool // its battery
	known  bool // what the status says is known
}

// A valve is how the valve in a meter stands.
type valve int

// The states of a valve.
const (
	valveOpen valve = iota
	valveClosed
	valveStuck
)

// A reader says how the answers of one meter are read.
type reader struct {
	layout string
	status string            // see the statuses
	count  stillwater.Litres // what the last digit of the total is worth, where the meter's own unit is not to be believed; 0: it is
}

// read makes out an answer, which begins with the identifier.
func (r reader) read(data []byte) (report, error) {
	body := data[3:]
	layout := r.layout
	if layout == layoutAuto {
		layout = guess(body)
	}
	var made report
	var err error
	switch {
	case layout == layoutA && len(body) == sizeAB:
		made.litres, err = r.total(body[:4], body[4])
	case layout == layoutB && len(body) == sizeAB:
		made.litres, err = r.split(body)
	case layout == layoutC && len(body) == sizeC:
		made.litres, err = r.total(body[:4], 0x2C)
	default:
		return made, fmt.Errorf("%d bytes that have none of the known layouts: % x", len(body), body)
	}
	if err != nil {
		return made, err
	}
	made.layout = layout
	made.status(r.status, body[len(body)-2:])
	return made, nil
}

// guess is the layout that bytes have. The second one is as long as the first; it is taken only where the units of the first are no units
// and all of it, the date too, makes sense in the second.
func guess(body []byte) string {
	switch len(body) {
	case sizeC:
		return layoutC
	case sizeAB:
		_, first := volumes[body[4]]
		_, second := volumes[body[9]]
		if first && second || first && body[4] > 0x29 || !isDated(body) {
			return layoutA
		}
		return layoutB
	}
	return ""
}

// isDated says whether bytes can be the second layout: digits throughout, and a day and a time where these are.
func isDated(body []byte) bool {
	if _, err := digits(body[:17]); err != nil {
		return false
	}
	bounds := [6]struct{ low, high byte }{{0, 0x59}, {0, 0x59}, {0, 0x23}, {1, 0x31}, {1, 0x12}, {0, 0x99}} // second to year
	for i, b := range bounds {
		if x := body[11+i]; x < b.low || x > b.high {
			return false
		}
	}
	return true
}

// total reads eight digits, two of them behind the point, and their unit.
func (r reader) total(b []byte, unit byte) (float64, error) {
	n, err := digits(b)
	if err != nil {
		return 0, fmt.Errorf("total: %w", err)
	}
	if r.count > 0 {
		return n * float64(r.count), nil
	}
	litres, ok := volumes[unit]
	if !ok {
		return 0, fmt.Errorf("unit %02x is no volume; if the meter means one, write what the last digit of its total is worth as scale", unit)
	}
	return n * litres / hundredths, nil
}

// split reads whole cubic metres and the six digits behind the point.
func (r reader) split(body []byte) (float64, error) {
	whole, err := digits(body[:4])
	if err != nil {
		return 0, fmt.Errorf("total: %w", err)
	}
	part, err := digits(body[4:7])
	if err != nil {
		return 0, fmt.Errorf("fraction of the total: %w", err)
	}
	if r.count > 0 {
		return (whole*1e6 + part) * float64(r.count), nil
	}
	return whole*1000 + part/1000, nil
}

// How the first byte of the status is read.
const (
	statusStandard = "standard" // bits 0 and 1 the valve, bit 2 the battery
	statusReversed = "reversed" // the same from the other end: bits 7 and 6 the valve, bit 5 the battery
	statusNone     = "none"     // the maker has his own, which is not known
)

// valves is what two bits say of a valve.
var valves = [4]valve{valveOpen, valveClosed, valveStuck, valveStuck}

func (m *report) status(how string, b []byte) {
	switch {
	case how == statusNone || b[0] == 0xFF: // a meter without a valve, and without a watch on its battery
	case how == statusReversed:
		m.known, m.low, m.valve = true, b[0]&0x20 != 0, valves[b[0]>>6]
	default:
		m.known, m.low, m.valve = true, b[0]&0x04 != 0, valves[b[0]&3]
	}
}
