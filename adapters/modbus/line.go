package modbus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"github.com/goburrow/modbus"
)

const (
	// headerSize is transaction, protocol, length and unit.
	headerSize = 7
	// idle is how old an unused connection may be. Older ones are often gone without a word: gateways and address
	// translators forget them, and a request into one would cost a timeout.
	idle = 30 * time.Second
	// maxBackoff bounds how long a bus or a unit that has come back stays unread.
	maxBackoff = 30 * time.Second
	// firstBackoff is the wait after the first failure.
	firstBackoff = time.Second
)

// A lineError says that there is no connection, so that no unit is to blame.
type lineError struct{ cause error }

func (e *lineError) Error() string { return e.cause.Error() }
func (e *lineError) Unwrap() error { return e.cause }

// A line is the one connection of a bus. It is dropped after anything but a reply that fits its request, and dialled
// again when it is next needed.
type line struct {
	address string
	timeout time.Duration
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	packer  *modbus.TCPClientHandler // only packs and checks; transaction numbers go on from connection to connection

	conn  net.Conn
	used  time.Time // when conn last gave a reply
	fails int       // dials refused, and connections closed without a single reply, since the last reply
	retry time.Time // no dial before this
}

func newLine(c Config) *line {
	return &line{
		address: c.Address,
		timeout: c.Timeout,
		dial:    new(net.Dialer).DialContext,
		packer:  modbus.NewTCPClientHandler(c.Address),
	}
}

// read asks for the registers of a unit. A *modbus.ModbusError is the unit's own refusal, a *lineError says that there is no
// connection; any other error has cost the connection. A connection that was used before and turns out to be closed or out of step
// says nothing about the unit, so the question is put once more on a new one.
func (l *line) read(ctx context.Context, u Unit) ([]byte, error) {
	for {
		if l.conn != nil && time.Since(l.used) > idle {
			l.drop()
		}
		old := l.conn != nil
		if !old {
			if err := l.open(ctx); err != nil {
				return nil, &lineError{err}
			}
		}
		raw, err := l.ask(ctx, u)
		var refusal *modbus.ModbusError
		if err == nil || errors.As(err, &refusal) {
			l.used, l.fails = time.Now(), 0
			return raw, err
		}
		l.drop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		timedOut := errors.Is(err, os.ErrDeadlineExceeded)
		if old && !timedOut {
			continue
		}
		if !timedOut {
			// The peer hangs up on us. Not longer than a timeout: the next unit may be a living one.
			l.fails++
			l.retry = time.Now().Add(min(backoff(l.fails-1), l.timeout))
		}
		return nil, err
	}
}

// open dials, within the timeout.
func (l *line) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	conn, err := l.dial(ctx, "tcp", l.address)
	if err != nil {
		l.fails++
		l.retry = time.Now().Add(backoff(l.fails))
		return err
	}
	l.conn, l.used = conn, time.Now()
	return nil
}

func (l *line) drop() {
	if l.conn != nil {
		_ = l.conn.Close() // it is being thrown away
		l.conn = nil
	}
}

// ask puts one question on the open connection.
func (l *line) ask(ctx context.Context, u Unit) ([]byte, error) {
	l.packer.SlaveId = byte(u.Unit)
	client := modbus.NewClient2(l.packer, sendFunc(func(request []byte) ([]byte, error) { return l.send(ctx, request) }))
	if u.Function == "input" {
		return client.ReadInputRegisters(uint16(u.Register), uint16(widths[u.Type]))
	}
	return client.ReadHoldingRegisters(uint16(u.Register), uint16(widths[u.Type]))
}

// A sendFunc is a modbus.Transporter for one request; the library's interface has no room for a context.
type sendFunc func([]byte) ([]byte, error)

// Send implements modbus.Transporter.
func (f sendFunc) Send(request []byte) ([]byte, error) { return f(request) }

// send writes the request and reads its reply, within the timeout.
func (l *line) send(ctx context.Context, request []byte) ([]byte, error) {
	conn := l.conn
	if err := conn.SetDeadline(time.Now().Add(l.timeout)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // wakes the read below
	defer stop()
	if _, err := conn.Write(request); err != nil {
		return nil, err
	}
	return readReply(conn, request)
}

// readReply reads one frame and refuses it unless it answers request in every field: transaction, protocol, unit,
// function, and as many registers as were asked for. What it refuses cannot be followed by a frame that can be trusted.
func readReply(r io.Reader, request []byte) ([]byte, error) {
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
	bytes := 2 * int(binary.BigEndian.Uint16(request[headerSize+3:]))
	switch {
	case function == asked|0x80 && length == 3: // an exception
		return reply, nil
	case function != asked:
		return nil, fmt.Errorf("function %d answered, %d asked", function, asked)
	case length != 3+bytes || int(reply[headerSize+1]) != bytes:
		return nil, fmt.Errorf("%d bytes of registers answered, %d asked", length-3, bytes)
	}
	return reply, nil
}

// backoff is the wait after the nth failure in a row: doubling, bounded, and spread over its upper half so that many
// gateways do not return at one moment. None before the first.
func backoff(n int) time.Duration {
	if n < 1 {
		return 0
	}
	d := min(maxBackoff, firstBackoff<<min(n-1, 10))
	return d/2 + rand.N(d/2+1)
}
