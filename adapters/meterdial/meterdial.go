// Package meterdial is what somebody reads off a meter, and how well a value of a device agrees with it. Probes of all protocols weigh by it.
package meterdial

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"stillwater"
)

// A Dial is a number that somebody has read off a meter, to find out which value of a device is that meter's.
type Dial struct {
	Volume stillwater.Litres
	Digit  stillwater.Litres // what one of the last digit read is
}

// dialUnits is every unit that a dial may be in, in litres. Gallons are those of the United States; imperial ones are named so.
var dialUnits = map[string]float64{
	"l": 1, "m3": 1000, "m³": 1000, "gal": 3.785411784, "impgal": 4.54609, "ft3": 28.316846592, "ft³": 28.316846592,
}

// Parse reads a number as it stands on a dial, leading zeros and all. How many digits follow the point says how finely it was read.
func Parse(text, unit string) (Dial, error) {
	litres, known := dialUnits[strings.ToLower(unit)]
	if !known {
		return Dial{}, fmt.Errorf("%q is no unit of a dial; write m3, L, gal (US), impgal or ft3", unit)
	}
	digits := strings.TrimSpace(text)
	_, decimals, _ := strings.Cut(digits, ".")
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || strings.Trim(digits, "0123456789.") != "" || len(digits) > 20 {
		return Dial{}, fmt.Errorf("%q is no number on a dial; write its digits, with a point before the red ones, like 00123.456", text)
	}
	return Dial{Volume: stillwater.Litres(n * litres), Digit: stillwater.Litres(litres * math.Pow10(-len(decimals)))}, nil
}

// How a value that is the dial's can differ from what was read off it.
const (
	asRead    = 0.8   // share of the times that the value is what was read
	ahead     = 0.18  // water has run since: mostly little of it
	behind    = 0.02  // the device refreshes what it tells more rarely than its display
	since     = 20.0  // litres that ran since, on average
	maxSince  = 300.0 // beyond this it is another value
	spanNats  = 20.0  // values of counters are spread evenly over so many natural orders of magnitude, as far as anybody knows before
	leastSize = 1.0   // litre: what is below counts as that
)

// Evidence is how much more likely a value (of which one count is grain) is if it is the dial's than if it is any number, in bits: six
// digits that agree give about 20. It is -Inf where the value cannot be the dial's.
func (d Dial) Evidence(value, grain stillwater.Litres) float64 {
	v, off := float64(value), float64(value-d.Volume)
	digit, count := float64(d.Digit), float64(grain)
	low, high := -digit/2-count, digit // somebody may have rounded; most read on
	density := 0.0
	switch {
	case math.IsNaN(v) || v < 0:
	case low <= off && off <= high:
		density = asRead / (high - low)
	case off > high && off-high <= maxSince:
		density = ahead / since * math.Exp(-(off-high)/since)
	case off < low && low-off <= maxSince:
		density = behind / since * math.Exp(-(low-off)/since)
	}
	if density == 0 {
		return math.Inf(-1)
	}
	return math.Log2(density * max(v, count, leastSize) * spanNats)
}

// Agrees says in words how a value lies to the dial.
func (d Dial) Agrees(value, grain stillwater.Litres) string {
	off := float64(value - d.Volume)
	switch {
	case off > float64(d.Digit):
		return fmt.Sprintf("%.4g L more than was read: water has run since, or it is another number", off)
	case off < -float64(d.Digit/2+grain):
		return fmt.Sprintf("%.4g L less than was read: the device lags behind its dial, or it is another number", -off)
	case grain > d.Digit:
		return fmt.Sprintf("agrees with the dial, as far as counts of %v can", grain)
	}
	return "agrees with every digit of the dial"
}
