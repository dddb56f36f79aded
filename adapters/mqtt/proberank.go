package mqtt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"stillwater"
	"stillwater/adapters/jsonfield"
	"stillwater/adapters/meterdial"
)

// A Number is a value on the broker that may be the dial's.
type Number struct {
	Device *Device // nil: a topic that no format knows
	Topic  string
	Path   string            // in its payload
	Scale  stillwater.Litres // one count, where the configuration must say it
	Litres stillwater.Litres
	Bits   float64 // by how much it is likelier than chance
	Why    []string
}

// A Contact is a value on the broker that may be the door's.
type Contact struct {
	Device *Device
	Topic  string
	Path   string
	Open   string // the value that means open; "" where the format knows it
	Closed string // where the opposite is not known
	State  float64
	Bits   float64
	Why    []string
}

// What speaks against a value beforehand, in bits, and what for it.
const (
	noFormat   = 7.0 // some value of some hundred
	namedSo    = 2.0 // its place is called like what it would be
	otherwise  = 3.0 // its place is called like something else
	everChange = 5.0 // it changed while the door was moved
	backAgain  = 4.0 // and changed back
	neverMoved = 3.0 // only one state was seen
)

// weights are the scales that counters have, and what speaks against each, in bits.
var weights = []struct {
	litres stillwater.Litres
	cost   float64
}{
	{1, 1.5}, {10, 2}, {1000, 2}, {100, 3}, {0.1, 4}, {0.01, 5}, {0.001, 4}, {0.5, 5}, {2.5, 6}, {5, 5}, {25, 6},
	{3.785412, 6}, {37.85412, 7}, {28.316847, 7}, {4.54609, 8},
}

// Numbers lists the values that agree with the dial, the likeliest first.
func (h *Hearing) Numbers(dial meterdial.Dial) []Number {
	var list []Number
	for _, d := range h.Devices {
		if total, ok := d.Values[stillwater.WaterTotal]; ok {
			n := Number{Device: d, Topic: d.Topic, Litres: stillwater.Litres(total), Why: []string{"format " + d.Format}}
			list = append(list, n.weigh(dial, 0, 0)...)
		} else if d.count != nil {
			for _, w := range weights {
				n := Number{Device: d, Topic: d.Topic, Litres: stillwater.Litres(*d.count) * w.litres, Scale: w.litres, Why: []string{"format " + d.Format, "one count is " + w.litres.String()}}
				list = append(list, n.weigh(dial, w.litres, w.cost)...)
			}
		}
	}
	for _, l := range h.order {
		list = append(list, l.numbers(dial)...)
	}
	slices.SortStableFunc(list, func(a, b Number) int { return cmp.Compare(b.Bits, a.Bits) })
	return list
}

// weigh gives the number its bits; none: it cannot be the dial's.
func (n Number) weigh(dial meterdial.Dial, grain stillwater.Litres, cost float64) []Number {
	n.Bits = dial.Evidence(n.Litres, grain)
	if n.Litres == 0 {
		n.Bits = min(n.Bits, 0)
	}
	n.Bits -= cost
	if math.IsInf(n.Bits, 0) {
		return nil
	}
	n.Why = append([]string{dial.Agrees(n.Litres, grain)}, n.Why...)
	return []Number{n}
}

