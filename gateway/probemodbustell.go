package main

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"stillwater/adapters/modbus"
)

// mostShown is how many candidates are printed of one unit.
const mostShown = 5

// tell prints what was found.
func (m *modbusProbe) tell(found []modbus.Answer) error {
	var finds []modbus.Find
	var units []string
	var own []string
	one := m.oneDevice(found)
	for _, a := range found {
		units = append(units, strconv.Itoa(a.Unit))
	}
	fmt.Fprintf(m.out, "Answering at %s: unit %s.\n", cmp.Or(m.link.Serial, m.link.Address), strings.Join(units, ", "))
	if one {
		fmt.Fprintf(m.out, "They all read the same: it is most likely one device that does not look at the unit. Only unit %d is shown.\n", found[0].Unit)
		found = found[:1]
	}
	for _, a := range found {
		list := m.probe.Rank(a.Unit)
		m.tellUnit(a.Unit, list)
		if len(list) > 0 && (m.dial != nil || list[0].Bits > 0) {
			finds = append(finds, modbus.Find{Unit: a.Unit, Candidate: list[0]})
			own = append(own, list[0].Own())
		}
	}
	if m.dial != nil && len(finds) > 1 { // one dial, so one meter
		best := slices.MaxFunc(finds, func(a, b modbus.Find) int { return cmp.Compare(a.Bits, b.Bits) })
		fmt.Fprintf(m.out, "\nThe dial fits unit %d best.\n", best.Unit)
		finds, own = []modbus.Find{best}, []string{best.Own()}
	}
	if len(finds) == 0 {
		return nil
	}
	m.tellPaste(finds, own)
	return nil
}

// oneDevice says whether several units are most likely one device.
func (m *modbusProbe) oneDevice(found []modbus.Answer) bool {
	if len(found) < 2 {
		return false
	}
	for _, a := range found[1:] {
		if !m.probe.Alike(found[0].Unit, a.Unit) {
			return false
		}
	}
	return true
}

// tellUnit prints the candidates of one unit.
func (m *modbusProbe) tellUnit(unit int, list []modbus.Candidate) {
	switch {
	case len(list) == 0 && m.dial != nil:
		fmt.Fprintf(m.out, "\nUnit %d: no number in it agrees with the dial. A pulse counter is seldom set to the dial: run it again with --draw.\n", unit)
		return
	case len(list) == 0:
		fmt.Fprintf(m.out, "\nUnit %d: no profile fits. Type what its dial shows: --units %d --dial 00123.456\n", unit, unit)
		return
	}
	fmt.Fprintf(m.out, "\nUnit %d:\n", unit)
	for i, c := range list[:min(mostShown, len(list))] {
		fmt.Fprintf(m.out, "  %d. %s: %s (%s)\n", i+1, nameOf(c), c.Litres, likely(list[0].Bits, c.Bits))
		for _, why := range c.Why {
			fmt.Fprintf(m.out, "       %s\n", why)
		}
		for _, same := range c.Same {
			fmt.Fprintf(m.out, "       the same as %s: either is right\n", same)
		}
	}
	switch rivals := modbus.Rivals(list); {
	case m.dial == nil:
		fmt.Fprintf(m.out, "  Without the dial this is a guess. Type what it shows: --units %d --dial 00123.456\n", unit)
	case list[0].Bits < 0:
		fmt.Fprintf(m.out, "  None is likelier than chance: type more digits of the dial, or draw water (--draw).\n")
	case rivals > 1:
		fmt.Fprintf(m.out, "  %d of these fit about as well. Draw 10 L and run it again with --draw.\n", rivals)
	}
}

// surely is how many bits the first must be ahead of another: 16 to one.
const surely = 4

// likely says in a word how likely something is, beside the first of its list and beside chance.
func likely(first, bits float64) string {
	switch {
	case first-bits >= surely:
		return "less likely"
	case bits >= 12:
		return "almost certain"
	case bits >= 5:
		return "likely"
	case bits >= 0:
		return "possible"
	}
	return "may be chance"
}

func nameOf(c modbus.Candidate) string {
	switch {
	case c.Profile == "":
		return "no profile"
	case c.Counter != "":
		return c.Profile + ", counter " + c.Counter
	}
	return c.Profile
}

// tellPaste prints the entry for the configuration.
func (m *modbusProbe) tellPaste(finds []modbus.Find, own []string) {
	fmt.Fprintf(m.out, "\nTo paste into the configuration:\n\n%s", modbus.YAML(m.name, m.link, m.framing, finds))
	for i, text := range own {
		if text != "" {
			fmt.Fprintf(m.out, "\nUnit %d needs a profile of its own. Save this beside the configuration as %s.yaml:\n\n%s", finds[i].Unit, modbus.OwnProfile, text)
		}
	}
	fmt.Fprintln(m.out, "\nSource of each meter in the registry:")
	for _, f := range finds {
		fmt.Fprintf(m.out, "  unit %d: %s\n", f.Unit, f.Source(m.name))
	}
}
