package modbus

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"stillwater/adapters/bus"
)

// A Clock is the event clock, which may run fast. Polls follow it; timeouts and backoff follow the wall clock.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

// Options is what a bus needs.
type Options struct {
	Config Config // valid: see Config.Validate
	Clock  Clock
	Health func(feed string, err error) // told whether the bus is well, on changes only; may be nil
	Log    *slog.Logger                 // may be nil
}

// New makes a bus that is at rest until its Run.
func New(o Options) *bus.Bus { return bus.New(o.bus()) }

// bus says what is asked on the bus. What is read of one unit at one pace is one turn.
func (o Options) bus() bus.Options {
	c := o.Config.withDefaults()
	wire := tcpFraming()
	if c.Framing == "rtu" {
		wire = rtuFraming()
	}
	t := newTalk(wire)
	made := bus.Options{Name: c.Name, Link: c.Link, Raw: c.Framing == "rtu", Clock: o.Clock, Health: o.Health, Log: o.Log}
	for _, units := range c.turns() {
		m := newMeter(t, c, units)
		made.Jobs = append(made.Jobs, bus.Job{Unit: strconv.Itoa(m.unit), Sources: m.sources(), Every: units[0].Every, Ask: m.ask})
	}
	return made
}

// turns are the units in use with their defaults, those together that are the same device at the same pace.
func (c Config) turns() [][]Unit {
	var list [][]Unit
	at := map[[2]int64]int{}
	for _, u := range c.Units {
		if u.Disabled {
			continue
		}
		u = u.withDefaults()
		if u.Every == 0 {
			u.Every = c.Every
		}
		key := [2]int64{int64(u.Unit), int64(u.Every)}
		i, known := at[key]
		if !known {
			i = len(list)
			at[key] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], u)
	}
	return list
}
