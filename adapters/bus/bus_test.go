package bus

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// A unit that asks for patience is asked again soon, a few times, while the others have their turns; only then it counts as refusing.
func TestBusyUnit(t *testing.T) {
	for _, patience := range []int{maxBusy, maxBusy + 1} {
		var asked []time.Time
		n, others := 0, 0
		c := newCable(func(q []byte) []reply {
			n++
			if q[0] == 2 {
				others++
			}
			if q[0] != 1 {
				return []reply{{prompt, answer(q, n)}}
			}
			asked = append(asked, time.Now())
			if len(asked) <= patience {
				return []reply{{prompt, []byte{1, 0x85}}}
			}
			return []reply{{prompt, answer(q, n)}}
		})
		r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, time.Minute, 1), asking(of(&n), 2, 50*time.Millisecond, 1)}}, 10*time.Second)
		if len(asked) != patience+1 || r.counts()["b/1"] != 1 || others < 180 {
			t.Errorf("patience %d: asked %d times, %d readings, others asked %d times", patience, len(asked), r.counts()["b/1"], others)
		}
		if took := asked[len(asked)-1].Sub(asked[0]); (took > 900*time.Millisecond) != (patience > maxBusy) {
			t.Errorf("patience %d: answered after %v", patience, took)
		}
		if s := r.bus.Stats()[1]; s.Unit != "1" || s.Refusals != uint64(patience) || s.Answered != uint64(patience)+1 || s.Silent {
			t.Errorf("patience %d: %+v", patience, s)
		}
	}
}

// After a failure nothing more is asked in the same turn: the next answer could be to the last question. A refusal is no failure.
func TestTurnEndsWithFailure(t *testing.T) {
	for name, first := range map[string]struct {
		say  []byte
		more int
	}{"silence": {nil, 0}, "cut short": {[]byte{1, 4, 1}, 0}, "another unit": {[]byte{2, 4, 1}, 0}, "refusal": {[]byte{1, 0x81}, 2}, "absent": {[]byte{1, 0x8b}, 2}} {
		var asked []byte
		c := newCable(func(q []byte) []reply {
			asked = append(asked, q[1])
			if q[1] == 1 {
				return []reply{{prompt, first.say}}
			}
			return []reply{{prompt, answer(q, 7)}}
		})
		job := Job{Unit: "1", Sources: []string{"b/1"}, Every: time.Hour, Ask: func(ctx context.Context, conn Conn) (list []stillwater.Reading, err error) {
			for register := range byte(3) {
				err = errors.Join(err, conn.Exchange(ctx, question(1, register+1), func(r io.Reader) error { _, _, err := take(r, 1); return err }))
			}
			return nil, err
		}}
		on(t, c, Options{Jobs: []Job{job}}, 1500*time.Millisecond)
		if more := slices.Contains(asked, 3); more != (first.more > 0) {
			t.Errorf("%s: registers asked %v", name, asked)
		}
	}
}

// Who does not stop talking, or a line with the wrong speed, is no unit's fault and does not hold up the end of Run.
func TestBabble(t *testing.T) {
	c := newCable(nil)
	n := 0
	c.device = func(q []byte) []reply {
		n++
		if n == 1 {
			return []reply{{prompt, make([]byte, 20_000)}} // 21 s of it
		}
		return []reply{{prompt, answer(q, n)}}
	}
	r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1)}}, 2*time.Minute)
	if len(r.told) != 2 || r.told[0] == nil || !strings.Contains(r.told[0].Error(), "without being asked") || r.told[1] != nil {
		t.Errorf("told %v; want that somebody talks, and that all is well", r.told)
	}
	if got := r.counts()["b/1"]; got < 60 || c.early > 0 {
		t.Errorf("%d readings, %d questions before the line was silent", got, c.early)
	}
}

// A serial port from which nothing comes any more is opened anew: adapters get stuck.
func TestStuckPortIsReopened(t *testing.T) {
	c := newCable(nil)
	opened, n := 0, 0
	c.device = func(q []byte) []reply {
		if n++; opened < 2 {
			return nil
		}
		return []reply{{prompt, answer(q, n)}}
	}
	o := Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1), asking(of(&n), 2, time.Second, 1)}, Link: c.link}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, o, func(ctx context.Context, l Link) (wire, error) { opened++; return c.open(ctx, l) })
		time.Sleep(5 * time.Minute)
		r.stop()
		if len(r.counts()) != 2 || opened != 2 {
			t.Errorf("opened %d times; read %v", opened, r.counts())
		}
		if s := r.bus.Stats()[0]; s.Connects != 2 || s.Timeouts < reopenAfter || s.Silent || s.Unit != "" {
			t.Errorf("%+v", s)
		}
	})
}