// numbers are the scales with which a leaf agrees with the dial.
func (l *leaf) numbers(dial meterdial.Dial) (list []Number) {
	n, err := strconv.ParseFloat(l.last, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n <= 0 {
		return nil
	}
	for _, w := range weights {
		grain := w.litres
		if _, decimals, point := strings.Cut(l.last, "."); point {
			grain *= stillwater.Litres(math.Pow10(-len(decimals)))
		}
		one := Number{Topic: l.topic, Path: l.path, Litres: stillwater.Litres(n) * w.litres, Scale: w.litres, Why: []string{"one count is " + w.litres.String()}}
		cost := noFormat + w.cost - namedSo*named(l, "total", "volume", "water", "m3", "counter", "count", "pulse", "reading", "consumption")
		list = append(list, one.weigh(dial, grain, cost)...)
	}
	return list
}

// named is 1 if the place of a leaf is called like one of some words.
func named(l *leaf, words ...string) float64 {
	place := strings.ToLower(l.path)
	if place == "" {
		place = strings.ToLower(l.topic[strings.LastIndex(l.topic, "/")+1:])
	}
	return truth(slices.ContainsFunc(words, func(w string) bool { return strings.Contains(place, w) }))
}

// Contacts lists what may be the door's contact, the likeliest first. Open says how the door stands now, if somebody said so.
func (h *Hearing) Contacts(open *bool) []Contact {
	var list []Contact
	for _, d := range h.Devices {
		if state, ok := d.Values[stillwater.Door]; ok {
			list = append(list, d.contact(state, open))
		} else if n := len(d.inputs); n > 0 {
			list = append(list, d.wired(d.inputs[n-1], open))
		}
	}
	for _, l := range h.order {
		if c, ok := l.contact(open); ok {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b Contact) int { return cmp.Compare(b.Bits, a.Bits) })
	return list
}

// moved is what the changes of a state say.
func moved(changes int) (bits float64, why string) {
	switch changes {
	case 0:
		return -neverMoved, "did not change while the probe listened"
	case 1:
		return everChange, "changed once"
	}
	return everChange + backAgain, fmt.Sprintf("changed %d times", changes)
}

// contact is a door of a known format. What it says may not be what is: then it is wired, or mounted, the other way round.
func (d *Device) contact(state float64, open *bool) Contact {
	bits, why := moved(d.Changes)
	c := Contact{Device: d, Topic: d.Topic, State: state, Bits: bits, Why: []string{"format " + d.Format, why}}
	if open != nil && *open == (state == stillwater.Open) {
		c.Bits++
		c.Why = append(c.Why, "says how the door stands")
	} else if open != nil {
		c.Bits -= otherwise
		c.Why = append(c.Why, "says the opposite of how the door stands: it is another door, or its magnet or contact sits the other way round")
	}
	return c
}

// wired is an input of a known format that may be a door's.
func (d *Device) wired(last input, open *bool) Contact {
	bits, why := moved(d.Changes)
	c := Contact{Device: d, Topic: d.Topic, State: last.value, Bits: bits - 1, Why: []string{"format " + d.Format, why}}
	if open == nil {
		return c
	}
	c.Open = last.open
	if *open != (last.value == stillwater.Open) {
		c.Open = opposite(last.open)[0]
	}
	c.State = truth(*open)
	return c
}

// contact is a leaf that may be a door's.
func (l *leaf) contact(open *bool) (Contact, bool) {
	others := opposite(l.last)
	two := len(l.texts) == 2 && !(isNumber(l.texts[0]) && len(others) == 0)
	one := len(l.texts) == 1 && len(others) > 0
	if !two && !one {
		return Contact{}, false
	}
	bits, why := moved(l.changes)
	bits -= noFormat / 2
	bits += namedSo * named(l, "contact", "door", "open", "magnet", "reed", "window", "state", "status")
	bits -= otherwise * named(l, "update", "online", "avail", "relay", "led", "enable", "alarm", "tamper", "battery", "lwt")
	c := Contact{Topic: l.topic, Path: l.path, Bits: bits, Why: []string{"now " + strconv.Quote(l.last), why}}
	if open == nil {
		return c, true
	}
	other := ""
	for _, text := range l.texts {
		if text != l.last {
			other = text
		}
	}
	if other == "" {
		other = others[0]
	}
	c.Open, c.Closed, c.State = l.last, other, stillwater.Open
	if !*open {
		c.Open, c.Closed, c.State = other, l.last, stillwater.Closed
	}
	if slices.ContainsFunc(opposite(c.Open), func(o string) bool { return jsonfield.Same(o, c.Closed) }) {
		c.Closed = "" // it goes without saying
	}
	return c, true
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}
