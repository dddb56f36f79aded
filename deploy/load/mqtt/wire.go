package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A publisher is a sensor's side of MQTT 3.1.1 and no more: what the run measures is the broker and what listens to it, so the senders must
// cost as little as they can. It waits for each acknowledgement before the next message, as sensors do, and sends again what was not
// acknowledged when the broker went away.
type publisher struct {
	address, id string
	free        chan struct{} // the message before was acknowledged
	reader      sync.WaitGroup

	mu     sync.Mutex // guards everything below
	conn   net.Conn
	number uint16
	open   []byte // the packet that is not acknowledged; nil: none
	closed bool
}

func newPublisher(address, id string) (*publisher, error) {
	p := &publisher{address: address, id: id, free: make(chan struct{}, 1)}
	p.free <- struct{}{}
	if err := p.connect(); err != nil {
		return nil, err
	}
	p.reader.Go(p.serve)
	return p, nil
}

// connect opens a connection and sends again what is open.
func (p *publisher) connect() error {
	conn, err := dial(p.address, p.id, true)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conn = conn
	if p.open != nil {
		p.open[0] |= 0x08 // sent before
		_, err = conn.Write(p.open)
	}
	return err
}

// serve reads acknowledgements, and connects again when the broker went away.
func (p *publisher) serve() {
	for {
		p.mu.Lock()
		conn, closed := p.conn, p.closed
		p.mu.Unlock()
		if closed {
			return
		}
		p.acknowledged(conn)
		p.mu.Lock()
		closed = p.closed
		p.mu.Unlock()
		for !closed && p.connect() != nil {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

// dial says hello to a broker.
func dial(address, id string, clean bool) (net.Conn, error) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, err
	}
	flags := byte(0)
	if clean {
		flags = 2
	}
	body := append([]byte{0, 4, 'M', 'Q', 'T', 'T', 4, flags, 0, 0}, field(id)...)
	if _, err = conn.Write(append([]byte{0x10, byte(len(body))}, body...)); err == nil {
		answer := make([]byte, 4)
		if _, err = io.ReadFull(conn, answer); err == nil && answer[3] != 0 {
			err = fmt.Errorf("broker refuses the connection: %d", answer[3])
		}
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func field(text string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...)
}

// acknowledged reads acknowledgements until the connection ends.
func (p *publisher) acknowledged(conn net.Conn) {
	in := bufio.NewReader(conn)
	packet := make([]byte, 4)
	for {
		if _, err := io.ReadFull(in, packet); err != nil {
			return
		}
		p.mu.Lock()
		if p.open != nil && binary.BigEndian.Uint16(packet[2:]) == p.number {
			p.open = nil
			p.free <- struct{}{}
		}
		p.mu.Unlock()
	}
}

// publish sends a message of quality of service 1, once the one before was acknowledged.
func (p *publisher) publish(topic string, payload []byte) {
	<-p.free
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.number++; p.number == 0 {
		p.number = 1
	}
	length := 2 + len(topic) + 2 + len(payload)
	packet := make([]byte, 0, length+5)
	packet = binary.AppendUvarint(append(packet, 0x32), uint64(length))
	packet = append(packet, field(topic)...)
	p.open = append(binary.BigEndian.AppendUint16(packet, p.number), payload...)
	_, _ = p.conn.Write(p.open) // what fails is sent again once the broker is back
}

// settle waits until everything is acknowledged.
func (p *publisher) settle(within time.Duration) error {
	select {
	case <-p.free:
		p.free <- struct{}{}
		return nil
	case <-time.After(within):
		return fmt.Errorf("%s: a message is not acknowledged within %v", p.id, within)
	}
}

func (p *publisher) close() {
	p.mu.Lock()
	p.closed = true
	_ = p.conn.Close()
	p.mu.Unlock()
	p.reader.Wait()
}
