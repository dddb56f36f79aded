package modbus

import (
	"bytes"
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goburrow/modbus"

	"stillwater/adapters/bus"
)

// Each slave spoils its second answer in one way and is healthy otherwise. Whatever it does, every value emitted must be the present
// one, and readings must go on.
func TestMisbehavingSlaves(t *testing.T) {
	const stale, spoiled = 666, 2
	for name, spoil := range map[string]func(conn net.Conn, request []byte) bool{
		"silent":               func(net.Conn, []byte) bool { return true },
		"closes":               func(net.Conn, []byte) bool { return false },
		"late by one question": func(net.Conn, []byte) bool { return true }, // see late below
		"wrong transaction": func(conn net.Conn, request []byte) bool {
			reply := good(request, stale)
			reply[1]--
			conn.Write(reply)
			return true
		},
		"wrong transaction, then right": func(conn net.Conn, request []byte) bool {
			reply := good(request, stale)
			reply[1]--
			conn.Write(append(reply, good(request, stale)...))
			return true
		},
		"answers twice": func(conn net.Conn, request []byte) bool {
			conn.Write(append(good(request, 2), good(request, stale)...))
			return true
		},
		"truncated and open":   func(conn net.Conn, request []byte) bool { conn.Write(good(request, stale)[:11]); return true },
		"truncated and closed": func(conn net.Conn, request []byte) bool { conn.Write(good(request, stale)[:11]); return false },
		"header only":          func(conn net.Conn, request []byte) bool { conn.Write(good(request, stale)[:7]); return false },
		"too few registers": func(conn net.Conn, request []byte) bool {
			conn.Write([]byte{request[0], request[1], 0, 0, 0, 5, request[6], request[7], 2, 0, 9})
			return true
		},
		"other unit":     func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 6, 99) },
		"other function": func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 7, 4) },
		"other protocol": func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 3, 1) },
		"length zero":    func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 5, 0) },
		"length huge":    func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 4, 0xff) },
		"byte count":     func(conn net.Conn, request []byte) bool { return write(conn, good(request, stale), 8, 6) },
		"not Modbus": func(conn net.Conn, _ []byte) bool {
			conn.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var late atomic.Pointer[[]byte]
			slave := &rawSlave{}
			slave.answer = func(conn net.Conn, request []byte, n int) bool {
				if n == spoiled {
					if name == "late by one question" {
						late.Store(new(good(request, stale)))
					}
					return spoil(conn, request)
				}
				if old := late.Swap(nil); old != nil { // a gateway that hands on what its serial line brings
					conn.Write(append(*old, good(request, uint32(n))...))
					return true
				}
				conn.Write(good(request, uint32(n)))
				return true
			}
			r := run(t, Config{
				Name: "b", Link: bus.Link{Address: slave.listen(t), Timeout: 100 * time.Millisecond}, Every: time.Minute,
				Units: []Unit{{Unit: 5}},
			}, quick{time.Now(), 1200}, nil)
			for last := 0.0; last < 5; {
				got := r.reading("b/5").Value
				if got <= last || got == stale {
					t.Fatalf("%v L after %v L", got, last)
				}
				last = got
			}
		})
	}
}

// write sends reply with one byte changed.
func write(conn net.Conn, reply []byte, at int, to byte) bool {
	reply[at] = to
	conn.Write(reply)
	return true
}

// What goburrow's own transport gets wrong: a reply that comes after its timeout, on a line that was not given up, is the first
// thing the next question would read. The two replies differ in nothing but the transaction.
func TestLateReplyIsNotTakenForThePresent(t *testing.T) {
	request := []byte{0, 8, 0, 0, 0, 6, 5, 3, 0, 0, 0, 2}
	reply := good(request, 1)
	if _, err := readTCP(bytes.NewReader(reply), request); err != nil {
		t.Fatal("the present reply:", err)
	}
	for at := range 9 { // everything before the value
		for _, change := range []byte{1, 0x80} {
			wrong := bytes.Clone(reply)
			wrong[at] ^= change
			if got, err := readTCP(bytes.NewReader(wrong), request); err == nil {
				t.Errorf("% x taken for the answer to % x", got, request)
			}
		}
	}
	reply[1] = 7
	if got, err := readTCP(bytes.NewReader(reply), request); err == nil {
		t.Fatalf("% x taken for the answer to transaction 8", got)
	}
}

