package rules

import (
	"slices"
	"time"
)

// cadenceGaps is how many of the latest gaps between reports the usual interval is learned from.
const cadenceGaps = 32

// cadence learns how often a device usually reports: the 90th percentile of its latest gaps, so that a meter that
// also reports on change is judged by its slower heartbeat.
type cadence struct {
	Gaps  *[cadenceGaps]gap // a ring; nil: none yet
	Usual uint32            // seconds; 0: not known yet
	Seen  uint16            // how many gaps there were; see next
}

// gap is a time between reports in a quarter of the room: seconds up to nine hours, beyond that steps of 80 s, which a day has 1080 of.
type gap uint16

const (
	gapFine = 1 << 15
	gapStep = 80
)

func gapOf(seconds int64) gap {
	if seconds < gapFine {
		return gap(seconds)
	}
	return gap(min(gapFine+seconds/gapStep, 1<<16-1))
}

func (g gap) seconds() uint32 {
	if g < gapFine {
		return uint32(g)
	}
	return uint32(g-gapFine) * gapStep
}

// add takes the next gap and says whether the usual interval changed, or may be taken to have. Reports that arrive together are one.
func (c *cadence) add(between time.Duration) bool {
	seconds := int64(min(between, 30*24*time.Hour) / time.Second)
	if seconds <= 0 {
		return false
	}
	if c.Gaps == nil {
		c.Gaps = new([cadenceGaps]gap)
	}
	c.Gaps[c.Seen%cadenceGaps] = gapOf(seconds)
	if c.Seen++; c.Seen == 0 {
		c.Seen = cadenceGaps // the ring is full for ever
	}
	before := c.Usual
	if c.Seen%8 == 0 { // often enough to follow a change, seldom enough to cost nothing
		sorted := *c.Gaps
		n := c.known()
		slices.Sort(sorted[:n])
		c.Usual = sorted[n*9/10].seconds()
	}
	return c.Usual != before || c.Usual == 0
}

// forget begins anew.
func (c *cadence) forget() { *c = cadence{} }

// known is how many gaps are in the ring.
func (c *cadence) known() int { return min(int(c.Seen), cadenceGaps) }

// soFar is the longest gap yet, where too few are known to say what is usual.
func (c *cadence) soFar() time.Duration {
	if c.Usual > 0 || c.Seen == 0 {
		return 0
	}
	return time.Duration(slices.Max(c.Gaps[:c.known()]).seconds()) * time.Second
}

// latest is the last gap; zero: there was none.
func (c *cadence) latest() time.Duration {
	if c.Seen == 0 {
		return 0
	}
	return time.Duration(c.Gaps[(c.Seen-1)%cadenceGaps].seconds()) * time.Second
}

// usual is the interval as a duration; zero: not known yet.
func (c *cadence) usual() time.Duration { return time.Duration(c.Usual) * time.Second }

func (c *cadence) fields(k *codec) {
	small(k, 1, &c.Usual)
	small(k, 2, &c.Seen)
	if k.reading && c.Seen > 0 {
		c.Gaps = new([cadenceGaps]gap)
	}
	if c.Gaps != nil {
		numbers(k, 3, c.Gaps[:])
	}
}
