package delivery

import "time"

const (
	// breakAfter is how many sendings in a row fail before a route is left alone. They are few, because each may cost a contact two
	// minutes; a single bad number does not get there by itself, because it is asked about before it is tried again.
	breakAfter = 3
	// breakFor is how long it is left alone at first. Each failure after that doubles it, up to the longest backoff.
	breakFor = 10 * time.Second
)

// circuit leaves a route alone that does not work, and has it tried by one message at a time until it does. Only the goroutine of the
// dispatcher touches it.
//
// It is not a library's: there (failsafe-go 0.9.6) a place of the half-open state comes back only with a success or a failure, so a message that was
// cancelled at the last moment, or is over a limit, which says neither of its provider, would close the route for good; and a success while the
// circuit is open, which an urgent message brings that had no other way left, counts for nothing.
type circuit struct {
	failures int           // in a row
	shut     time.Time     // until when
	longest  time.Duration // that it stays open
}

// A verdict is what a call says of its provider.
type verdict int

const (
	neither verdict = iota // it was not called, or said something of this one message alone
	works
	fails
)

// open says whether the circuit is open or half open: then nothing goes by it that has another way, but for one message at a time, to try it.
func (c *circuit) open() bool { return c.failures >= breakAfter }

// note takes what a call said.
func (c *circuit) note(now time.Time, v verdict) {
	switch v {
	case works:
		c.failures = 0
	case fails:
		c.failures++
		if over := c.failures - breakAfter; over >= 0 {
			c.shut = now.Add(min(c.longest, breakFor<<min(over, 10)))
		}
	}
}
