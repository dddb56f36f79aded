package modbus

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.bug.st/serial"

	"stillwater/adapters/bus"
)

// stale is a value that must never be passed on.
const stale = 666

// fresh is the frame with which a healthy device answers a request for a 32-bit value.
func fresh(request []byte, value byte) []byte {
	return checked(request[0], request[1], 4, 0, 0, 0, value)
}

// past is a frame with the stale value.
func past(request []byte) []byte {
	return checked(request[0], request[1], 4, 0, 0, stale>>8, stale&0xff)
}

// spoils are what a device can do instead of answering; false: the line is cut.
var spoils = map[string]func(w io.Writer, request []byte) bool{
	"silent": func(io.Writer, []byte) bool { return true },
	"cut":    func(io.Writer, []byte) bool { return false },
	"wrong checksum": func(w io.Writer, request []byte) bool {
		frame := past(request)
		frame[len(frame)-1] ^= 1
		w.Write(frame)
		return true
	},
	"noise in the value": func(w io.Writer, request []byte) bool {
		frame := fresh(request, 99)
		frame[6] ^= 0x40
		w.Write(frame)
		return true
	},
	"other unit": func(w io.Writer, request []byte) bool {
		w.Write(past([]byte{request[0] + 1, request[1]}))
		return true
	},
	"other function": func(w io.Writer, request []byte) bool {
		w.Write(past([]byte{request[0], 4}))
		return true
	},
	"too many registers": func(w io.Writer, request []byte) bool {
		w.Write(checked(request[0], request[1], 6, 0, 0, stale>>8, stale&0xff, 0, 0))
		return true
	},
	"truncated": func(w io.Writer, request []byte) bool { w.Write(past(request)[:6]); return true },
	"its echo":  func(w io.Writer, request []byte) bool { w.Write(request); return true },
	"garbage":   func(w io.Writer, _ []byte) bool { w.Write(bytes.Repeat([]byte{0x55, 0xaa, 0x05}, 90)); return true },
	"answers twice": func(w io.Writer, request []byte) bool {
		w.Write(append(fresh(request, 2), past(request)...))
		return true
	},
	"late":     nil, // after its time, when something else may be asked
	"in parts": nil, // with pauses as USB adapters make them; this one is no fault
	"busy": func(w io.Writer, request []byte) bool {
		w.Write(checked(request[0], request[1]|0x80, 6))
		return true
	},
	"refusal": func(w io.Writer, request []byte) bool { w.Write(checked(request[0], request[1]|0x80, 2)); return true },
}

// A device is a slave on a serial line that spoils its second answer.
func device(t *testing.T, line io.ReadWriter, spoil string, n *atomic.Int32) {
	for request := make([]byte, 8); ; {
		if _, err := io.ReadFull(line, request); err != nil {
			return
		}
		k := byte(n.Add(1))
		switch {
		case k != 2:
			line.Write(fresh(request, k))
		case spoil == "late":
			wait(t, 250*time.Millisecond)
			line.Write(past(request))
		case spoil == "in parts":
			frame := fresh(request, k)
			for _, b := range [][]byte{frame[:1], frame[1:4], frame[4:]} {
				line.Write(b)
				wait(t, 16*time.Millisecond)
			}
		case !spoils[spoil](line, request):
			return
		}
	}
}

// Over a serial server and over a serial port, each fault once: every value passed on is the present one, and readings go on.
func TestMisbehavingSerialDevices(t *testing.T) {
	for spoil := range spoils {
		t.Run("server/"+spoil, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() { defer conn.Close(); device(t, conn, spoil, &n) }()
				}
			}()
			risesTo5(t, Config{Framing: "rtu", Link: bus.Link{Address: l.Addr().String()}})
		})
		if spoil == "cut" {
			continue // a serial line has no end of its own; see TestUnpluggedAdapter
		}
		t.Run("port/"+spoil, func(t *testing.T) {
			t.Parallel()
			here, there := ptys(t)
			port, err := serial.Open(there, &serial.Mode{BaudRate: 9600})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { port.Close() })
			var n atomic.Int32
			go device(t, port, spoil, &n)
			risesTo5(t, Config{Link: bus.Link{Serial: here}})
		})
	}
}

// risesTo5 runs a bus until the counter of unit 5 has come to 5.
func risesTo5(t *testing.T, c Config) {
	t.Helper()
	c.Name, c.Timeout, c.Every, c.Units = "b", 100*time.Millisecond, time.Minute, []Unit{{Unit: 5}}
	r := run(t, c, quick{time.Now(), 1200}, nil)
	for last := 0.0; last < 5; {
		got := r.reading("b/5").Value
		if got <= last || got > 250 {
			t.Fatalf("%v L after %v L", got, last)
		}
		last = got
	}
}

// An adapter that is pulled out is told of, and read from again when it is back.
func TestUnpluggedAdapter(t *testing.T) {
	folder := t.TempDir()
	here, there, unplug := ptysAt(t, folder)
	var n atomic.Int32
	serve := func() {
		port, err := serial.Open(there, &serial.Mode{BaudRate: 9600})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { port.Close() })
		go device(t, port, "busy", &n)
	}
	serve()
	r := run(t, Config{Name: "b", Link: bus.Link{Serial: here, Timeout: 100 * time.Millisecond}, Every: time.Minute, Units: []Unit{{Unit: 5}}},
		quick{time.Now(), 1200}, nil)
	r.reading("b/5")
	unplug()
	r.ill()
	r.forget()
	ptysAt(t, folder)
	serve()
	r.reading("b/5")
}
