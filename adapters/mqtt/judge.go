package mqtt

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// judge makes of a text what it means. The configuration's word on a point counts more than the format's.
func (x *reader) judge(v *item, text string) (stillwater.Quantity, float64, error) {
	if v.Ask && x.settings.Quantity == "" {
		return "", 0, errAsk
	}
	quantity := v.Quantity
	if v.Ask {
		quantity = x.settings.Quantity
	}
	switch {
	case len(v.Words) > 0:
		return quantity, truth(wordIn(text, v.Words)), nil
	case quantity == stillwater.Alive:
		return quantity, 1, nil
	case quantity == stillwater.Door && x.settings.Open != "":
		own := Value{Open: x.settings.Open, Closed: x.settings.Closed}
		value, err := own.door(text)
		return quantity, value, err
	case quantity == stillwater.Activity:
		own := Value{Open: x.settings.Open}
		if own.Open == "" && len(v.One) > 0 {
			own.Open = v.One[0]
		}
		return own.activity(text)
	case quantity == stillwater.Gone:
		return availability(v, text)
	case len(v.One) > 0:
		value, err := state(v, text)
		return quantity, value, err
	case quantity == stillwater.Door:
		return "", 0, errAsk
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return quantity, 0, errNotNumber
	}
	return x.scaled(v, quantity, n)
}

// scaled turns counts into litres. Where nobody said how much one count is, there is no reading: a guess would be wrong tenfold.
func (x *reader) scaled(v *item, quantity stillwater.Quantity, n float64) (stillwater.Quantity, float64, error) {
	if quantity != stillwater.WaterTotal && quantity != stillwater.WaterFlow {
		return quantity, n, nil
	}
	scale := v.Scale
	if x.settings.Scale > 0 {
		scale = x.settings.Scale
	}
	if scale <= 0 {
		return quantity, 0, errAsk
	}
	n *= float64(scale)
	if v.Per > 0 && x.settings.Scale == 0 {
		n /= v.Per
	}
	return quantity, n, nil
}

// availability is alive or gone.
func availability(v *item, text string) (stillwater.Quantity, float64, error) {
	value, err := state(v, text)
	if value == 1 || err != nil {
		return stillwater.Gone, 1, err
	}
	return stillwater.Alive, 1, nil
}

// state reads one of two states.
func state(v *item, text string) (float64, error) {
	for _, one := range v.One {
		if jsonfield.Same(text, one) {
			return 1, nil
		}
	}
	for _, zero := range v.Zero {
		if jsonfield.Same(text, zero) {
			return 0, nil
		}
	}
	return 0, errNeither
}

// wordIn says whether one of the words is in a text of words.
func wordIn(text string, words []string) bool {
	if !strings.ContainsAny(text, " ,;|") { // mostly it is one: OK
		return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(text, word) })
	}
	in := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '|' })
	return slices.ContainsFunc(in, func(w string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(w, word) })
	})
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
