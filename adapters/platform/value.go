package platform

import (
	"math"
	"strconv"
	"strings"

	"stillwater"
)

// What means yes and no where nothing else is said.
var (
	yes = []string{"1", "true", "yes", "on"}
	no  = []string{"0", "false", "no", "off"}
)

// read reads one value. An activity sensor that saw nobody, and an availability, give another quantity than was asked for.
func (v *Value) read(text string) (stillwater.Quantity, float64, error) {
	switch {
	case v.Quantity == stillwater.Alive:
		if oneOf(text, v.Gone) {
			return stillwater.Gone, 1, nil
		}
		return stillwater.Alive, 1, nil
	case v.Quantity == stillwater.Door:
		n, err := state(text, v.Open, v.Closed)
		return v.Quantity, n, err
	case v.Quantity == stillwater.Activity:
		return v.activity(text)
	case v.Quantity == stillwater.Signal:
		n, err := v.signal(text)
		return v.Quantity, n, err
	case v.Quantity.OfDevice():
		n, err := v.fault(text)
		return v.Quantity, n, err
	}
	n, err := number(text)
	if v.Scale > 0 {
		n = math.Round(n*float64(v.Scale)*1e6) / 1e6 // so that 1.001 m³ is 1001 L
	}
	return v.Quantity, n, err
}

// number reads a number, hexadecimal with 0x before it.
func number(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsNaN(n) || math.IsInf(n, 0)) {
		return 0, ErrNumber
	}
	if whole, bad := strconv.ParseUint(strings.ToLower(text), 0, 53); err != nil && bad == nil {
		return float64(whole), nil
	}
	if err != nil {
		return 0, ErrNumber
	}
	return n, nil
}

// state tells two states apart; what is neither is an error.
func state(text string, on, off []string) (float64, error) {
	switch {
	case oneOf(text, on):
		return 1, nil
	case oneOf(text, off):
		return 0, nil
	}
	return 0, ErrState
}

// activity reads whether somebody was there. If not, the sensor works at least.
func (v *Value) activity(text string) (stillwater.Quantity, float64, error) {
	on := v.Open
	if len(on) == 0 {
		on = yes
	}
	n, err := number(text)
	switch {
	case oneOf(text, on) || len(v.Open) == 0 && err == nil && n > 0:
		return stillwater.Activity, 1, nil
	case len(v.Open) > 0 || oneOf(text, no):
		return stillwater.Alive, 1, nil
	}
	return stillwater.Activity, 0, ErrState
}

// fault reads whether the device says that something is wrong with it.
func (v *Value) fault(text string) (float64, error) {
	is := func(so bool) float64 {
		if so {
			return 1
		}
		return 0
	}
	switch {
	case v.Mask != 0:
		n, err := number(text)
		if err == nil && (n < 0 || n >= 1<<53 || n != math.Trunc(n)) {
			err = ErrNumber
		}
		return is(err == nil && int64(n)&int64(v.Mask) != 0), err
	case v.Below != 0:
		n, err := number(text)
		return is(n < v.Below), err
	case len(v.Open) > 0:
		return is(oneOf(text, v.Open)), nil
	}
	return state(text, yes, no)
}

// signal reads how strongly the device is received, in dBm.
func (v *Value) signal(text string) (float64, error) {
	n, err := number(text)
	switch {
	case err != nil:
	case v.Unit == "-dBm":
		n = -math.Abs(n)
	case v.Unit == "csq" && (n < 0 || n > 31): // 99: not known
		err = ErrRange
	case v.Unit == "csq":
		n = 2*n - 113 // 3GPP TS 27.007, 8.5: 0 is -113 dBm, 31 is -51 dBm
	}
	return n, err
}