func TestExceptionKeepsTheConnection(t *testing.T) {
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, n int) bool {
		if n <= 3 {
			conn.Write(refuse(request, modbus.ExceptionCodeGatewayTargetDeviceFailedToRespond))
		} else {
			conn.Write(good(request, 1))
		}
		return true
	}}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{{Unit: 5}}}, quick{time.Now(), 1}, slave.pipe)
		r.reading("b/5")
		r.stop()
		if dials, asked := slave.counts(); dials != 1 || asked != 4 {
			t.Errorf("%d dials for %d questions; want 1 for 4", dials, asked)
		}
	})
}

// A peer that hangs up while nobody asks (most gateways do, after a minute or so) is no fault of a unit: the value
// must come at its time and nothing be told.
func TestConnectionClosedWhileIdle(t *testing.T) {
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, n int) bool {
		conn.Write(good(request, uint32(n)))
		return false
	}}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Every: 15 * time.Second, Units: []Unit{{Unit: 5}}}, quick{time.Now(), 1}, slave.pipe)
		start := r.reading("b/5").At
		for i := range 5 {
			if late := r.reading("b/5").At.Sub(start.Add(time.Duration(i+1) * 15 * time.Second)); late > time.Millisecond {
				t.Errorf("poll %d came %v late", i+1, late)
			}
		}
		r.stop()
		if got := r.tells(); got.err != nil || len(r.health) != 0 {
			t.Errorf("told %v and %d more; want only that the bus is well", got, len(r.health))
		}
	})
}

// A dial that is refused is tried again less and less often, never more than maxBackoff apart, and the units are read as soon as it works.
func TestDialBackoff(t *testing.T) {
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool { conn.Write(good(request, 1)); return true }}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var dials []time.Duration
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{{Unit: 5}, {Unit: 6}}}, quick{start, 1},
			func(ctx context.Context, network, address string) (net.Conn, error) {
				dials = append(dials, time.Since(start))
				if time.Since(start) < 10*time.Minute {
					return nil, errUnplugged
				}
				return slave.pipe(ctx, network, address)
			})
		time.Sleep(11 * time.Minute)
		r.stop()
		back := r.reading("b/5").At
		if at := back.Sub(start); at > 10*time.Minute+maxBackoff {
			t.Errorf("read %v after the bus came back; want within %v", at-10*time.Minute, maxBackoff)
		}
		if gap := r.reading("b/6").At.Sub(back).Abs(); gap > time.Second {
			t.Errorf("the second unit was read %v after the first: blamed for the line", gap)
		}
		if len(dials) < 20 || len(dials) > 50 {
			t.Errorf("%d dials in 10 minutes", len(dials))
		}
		for i := 1; i < len(dials); i++ {
			if gap := dials[i] - dials[i-1]; gap > maxBackoff {
				t.Errorf("%v between two dials", gap)
			}
		}
		if first, second := r.tells(), r.tells(); first.err == nil || second.err != nil || len(r.health) != 0 {
			t.Errorf("told %v, %v and %d more; want ill, well and nothing", first, second, len(r.health))
		}
	})
}

// Run must return when it is told to, whatever it is waiting for.
func TestStop(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"reply": (&rawSlave{answer: func(net.Conn, []byte, int) bool { return true }}).pipe,
		"dial":  func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() },
		"backoff": func(context.Context, string, string) (net.Conn, error) {
			return nil, errUnplugged
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502", Timeout: 30 * time.Second}, Units: []Unit{{Unit: 5}}}, quick{time.Now(), 1}, dial)
				time.Sleep(100 * time.Millisecond)
				before := time.Now()
				r.stop()
				if took := time.Since(before); took > 0 {
					t.Errorf("stopping took %v", took)
				}
			})
		})
	}
}
