package bus

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"
)

const (
	// idle is how old an unused network connection may be. Older ones are often gone without a word: gateways and address
	// translators forget them, and a request into one would cost a timeout.
	idle = 30 * time.Second
	// maxBackoff bounds how long a bus or a unit that has come back stays unread.
	maxBackoff = 30 * time.Second
	// firstBackoff is the wait after the first failure.
	firstBackoff = time.Second
	// maxFrame is the longest answer of the protocols here, in bytes.
	maxFrame = 260
	// ragged is how long a piece of an answer can be held back on its way by a USB adapter (16 ms) or a serial server.
	ragged = 25 * time.Millisecond
	// reopenAfter is how many questions in a row may go unanswered on a serial port before it is opened anew: adapters get stuck.
	reopenAfter = 10
)

// errBabble says that somebody does not stop talking.
var errBabble = errors.New("the line does not become silent: a device talks without being asked, or the speed is wrong")

// A Conn is where questions are put.
type Conn interface {
	// Exchange sends request and has read take the answer. read must refuse whatever does not answer request in every
	// field, and read nothing beyond the answer. An error of read that is no Refusal, Busy, Absent or Garbled, and every other
	// error, ends the turn: what follows on the wire cannot be trusted, so the Ask should return it.
	Exchange(ctx context.Context, request []byte, read func(r io.Reader) error) error
}

// A Line is one link and its connection, which is made when it is needed. It is a Conn for one goroutine.
type Line struct {
	link Link
	raw  bool // the bytes of a serial line: silence separates frames, nothing numbers them
	open func(context.Context, Link) (wire, error)

	wire   wire
	tap    tap
	in     *bufio.Reader
	bound  context.Context // whose end interrupts wire
	unbind func() bool

	used    time.Time // when the last question was over
	took    time.Duration
	limit   time.Time // when the answer to the last question must have begun
	unsafe  time.Time // on a raw line: until when something late may come
	late    bool      // the last question had no answer in time
	misses  int       // questions in a row without an answer
	fails   int       // connections refused, or closed without a single answer, since the last answer
	retry   time.Time // no connection before this
	counts  Counts
	discard [maxFrame]byte
}

// tap notes how reading from a wire failed, whatever the reader makes of it.
type tap struct {
	wire wire
	err  error
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.wire.Read(p)
	if err != nil {
		t.err = err
	}
	return n, err
}

// NewLine is a line at rest. It is raw if it carries the bytes of a serial line: by a serial port, or by a serial server.
func NewLine(l Link, raw bool) *Line {
	return &Line{link: l.withDefaults(), raw: raw || l.Serial != "", open: Dial(new(net.Dialer).DialContext).open}
}

// Close ends the connection. The next Exchange makes a new one.
func (l *Line) Close() {
	if l.wire != nil {
		l.unbind()
		_ = l.wire.Close() // it is being thrown away
		l.wire, l.bound = nil, nil
	}
}

// Exchange implements Conn. Noise says little about a unit, and a numbered connection that was used before and turns out to be closed or out of
// step says nothing: then the question is put once more. Not where the right answer may yet come, unnumbered.
func (l *Line) Exchange(ctx context.Context, request []byte, read func(r io.Reader) error) error {
	for first := true; ; first = false {
		fresh, err := l.ready(ctx)
		if err != nil {
			return err
		}
		err = l.ask(request, read)
		if answered(err) {
			l.counts.Answered++
			l.used, l.misses, l.fails = time.Now(), 0, 0
			return err
		}
		l.failed(err, fresh)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		again := garbled(err) || !fresh && !l.late && (!l.raw || l.tap.err != nil)
		if !first || !again {
			return err
		}
	}
}

// answered says whether an error of read is an answer all the same.
func answered(err error) bool {
	if err == nil {
		return true
	}
	_, refusal := errors.AsType[*Refusal](err)
	_, busy := errors.AsType[*Busy](err)
	_, absent := errors.AsType[*Absent](err)
	return refusal || busy || absent
}

