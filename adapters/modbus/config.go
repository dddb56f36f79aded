package modbus

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// What is used where the configuration says nothing.
const (
	defaultTimeout = time.Second
	defaultEvery   = 5 * time.Minute
	defaultScale   = stillwater.Litres(1)
)

// maxTimeout bounds how long a silent unit can hold up the others on its bus.
const maxTimeout = 30 * time.Second

// Config is one bus: an address and the units behind it.
type Config struct {
	Name    string        `yaml:"name" doc:"what the bus is called; devices name their source as this, a slash and the unit, like cupboard-1/3"`
	Address string        `yaml:"address" doc:"host and port of the Modbus TCP gateway or meter, like 10.0.0.5:502"`
	Timeout time.Duration `yaml:"timeout,omitempty" doc:"how long to wait for a connection and for each reply; a silent unit costs the others this much per probe; default 1s"`
	Pause   time.Duration `yaml:"pause,omitempty" doc:"rest between two requests, for slow gateways and meters that need one; default none"`
	Every   time.Duration `yaml:"every,omitempty" doc:"how often each unit is read; it bounds how late a finding can be; default 5m"`
	Units   []Unit        `yaml:"units" doc:"the meters on this bus"`
}

// Unit is one counter on a bus.
type Unit struct {
	Unit     int               `yaml:"unit" doc:"address of the meter on the bus, 1 to 247"`
	Point    string            `yaml:"point,omitempty" doc:"what follows the slash in the source; needed where one unit has several counters; default the unit's number"`
	Register int               `yaml:"register" doc:"first register of the counter, counted from zero: a manual's 40001 is 0"`
	Function string            `yaml:"function,omitempty" doc:"which table the register is in: holding (function 3) or input (function 4); default holding"`
	Type     string            `yaml:"type,omitempty" doc:"how the counter is written: uint16, uint32, int32, uint64 or float32; it says how many registers are read; default uint32"`
	Order    string            `yaml:"order,omitempty" doc:"order of the bytes: ABCD (high byte and high register first), CDAB (low register first), BADC (bytes of each register swapped) or DCBA (both); default ABCD"`
	Scale    stillwater.Litres `yaml:"scale,omitempty" doc:"how much one count is, like 10 L or 1 m³; a wrong scale makes every rule wrong; default 1 L"`
	Every    time.Duration     `yaml:"every,omitempty" doc:"how often this unit is read; default as the bus"`
	Disabled bool              `yaml:"disabled,omitempty" doc:"leave the unit alone, for example while a meter is being exchanged; its home becomes blind; default false"`
}

// Defaults is a bus with every setting that has a default.
func Defaults() Config { return Config{Timeout: defaultTimeout, Every: defaultEvery} }

// Validate reports everything that is wrong with the bus. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		report(&c.Name, fmt.Sprintf("%q is not a name for a bus; write a word without spaces or slashes, like cupboard-1", c.Name))
	}
	if !isAddress(c.Address) {
		report(&c.Address, fmt.Sprintf("%q is not an address; write host and port, like 10.0.0.5:502", c.Address))
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		report(&c.Timeout, fmt.Sprintf("%v is no usable timeout; write more than 0s and at most %v, like 1s", c.Timeout, maxTimeout))
	}
	if c.Pause < 0 || c.Pause > maxTimeout {
		report(&c.Pause, fmt.Sprintf("%v is no usable pause; write 0s to %v, like 50ms", c.Pause, maxTimeout))
	}
	if c.Every < 0 {
		report(&c.Every, fmt.Sprintf("%v is below zero; write how often units are read, like 5m", c.Every))
	}
	if len(c.Units) == 0 {
		report(&c.Units, "no units, so nothing would be read; name at least one, like {unit: 1, register: 0}")
	}
	if every := c.withDefaults().Every; c.Pause > 0 && time.Duration(len(c.Units))*c.Pause > every {
		report(&c.Pause, fmt.Sprintf("%d units with a pause of %v cannot all be read every %v; shorten the pause or read less often", len(c.Units), c.Pause, every))
	}
	seen := map[string]bool{}
	for i := range c.Units {
		c.Units[i].validate(report, seen)
	}
}

// validate reports what is wrong with one unit; seen holds the points of those before it.
func (u *Unit) validate(report func(field any, problem string), seen map[string]bool) {
	if u.Unit < 1 || u.Unit > 247 {
		report(&u.Unit, fmt.Sprintf("%d is not the address of a unit; write 1 to 247", u.Unit))
	}
	if point := u.point(); seen[point] {
		report(&u.Unit, fmt.Sprintf("%q is there twice on this bus; give each counter of one unit a point of its own, like point: 3-kitchen", point))
	} else {
		seen[point] = true
	}
	if strings.ContainsAny(u.Point, " \t\n") {
		report(&u.Point, fmt.Sprintf("%q has spaces; write a word, like 3-kitchen", u.Point))
	}
	if u.Function != "" && functions[u.Function] == 0 {
		report(&u.Function, fmt.Sprintf("%q is not a table of registers; write holding or input", u.Function))
	}
	width, known := widths[u.withDefaults().Type]
	if !known {
		report(&u.Type, fmt.Sprintf("%q is not a type of counter; write uint16, uint32, int32, uint64 or float32", u.Type))
	}
	if u.Register < 0 || u.Register+max(1, width) > 65536 {
		report(&u.Register, fmt.Sprintf("%d is not a register a counter can begin at; registers are counted from 0 to 65535, so a manual's 40001 is 0", u.Register))
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
}

// isAddress says whether s is a host and a port number.
func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && n > 0 && host != "" && !strings.ContainsAny(host, "/ ")
}

// point is what follows the slash in the unit's source.
func (u Unit) point() string {
	if u.Point != "" {
		return u.Point
	}
	return strconv.Itoa(u.Unit)
}

func (c Config) withDefaults() Config {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	return c
}

func (u Unit) withDefaults() Unit {
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
