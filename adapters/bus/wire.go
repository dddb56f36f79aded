package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// slice is how often a read of a serial port looks whether it is to end: closing the port under a read, as one does with a socket,
// could hit a file that has been given the port's number meanwhile.
const slice = 50 * time.Millisecond

// A wire is an open connection. Its reads and writes end with os.ErrDeadlineExceeded at the deadline.
type wire interface {
	io.ReadWriteCloser
	SetDeadline(t time.Time) error
	// interrupt ends a read that waits, from another goroutine; the wire is of no more use.
	interrupt()
}

// A socket is a wire over the network.
type socket struct{ net.Conn }

func (s socket) interrupt() { _ = s.Close() }

// A Dial connects to an address; net.Dialer.DialContext is one.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// open connects to the link, within its timeout.
func (d Dial) open(ctx context.Context, l Link) (wire, error) {
	if l.Serial != "" {
		return openSerial(l)
	}
	ctx, cancel := context.WithTimeout(ctx, l.Timeout)
	defer cancel()
	conn, err := d(ctx, "tcp", l.Address)
	if err != nil {
		return nil, err
	}
	return socket{conn}, nil
}

// A port is a wire over a serial port of this machine.
type port struct {
	serial.Port
	deadline time.Time
	stopped  atomic.Bool
}

func openSerial(l Link) (wire, error) {
	parity := map[string]serial.Parity{"none": serial.NoParity, "even": serial.EvenParity, "odd": serial.OddParity}[l.Parity]
	stop := serial.OneStopBit
	if l.StopBits == 2 {
		stop = serial.TwoStopBits
	}
	p, err := serial.Open(l.Serial, &serial.Mode{BaudRate: l.Baud, DataBits: l.DataBits, Parity: parity, StopBits: stop})
	if err != nil {
		return nil, fmt.Errorf("serial port %s: %w", l.Serial, err)
	}
	return &port{Port: p}, nil
}

// SetDeadline implements wire. It concerns reads: a serial port takes what is written at once.
func (p *port) SetDeadline(t time.Time) error {
	p.deadline = t
	return nil
}

func (p *port) interrupt() { p.stopped.Store(true) }

// Read waits for at least one byte until the deadline.
func (p *port) Read(b []byte) (int, error) {
	for {
		left := time.Until(p.deadline)
		if p.stopped.Load() {
			return 0, net.ErrClosed
		}
		if err := p.SetReadTimeout(max(0, min(left, slice))); err != nil {
			return 0, err
		}
		n, err := p.Port.Read(b)
		var gone *serial.PortError
		switch {
		case errors.As(err, &gone) && gone.Code() == serial.PortClosed:
			return n, io.EOF // unplugged
		case n > 0 || err != nil:
			return n, err
		case left <= slice:
			return 0, os.ErrDeadlineExceeded
		}
	}
}
