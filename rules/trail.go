package rules

import (
	"math"
	"math/bits"
)

// A trail is numbers in a row, each in as few bytes as it needs, that can be taken off the newest end and cut at the oldest: what
// a home remembers of its past. The first byte of a number has no high bit and holds its highest seven bits; all that
// follow have it, so that a number can be read from its end, and a cut finds where one begins.

// pushNumber adds a number at the newest end.
func pushNumber(trail []byte, v uint64) []byte {
	groups := max(1, (bits.Len64(v)+6)/7)
	trail = append(trail, byte(v>>(7*(groups-1)))&0x7f)
	for g := groups - 2; g >= 0; g-- {
		trail = append(trail, byte(v>>(7*g))|0x80)
	}
	return trail
}

// popNumber reads the number that ends at end and gives where it begins; -1: there is none.
func popNumber(trail []byte, end int) (v uint64, begin int) {
	for shift := 0; end > 0 && shift < 70; shift += 7 {
		end--
		b := trail[end]
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v, end
		}
	}
	return 0, -1
}

// readNumber reads the number that begins the trail and gives its length.
func readNumber(trail []byte) (v uint64, n int) {
	for i, b := range trail {
		if b < 0x80 && i > 0 {
			return v, i
		}
		v = v<<7 | uint64(b&0x7f)
	}
	return v, len(trail)
}

// skipNumbers is where the number after the first n ones begins.
func skipNumbers(trail []byte, n int) int {
	for i, b := range trail {
		if b < 0x80 {
			if n == 0 {
				return i
			}
			n--
		}
	}
	return len(trail)
}

// zigzag makes a small number of a number close to zero.
func zigzag(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// spanNumber writes a span of time: whole seconds, as meters are mostly read, take fewer bytes.
func spanNumber(d instant) uint64 {
	if const1s := instant(1e6); d%const1s == 0 {
		return zigzag(int64(d/const1s)) << 1
	}
	return zigzag(int64(d))<<1 | 1
}

func numberSpan(v uint64) instant {
	if v&1 == 0 {
		return instant(unzigzag(v>>1)) * 1e6
	}
	return instant(unzigzag(v >> 1))
}

// milli is the value in thousandths, if they say it exactly.
func milli(v float64) (int64, bool) {
	if n := int64(v); float64(n) == v && n > -1<<40 && n < 1<<40 { // as most counters are
		return n * 1000, true
	}
	m := math.Round(v * 1000)
	return int64(m), math.Abs(m) < 1<<52 && m/1000 == v
}
