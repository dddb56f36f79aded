package cjt188

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
)

// What is used where the configuration says nothing.
const (
	defaultEvery = 15 * time.Minute
	defaultWake  = 4
)

// maxWake is more than any meter needs to wake up.
const maxWake = 32

// link is how meters of this standard are connected.
var link = bus.Link{Baud: 2400, Parity: "even", DataBits: 8, StopBits: 1, Timeout: 2 * time.Second}

// kinds is every kind of meter that is read here, by the byte that says it.
var kinds = map[string]byte{"cold": 0x10, "hot": 0x11, "drinking": 0x12, "reclaimed": 0x13}

// Config is one bus: how it is reached and the meters on it.
type Config struct {
	Name     string `yaml:"name" doc:"what the bus is called; devices name their source as this, a slash and the meter's address or point, like riser-2/00000012345678"`
	bus.Link `yaml:",inline"`
	Wake     *int          `yaml:"wake,omitempty" doc:"how many bytes FE go before each question, to wake the meters; default 4"`
	Every    time.Duration `yaml:"every,omitempty" doc:"how often each meter is read; it bounds how late a finding can be, and costs battery; default 15m"`
	Meters   []Meter       `yaml:"meters" doc:"the meters on this bus"`
}

// Meter is one meter on a bus.
type Meter struct {
	Address  string            `yaml:"address" doc:"the up to 14 digits printed on the meter, in quotes; missing ones in front are zeros"`
	Point    string            `yaml:"point,omitempty" doc:"what follows the slash in the source; default the address as it is written here"`
	Type     string            `yaml:"type,omitempty" doc:"kind of water: cold, hot, drinking or reclaimed; default cold"`
	Layout   string            `yaml:"layout,omitempty" doc:"how the meter's answer is laid out: a (the standard's: total and unit, last settlement and unit, time, status), b (whole m³, fraction, flow, temperature, time, status), c (total, status) or auto; default auto"`
	DataID   string            `yaml:"data_id,omitempty" doc:"order of the bytes in the data identifier: 1F90, 901F or auto, which tries both; default auto"`
	Status   string            `yaml:"status,omitempty" doc:"how the status is read: standard (bits 0 and 1 the valve, 2 the battery), reversed (bits 7 and 6, 5) or none; default standard"`
	Scale    stillwater.Litres `yaml:"scale,omitempty" doc:"what the last digit of the total is worth, like 10 L, for a meter whose unit is wrong or missing; default as the meter says"`
	Every    time.Duration     `yaml:"every,omitempty" doc:"how often this meter is read; default as the bus"`
	Disabled bool              `yaml:"disabled,omitempty" doc:"leave the meter alone, for example while it is being exchanged; its home becomes blind; default false"`
}

// Defaults is a bus with every setting that has a default.
func Defaults() Config { return Config{Link: bus.Link{Timeout: link.Timeout}, Every: defaultEvery} }

// Validate reports everything that is wrong with the bus. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		report(&c.Name, fmt.Sprintf("%q is not a name for a bus; write a word without spaces or slashes, like riser-2", c.Name))
	}
	c.Link.Validate(report)
	if c.Wake != nil && (*c.Wake < 0 || *c.Wake > maxWake) {
		report(&c.Wake, fmt.Sprintf("%d bytes wake no meter; write 0 to %d, like 4", *c.Wake, maxWake))
	}
	if c.Every < 0 {
		report(&c.Every, fmt.Sprintf("%v is below zero; write how often meters are read, like 15m", c.Every))
	}
	if len(c.Meters) == 0 {
		report(&c.Meters, `no meters, so nothing would be read; name at least one, like {address: "00000012345678"}`)
	}
	points, addresses := map[string]bool{}, map[address]bool{}
	for i := range c.Meters {
		c.Meters[i].validate(report, points, addresses)
	}
}

// validate reports what is wrong with one meter; points and addresses hold those before it.
func (m *Meter) validate(report func(field any, problem string), points map[string]bool, addresses map[address]bool) {
	a, err := addressOf(m.Address)
	switch {
	case err != nil:
		report(&m.Address, err.Error())
	case addresses[a]:
		report(&m.Address, fmt.Sprintf("meter %s is there twice on this bus; remove one", m.Address))
	}
	addresses[a] = err == nil
	if strings.ContainsAny(m.Point, " \t\n/") {
		report(&m.Point, fmt.Sprintf("%q has spaces or slashes; write a word, like 302-cold", m.Point))
	}
	if points[m.Source()] && err == nil {
		report(&m.Point, fmt.Sprintf("%q is there twice on this bus; give each meter a point of its own", m.Source()))
	}
	points[m.Source()] = true
	if _, known := kinds[m.Type]; !known && m.Type != "" {
		report(&m.Type, fmt.Sprintf("%q is no kind of water; write cold, hot, drinking or reclaimed", m.Type))
	}
	oneOf(report, &m.Layout, "layout", layoutAuto, layoutA, layoutB, layoutC)
	oneOf(report, &m.DataID, "order of the data identifier", "auto", "1F90", "901F")
	oneOf(report, &m.Status, "status", statusStandard, statusReversed, statusNone)
	if !(m.Scale >= 0) {
		report(&m.Scale, fmt.Sprintf("%v is no scale; write what the last digit is worth, like 10 L", m.Scale))
	}
	if m.Every < 0 {
		report(&m.Every, fmt.Sprintf("%v is below zero; write how often the meter is read, like 1h", m.Every))
	}
}

// oneOf checks a setting that is one of a few words, or nothing.
func oneOf(report func(field any, problem string), field *string, what string, words ...string) {
	if *field != "" && !slices.Contains(words, *field) {
		report(field, fmt.Sprintf("%q is no %s; write %s", *field, what, strings.Join(words, ", ")))
	}
}

// Source is what follows the slash in the source of the meter.
func (m Meter) Source() string {
	if m.Point != "" {
		return m.Point
	}
	return m.Address
}

func (c Config) withDefaults() Config {
	c.Link = c.Link.Or(link)
	if c.Wake == nil {
		c.Wake = new(defaultWake)
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	return c
}

func (m Meter) withDefaults() Meter {
	if m.Type == "" {
		m.Type = "cold"
	}
	if m.Layout == "" {
		m.Layout = layoutAuto
	}
	if m.Status == "" {
		m.Status = statusStandard
	}
	return m
}
