package cjt188

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"stillwater"
	"stillwater/adapters/bus"
)

// Options is what a bus needs.
type Options struct {
	Config Config // valid: see Config.Validate
	Clock  bus.Clock
	Health func(feed string, err error) // told whether the bus is well, on changes only; may be nil
	Log    *slog.Logger                 // may be nil
}

// New makes a bus that is at rest until its Run.
func New(o Options) *bus.Bus { return bus.New(o.bus()) }

// bus says what is asked on the bus.
func (o Options) bus() bus.Options {
	c := o.Config.withDefaults()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	made := bus.Options{Name: c.Name, Link: c.Link, Raw: true, Clock: o.Clock, Health: o.Health, Log: o.Log}
	for _, m := range c.Meters {
		if m.Disabled {
			continue
		}
		every := m.Every
		if every == 0 {
			every = c.Every
		}
		source := c.Name + "/" + m.Source()
		made.Jobs = append(made.Jobs, bus.Job{Unit: m.Address, Sources: []string{source}, Every: every, Ask: newMeter(m, *c.Wake, source, o.Log).ask})
	}
	return made
}

// identifiers is the data that every meter has, in both orders of its bytes. The first is the standard's.
var identifiers = [2][2]byte{{0x1F, 0x90}, {0x90, 0x1F}}

// A meter is one meter and how it wants to be asked.
type meter struct {
	question frame
	wake     int
	reader   reader
	source   string
	log      *slog.Logger
	fixed    bool  // the order of the identifier is known
	order    int   // of identifiers
	valve    valve // as last told
	seen     bool
}

func newMeter(m Meter, wake int, source string, log *slog.Logger) *meter {
	m = m.withDefaults()
	a, _ := addressOf(m.Address) // checked
	made := &meter{
		question: frame{kind: kinds[m.Type], meter: a, control: readData},
		wake:     wake, reader: reader{m.Layout, m.Status, m.Scale}, source: source, log: log,
	}
	made.fixed = m.DataID == "1F90" || m.DataID == "901F"
	if m.DataID == "901F" {
		made.order = 1
	}
	return made
}

// ask is the meter's turn. While it is not known in which order it wants the identifier, one that does not answer, or says no, is asked in the
// other order the next time.
func (m *meter) ask(ctx context.Context, conn bus.Conn) ([]stillwater.Reading, error) {
	question := m.question
	question.data = append(identifiers[m.order][:], 0)
	reply, err := exchange(ctx, conn, question, m.wake)
	if err != nil {
		if !m.fixed && !damaged(err) {
			m.order = 1 - m.order
		}
		return nil, fmt.Errorf("meter %s: %w", m.question.meter, err)
	}
	m.fixed = true
	made, err := m.reader.read(reply.data)
	if err != nil {
		return nil, &bus.Refusal{Err: fmt.Errorf("meter %s: %w", m.question.meter, err)}
	}
	return m.readings(made), nil
}

// damaged says whether an error says nothing about how the meter wants to be asked.
func damaged(err error) bool {
	_, garbled := errors.AsType[*bus.Garbled](err)
	_, noLine := errors.AsType[*bus.NoLine](err)
	return garbled || noLine
}

// exchange puts one question.
func exchange(ctx context.Context, conn bus.Conn, question frame, ahead int) (frame, error) {
	var reply frame
	request := append(bytes.Repeat([]byte{wake}, ahead), question.pack()...)
	err := conn.Exchange(ctx, request, func(r io.Reader) (err error) {
		reply, err = readReply(r, question)
		return err
	})
	return reply, err
}

// readings turns what a meter says into readings of the bus, which knows the source and the time.
func (m *meter) readings(r report) []stillwater.Reading {
	list := []stillwater.Reading{{Quantity: stillwater.WaterTotal, Value: r.litres}}
	if !r.known {
		return list
	}
	if r.valve != m.valve || !m.seen && r.valve != valveOpen {
		m.log.Warn("valve of a meter", "source", m.source, "valve", r.valve.String())
	}
	m.valve, m.seen = r.valve, true
	return append(list,
		stillwater.Reading{Quantity: stillwater.BatteryLow, Value: flag(r.low)},
		stillwater.Reading{Quantity: stillwater.Broken, Value: flag(r.valve == valveStuck)})
}

func flag(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// String names the state.
func (v valve) String() string { return [...]string{"open", "closed", "stuck"}[v] }
