package modbus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goburrow/modbus"
)

// functions is every table of registers a counter can be in, by the function code that reads it.
var functions = map[string]byte{
	"holding": modbus.FuncCodeReadHoldingRegisters,
	"input":   modbus.FuncCodeReadInputRegisters,
}

// widths is how many registers a type takes. Text takes as many as its profile says.
var widths = map[string]int{
	"uint16": 1, "int16": 1, "bcd16": 1,
	"uint32": 2, "int32": 2, "float32": 2, "bcd32": 2,
	"bcd48":  3,
	"uint64": 4, "int64": 4, "float64": 4, "bcd64": 4,
}

// orders is every order of bytes. The letters are the bytes of a 32-bit value, A the highest, as they come over the wire;
// other widths follow the same two questions: which register comes first, and which byte in it.
var orders = []string{"ABCD", "CDAB", "BADC", "DCBA"}

// errNoValue is what a meter means by all bits set, NaN, or what its maker has chosen for it.
var errNoValue = errors.New("the meter says that it has no value")

// An encoding is how a number stands in registers.
type encoding struct {
	kind  string   // as in widths
	order string   // as in orders
	none  []uint64 // the bits, highest first, that the maker uses for no value
}

// decode gives the number that the registers in raw hold. It refuses what is no number: NaN, an infinity, digits above 9 in BCD, what the
// maker calls no value, and all bits set in 32 unsigned bits or more, which meters send for that whatever their maker says.
func (e encoding) decode(raw []byte) (float64, error) {
	if len(raw) != 2*widths[e.kind] || len(raw) == 0 {
		return 0, fmt.Errorf("%d bytes for a %s", len(raw), e.kind)
	}
	bits := inOrder(e.order, raw)
	signed := strings.HasPrefix(e.kind, "int") // there it is -1
	if slices.Contains(e.none, bits) || len(raw) > 2 && !signed && bits == math.MaxUint64>>(64-8*len(raw)) {
		return 0, fmt.Errorf("% x: %w", raw, errNoValue)
	}
	n, err := number(e.kind, bits)
	if err != nil {
		return 0, fmt.Errorf("% x: %w", raw, err)
	}
	return n, nil
}

// number reads bits as a kind.
func number(kind string, bits uint64) (float64, error) {
	var n float64
	switch kind {
	case "uint16", "uint32", "uint64":
		n = float64(bits)
	case "int16":
		n = float64(int16(bits))
	case "int32":
		n = float64(int32(bits))
	case "int64":
		n = float64(int64(bits))
	case "float32":
		n = float64(math.Float32frombits(uint32(bits)))
	case "float64":
		n = math.Float64frombits(bits)
	default: // the bcds: no other has a width
		return digits(bits)
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, errNoValue
	}
	return n, nil
}

// digits reads four bits as a decimal digit each.
func digits(bits uint64) (float64, error) {
	n := 0.0
	for shift := 60; shift >= 0; shift -= 4 {
		digit := bits >> shift & 0xf
		if digit > 9 {
			return 0, fmt.Errorf("%x is no decimal digit, so this is no BCD", digit)
		}
		n = 10*n + float64(digit)
	}
	return n, nil
}

// wide reads up to eight bytes, highest first.
func wide(b []byte) uint64 {
	var eight [8]byte
	copy(eight[8-len(b):], b)
	return binary.BigEndian.Uint64(eight[:])
}

// inOrder reads up to eight bytes that came in an order.
func inOrder(order string, raw []byte) uint64 {
	lowRegisterFirst := order == "CDAB" || order == "DCBA"
	lowByteFirst := order == "BADC" || order == "DCBA"
	var bits uint64
	for i := range raw {
		from := i
		if lowRegisterFirst {
			from = len(raw) - 2 - i&^1 + i&1
		}
		if lowByteFirst {
			from ^= 1
		}
		bits = bits<<8 | uint64(raw[from])
	}
	return bits
}
