package mqtt

import (
	"bufio"
	"net"
	"sync"
	"time"
)

const (
	// linger is how long a few bytes wait for more when others left just before, so that acknowledgements leave by the hundred.
	linger = time.Millisecond
	// full is when they wait no longer.
	full = 8 << 10
	// readAhead is how much is read at once; paho asks for a packet in three parts of a few bytes.
	readAhead = 32 << 10
	// parting bounds writing what is left at the end.
	parting = 200 * time.Millisecond
)

// A link is a connection to a broker that reads and writes in larger pieces than it is asked to: half of the time of a
// message would go into calls of the system otherwise. What could not be written is the error of the next write.
type link struct {
	net.Conn
	in *bufio.Reader

	mu   sync.Mutex // guards everything below, and writing
	out  []byte
	due  bool      // flush will be called
	sent time.Time // when something was last written
	fail error
}

func newLink(c net.Conn) *link { return &link{Conn: c, in: bufio.NewReaderSize(c, readAhead)} }

func (l *link) Read(p []byte) (int, error) { return l.in.Read(p) }

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
