package modbus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"stillwater"
	"stillwater/adapters/bus"
)

// A meter is one device on the bus: all that is read of one unit at one pace.
type meter struct {
	talk   *talk
	name   string // of the bus
	unit   int
	units  []Unit
	blocks []*block
}

func newMeter(t *talk, c Config, units []Unit) *meter {
	m := &meter{talk: t, name: c.Name, unit: units[0].Unit, units: units}
	l := limits{registers: c.MaxRegisters, hole: *c.MaxHole}
	var needs []need
	for _, u := range units {
		needs = append(needs, u.needs()...)
		if most := u.most(); most > 0 {
			l.registers = min(l.registers, most)
		}
	}
	m.blocks = blocks(needs, l)
	return m
}

// sources is what the readings of the meter come from.
func (m *meter) sources() []string {
	var list []string
	for _, u := range m.units {
		for _, p := range u.Points() {
			list = append(list, m.name+"/"+p)
		}
	}
	return list
}

// ask is the meter's turn. What was answered is given also where something else was not.
func (m *meter) ask(ctx context.Context, conn bus.Conn) ([]stillwater.Reading, error) {
	err := m.fetch(ctx, conn)
	var readings []stillwater.Reading
	for _, u := range m.units {
		values, wrong := u.values(m.bytes)
		for _, v := range values {
			readings = append(readings, stillwater.Reading{Source: m.name + "/" + v.point, Quantity: v.quantity, Value: v.value})
		}
		if wrong != nil && err == nil {
			err = &bus.Refusal{Err: wrong}
		}
	}
	if err != nil {
		err = fmt.Errorf("unit %d %w", m.unit, err)
	}
	return readings, err
}

// bytes is what was read of a need in this turn.
func (m *meter) bytes(n need) []byte {
	for _, b := range m.blocks {
		if raw := b.cut(n); raw != nil {
			return raw
		}
	}
	return nil
}

// fetch asks for all blocks. A refusal does not keep it from the others; what ends the turn does.
func (m *meter) fetch(ctx context.Context, conn bus.Conn) error {
	for _, b := range m.blocks {
		b.bytes = nil
	}
	var refusal error
	for _, b := range m.blocks { // which may be replaced meanwhile, for the next turn
		err := m.get(ctx, conn, b)
		if err != nil && !refused(err) {
			return err
		}
		refusal = cmp.Or(refusal, err)
	}
	return refusal
}

// get asks for one block.
func (m *meter) get(ctx context.Context, conn bus.Conn, b *block) error {
	raw, err := m.talk.ask(ctx, conn, m.unit, b.need)
	if err == nil {
		b.bytes = raw
		return nil
	}
	if len(b.parts) > 1 && refused(err) {
		return m.apart(ctx, conn, b)
	}
	return fmt.Errorf("%s register %d: %w", b.table, b.first, err)
}

// apart asks for the parts of a block that was refused, each by itself. If that helps, the hole or the length was at fault, and it stays so.
func (m *meter) apart(ctx context.Context, conn bus.Conn, whole *block) error {
	var refusal error
	var singles []*block
	helped := false
	for _, n := range whole.parts {
		b := &block{need: n, parts: []need{n}}
		err := m.get(ctx, conn, b)
		if err != nil && !refused(err) {
			return err
		}
		refusal = cmp.Or(refusal, err)
		helped = helped || err == nil
		singles = append(singles, b)
	}
	if helped {
		at := slices.Index(m.blocks, whole)
		m.blocks = slices.Concat(m.blocks[:at], singles, m.blocks[at+1:])
	}
	return refusal
}

// refused says whether an error is the unit's no.
func refused(err error) bool {
	_, is := errors.AsType[*bus.Refusal](err)
	return is
}
