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
	Gaps  []int32 `json:"g,omitempty"` // seconds, a ring
	Seen  int     `json:"n,omitempty"`
	Usual int32   `json:"u,omitempty"` // seconds; 0: not known yet
}

// add takes the next gap. Reports that arrive together are one.
func (c *cadence) add(gap time.Duration) {
	seconds := int32(min(gap, 30*24*time.Hour) / time.Second)
	if seconds <= 0 {
		return
	}
	if len(c.Gaps) < cadenceGaps {
		c.Gaps = append(c.Gaps, seconds)
	} else {
		c.Gaps[c.Seen%cadenceGaps] = seconds
	}
	c.Seen++
	if c.Seen%8 == 0 { // often enough to follow a change, seldom enough to cost nothing
		var sorted [cadenceGaps]int32
		n := copy(sorted[:], c.Gaps)
		slices.Sort(sorted[:n])
		c.Usual = sorted[n*9/10]
	}
}

// soFar is the longest gap yet, where too few are known to say what is usual.
func (c *cadence) soFar() time.Duration {
	if c.Usual > 0 || len(c.Gaps) == 0 {
		return 0
	}
	return time.Duration(slices.Max(c.Gaps)) * time.Second
}

// usual is the interval as a duration; zero: not known yet.
func (c *cadence) usual() time.Duration { return time.Duration(c.Usual) * time.Second }
