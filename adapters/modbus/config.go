package modbus

import (
	"fmt"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/bus"
)

// What is used where the configuration says nothing.
const (
	defaultTimeout      = time.Second
	defaultEvery        = 5 * time.Minute
	defaultMaxRegisters = 100
	defaultMaxHole      = 10 // a request of its own costs as many characters on the line as ten registers
)

// Config is one bus: how it is reached and the units on it.
type Config struct {
	Name         string `yaml:"name" doc:"what the bus is called; devices name their source as this, a slash and the unit, like cupboard-1/3"`
	bus.Link     `yaml:",inline"`
	Framing      string        `yaml:"framing,omitempty" doc:"how requests are wrapped: tcp (Modbus TCP), or rtu for a serial server that hands on the bytes of its serial line; default tcp, and rtu on a serial port"`
	MaxRegisters int           `yaml:"max_registers,omitempty" doc:"how many registers one request may read, 1 to 125; a few meters refuse more than 20 or so; default 100"`
	MaxHole      *int          `yaml:"max_hole,omitempty" doc:"neighbouring values of a unit are read in one request if no more than so many registers lie unused between them; 0: only if they touch; default 10"`
	Every        time.Duration `yaml:"every,omitempty" doc:"how often each unit is read; it bounds how late a finding can be; default 5m"`
	Units        []Unit        `yaml:"units" doc:"the meters on this bus"`
	Profiles     string        `yaml:"profiles,omitempty" doc:"a folder with profiles of your own, one file a model; their names go before the built-in ones"`

	folder string // in which relative paths begin: see Beside
}

// Defaults is a bus with every setting that has a default.
func Defaults() Config { return Config{Link: bus.Link{Timeout: defaultTimeout}, Every: defaultEvery} }

// Beside tells in which folder the configuration stands: relative paths in it begin there.
func (c *Config) Beside(folder string) { c.folder = folder }

// Validate reports everything that is wrong with the bus. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		report(&c.Name, fmt.Sprintf("%q is not a name for a bus; write a word without spaces or slashes, like cupboard-1", c.Name))
	}
	c.Link.Validate(report)
	if c.Framing != "" && c.Framing != "tcp" && c.Framing != "rtu" {
		report(&c.Framing, fmt.Sprintf("%q is not a framing; write tcp or rtu", c.Framing))
	}
	if c.Framing == "tcp" && c.Serial != "" {
		report(&c.Framing, "a serial port carries rtu frames; leave framing out")
	}
	if c.MaxRegisters < 0 || c.MaxRegisters > maxRegisters {
		report(&c.MaxRegisters, fmt.Sprintf("%d registers cannot be read in one request; write 1 to %d", c.MaxRegisters, maxRegisters))
	}
	if c.MaxHole != nil && (*c.MaxHole < 0 || *c.MaxHole > maxRegisters) {
		report(&c.MaxHole, fmt.Sprintf("%d is no number of registers to read in vain; write 0 to %d", *c.MaxHole, maxRegisters))
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
		c.Units[i].validate(c, report, seen)
	}
	if _, problem := c.delivered(); problem != "" && c.isSerial() {
		report(&c.Baud, problem)
	}
}

// isSerial says whether the bus carries the bytes of a serial line.
func (c *Config) isSerial() bool { return c.Serial != "" || c.Framing == "rtu" }

// delivered is how the serial line has to be for its units as their makers deliver them; problem says which of them cannot share it.
func (c *Config) delivered() (l bus.Link, problem string) {
	var first *Unit
	for i := range c.Units {
		u := &c.Units[i]
		if u.Disabled || u.ready(c.folder, c.Profiles) != nil {
			continue
		}
		theirs := u.plan.link
		pause, _ := stillwater.ParseSpan(theirs.Pause) // checked with the profile
		l.Pause = max(l.Pause, pause)
		switch {
		case theirs.Baud == 0 || c.Baud != 0: // not known, or said by who knows
		case first == nil:
			first, l.Baud, l.Parity, l.StopBits = u, theirs.Baud, theirs.Parity, theirs.Stop
		case problem == "" && (l.Baud != theirs.Baud || l.Parity != theirs.Parity):
			problem = fmt.Sprintf("%s is delivered with %d baud and parity %s, %s with %d and %s; set the same in all devices of the line, and write it here",
				first.Profile, l.Baud, l.Parity, u.Profile, theirs.Baud, theirs.Parity)
		}
	}
	return l, problem
}

func (c Config) withDefaults() Config {
	if c.isSerial() {
		delivered, _ := c.delivered()
		c.Link = c.Link.Or(delivered)
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.Every == 0 {
		c.Every = defaultEvery
	}
	if c.MaxRegisters == 0 {
		c.MaxRegisters = defaultMaxRegisters
	}
	if c.MaxHole == nil {
		c.MaxHole = new(defaultMaxHole)
	}
	if c.Serial != "" {
		c.Framing = "rtu"
	}
	return c
}