// The rests that a gateway or a slow meter needs.
func TestPauses(t *testing.T) {
	var asked []time.Time
	n := 0
	c := newCable(func(q []byte) []reply { n++; asked = append(asked, time.Now()); return []reply{{prompt, answer(q, n)}} })
	c.link.Pause, c.link.ConnectPause = 200*time.Millisecond, 3*time.Second
	var start time.Time
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		r := run(t, Options{Link: c.link, Jobs: []Job{asking(of(&n), 1, time.Hour, 1, 2, 3)}}, c.open)
		time.Sleep(time.Minute)
		r.stop()
	})
	if len(asked) != 3 || asked[0].Sub(start) < 3*time.Second {
		t.Fatalf("asked %d times, first after %v", len(asked), asked[0].Sub(start))
	}
	for i := 1; i < len(asked); i++ {
		if gap := asked[i].Sub(asked[i-1]); gap < 200*time.Millisecond {
			t.Errorf("%v between two questions", gap)
		}
	}
}

// Behind a serial server the bytes are those of a line: an answer that comes after its connection was given up must not be taken for the
// next, which may come over a new one.
func TestSerialServerHandsOnLateAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards n and here
		n := 0
		var here net.Conn
		dial := func(context.Context, string, string) (net.Conn, error) {
			mine, its := net.Pipe()
			mu.Lock()
			here = its
			mu.Unlock()
			go func() {
				for {
					q := make([]byte, answerSize)
					if _, err := io.ReadFull(its, q); err != nil {
						return
					}
					mu.Lock()
					n++
					a, late := answer(q, n), 30*time.Millisecond
					if n%7 == 0 {
						late = 2500 * time.Millisecond
					}
					if n%5 == 0 {
						its.Close() // but the question is on its way
					}
					mu.Unlock()
					time.AfterFunc(late, func() { // to whom is connected then
						mu.Lock()
						conn := here
						mu.Unlock()
						_, _ = conn.Write(a)
					})
				}
			}()
			return mine, nil
		}
		r := run(t, Options{Link: Link{Address: "server:4001"}, Raw: true, Dial: dial, Jobs: []Job{asking(func() int { mu.Lock(); defer mu.Unlock(); return n }, 1, 300*time.Millisecond, 1, 2, 3)}}, nil)
		time.Sleep(10 * time.Minute)
		r.stop()
		here.Close()
		time.Sleep(time.Minute) // for what is under way
		for _, got := range r.readings {
			var asked, before, answered int
			if scan(string(got.Household), &asked, &before, &answered); asked != answered || int(got.Value) <= before {
				t.Fatalf("%s, answer to question %v", got.Household, got.Value)
			}
		}
		if len(r.readings) < 300 {
			t.Errorf("%d readings", len(r.readings))
		}
	})
}

// A reading that no device gives is left out, its source and time are filled in, and the others of the turn go on.
func TestReadingsAreCompletedAndChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := time.Now().Add(-time.Hour)
		job := Job{Unit: "1", Sources: []string{"b/1"}, Every: time.Minute, Ask: func(context.Context, Conn) ([]stillwater.Reading, error) {
			return []stillwater.Reading{{Quantity: stillwater.WaterTotal, Value: -1}, {Quantity: stillwater.WaterTotal, Value: 7},
				{Quantity: stillwater.Battery, Value: 50, Source: "b/1-battery", At: old}}, nil
		}}
		r := run(t, Options{Link: Link{Address: "bus:502"}, Jobs: []Job{job}}, nil)
		time.Sleep(10 * time.Second)
		r.stop()
		start := old.Add(time.Hour)
		want := []stillwater.Reading{{Source: "b/1", Quantity: stillwater.WaterTotal, Value: 7, At: start, Received: start},
			{Source: "b/1-battery", Quantity: stillwater.Battery, Value: 50, At: old, Received: start}}
		if !slices.Equal(r.readings, want) {
			t.Errorf("%+v", r.readings)
		}
		if why := r.bus.Stats()[1].Why; !strings.Contains(why, "-1") {
			t.Errorf("the fault is told as %q", why)
		}
	})
}

// With everything disabled there is nothing to do until the end.
func TestNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Options{Link: Link{Address: "bus:502"}}, nil)
		time.Sleep(time.Hour)
		r.stop()
	})
}

func TestLinkValidate(t *testing.T) {
	for _, c := range []struct {
		link Link
		want string
	}{
		{Link{Address: "10.0.0.5:502"}, ""},
		{Link{Serial: "/dev/ttyUSB0", Baud: 2400, Parity: "even", DataBits: 8, StopBits: 1, ConnectPause: time.Second}, ""},
		{Link{}, "is not an address"}, {Link{Address: "10.0.0.5"}, "is not an address"},
		{Link{Serial: "/dev/ttyUSB0", Address: "10.0.0.5:502"}, "one way"}, {Link{Serial: "/dev/tty USB0"}, "no serial port"},
		{Link{Serial: "/dev/ttyUSB0", Baud: 9601}, "no speed"}, {Link{Serial: "/dev/ttyUSB0", Parity: "E"}, "no parity"},
		{Link{Serial: "/dev/ttyUSB0", DataBits: 9}, "data bits"}, {Link{Serial: "/dev/ttyUSB0", StopBits: 3}, "stop bits"},
		{Link{Address: "a:1", Timeout: -1}, "timeout"}, {Link{Address: "a:1", Pause: time.Hour}, "pause"}, {Link{Address: "a:1", ConnectPause: -1}, "pause"},
	} {
		var got []string
		c.link.Validate(func(_ any, problem string) { got = append(got, problem) })
		if all := strings.Join(got, "; "); (all == "") != (c.want == "") || !strings.Contains(all, c.want) {
			t.Errorf("%+v: %q; want %q", c.link, all, c.want)
		}
	}
}

