package bus

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// wallClock is the event clock of the tests: inside a synctest bubble it is as fake as the wall clock.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Sleep(ctx context.Context, d time.Duration) error {
	pause(ctx, d)
	return ctx.Err()
}

// A heard is one byte on the line and when it has come whole.
type heard struct {
	at    time.Time
	value byte
}

// A cable is a simulated serial line with devices on it: bytes take their time, and two at once spoil each other.
type cable struct {
	link   Link
	device func(request []byte) []reply

	bytes      []heard
	deadline   time.Time
	stopped    chan struct{}
	last       time.Time     // when the last byte heard on the line ended
	needed     time.Duration // what the exchanges took at the least: characters, answering time, silences
	asked      int
	early      int // questions put before the line was silent for long enough
	collisions int
}

// A reply is what a device says, so long after it has heard the question.
type reply struct {
	after time.Duration
	bytes []byte
}

func newCable(device func(request []byte) []reply) *cable {
	return &cable{link: Link{Serial: "/dev/simulated"}.withDefaults(), device: device}
}

func (c *cable) open(context.Context, Link) (wire, error) {
	c.stopped = make(chan struct{})
	return c, nil
}

func (c *cable) SetDeadline(t time.Time) error { c.deadline = t; return nil }
func (c *cable) Close() error                  { return nil }
func (c *cable) interrupt()                    { close(c.stopped) }

// Write puts a question on the line, and what its devices answer.
func (c *cable) Write(p []byte) (int, error) {
	now := time.Now()
	c.asked++
	for _, b := range c.bytes {
		if !b.at.After(now) {
			c.last = later(c.last, b.at)
		}
	}
	if now.Sub(c.last) < c.link.silence() {
		c.early++
	}
	end := now.Add(c.link.characters(float64(len(p))))
	for i := range c.bytes { // those that speak just now
		if at := c.bytes[i].at; at.After(now) && at.Before(end.Add(c.link.characters(1))) {
			c.bytes[i].value ^= 0xa5
			c.collisions++
		}
	}
	c.needed += end.Sub(now) + c.link.silence()
	c.last = end
	for i, r := range c.device(slices.Clone(p)) {
		if i == 0 {
			c.needed += r.after + c.link.characters(float64(len(r.bytes)))
		}
		c.say(end.Add(r.after), r.bytes)
	}
	return len(p), nil
}

// say puts the bytes of a device on the line.
func (c *cable) say(from time.Time, bytes []byte) {
	others := len(c.bytes)
	for i, b := range bytes {
		at := from.Add(c.link.characters(float64(i + 1)))
		for k := range others {
			if gap := c.bytes[k].at.Sub(at).Abs(); gap < c.link.characters(1) {
				c.bytes[k].value ^= 0x5a
				b ^= 0x33
				c.collisions++
			}
		}
		c.bytes = append(c.bytes, heard{at, b})
	}
	slices.SortStableFunc(c.bytes, func(a, b heard) int { return a.at.Compare(b.at) })
}

// Read waits for the next byte and gives all that have come.
func (c *cable) Read(p []byte) (int, error) {
	until := c.deadline
	if len(c.bytes) > 0 && c.bytes[0].at.Before(until) {
		until = c.bytes[0].at
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.stopped:
		return 0, net.ErrClosed
	}
	n := 0
	for n < len(p) && len(c.bytes) > 0 && !c.bytes[0].at.After(time.Now()) {
		p[n], c.last = c.bytes[0].value, later(c.last, c.bytes[0].at)
		c.bytes = c.bytes[1:]
		n++
	}
	if n == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return n, nil
}

// The protocol of the tests has, like Modbus on a serial line, no numbers: a question is unit, register and checksum, an answer is unit, size, value
// and checksum. The value tells which question it answers: see question.
const answerSize = 8

// checked appends a checksum.
func checked(b ...byte) []byte {
	return binary.BigEndian.AppendUint16(b, uint16(crc32.ChecksumIEEE(b)))
}

// question is what is asked of a register.
func question(unit, register byte) []byte { return checked(unit, register, 0, 0, 0, 0) }

