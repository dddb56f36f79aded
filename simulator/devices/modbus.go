package devices

import (
	"context"
	"fmt"
	"io"
	"log"
	"strconv"
	"time"

	"github.com/simonvetter/modbus"

	"stillwater"
	"stillwater/simulator/world"
)

// Limits of the Modbus server.
const (
	maxConnections = 64
	portTries      = 5 // a free port may be taken by somebody else before we are there
	// registers is how many each unit has: the counter in four orders of its bytes.
	registers = 8
)

// A bus is all Modbus meters behind one address, as a city has them behind a serial-to-Ethernet converter.
type bus struct {
	address string
	server  *modbus.ModbusServer
}

// listen starts the server. It answers once this returns.
func listen(ctx context.Context, o Options) (*bus, error) {
	units := map[uint8]stillwater.HouseholdID{}
	for _, h := range o.World.Households() {
		for _, d := range h.Devices {
			if unit, err := strconv.ParseUint(point(d, world.ModbusFeed), 10, 8); err == nil {
				units[uint8(unit)] = h.ID
			}
		}
	}
	var last error
	for range portTries {
		address, err := freeAddress(o.ModbusListen)
		if err != nil {
			return nil, fmt.Errorf("modbus: %w", err)
		}
		server, err := modbus.NewServer(&modbus.ServerConfiguration{
			URL: "tcp://" + address, MaxClients: maxConnections, Timeout: 10 * time.Minute, Logger: log.New(io.Discard, "", 0),
		}, &meters{ctx: ctx, world: o.World, clock: o.Clock, silence: o.Silence, units: units})
		if err != nil {
			return nil, fmt.Errorf("modbus %s: %w", address, err)
		}
		if last = server.Start(); last == nil {
			return &bus{address, server}, nil
		}
		if address == o.ModbusListen {
			break // the port was asked for by number
		}
	}
	return nil, fmt.Errorf("modbus: %w", last)
}

// run serves until ctx is done.
func (b *bus) run(ctx context.Context) {
	<-ctx.Done()
	_ = b.server.Stop() // it closes a listener and connections; nothing can be done about an error
}

// meters answers for every unit. It is called by the server, from one goroutine a connection.
type meters struct {
	ctx     context.Context // of Run: silence ends with it
	world   *world.World
	clock   Clock
	silence time.Duration
	units   map[uint8]stillwater.HouseholdID
}

// HandleHoldingRegisters answers with the counter at the clock's now: a uint32 of litres, at 0 with the high word and high byte
// first (ABCD), at 2 CDAB, at 4 BADC, at 6 DCBA.
func (m *meters) HandleHoldingRegisters(r *modbus.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		return nil, modbus.ErrIllegalFunction
	}
	return m.read(r.UnitId, r.Addr, r.Quantity)
}

// HandleInputRegisters has the same registers: some meters show their counter there.
func (m *meters) HandleInputRegisters(r *modbus.InputRegistersRequest) ([]uint16, error) {
	return m.read(r.UnitId, r.Addr, r.Quantity)
}

// HandleCoils refuses: a meter has none.
func (m *meters) HandleCoils(*modbus.CoilsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

// HandleDiscreteInputs refuses: a meter has none.
func (m *meters) HandleDiscreteInputs(*modbus.DiscreteInputsRequest) ([]bool, error) {
	return nil, modbus.ErrIllegalFunction
}

// read answers for some registers of a unit. There is no counter between two answers: what was told is sealed first.
func (m *meters) read(unit uint8, from, quantity uint16) ([]uint16, error) {
	home, ok := m.units[unit]
	if !ok {
		return nil, modbus.ErrGWTargetFailedToRespond
	}
	now := m.clock.Now()
	m.world.Seal(now)
	if !m.world.MeterAnswers(home, now) {
		return nil, m.hush()
	}
	if int(from)+int(quantity) > registers {
		return nil, modbus.ErrIllegalDataAddress
	}
	all := orders(m.world.Counter(home, now))
	return all[from : from+quantity], nil
}

// hush keeps a dead unit's asker waiting.
func (m *meters) hush() error {
	wait := time.NewTimer(m.silence)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-m.ctx.Done():
	}
	return modbus.ErrGWTargetFailedToRespond
}

// orders is a counter in the four orders that meters send its bytes in: ABCD, CDAB, BADC, DCBA.
func orders(counter uint32) []uint16 {
	high, low := uint16(counter>>16), uint16(counter)
	swap := func(w uint16) uint16 { return w<<8 | w>>8 }
	return []uint16{high, low, low, high, swap(high), swap(low), swap(low), swap(high)}
}