// The silences of the specification: 3.5 characters, and 1.75 ms above 19200 baud.
func TestSilence(t *testing.T) {
	for _, c := range []struct {
		link Link
		want time.Duration
	}{
		{Link{}, 3645833 * time.Nanosecond}, // 35 bits at 9600
		{Link{Baud: 9600, Parity: "even"}, 4010416 * time.Nanosecond},
		{Link{Baud: 2400, Parity: "even"}, 16041666 * time.Nanosecond},
		{Link{Baud: 19200, Parity: "even"}, 2005208 * time.Nanosecond},
		{Link{Baud: 115200}, 1750 * time.Microsecond},
	} {
		if got := c.link.withDefaults().silence(); got != c.want {
			t.Errorf("%+v: %v; want %v", c.link, got, c.want)
		}
	}
}

// Where somebody else's answer came first, the right one may yet come: it must not spoil the next unit's turn.
func TestForeignAnswerIsWaitedOut(t *testing.T) {
	n := 0
	c := newCable(func(q []byte) []reply {
		n++
		if q[0] == 1 {
			return []reply{{prompt, answer(question(9, 1), n)}, {500 * time.Millisecond, answer(q, n)}}
		}
		return []reply{{prompt, answer(q, n)}}
	})
	r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1), asking(of(&n), 2, 100*time.Millisecond, 1)}}, time.Minute)
	if s := r.bus.Stats(); s[1].BadFrames < 2 || s[1].Answered != 0 || s[2].BadFrames != 0 || s[2].Timeouts != 0 || c.collisions != 0 {
		t.Errorf("%+v, %d collisions", s, c.collisions)
	}
}

// Noise that spoils one answer in four costs no unit its turn: what came whole but damaged is asked for once more.
func TestNoiseCostsNoTurn(t *testing.T) {
	n := 0
	c := newCable(func(q []byte) []reply {
		n++
		a := answer(q, n)
		if n%4 == 0 {
			a[5] ^= 1
		}
		return []reply{{prompt, a}}
	})
	r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1), asking(of(&n), 2, time.Second, 1)}}, time.Minute-time.Millisecond)
	if got := r.counts(); got["b/1"] != 60 || got["b/2"] != 60 {
		t.Errorf("%v; want 60 each", got)
	}
	if s := r.bus.Stats()[0]; s.BadFrames < 30 || s.Answered != 120 || s.Asked != s.Answered+s.BadFrames {
		t.Errorf("%+v", s)
	}
}

// On a slow line characters take their time: the timeout is for the answer to begin.
func TestSlowLine(t *testing.T) {
	n := 0
	c := newCable(func(q []byte) []reply { n++; return []reply{{950 * time.Millisecond, answer(q, n)}} })
	c.link.Baud = 300 // a question or an answer takes 0.27 s
	r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, 10*time.Second, 1)}}, time.Minute-time.Millisecond)
	if got := r.counts()["b/1"]; got != 6 || n != 6 {
		t.Errorf("%d readings of %d questions", got, n)
	}
	if took := r.bus.Stats()[1].Took; took < time.Second || took > 2*time.Second {
		t.Errorf("an answer took %v", took)
	}
}

// Who is always busy refuses, and is asked no more often than one who does.
func TestAlwaysBusy(t *testing.T) {
	n := 0
	c := newCable(func(q []byte) []reply { n++; return []reply{{prompt, []byte{q[0], 0x85}}} })
	r := on(t, c, Options{Jobs: []Job{asking(of(&n), 1, time.Second, 1)}}, 10*time.Minute)
	if len(r.told) != 1 || r.told[0] == nil || n < 60 || n > 200 {
		t.Errorf("asked %d times, told %v", n, r.told)
	}
}

// More than was asked for, on a link whose answers a peer numbers wrongly or not at all: what comes second is nobody's answer.
func TestSurplusOnASocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		dial := func(context.Context, string, string) (net.Conn, error) {
			mine, its := net.Pipe()
			go func() {
				for q := make([]byte, answerSize); ; {
					if _, err := io.ReadFull(its, q); err != nil {
						return
					}
					a := answer(q, int(n.Add(1)))
					_, _ = its.Write(append(a, a...))
				}
			}()
			return mine, nil
		}
		count := func() int { return int(n.Load()) }
		r := run(t, Options{Link: Link{Address: "bus:502"}, Dial: dial, Jobs: []Job{asking(count, 1, time.Second, 1, 2, 3)}}, nil)
		time.Sleep(time.Minute)
		r.stop()
		for _, got := range r.readings {
			var asked, before, answered int
			if scan(string(got.Household), &asked, &before, &answered); asked != answered || int(got.Value) <= before {
				t.Fatalf("%s, answer to question %v", got.Household, got.Value)
			}
		}
		if len(r.readings) < 150 {
			t.Errorf("%d readings", len(r.readings))
		}
	})
}
