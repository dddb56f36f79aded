package mqtt

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// linger is how long a few bytes wait for more when others left just before, so that acknowledgements leave by the hundred.
	linger = time.Millisecond
	// full is when they wait no longer.
	full = 8 << 10
	// readAhead is how much is read at once.
	readAhead = 32 << 10
	// maxPacket is how much of a message is kept: the longest payload that is looked at, a byte that shows there was more, and the longest topic.
	maxPacket = maxPayload + 1 + 1<<16 + 4
	// parting bounds writing what is left at the end.
	parting = 200 * time.Millisecond
)

// The kinds of packets that a link knows, as their first four bits.
const (
	publish = 3
	puback  = 4
)

var errMalformed = errors.New("malformed packet from the broker")

// A packet is a message as the broker sends it.
type packet struct {
	topic     string
	payload   []byte
	id        uint16
	qos       byte
	retained  bool
	duplicate bool
}

// A link is a connection to a broker that reads and writes in larger pieces than it is asked to: half of the time of a
// message would go into calls of the system otherwise. What could not be written is the error of the next write.
//
// It takes messages out of the stream and puts acknowledgements into it, and everything else is between paho and the broker: paho gives each
// message and each acknowledgement through four goroutines and enters it in a store that this gateway, which uses a client for one
// connection, never asks. That was a quarter of the gateway's time.
type link struct {
	net.Conn
	take func(packet) // called for each message, in order
	in   *bufio.Reader
	left int // bytes of a packet that paho has begun to read

	mu   sync.Mutex // guards everything below, and writing
	out  []byte
	due  bool      // flush will be called
	sent time.Time // when something was last written
	fail error
}

func newLink(c net.Conn, take func(packet)) *link {
	return &link{Conn: c, take: take, in: bufio.NewReaderSize(c, readAhead)}
}

// Read gives paho what is no message.
func (l *link) Read(p []byte) (int, error) {
	for l.left == 0 {
		kind, header, body, err := l.frame()
		if err != nil {
			return 0, err
		}
		if kind>>4 != publish {
			l.left = header + body
			break
		}
		if _, err := l.in.Discard(header); err != nil {
			return 0, err
		}
		m, err := l.message(kind, body)
		if err != nil {
			return 0, err
		}
		l.take(m)
	}
	n, err := l.in.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// frame looks at the header of the next packet: its first byte, and how long it and what follows it are.
func (l *link) frame() (kind byte, header, body int, err error) {
	for header = 2; header <= 5; header++ {
		head, err := l.in.Peek(header)
		if err != nil {
			return 0, 0, 0, err
		}
		last := head[header-1]
		body |= int(last&0x7f) << (7 * (header - 2))
		if last < 0x80 {
			return head[0], header, body, nil
		}
	}
	return 0, 0, 0, errMalformed
}

// message reads a message of so many bytes. Of one that is too long the end is left out; it is refused for its length later.
func (l *link) message(kind byte, length int) (m packet, err error) {
	body := make([]byte, min(length, maxPacket))
	if _, err := io.ReadFull(l.in, body); err != nil {
		return m, err
	}
	if _, err := l.in.Discard(length - len(body)); err != nil {
		return m, err
	}
	m.duplicate, m.qos, m.retained = kind&8 != 0, kind>>1&3, kind&1 != 0
	topic := 2
	if len(body) < topic {
		return m, errMalformed
	}
	rest := topic + int(binary.BigEndian.Uint16(body))
	if m.qos > 0 {
		rest += 2
	}
	if len(body) < rest {
		return m, errMalformed
	}
	m.payload = body[rest:]
	if m.qos > 0 {
		m.id = binary.BigEndian.Uint16(body[rest-2:])
		rest -= 2
	}
	m.topic = string(body[topic:rest])
	return m, nil
}

// acknowledge tells the broker that it need not keep these messages. It is dropped without a word if the connection is gone.
func (l *link) acknowledge(ids []uint16) {
	if len(ids) == 0 {
		return
	}
	out := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		out = append(out, puback<<4, 2, byte(id>>8), byte(id))
	}
	_, _ = l.Write(out) // a broker that did not get it sends the messages again
}

func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return 0, l.fail
	}
	l.out = append(l.out, p...)
	switch {
	case len(l.out) >= full, !l.due && time.Since(l.sent) > linger:
		l.send(patience)
	case !l.due:
		l.due = true
		time.AfterFunc(linger, l.flush)
	}
	return len(p), l.fail
}

func (l *link) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.due = false
	l.send(patience)
}

// send writes what waits. The lock is held.
func (l *link) send(within time.Duration) {
	if len(l.out) == 0 || l.fail != nil {
		return
	}
	if l.fail = l.Conn.SetWriteDeadline(time.Now().Add(within)); l.fail == nil {
		_, l.fail = l.Conn.Write(l.out)
	}
	l.out, l.sent = l.out[:0], time.Now()
	if l.fail != nil {
		_ = l.Conn.Close() // so that reading ends, too, and the loss is noticed
	}
}

// SetWriteDeadline does nothing: writing has a deadline of its own.
func (l *link) SetWriteDeadline(time.Time) error { return nil }

// Close writes what waits, if nobody else is stuck in writing, and closes.
func (l *link) Close() error {
	if l.mu.TryLock() {
		l.send(parting)
		l.fail = net.ErrClosed
		l.mu.Unlock()
	}
	return l.Conn.Close()
}
