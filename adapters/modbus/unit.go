package modbus

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// defaultScale is what one count of a unit without a profile is when nothing is said.
const defaultScale = stillwater.Litres(1)

// Unit is one device on a bus, or one counter of it.
type Unit struct {
	Unit     int               `yaml:"unit" doc:"address of the meter on the bus, 1 to 247"`
	Point    string            `yaml:"point,omitempty" doc:"what follows the slash in the source; needed where one unit is there several times; default the unit's number"`
	Profile  string            `yaml:"profile,omitempty" doc:"model of the meter, which says all that follows but the scale of pulses: the name of a profile, like tuf-2000m, or a file of your own, like ./my-meter.yaml"`
	Counter  string            `yaml:"counter,omitempty" doc:"of a profile with several counters, the one to read; default all, each with its own name after the point, like 4-2"`
	Register int               `yaml:"register" doc:"first register of the counter, counted from zero: a manual's 40001 is 0"`
	Function string            `yaml:"function,omitempty" doc:"which table the register is in: holding (function 3) or input (function 4); default holding"`
	Type     string            `yaml:"type,omitempty" doc:"how the counter is written: uint16, uint32, int32, uint64, float32, float64, bcd32 and more of the kind; it says how many registers are read; default uint32"`
	Order    string            `yaml:"order,omitempty" doc:"order of the bytes: ABCD (high byte and high register first), CDAB (low register first), BADC (bytes of each register swapped) or DCBA (both); default ABCD, or as the profile"`
	Scale    stillwater.Litres `yaml:"scale,omitempty" doc:"how much one count is, like 10 L or 1 m³; a wrong scale makes every rule wrong; default 1 L, or as the profile"`
	Every    time.Duration     `yaml:"every,omitempty" doc:"how often this unit is read; default as the bus"`
	Disabled bool              `yaml:"disabled,omitempty" doc:"leave the unit alone, for example while a meter is being exchanged; its home becomes blind; default false"`

	plan *plan // how it is read; nil until ready
}

// validate reports what is wrong with one unit; seen holds the points of those before it.
func (u *Unit) validate(c *Config, report func(field any, problem string), seen map[string]bool) {
	if u.Unit < 1 || u.Unit > 247 {
		report(&u.Unit, fmt.Sprintf("%d is not the address of a unit; write 1 to 247", u.Unit))
	}
	if strings.ContainsAny(u.Point, " \t\n") {
		report(&u.Point, fmt.Sprintf("%q has spaces; write a word, like 3-kitchen", u.Point))
	}
	if u.Order != "" && !slices.Contains(orders, u.Order) {
		report(&u.Order, fmt.Sprintf("%q is not an order of bytes; write ABCD, CDAB, BADC or DCBA", u.Order))
	}
	if !(u.Scale >= 0) {
		report(&u.Scale, fmt.Sprintf("%v is no scale; write how much one count is, like 1 L", u.Scale))
	}
	if u.Every < 0 {
		report(&u.Every, fmt.Sprintf("%v is below zero; write how often the unit is read, like 5m", u.Every))
	}
	if u.Profile == "" {
		u.validateRegister(report)
	} else {
		u.validateProfile(c, report)
	}
	for _, point := range u.Points() {
		if seen[point] {
			report(&u.Unit, fmt.Sprintf("%q is there twice on this bus; give each counter of one unit a point of its own, like point: 3-kitchen", point))
		}
		seen[point] = true
	}
}

// validateRegister checks a unit that says itself where its counter is.
func (u *Unit) validateRegister(report func(field any, problem string)) {
	if u.Function != "" && functions[u.Function] == 0 {
		report(&u.Function, fmt.Sprintf("%q is not a table of registers; write holding or input", u.Function))
	}
	width, known := widths[u.withDefaultRegister().Type]
	if !known {
		report(&u.Type, fmt.Sprintf("%q is not a type of counter; write one of %s", u.Type, strings.Join(names(widths), ", ")))
	}
	if u.Register < 0 || u.Register+max(1, width) > 65536 {
		report(&u.Register, fmt.Sprintf("%d is not a register a counter can begin at; registers are counted from 0 to 65535, so a manual's 40001 is 0", u.Register))
	}
	if u.Counter != "" {
		report(&u.Counter, "counter chooses among the counters of a profile; here the register says which; remove it")
	}
}

