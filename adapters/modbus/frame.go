package modbus

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/goburrow/modbus"

	"stillwater/adapters/bus"
)

const (
	// headerSize is transaction, protocol, length and unit of a Modbus TCP frame.
	headerSize = 7
	// maxBits is how many coils or discrete inputs one request can read; registers are maxRegisters.
	maxBits = 2000
)

// A framing wraps requests and takes replies: goburrow packs and checks, reading is ours.
type framing struct {
	modbus.Packager
	address func(unit byte)
	read    func(r io.Reader, request []byte) ([]byte, error)
	pdu     int // where the function stands in a frame
}

func tcpFraming() framing {
	h := modbus.NewTCPClientHandler("") // only packs and checks; transaction numbers go on from connection to connection
	return framing{h, func(unit byte) { h.SlaveId = unit }, readTCP, headerSize}
}

func rtuFraming() framing {
	h := modbus.NewRTUClientHandler("")
	f := framing{Packager: h, address: func(unit byte) { h.SlaveId = unit }, pdu: 1}
	f.read = func(r io.Reader, request []byte) ([]byte, error) { return readRTU(r, request, h) }
	return f
}

// A talk is the library's client on our own connection: its Transporter, which has no room for a context.
type talk struct {
	framing
	ctx    context.Context
	conn   bus.Conn
	client modbus.Client
}

func newTalk(f framing) *talk {
	t := &talk{framing: f}
	t.client = modbus.NewClient2(f.Packager, t)
	return t
}

// Send implements modbus.Transporter.
func (t *talk) Send(request []byte) (reply []byte, err error) {
	err = t.conn.Exchange(t.ctx, request, func(r io.Reader) error {
		reply, err = t.read(r, request)
		if err != nil {
			return err
		}
		return exception(reply[t.pdu:])
	})
	return reply, err
}

// ask reads one run of a unit's table.
func (t *talk) ask(ctx context.Context, conn bus.Conn, unit int, n need) ([]byte, error) {
	t.ctx, t.conn = ctx, conn
	t.address(byte(unit))
	first, count := uint16(n.first), uint16(n.count)
	switch n.table {
	case "input":
		return t.client.ReadInputRegisters(first, count)
	case "coil":
		return t.client.ReadCoils(first, count)
	case "discrete":
		return t.client.ReadDiscreteInputs(first, count)
	}
	return t.client.ReadHoldingRegisters(first, count)
}

// exception is what kind of no a reply is, nil if it is none.
func exception(pdu []byte) error {
	if pdu[0]&0x80 == 0 {
		return nil
	}
	err := &modbus.ModbusError{FunctionCode: pdu[0] &^ 0x80, ExceptionCode: pdu[1]}
	switch pdu[1] {
	case modbus.ExceptionCodeAcknowledge, modbus.ExceptionCodeServerDeviceBusy:
		return &bus.Busy{Err: err}
	case modbus.ExceptionCodeGatewayPathUnavailable, modbus.ExceptionCodeGatewayTargetDeviceFailedToRespond:
		return &bus.Absent{Err: err}
	}
	return &bus.Refusal{Err: err}
}

// dataSize is how many bytes of data answer a request, which begins with the function.
func dataSize(pdu []byte) int {
	count := int(binary.BigEndian.Uint16(pdu[3:]))
	if pdu[0] <= modbus.FuncCodeReadDiscreteInputs { // bits
		return (count + 7) / 8
	}
	return 2 * count
}

// readTCP reads one frame and refuses it unless it answers request in every field: transaction, protocol, unit,
// function, and as many registers as were asked for. What it refuses cannot be followed by a frame that can be trusted.
func readTCP(r io.Reader, request []byte) ([]byte, error) {
	reply := make([]byte, headerSize, headerSize+254)
	if _, err := io.ReadFull(r, reply); err != nil {
		return nil, fmt.Errorf("reply header: %w", err)
	}
	length := int(binary.BigEndian.Uint16(reply[4:])) // of unit, function and data
	switch {
	case [2]byte(reply) != [2]byte(request):
		return nil, fmt.Errorf("transaction %d answered, %d asked", binary.BigEndian.Uint16(reply), binary.BigEndian.Uint16(request))
	case reply[2] != 0 || reply[3] != 0:
		return nil, fmt.Errorf("protocol %d instead of 0", binary.BigEndian.Uint16(reply[2:]))
	case reply[6] != request[6]:
		return nil, fmt.Errorf("unit %d answered, %d asked", reply[6], request[6])
	case length < 3 || length > 254:
		return nil, fmt.Errorf("a length of %d", length)
	}
	reply = reply[:headerSize+length-1]
	if _, err := io.ReadFull(r, reply[headerSize:]); err != nil {
		return nil, fmt.Errorf("reply of %d bytes: %w", len(reply), err)
	}
	function, asked := reply[headerSize], request[headerSize]
	size := dataSize(request[headerSize:])
	switch {
	case function == asked|0x80 && length == 3: // an exception
		return reply, nil
	case function != asked:
		return nil, fmt.Errorf("function %d answered, %d asked", function, asked)
	case length != 3+size || int(reply[headerSize+1]) != size:
		return nil, fmt.Errorf("%d bytes of data answered, %d asked", length-3, size)
	}
	return reply, nil
}

// readRTU reads one frame of a serial line, which nothing numbers: unit, function, size and checksum have to fit. Its end follows from the
// request, so nobody has to wait for the silence behind it.
func readRTU(r io.Reader, request []byte, check modbus.Packager) ([]byte, error) {
	frame := make([]byte, 3, 256)
	if _, err := io.ReadFull(r, frame); err != nil {
		return nil, fmt.Errorf("reply: %w", err)
	}
	size := dataSize(request[1:])
	function, asked := frame[1], request[1]
	rest := 2 // of an exception: its checksum
	switch {
	case frame[0] != request[0]:
		return nil, fmt.Errorf("unit %d answered, %d asked", frame[0], request[0])
	case function == asked && int(frame[2]) == size:
		rest += size
	case function == asked && frame[2] == request[2]:
		return nil, fmt.Errorf("%d bytes of data answered, %d asked, as if the question came back; an adapter that hears itself has a switch for it", frame[2], size)
	case function == asked:
		return nil, fmt.Errorf("%d bytes of data answered, %d asked", frame[2], size)
	case function != asked|0x80:
		return nil, fmt.Errorf("function %d answered, %d asked", function, asked)
	}
	frame = frame[:3+rest]
	if _, err := io.ReadFull(r, frame[3:]); err != nil {
		return nil, fmt.Errorf("reply of %d bytes: %w", len(frame), err)
	}
	if _, err := check.Decode(frame); err != nil {
		return nil, &bus.Garbled{Err: err}
	}
	return frame, nil
}