// answer is the value of a register as a device gives it at its nth question.
func answer(q []byte, n int) []byte {
	return checked(q[0], 4, q[1], byte(n>>16), byte(n>>8), byte(n))
}

var errForeign = errors.New("not the answer")

// take reads an answer to a question about a unit: it gives the register that it is about, and the number.
func take(r io.Reader, unit byte) (register byte, n int, err error) {
	a := make([]byte, 2, answerSize)
	if _, err := io.ReadFull(r, a); err != nil {
		return 0, 0, err
	}
	switch {
	case a[0] != unit:
		return 0, 0, fmt.Errorf("%w: unit %d", errForeign, a[0])
	case a[1] == 0x81:
		return 0, 0, &Refusal{errors.New("refused")}
	case a[1] == 0x85:
		return 0, 0, &Busy{errors.New("busy")}
	case a[1] == 0x8b:
		return 0, 0, &Absent{errors.New("absent")}
	case a[1] != 4:
		return 0, 0, fmt.Errorf("%w: size %d", errForeign, a[1])
	}
	a = a[:answerSize]
	if _, err := io.ReadFull(r, a[2:]); err != nil {
		return 0, 0, err
	}
	if !bytes.Equal(checked(a[:6:6]...), a) {
		return 0, 0, &Garbled{errors.New("checksum")}
	}
	return a[2], int(a[3])<<16 | int(a[4])<<8 | int(a[5]), nil
}

// asking asks a unit for registers, and gives their numbers. Into the household of a reading it writes what was asked, and how many questions
// had been put before; count tells.
func asking(count func() int, unit byte, every time.Duration, registers ...byte) Job {
	name := fmt.Sprint(unit)
	return Job{Unit: name, Sources: []string{"b/" + name}, Every: every,
		Ask: func(ctx context.Context, conn Conn) ([]stillwater.Reading, error) {
			var list []stillwater.Reading
			for _, register := range registers {
				before := count()
				err := conn.Exchange(ctx, question(unit, register), func(r io.Reader) error {
					got, n, err := take(r, unit)
					if err == nil {
						list = append(list, stillwater.Reading{Quantity: stillwater.WaterTotal, Value: float64(n),
							Household: stillwater.HouseholdID(fmt.Sprintf("asked %d after %d got %d", register, before, got))})
					}
					return err
				})
				if err != nil {
					return list, err
				}
			}
			return list, nil
		}}
}

// of counts for one goroutine.
func of(n *int) func() int { return func() int { return *n } }

// A rig is a running bus and what came out of it.
type rig struct {
	bus      *Bus
	mu       sync.Mutex
	readings []stillwater.Reading
	told     []error
	stop     func() // ends Run and waits for it
}

// run starts a bus of which the wire is opened by open.
func run(t *testing.T, o Options, open func(context.Context, Link) (wire, error)) *rig {
	t.Helper()
	r := &rig{}
	o.Name, o.Clock, o.Log = "b", wallClock{}, slog.New(slog.NewTextHandler(t.Output(), nil))
	o.Health = func(_ string, err error) { r.told = append(r.told, err) }
	r.bus = New(o)
	if open != nil {
		r.bus.line.open = open
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- r.bus.Run(ctx, func(_ context.Context, rs []stillwater.Reading, _ func()) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.readings = append(r.readings, rs...)
			return nil
		})
	}()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	return r
}

// on runs a bus on a cable for a while of fake time.
func on(t *testing.T, c *cable, o Options, d time.Duration) *rig {
	var r *rig
	synctest.Test(t, func(t *testing.T) {
		o.Link = c.link
		r = run(t, o, c.open)
		time.Sleep(d)
		r.stop()
	})
	return r
}

// counts is how many readings there are of each source.
func (r *rig) counts() map[string]int {
	n := map[string]int{}
	for _, got := range r.readings {
		n[got.Source]++
	}
	return n
}

// scan reads what asking has written.
func scan(household string, asked, before, answered *int) {
	fmt.Sscanf(household, "asked %d after %d got %d", asked, before, answered)
}