// ready sees to it that a question can be put: there is a connection, it has rested, and the line is silent. A fresh connection
// is one over which nothing has come yet.
func (l *Line) ready(ctx context.Context) (fresh bool, err error) {
	if l.wire != nil && l.link.Serial == "" && time.Since(l.used) > idle {
		l.Close()
	}
	for {
		rest := time.Until(l.used.Add(l.link.Pause))
		if l.wire == nil {
			fresh, rest = true, l.link.ConnectPause
			if err := l.connect(ctx); err != nil {
				return true, &NoLine{err}
			}
		}
		l.bind(ctx)
		if !pause(ctx, rest) {
			return fresh, ctx.Err()
		}
		if !l.raw {
			return fresh, nil
		}
		err := l.hush()
		if err == nil {
			return fresh && l.link.Serial == "", nil
		}
		l.Close()
		if fresh || errors.Is(err, errBabble) || ctx.Err() != nil { // else it was closed while nobody asked
			l.fails++
			l.retry = time.Now().Add(backoff(l.fails))
			return fresh, &NoLine{err}
		}
	}
}

// pause waits; false: ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// connect opens the wire.
func (l *Line) connect(ctx context.Context) error {
	w, err := l.open(ctx, l.link)
	if err != nil {
		l.fails++
		l.retry = time.Now().Add(backoff(l.fails))
		return err
	}
	l.counts.Connects++
	l.wire, l.tap, l.used = w, tap{wire: w}, time.Now()
	if l.in == nil {
		l.in = bufio.NewReaderSize(&l.tap, 2*maxFrame)
	}
	l.in.Reset(&l.tap)
	return nil
}

// bind has the end of ctx interrupt the wire.
func (l *Line) bind(ctx context.Context) {
	if l.bound == ctx {
		return
	}
	if l.bound != nil {
		l.unbind()
	}
	l.bound, l.unbind = ctx, context.AfterFunc(ctx, l.wire.interrupt)
}

// hush throws away what is on the line until nothing late can come any more and the line has been silent for as long as separates two frames.
func (l *Line) hush() error {
	l.in.Reset(&l.tap)
	begin := time.Now()
	patience := l.link.Timeout + max(0, l.unsafe.Sub(begin)) + l.link.characters(maxFrame)
	for {
		now := time.Now()
		if now.Sub(begin) > patience {
			return errBabble
		}
		if err := l.wire.SetDeadline(now.Add(max(0, l.unsafe.Sub(now)) + l.link.silence())); err != nil {
			return err
		}
		_, err := l.wire.Read(l.discard[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ask puts one question on the open connection.
func (l *Line) ask(request []byte, read func(io.Reader) error) error {
	l.counts.Asked++
	l.tap.err, l.late = nil, false
	begin := time.Now()
	l.limit = begin.Add(l.link.Timeout)
	if l.raw {
		l.limit = l.limit.Add(l.link.characters(float64(len(request)))) // they are written at once but leave one by one
	}
	err := l.put(request)
	if err == nil {
		err = read(l.in)
	}
	l.took = time.Since(begin)
	if err == nil && l.in.Buffered() > 0 && !l.raw {
		l.Close() // more came than was asked for; what came first did fit
	}
	if err != nil && answered(err) {
		l.counts.Refusals++
	}
	return err
}

// put writes the request and, on a raw line, waits for the answer to begin: then it has the time that its characters take.
func (l *Line) put(request []byte) error {
	if err := l.wire.SetDeadline(l.limit); err != nil {
		return err
	}
	if _, err := l.wire.Write(request); err != nil {
		l.tap.err = err
		return err
	}
	if !l.raw {
		return nil
	}
	if _, err := l.in.Peek(1); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return l.wire.SetDeadline(l.limit.Add(l.link.characters(maxFrame)))
}

// failed notes a question without a usable answer and brings the line back into step.
func (l *Line) failed(err error, fresh bool) {
	l.used = time.Now()
	l.misses++
	l.late = errors.Is(l.tap.err, os.ErrDeadlineExceeded)
	switch {
	case l.late:
		l.counts.Timeouts++
	case l.tap.err != nil: // a serial server may have put the question all the same
		l.counts.Lost++
		l.unsafe = l.limit
	case garbled(err): // all of it has come
		l.counts.BadFrames++
		l.unsafe = l.used.Add(ragged)
	default: // perhaps it was somebody else's, and the right one is yet to come
		l.counts.BadFrames++
		l.unsafe = later(l.limit, l.used.Add(ragged))
	}
	if keep := l.link.Serial != "" && (l.late || l.tap.err == nil); keep && l.misses%reopenAfter != 0 {
		return
	}
	l.Close()
	if fresh && !l.late && l.link.Serial == "" {
		// The peer hangs up on us. Not longer than a timeout: the next unit may be a living one.
		l.fails++
		l.retry = time.Now().Add(min(backoff(l.fails-1), l.link.Timeout))
	}
}

func garbled(err error) bool {
	_, is := errors.AsType[*Garbled](err)
	return is
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
