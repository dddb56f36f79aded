package cjt188

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/bus"
	"stillwater/adapters/meterdial"
)

// A Sighting is a meter that answered a probe.
type Sighting struct {
	Address string // as printed
	Type    string // as in Meter
	DataID  string // as in Meter: the order in which it was asked
	Said    string // its answer, for people who look it up
	body    []byte
	data    []byte
}

// A Reading is one way to read a sighting.
type Reading struct {
	Layout string
	Scale  stillwater.Litres // what the last digit is worth, where the meter's own unit is not believed
	Litres stillwater.Litres
	Valve  string // "" where the status says nothing
	Low    bool   // its battery
	Bits   float64
	Why    []string
}

// Probe asks one meter for its data: by its address, or, where it is alone on the line, by the one that every meter takes for its own. Both orders of
// the data identifier are tried, and the kinds of water. It writes nothing.
func Probe(ctx context.Context, l bus.Link, digits string, alone bool, say func(string)) (Sighting, error) {
	who := everybody
	if !alone {
		a, err := addressOf(digits)
		if err != nil {
			return Sighting{}, err
		}
		who = a
	}
	line := bus.NewLine(l.Or(link), true)
	defer line.Close()
	var last error
	for _, kind := range []byte{kinds["cold"], anybody, kinds["hot"]} {
		for i, id := range identifiers {
			name := []string{"1F90", "901F"}[i]
			say(fmt.Sprintf("asking a meter of type %02x, data identifier %s", kind, name))
			question := frame{kind: kind, meter: who, control: readData, data: append(id[:], 0)}
			reply, err := exchange(ctx, line, question, defaultWake)
			if _, noLine := errors.AsType[*bus.NoLine](err); noLine || ctx.Err() != nil {
				return Sighting{}, err
			}
			if err == nil && last != nil { // it may have been the late answer to the question before
				reply, err = exchange(ctx, line, question, defaultWake)
			}
			if err == nil {
				return sighting(reply, name)
			}
			last = err
		}
	}
	return Sighting{}, last
}

// sighting says who answered.
func sighting(reply frame, id string) (Sighting, error) {
	s := Sighting{Address: reply.meter.String(), DataID: id, Said: hex.EncodeToString(reply.pack()), body: reply.data[3:], data: reply.data}
	for name, kind := range kinds {
		if kind == reply.kind {
			s.Type = name
		}
	}
	if s.Type == "" {
		return s, fmt.Errorf("meter %s is of type %02x, no water meter", s.Address, reply.kind)
	}
	return s, nil
}

// What speaks against a way to read an answer, in bits: the meter's own unit and the layout that its bytes suggest are likelier.
const (
	otherLayout = 4.0
	otherScale  = 4.0
)

// scales are what the last digit of a total can be worth where the meter's own unit is wrong.
var scales = []stillwater.Litres{10, 1, 100, 1000, 0.1, 0.01}

// Readings lists the ways to read an answer, the likeliest first; with a dial, those that agree with it. It is a pure function.
func (s Sighting) Readings(dial *meterdial.Dial) []Reading {
	var list []Reading
	for _, layout := range []string{layoutA, layoutB, layoutC} {
		for i, scale := range append([]stillwater.Litres{0}, scales...) {
			if dial == nil && i > 0 {
				break
			}
			if r, ok := s.as(layout, scale, dial); ok {
				list = append(list, r)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b Reading) int {
		switch {
		case a.Bits > b.Bits:
			return -1
		case a.Bits < b.Bits:
			return 1
		}
		return 0
	})
	return list
}

// as reads the answer in one layout, and with the meter's own unit or another.
func (s Sighting) as(layout string, scale stillwater.Litres, dial *meterdial.Dial) (Reading, bool) {
	made, err := reader{layout, statusStandard, scale}.read(s.data)
	if err != nil {
		return Reading{}, false
	}
	r := Reading{Layout: layout, Scale: scale, Litres: stillwater.Litres(made.litres), Low: made.low}
	if made.known {
		r.Valve = made.valve.String()
	}
	grain := scale
	if dial != nil {
		r.Bits = dial.Evidence(r.Litres, grain)
		if r.Bits < -1e6 {
			return r, false
		}
		r.Why = append(r.Why, dial.Agrees(r.Litres, grain))
	}
	if layout != guess(s.body) {
		r.Bits -= otherLayout
		r.Why = append(r.Why, "layout "+layout+", though its bytes look like "+guess(s.body))
	}
	if scale > 0 {
		r.Bits -= otherScale
		r.Why = append(r.Why, "the last digit is worth "+scale.String()+", not what the meter says")
	}
	return r, true
}

// YAML is the entry of a bus with the meter on it, as it is pasted into the configuration.
func (s Sighting) YAML(name string, l bus.Link, r Reading) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cjt188:\n  - name: %s\n", name)
	l = l.Or(link)
	if l.Serial != "" {
		fmt.Fprintf(&b, "    serial: %s\n    baud: %d\n    parity: %s\n", l.Serial, l.Baud, l.Parity)
	} else {
		fmt.Fprintf(&b, "    address: %s\n", l.Address)
	}
	parts := []string{fmt.Sprintf("address: %q", s.Address)}
	if s.Type != "cold" {
		parts = append(parts, "type: "+s.Type)
	}
	parts = append(parts, "layout: "+r.Layout, "data_id: "+s.DataID)
	if r.Scale > 0 {
		parts = append(parts, "scale: "+r.Scale.String())
	}
	fmt.Fprintf(&b, "    meters:\n      - {%s}\n", strings.Join(parts, ", "))
	return b.String()
}

// Speeds are the ways in which a line of such meters may be set, the standard's first.
func Speeds(l bus.Link) []bus.Link {
	var list []bus.Link
	for _, baud := range []int{2400, 1200, 4800, 9600} {
		for _, parity := range []string{"even", "none"} {
			one := l
			if one.Parity == "" {
				one.Parity = parity
			} else if one.Parity != parity {
				continue
			}
			one.Baud = baud
			list = append(list, one)
		}
	}
	return list
}
