package modbus

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"stillwater/adapters/bus"
)

func TestBlocks(t *testing.T) {
	holding := func(first, count int) need { return need{"holding", first, count} }
	for _, c := range []struct {
		name  string
		needs []need
		limit limits
		want  []need
	}{
		{"nothing", nil, limits{100, 10}, nil},
		{"neighbours", []need{holding(8, 2), holding(10, 2)}, limits{100, 0}, []need{holding(8, 4)}},
		{"in any order", []need{holding(10, 2), holding(8, 2)}, limits{100, 0}, []need{holding(8, 4)}},
		{"a hole within the limit", []need{holding(0, 2), holding(12, 1)}, limits{100, 10}, []need{holding(0, 13)}},
		{"a hole beyond it", []need{holding(0, 2), holding(13, 1)}, limits{100, 10}, []need{holding(0, 2), holding(13, 1)}},
		{"too long together", []need{holding(0, 8), holding(8, 8)}, limits{15, 10}, []need{holding(0, 8), holding(8, 8)}},
		{"one inside the other", []need{holding(0, 9), holding(2, 2), holding(9, 1)}, limits{100, 0}, []need{holding(0, 10)}},
		{"the same twice", []need{holding(4, 2), holding(4, 2)}, limits{100, 0}, []need{holding(4, 2)}},
		{"tables apart", []need{holding(0, 2), {"input", 2, 2}}, limits{100, 10}, []need{holding(0, 2), {"input", 2, 2}}},
		{"bits are small", []need{{"coil", 0, 1}, {"coil", 150, 1}}, limits{10, 200}, []need{{"coil", 0, 151}}},
		{"longer than the limit by itself", []need{holding(0, 8)}, limits{4, 0}, []need{holding(0, 8)}},
	} {
		var got []need
		for _, b := range blocks(c.needs, c.limit) {
			got = append(got, b.need)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v; want %v", c.name, got, c.want)
		}
	}
}

// However they are combined, each need gets the bytes that a request of its own would have got.
func TestBlocksGiveWhatSingleRequestsWould(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	image := make([]byte, 2*400)
	for i := range image {
		image[i] = byte(dice.Uint32())
	}
	read := func(n need) []byte { // as a device would
		if !isBits(n.table) {
			return image[2*n.first : 2*(n.first+n.count)]
		}
		bits := make([]byte, (n.count+7)/8)
		for i := range n.count {
			if image[(n.first+i)/8]>>((n.first+i)%8)&1 == 1 {
				bits[i/8] |= 1 << (i % 8)
			}
		}
		return bits
	}
	for range 2000 {
		var needs []need
		for range 1 + dice.IntN(12) {
			needs = append(needs, need{[]string{"holding", "input", "coil", "discrete"}[dice.IntN(4)], dice.IntN(300), 1 + dice.IntN(20)})
		}
		l := limits{registers: 20 + dice.IntN(100), hole: dice.IntN(20)}
		m := &meter{blocks: blocks(needs, l)}
		for _, b := range m.blocks {
			b.bytes = read(b.need)
			if b.count > l.registers && !isBits(b.table) {
				t.Fatalf("%v: a request of %d registers, at most %d allowed", needs, b.count, l.registers)
			}
		}
		for _, n := range needs {
			if got, want := m.bytes(n), read(n); !bytes.Equal(got, want) {
				t.Fatalf("%v of %v: % x; want % x", n, needs, got, want)
			}
		}
	}
}

// A strict device refuses requests over registers that it does not have, and a faulty counter hides no other. Bits out of a hole are no value.
func TestRefusedTogetherReadApart(t *testing.T) {
	has := map[int]uint16{0: 0, 1: 11, 6: 0, 7: 22} // registers 2 to 5 and 8 on are not there
	var asked []need
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
		n := need{"holding", int(binary.BigEndian.Uint16(request[8:])), int(binary.BigEndian.Uint16(request[10:]))}
		asked = append(asked, n)
		reply := []byte{request[0], request[1], 0, 0, 0, byte(3 + 2*n.count), request[6], request[7], byte(2 * n.count)}
		for i := range n.count {
			value, ok := has[n.first+i]
			if !ok {
				conn.Write(refuse(request, 2))
				return true
			}
			reply = binary.BigEndian.AppendUint16(reply, value)
		}
		conn.Write(reply)
		return true
	}}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{
			{Unit: 1, Point: "a"}, {Unit: 1, Point: "b", Register: 6}, {Unit: 1, Point: "c", Register: 9},
		}}, quick{time.Now(), 1}, slave.pipe)
		time.Sleep(11 * time.Minute)
		r.stop()
		slave.serving.Wait()
		close(r.readings)
		n := map[string]int{}
		for got := range r.readings {
			n[fmt.Sprintf("%s %v", got.Source, got.Value)]++
		}
		if len(n) != 2 || n["b/a 11"] != 3 || n["b/b 22"] != 3 {
			t.Errorf("%v; want a and b three times", n)
		}
		first, later := need{"holding", 0, 11}, []need{{"holding", 0, 2}, {"holding", 6, 2}, {"holding", 9, 2}}
		if want := slices.Concat([]need{first}, later, later, later); !slices.Equal(asked, want) {
			t.Errorf("asked %v; want %v", asked, want)
		}
	})
}

// Several counters of a unit cost one request; at different paces they are asked apart.
func TestNeighboursCostOneRequest(t *testing.T) {
	var asked []int
	slave := &rawSlave{answer: func(conn net.Conn, request []byte, _ int) bool {
		count := int(request[11])
		asked = append(asked, count)
		reply := []byte{request[0], request[1], 0, 0, 0, byte(3 + 2*count), request[6], request[7], byte(2 * count)}
		conn.Write(append(reply, make([]byte, 2*count)...))
		return true
	}}
	synctest.Test(t, func(t *testing.T) {
		r := run(t, Config{Name: "b", Link: bus.Link{Address: "bus:502"}, Units: []Unit{
			{Unit: 1, Point: "a"}, {Unit: 1, Point: "b", Register: 2}, {Unit: 1, Point: "c", Register: 12, Type: "uint16"},
			{Unit: 1, Point: "d", Register: 4, Every: time.Hour},
		}}, quick{time.Now(), 1}, slave.pipe)
		time.Sleep(time.Minute)
		r.stop()
		slave.serving.Wait()
		if len(r.readings) != 4 || !slices.Equal(asked, []int{13, 2}) {
			t.Errorf("%d readings of requests for %v registers; want 4 of 13 and 2", len(r.readings), asked)
		}
	})
}
