package modbus

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"stillwater/adapters/bus"
)

// A wired Conn answers every request with what reply makes of it.
type wired func(request []byte) []byte

func (w wired) Exchange(_ context.Context, request []byte, read func(io.Reader) error) error {
	return read(bytes.NewReader(w(request)))
}

// checked appends the checksum of a serial frame, computed as the specification defines it: by long division, bit by bit.
func checked(frame ...byte) []byte {
	sum := uint16(0xffff)
	for _, b := range frame {
		sum ^= uint16(b)
		for range 8 {
			carry := sum&1 == 1
			sum >>= 1
			if carry {
				sum ^= 0xa001
			}
		}
	}
	return append(bytes.Clone(frame), byte(sum), byte(sum>>8))
}

// The example of a request in the specification for serial lines, and one from a maker's manual: the checksum goes low byte first.
func TestRTURequest(t *testing.T) {
	for _, c := range []struct {
		unit int
		need need
		want []byte
	}{
		{1, need{"holding", 0, 10}, []byte{0x01, 0x03, 0x00, 0x00, 0x00, 0x0a, 0xc5, 0xcd}}, // TUF-2000M manual, registers 1 to 10
		{0x11, need{"coil", 0x13, 0x25}, checked(0x11, 1, 0, 0x13, 0, 0x25)},
		{0x11, need{"discrete", 0xc4, 0x16}, checked(0x11, 2, 0, 0xc4, 0, 0x16)},
		{0x11, need{"input", 8, 1}, checked(0x11, 4, 0, 8, 0, 1)},
	} {
		var got []byte
		_, _ = newTalk(rtuFraming()).ask(t.Context(), wired(func(request []byte) []byte { got = bytes.Clone(request); return nil }), c.unit, c.need)
		if !bytes.Equal(got, c.want) {
			t.Errorf("%+v: % x; want % x", c.need, got, c.want)
		}
	}
}

// Every bit of a reply counts: one that differs in any single bit outside the value is refused, and inside the value by the checksum.
func TestRTUReplyFitsInEveryBit(t *testing.T) {
	reply := checked(5, 3, 4, 0, 0, 0x30, 0x39)
	talk := newTalk(rtuFraming())
	ask := func(wire []byte) ([]byte, error) {
		return talk.ask(t.Context(), wired(func([]byte) []byte { return wire }), 5, need{"holding", 0, 2})
	}
	if got, err := ask(reply); err != nil || !bytes.Equal(got, reply[3:7]) {
		t.Fatalf("% x, %v", got, err)
	}
	for bit := range 8 * len(reply) {
		wrong := bytes.Clone(reply)
		wrong[bit/8] ^= 1 << (bit % 8)
		if got, err := ask(wrong); err == nil {
			t.Errorf("bit %d turned: % x taken for the answer", bit, got)
		} else if _, whole := errors.AsType[*bus.Garbled](err); whole != (bit >= 3*8 || bit == 15) { // bit 15 makes an exception of it
			t.Errorf("bit %d turned: %v", bit, err)
		}
	}
	for n := range reply {
		if got, err := ask(reply[:n]); err == nil {
			t.Errorf("%d bytes of a reply: % x taken for the answer", n, got)
		}
	}
}

// What kind of no it is decides what the bus does.
func TestExceptions(t *testing.T) {
	for code := range 256 {
		for name, f := range map[string]framing{"tcp": tcpFraming(), "rtu": rtuFraming()} {
			_, err := newTalk(f).ask(t.Context(), wired(func(request []byte) []byte {
				if name == "tcp" {
					return refuse(request, byte(code))
				}
				return checked(request[0], request[1]|0x80, byte(code))
			}), 5, need{"holding", 0, 2})
			_, refusal := errors.AsType[*bus.Refusal](err)
			_, busy := errors.AsType[*bus.Busy](err)
			_, absent := errors.AsType[*bus.Absent](err)
			if busy != (code == 5 || code == 6) || absent != (code == 10 || code == 11) || refusal == (busy || absent) {
				t.Errorf("%s: exception %d is %T %v", name, code, err, err)
			}
		}
	}
}

// FuzzReadTCP puts any bytes in the place of a reply: no panic, and what passes must fit the request in every field.
func FuzzReadTCP(f *testing.F) {
	request := []byte{0, 1, 0, 0, 0, 6, 5, 3, 0, 0, 0, 2}
	f.Add(good(request, 12345))
	f.Add(refuse(request, 2))
	f.Add(good(request, 1)[:10])
	f.Add([]byte("HTTP/1.1 400 Bad Request"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, err := newTalk(tcpFraming()).ask(t.Context(), wired(func(ours []byte) []byte {
			if !bytes.Equal(ours, request) {
				t.Fatalf("asked % x", ours)
			}
			return wire
		}), 5, need{"holding", 0, 2})
		if err == nil && (len(wire) < 13 || !bytes.Equal(got, wire[9:13]) || !bytes.Equal(wire[:9], good(request, 0)[:9])) {
			t.Fatalf("% x accepted from % x", got, wire)
		}
		if err == nil {
			_, _ = encoding{kind: "float32", order: "DCBA"}.decode(got)
		}
	})
}

// FuzzReadRTU does the same on a serial line, whose checksum makes what passes whole.
func FuzzReadRTU(f *testing.F) {
	whole := checked(5, 3, 4, 0, 0, 0x30, 0x39)
	f.Add(whole, byte(3), uint16(2))
	f.Add(checked(5, 0x83, 2), byte(3), uint16(2))
	f.Add(whole[:6], byte(4), uint16(2))
	f.Add(checked(5, 1, 2, 0xcd, 1), byte(1), uint16(9))
	f.Add(append([]byte{0}, whole...), byte(3), uint16(2))
	tables := []string{"coil", "discrete", "holding", "input"}
	f.Fuzz(func(t *testing.T, wire []byte, function byte, count uint16) {
		table := tables[function%4]
		n := need{table, 0, 1 + int(count)%maxRegisters}
		size := 2 * n.count
		if isBits(table) {
			size = (n.count + 7) / 8
		}
		got, err := newTalk(rtuFraming()).ask(t.Context(), wired(func([]byte) []byte { return wire }), 5, n)
		if err != nil {
			return
		}
		want := checked(append([]byte{5, function%4 + 1, byte(size)}, got...)...)
		if len(got) != size || !bytes.HasPrefix(wire, want) {
			t.Fatalf("% x accepted from % x", got, wire)
		}
	})
}

// Benchmark: one exchange without a wire.
func BenchmarkTalk(b *testing.B) {
	talk := newTalk(tcpFraming())
	conn := wired(func(request []byte) []byte { return good(request, 12345) })
	b.ReportAllocs()
	for b.Loop() {
		if _, err := talk.ask(b.Context(), conn, 5, need{"holding", 0, 2}); err != nil {
			b.Fatal(err)
		}
	}
}
