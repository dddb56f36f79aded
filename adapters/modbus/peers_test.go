package modbus

import (
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"

	"stillwater/adapters/bus"
)

// A meterBox is a Modbus server by another hand: unit u holds registers that begin with values[u].
type meterBox struct {
	registers map[uint8][]uint16
	asked     atomic.Int64
}

func (m *meterBox) HandleCoils(*peer.CoilsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}
func (m *meterBox) HandleDiscreteInputs(*peer.DiscreteInputsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}

func (m *meterBox) HandleHoldingRegisters(r *peer.HoldingRegistersRequest) ([]uint16, error) {
	if r.IsWrite {
		return nil, peer.ErrIllegalFunction
	}
	return m.get(r.UnitId, r.Addr, r.Quantity)
}

func (m *meterBox) HandleInputRegisters(r *peer.InputRegistersRequest) ([]uint16, error) {
	regs, err := m.get(r.UnitId, r.Addr, r.Quantity)
	if err != nil {
		return nil, err
	}
	for i := range regs { // so that a reader of the wrong table is seen
		regs[i] ^= 0x00ff
	}
	return regs, nil
}

func (m *meterBox) get(unit uint8, at, n uint16) ([]uint16, error) {
	m.asked.Add(1)
	regs := m.registers[unit]
	switch {
	case regs == nil:
		return nil, peer.ErrGWTargetFailedToRespond
	case int(at)+int(n) > len(regs):
		return nil, peer.ErrIllegalDataAddress
	}
	return append([]uint16(nil), regs[at:at+n]...), nil
}

func (m *meterBox) start(t testing.TB) string {
	address := freeAddress(t)
	server, err := peer.NewServer(&peer.ServerConfiguration{
		URL: "tcp://" + address, Timeout: time.Minute, MaxClients: 20, Logger: log.New(io.Discard, "", 0),
	}, m)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return address
}

func freeAddress(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// All four orders of one register image, against another implementation's server, and against its client's idea of the
// same registers.
func TestOrdersAgainstAnotherImplementation(t *testing.T) {
	box := &meterBox{registers: map[uint8][]uint16{1: {0x0001, 0x2345, 0x4243, 0x4445}}}
	address := box.start(t)
	client, err := peer.NewClient(&peer.ClientConfiguration{URL: "tcp://" + address, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Open(); err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetUnitId(1)

	config := Config{Name: "b", Link: bus.Link{Address: address}}
	want := map[string]float64{}
	for order, enc := range map[string]struct {
		endian peer.Endianness
		word   peer.WordOrder
	}{
		"ABCD": {peer.BIG_ENDIAN, peer.HIGH_WORD_FIRST}, "CDAB": {peer.BIG_ENDIAN, peer.LOW_WORD_FIRST},
		"BADC": {peer.LITTLE_ENDIAN, peer.HIGH_WORD_FIRST}, "DCBA": {peer.LITTLE_ENDIAN, peer.LOW_WORD_FIRST},
	} {
		client.SetEncoding(enc.endian, enc.word)
		u32, err32 := client.ReadUint32(0, peer.HOLDING_REGISTER)
		in32, errIn := client.ReadUint32(0, peer.INPUT_REGISTER)
		f32, errF := client.ReadFloat32(2, peer.HOLDING_REGISTER)
		u16, err16 := client.ReadRegister(1, peer.HOLDING_REGISTER)
		if err32 != nil || errIn != nil || errF != nil || err16 != nil {
			t.Fatal(err32, errIn, errF, err16)
		}
		want["b/u32"+order], want["b/in32"+order], want["b/u16"+order] = float64(u32), float64(in32), float64(u16)
		config.Units = append(config.Units,
			Unit{Unit: 1, Point: "u32" + order, Order: order},
			Unit{Unit: 1, Point: "in32" + order, Order: order, Function: "input"},
			Unit{Unit: 1, Point: "u16" + order, Order: order, Type: "uint16", Register: 1},
			Unit{Unit: 1, Point: "f32" + order, Order: order, Type: "float32", Register: 2},
		)
		want["b/f32"+order] = float64(f32)
	}
	r := run(t, config, quick{time.Now(), 6000}, nil)
	for source, value := range want {
		if got := r.reading(source).Value; got != value {
			t.Errorf("%s is %v; the other implementation reads %v", source, got, value)
		}
	}
}

// Units that answer with an exception (or have no such register) leave the others alone.
func TestExceptionsAgainstAnotherImplementation(t *testing.T) {
	box := &meterBox{registers: map[uint8][]uint16{1: {0, 41}, 3: {0, 43}, 4: {7}}}
	r := run(t, Config{Name: "b", Link: bus.Link{Address: box.start(t)}, Units: []Unit{
		{Unit: 1}, {Unit: 2}, {Unit: 3, Scale: 10}, {Unit: 4},
	}}, quick{time.Now(), 6000}, nil)
	for range 20 {
		if got := r.reading("b/1").Value; got != 41 {
			t.Fatalf("b/1 %v L", got)
		}
		if got := r.reading("b/3").Value; got != 430 {
			t.Fatalf("b/3 %v L", got)
		}
	}
	if got := r.tells(); got.err != nil {
		t.Errorf("told %v; want the bus well", got.err)
	}
}

// Python's pymodbus, killed and started again: readings resume, and the bus was said to be away in between.
func TestPymodbus(t *testing.T) {
	python := python(t)
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	r := run(t, Config{Name: "b", Link: bus.Link{Address: address, Timeout: 300 * time.Millisecond}, Units: []Unit{
		{Unit: 1, Register: 1, Order: "CDAB"}, {Unit: 7, Function: "input", Type: "uint16"},
		{Unit: 9}, // this server says nothing for units it does not have
	}}, quick{time.Now(), 1500}, nil)

	kill := startSlave(t, python, port, 11, 22, 33)
	if got := r.reading("b/1").Value; got != 33*65536+22 {
		t.Errorf("b/1 %v L", got)
	}
	if got := r.reading("b/7").Value; got != 11 {
		t.Errorf("b/7 %v L", got)
	}
	for r.tells().err != nil { // it was away until it had started
	}
	kill()
	if got := r.tells(); got.err == nil {
		t.Error("told that all is well when the slave was killed")
	}
	r.forget()
	startSlave(t, python, port, 12, 23, 34)
	if got := r.reading("b/7").Value; got != 12 {
		t.Errorf("b/7 %v L after the restart", got)
	}
	if got := r.tells(); got.err != nil {
		t.Errorf("told %v after the restart", got.err)
	}
}

// startSlave runs testdata/slave.py; the returned function kills it as a power cut would.
func startSlave(t *testing.T, python, port string, registers ...int) (kill func()) {
	args := []string{"testdata/slave.py", port}
	for _, r := range registers {
		args = append(args, strconv.Itoa(r))
	}
	cmd := exec.Command(python, args...)
	if testing.Verbose() {
		cmd.Stderr = os.Stderr
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() { cmd.Process.Kill(); cmd.Wait() }
	t.Cleanup(kill)
	return kill
}

// BenchmarkPoll is one poll over loopback, against the other implementation's server in the same process.
func BenchmarkPoll(b *testing.B) {
	box := &meterBox{registers: map[uint8][]uint16{1: {0, 41}}}
	o := Options{Config: Config{Name: "b", Link: bus.Link{Address: box.start(b)}, Units: []Unit{{Unit: 1}}}}.bus()
	line := bus.NewLine(o.Link, false)
	defer line.Close()
	for b.Loop() {
		if _, err := o.Jobs[0].Ask(b.Context(), line); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "polls/s")
}
