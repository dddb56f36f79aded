package rules

import (
	"math"
	"time"
)

// An instant is a moment in microseconds since 1970, the grain of the journal; 0: none. A home holds many moments and a district
// many homes, and a time.Time takes three times the room.
type instant int64

// farthest is as far from 1970 as an instant goes, three thousand years: a clock that says more is taken to say this.
const farthest = instant(1e17)

// instantOf is the instant of a moment; what is finer is cut off.
func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	switch s := t.Unix(); {
	case s > int64(farthest/1e6):
		return farthest
	case s < -int64(farthest/1e6):
		return -farthest
	}
	return instant(t.UnixMicro())
}

// time is the moment, zero for none.
func (t instant) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// add is the instant d later.
func (t instant) add(d time.Duration) instant { return t + instant(d/time.Microsecond) }

// hoursOf is a duration in hours, sooner than its Hours method has it.
func hoursOf(d time.Duration) float64 { return float64(d) / float64(time.Hour) }

// sub is how long after u it is, the longest duration where that is longer.
func (t instant) sub(u instant) time.Duration {
	const most = instant(math.MaxInt64 / int64(time.Microsecond))
	return time.Duration(min(max(t-u, -most), most)) * time.Microsecond
}

// minute is a minute in instants.
const minute = instant(time.Minute / time.Microsecond)

// ceilMinute is the first whole minute not before t.
func ceilMinute(t instant) instant {
	floor := t - t%minute
	if floor < t {
		return floor + minute
	}
	return floor
}

// sooner is the earlier of two instants; none does not count.
func sooner(a, b instant) instant {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// later is the later of two moments.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