// validateProfile checks a unit whose profile says where its counters are, and makes it ready.
func (u *Unit) validateProfile(c *Config, report func(field any, problem string)) {
	if u.Register != 0 || u.Function != "" || u.Type != "" {
		report(&u.Profile, "the profile says register, function and type; remove these, or the profile")
	}
	if err := u.ready(c.folder, c.Profiles); err != nil {
		for _, problem := range strings.Split(err.Error(), "\n") {
			report(&u.Profile, problem)
		}
		return
	}
	if counters := u.plan.counters; u.Counter != "" && !slices.Contains(counters, u.Counter) {
		problem := fmt.Sprintf("%s has no counters to choose from; remove it", u.Profile)
		if len(counters) > 0 {
			problem = unknown("counter", u.Counter, counters)
		}
		report(&u.Counter, problem)
	}
	if u.Scale == 0 && slices.ContainsFunc(u.plan.gauges, func(g gauge) bool { return g.quantity == stillwater.WaterTotal && g.factor == 0 && g.unit == nil }) {
		report(&u.Scale, fmt.Sprintf("how much one count is depends on what %s is connected to or set to; write it, like scale: 10 L", u.Profile))
	}
}

// ready makes the plan of the unit, once.
func (u *Unit) ready(folder, own string) error {
	if u.plan != nil {
		return nil
	}
	if u.Profile == "" {
		d := u.withDefaultRegister()
		u.plan = &plan{most: maxRegisters, gauges: []gauge{{
			quantity: stillwater.WaterTotal,
			need:     need{d.Function, d.Register, widths[d.Type]},
			main:     spot{0, encoding{kind: d.Type, order: d.Order}},
			factor:   float64(d.Scale),
		}}}
		return nil
	}
	p, err := FindProfile(u.Profile, folder, own)
	if err != nil {
		return err
	}
	u.plan = p.plan().only(u.Counter)
	u.plan.override(u.Order, float64(u.Scale))
	return nil
}

// errNotReady is what a unit gives that was never checked.
var errNotReady = errors.New("the unit was not checked, so how it is read is not known")

// needs lists the runs of registers that have to be read, each at one moment.
func (u Unit) needs() []need {
	if u.plan == nil {
		return nil
	}
	return u.plan.needs()
}

// most is how many registers the unit allows in one request.
func (u Unit) most() int {
	if u.plan == nil {
		return maxRegisters
	}
	return u.plan.most
}

// values turns registers into values. get gives the bytes of a need as Modbus sends them, nil where they could not be had. An error says
// that a counter could not be made out; what else was read is there all the same.
func (u Unit) values(get func(need) []byte) ([]value, error) {
	if u.plan == nil {
		return nil, errNotReady
	}
	list, err := u.plan.read(get)
	for i := range list {
		list[i].point = u.pointOf(list[i].point)
	}
	return list, err
}

// Points lists what follows the slash in the sources that the unit is read for.
func (u Unit) Points() []string {
	if u.plan == nil || u.Counter != "" {
		return []string{u.pointOf(u.Counter)}
	}
	var list []string
	for _, g := range u.plan.gauges {
		if p := u.pointOf(g.point); !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}

// Rollover is the first volume that the counter of a point cannot show; zero where it is not known.
func (u Unit) Rollover(point string) stillwater.Litres {
	if u.plan == nil {
		return 0
	}
	for _, g := range u.plan.gauges {
		if g.quantity == stillwater.WaterTotal && u.pointOf(g.point) == point {
			return g.full()
		}
	}
	return 0
}

// pointOf is what follows the slash in the source of a counter: the unit's point, and behind it the counter's name if it has one. A unit
// that reads one counter alone names it by its own point.
func (u Unit) pointOf(counter string) string {
	if u.Point != "" && (counter == "" || u.Counter != "") {
		return u.Point
	}
	point := first(u.Point, strconv.Itoa(u.Unit))
	if counter = first(counter, u.Counter); counter != "" {
		point += "-" + counter
	}
	return point
}

// withDefaults is the unit with every setting that has a default, ready to be read.
func (u Unit) withDefaults() Unit {
	if u.Profile == "" {
		u = u.withDefaultRegister()
	}
	_ = u.ready("", "") // Validate has told; without a plan values gives errNotReady
	return u
}

func (u Unit) withDefaultRegister() Unit {
	if u.Function == "" {
		u.Function = "holding"
	}
	if u.Type == "" {
		u.Type = "uint32"
	}
	if u.Order == "" {
		u.Order = "ABCD"
	}
	if u.Scale == 0 {
		u.Scale = defaultScale
	}
	return u
}
