package modbus

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"stillwater"
)

// written is the slow, obvious encoder: the digits of the number, then the registers in their order.
func written(kind, order string, n float64) []byte {
	width := 4 * widths[kind] // in hexadecimal digits
	var text string
	switch {
	case strings.HasPrefix(kind, "bcd"):
		text = fmt.Sprintf("%0*d", width, uint64(n))
	case kind == "float32":
		text = fmt.Sprintf("%08x", math.Float32bits(float32(n)))
	case kind == "float64":
		text = fmt.Sprintf("%016x", math.Float64bits(n))
	case strings.HasPrefix(kind, "int"):
		text = fmt.Sprintf("%016x", uint64(int64(n)))
		text = text[16-width:]
	default:
		text = fmt.Sprintf("%0*x", width, uint64(n))
	}
	var registers []string
	for ; text != ""; text = text[4:] {
		registers = append(registers, text[:4])
	}
	if order == "CDAB" || order == "DCBA" {
		slices.Reverse(registers)
	}
	wire := ""
	for _, r := range registers {
		if order == "BADC" || order == "DCBA" {
			r = r[2:] + r[:2]
		}
		wire += r
	}
	raw, err := hex.DecodeString(wire)
	if err != nil {
		panic(err)
	}
	return raw
}

// fits draws a number that a kind can hold, and that is none of the values that mean none.
func fits(t *rapid.T, kind string) float64 {
	bits := 16 * widths[kind]
	switch {
	case strings.HasPrefix(kind, "bcd"):
		return float64(rapid.Uint64Range(0, uint64(min(math.Pow10(bits/4), 1<<53))-1).Draw(t, "n"))
	case kind == "float32":
		return float64(rapid.Float32().Draw(t, "n"))
	case kind == "float64":
		return rapid.Float64().Draw(t, "n")
	case strings.HasPrefix(kind, "int"):
		half := int64(1) << min(bits-1, 52)
		return float64(rapid.Int64Range(-half, half-1).Draw(t, "n"))
	case bits == 16:
		return float64(rapid.Uint16().Draw(t, "n"))
	}
	return float64(rapid.Uint64Range(0, 1<<min(bits, 53)-2).Draw(t, "n")) // the last one means no value
}

// Whatever is written in any encoding and order is read back.
func TestDecodeReadsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(names(widths)).Draw(t, "kind")
		order := rapid.SampledFrom(orders).Draw(t, "order")
		n := fits(t, kind)
		raw := written(kind, order, n)
		got, err := encoding{kind: kind, order: order}.decode(raw)
		if err != nil || got != n {
			t.Fatalf("%s %s % x: %v, %v; want %v", kind, order, raw, got, err, n)
		}
	})
}

// What a maker uses for no value is never a value, in any encoding and order, and nor is what nearly all makers use.
func TestSentinelIsNeverAValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(names(widths)).Draw(t, "kind")
		order := rapid.SampledFrom(orders).Draw(t, "order")
		n := fits(t, kind)
		raw := written(kind, order, n)
		none := uint64(0)
		for _, b := range written(kind, "ABCD", n) {
			none = none<<8 | uint64(b)
		}
		if got, err := (encoding{kind, order, []uint64{1, none}}).decode(raw); !errors.Is(err, errNoValue) {
			t.Fatalf("%s %s % x with that as no value: %v, %v", kind, order, raw, got, err)
		}
	})
	for kind, width := range widths {
		raw := []byte(strings.Repeat("\xff", 2*width))
		got, err := encoding{kind: kind, order: "CDAB"}.decode(raw)
		if isCount := kind == "uint16" || strings.HasPrefix(kind, "int"); isCount != (err == nil) {
			t.Errorf("%s of all ones: %v, %v", kind, got, err)
		}
	}
	for _, n := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		for _, kind := range []string{"float32", "float64"} {
			if got, err := (encoding{kind: kind, order: "DCBA"}).decode(written(kind, "DCBA", n)); !errors.Is(err, errNoValue) {
				t.Errorf("%s %v: %v, %v", kind, n, got, err)
			}
		}
	}
}

func TestBCDWithoutDigitsIsRefused(t *testing.T) {
	for _, wire := range []string{"0000000a", "f2345678", "12a45678"} {
		raw, _ := hex.DecodeString(wire)
		if got, err := (encoding{kind: "bcd32", order: "ABCD"}).decode(raw); err == nil {
			t.Errorf("%s is %v", wire, got)
		}
	}
}

// A total that is not a volume is never given, whatever stands in the registers and in the profile.
func FuzzPlan(f *testing.F) {
	text, _ := builtIn.ReadFile("profiles/tuf-2000m.yaml")
	f.Add(text, []byte{0, 1, 2, 3})
	text, _ = builtIn.ReadFile("profiles/xintai-valve-meter.yaml")
	f.Add(text, []byte{0xff, 0xff, 0x7f, 0x80})
	f.Add([]byte("model: a\nsource: b\nchecked: c\nnumbering: modicon\nvalues:\n  - {quantity: door, register: 10001}\n  - {quantity: battery, register: 30001, type: bcd16, scale: 1 %}\n"), []byte{1})
	f.Fuzz(func(t *testing.T, text, fill []byte) {
		p, err := ParseProfile("fuzz.yaml", text)
		if err != nil || len(fill) == 0 {
			return
		}
		made := p.plan()
		for _, n := range made.needs() {
			if n.count < 1 || n.count > p.most() || n.first < 0 || n.first+n.count > 65536 {
				t.Fatalf("need %+v", n)
			}
		}
		values, err := made.read(func(n need) []byte {
			size := 2 * n.count
			if isBits(n.table) {
				size = (n.count + 7) / 8
			}
			raw := make([]byte, size)
			for i := range raw {
				raw[i] = fill[(n.first+i)%len(fill)]
			}
			return raw
		})
		totals := 0
		for _, v := range values {
			if math.IsNaN(v.value) || math.IsInf(v.value, 0) || v.quantity == stillwater.WaterTotal && v.value < 0 {
				t.Fatalf("%s is %v", v.quantity, v.value)
			}
			if isFlag(v.quantity) && v.value != 0 && v.value != 1 {
				t.Fatalf("%s is %v", v.quantity, v.value)
			}
			if v.quantity == stillwater.WaterTotal {
				totals++
			}
		}
		if err == nil && totals < strings.Count(string(text), "water.total") && len(p.Values) == totals+len(values) {
			t.Fatalf("%d totals and no error", totals)
		}
	})
}

// A reply that was cut, or is of another length, gives nothing.
func TestPlanRefusesOtherLengths(t *testing.T) {
	u := Unit{Unit: 1, Profile: "tuf-2000m"}.withDefaults()
	for _, size := range []int{0, 1, 3, 5, 7, 9, 200} {
		values, err := u.values(func(need) []byte { return make([]byte, size) })
		if err == nil {
			t.Errorf("%d bytes for everything: %v", size, values)
		}
	}
	if values, err := u.values(func(need) []byte { return nil }); err == nil || len(values) > 0 {
		t.Errorf("nothing was read: %v, %v", values, err)
	}
}
