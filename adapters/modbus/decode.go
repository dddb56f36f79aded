package modbus

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/goburrow/modbus"
)

// functions is every table of registers a counter can be in, by the function code that reads it.
var functions = map[string]byte{
	"holding": modbus.FuncCodeReadHoldingRegisters,
	"input":   modbus.FuncCodeReadInputRegisters,
}

// widths is how many registers a type takes.
var widths = map[string]int{"uint16": 1, "uint32": 2, "int32": 2, "float32": 2, "uint64": 4}

// orders is every order of bytes. The letters are the bytes of a 32-bit value, A the highest, as they come over the wire;
// other widths follow the same two questions: which register comes first, and which byte in it.
var orders = []string{"ABCD", "CDAB", "BADC", "DCBA"}

// decode gives the count that the registers in raw hold. It refuses what is no count: NaN, an infinity, and all bits
// set in 32 bits or more, which meters send for "no value".
func decode(u Unit, raw []byte) (float64, error) {
	if len(raw) != 2*widths[u.Type] || len(raw) == 0 {
		return 0, fmt.Errorf("%d bytes for a %s", len(raw), u.Type)
	}
	b := straighten(u.Order, raw)
	var count float64
	missing := false
	switch u.Type {
	case "uint16":
		count = float64(binary.BigEndian.Uint16(b))
	case "uint32":
		n := binary.BigEndian.Uint32(b)
		count, missing = float64(n), n == math.MaxUint32
	case "int32":
		count = float64(int32(binary.BigEndian.Uint32(b)))
	case "float32":
		count = float64(math.Float32frombits(binary.BigEndian.Uint32(b)))
		missing = math.IsNaN(count) || math.IsInf(count, 0)
	case "uint64":
		n := binary.BigEndian.Uint64(b)
		count, missing = float64(n), n == math.MaxUint64
	}
	if missing {
		return 0, fmt.Errorf("% x is no value of a %s", raw, u.Type)
	}
	return count, nil
}

// straighten gives the bytes of raw highest first. It leaves raw alone.
func straighten(order string, raw []byte) []byte {
	lowRegisterFirst := order == "CDAB" || order == "DCBA"
	lowByteFirst := order == "BADC" || order == "DCBA"
	b := make([]byte, len(raw))
	for i := range raw {
		from := i
		if lowRegisterFirst {
			from = len(raw) - 2 - i&^1 + i&1
		}
		if lowByteFirst {
			from ^= 1
		}
		b[i] = raw[from]
	}
	return b
}
