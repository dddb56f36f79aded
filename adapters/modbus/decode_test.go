package modbus

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
	"testing"
)

// The frames are written by hand from the values, or taken from makers' manuals.
func TestDecodeGolden(t *testing.T) {
	for _, c := range []struct {
		kind, order, wire string
		want              float64
	}{
		{"uint16", "ABCD", "3039", 12345},
		{"uint16", "CDAB", "3039", 12345}, // one register has no word order
		{"uint16", "BADC", "3930", 12345},
		{"uint16", "DCBA", "3930", 12345},
		{"uint16", "ABCD", "ffff", 65535}, // a count like any other in 16 bits
		{"uint32", "ABCD", "00012345", 0x12345},
		{"uint32", "CDAB", "23450001", 0x12345}, // ultrasonic meters: low word first
		{"uint32", "BADC", "01004523", 0x12345},
		{"uint32", "DCBA", "45230100", 0x12345},
		{"int32", "ABCD", "fffffffe", -2},
		{"float32", "ABCD", "42f70000", 123.5},
		{"float32", "CDAB", "000042f7", 123.5},
		{"float32", "BADC", "f7420000", 123.5},
		{"float32", "DCBA", "0000f742", 123.5}, // residential valve meters
		{"uint64", "ABCD", "0000000102030405", 0x102030405},
		{"uint64", "CDAB", "0405020300010000", 0x102030405},
		{"uint64", "BADC", "0000010003020504", 0x102030405},
		{"uint64", "DCBA", "0504030201000000", 0x102030405},
	} {
		wire, err := hex.DecodeString(c.wire)
		if err != nil {
			t.Fatal(err)
		}
		got, err := encoding{kind: c.kind, order: c.order}.decode(wire)
		if err != nil || got != c.want {
			t.Errorf("%s %s %s = %v, %v; want %v", c.kind, c.order, c.wire, got, err, c.want)
		}
	}
}

// The letters of an order are themselves an encoder: letter i of the order is the byte of the value that comes i-th.
func TestDecodeAgainstLetters(t *testing.T) {
	for _, order := range orders {
		for _, value := range []uint32{0, 1, 0x01020304, 0x80000000, 0xfffffffe, math.Float32bits(98765.43)} {
			var high [4]byte
			binary.BigEndian.PutUint32(high[:], value)
			wire := make([]byte, 4)
			for i, letter := range order {
				wire[i] = high[strings.IndexRune("ABCD", letter)]
			}
			if got, err := (encoding{kind: "uint32", order: order}).decode(wire); err != nil || got != float64(value) {
				t.Errorf("uint32 %s % x = %v, %v; want %d", order, wire, got, err, value)
			}
		}
	}
}

func TestDecodeRefusesWhatIsNoCount(t *testing.T) {
	for _, c := range []struct{ kind, wire string }{
		{"float32", "7fc00000"}, {"float32", "7f800000"}, {"float32", "ff800000"}, {"float32", "ffffffff"},
		{"uint32", "ffffffff"}, {"uint64", "ffffffffffffffff"},
		{"uint32", "0001"}, {"uint32", ""}, {"colour", "0001"}, {"colour", ""},
	} {
		wire, _ := hex.DecodeString(c.wire)
		if got, err := (encoding{kind: c.kind, order: "ABCD"}).decode(wire); err == nil {
			t.Errorf("%s %q = %v; want it refused", c.kind, c.wire, got)
		}
	}
}
