// Package clock is the event clock: the time of readings, rules, ladders and rosters. In operation it is the wall clock; in a
// demonstration or rehearsal it runs faster, at a speed that can be changed while it runs.
//
// It promises that time never goes back, also when the wall clock is set back, and that whoever sleeps wakes once the event time has
// come, whatever happened to the speed and the wall clock meanwhile: nobody waits an hour longer because a clock was set.
//
// It never drives I/O timeouts, backoff, TLS or sessions: those keep the wall clock.
package clock

import (
	"context"
	"math"
	"sync"
	"time"
)

// MaxSpeed bounds the speed: a day in a second. Beyond it a single scheduling delay of the machine would be hours.
const MaxSpeed = 86_400

// recheck is how often a sleeper looks at the clock again: timers of the machine do not notice that the wall clock was set, or
// that the machine was suspended.
const recheck = 15 * time.Second

// A Clock tells event time. It is safe for concurrent use.
type Clock struct {
	now  func() time.Time // of the machine, with its monotonic reading
	real bool             // event time is the wall clock, and the anchor unused

	// mu guards everything that follows.
	mu      sync.Mutex
	wall    time.Time // the anchor: at this moment of the wall clock …
	event   time.Time // … it was this event time
	speed   float64
	last    time.Time     // the latest event time told
	lastAt  time.Time     // when that was, by the machine
	changed chan struct{} // closed when the speed changes
}

// Real is the wall clock. Set back, it goes on at half speed until the wall clock has caught up.
func Real() *Clock { return newReal(time.Now) }

func newReal(now func() time.Time) *Clock {
	c := newClock(now, time.Time{}, time.Time{}, 1)
	c.real = true
	return c
}

// NewFast starts at an event time and runs speed times as fast as the wall clock.
func NewFast(start time.Time, speed float64) *Clock {
	return newClock(time.Now, time.Now(), start, speed)
}

// Anchored runs speed times as fast as the wall clock and shows event at the wall clock's wall. Processes on one machine, or one
// that was started anew, agree when they are given the same three values (see Anchor).
func Anchored(wall, event time.Time, speed float64) *Clock {
	return newClock(time.Now, wall.Round(0), event, speed)
}

func newClock(now func() time.Time, wall, event time.Time, speed float64) *Clock {
	return &Clock{now: now, wall: wall, event: event.UTC(), speed: bounded(speed), changed: make(chan struct{})}
}

// bounded is the nearest possible speed; 0 stands still.
func bounded(speed float64) float64 {
	if !(speed > 0) { // NaN too
		return 0
	}
	return min(speed, MaxSpeed)
}

// Now is the event time, in UTC. It is never before a time that was told earlier.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tell()
}

// tell is Now for those who hold mu.
func (c *Clock) tell() time.Time {
	machine := c.now()
	t := c.at(machine)
	if !c.last.IsZero() && t.Before(c.last) {
		t = c.last // the wall clock was set back
		if elapsed := machine.Sub(c.lastAt); elapsed > 0 {
			t = c.last.Add(scaled(elapsed, c.speed/2))
		}
	}
	c.last, c.lastAt = t, machine
	return t
}

// At is the event time at a moment of the wall clock, by the present speed.
func (c *Clock) At(wall time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(wall)
}

func (c *Clock) at(wall time.Time) time.Time {
	if c.real {
		return wall.Round(0).UTC()
	}
	return c.event.Add(scaled(wall.Sub(c.wall), c.speed))
}

// scaled multiplies, and stays in what a duration can hold.
func scaled(d time.Duration, by float64) time.Duration {
	switch product := float64(d) * by; {
	case product >= math.MaxInt64:
		return math.MaxInt64
	case product <= math.MinInt64:
		return math.MinInt64
	default:
		return time.Duration(product)
	}
}

// Speed is how many seconds of event time go by in one of the wall clock.
func (c *Clock) Speed() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.speed
}

// SetSpeed changes the speed from now on, within 0 (time stands still) and MaxSpeed; who sleeps is woken accordingly. The real clock keeps its
// own.
func (c *Clock) SetSpeed(x float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real || bounded(x) == c.speed {
		return
	}
	c.event = c.tell()
	c.wall = c.lastAt
	c.speed = bounded(x)
	close(c.changed)
	c.changed = make(chan struct{})
}

// Anchor is what Anchored needs to agree with this clock from now on.
func (c *Clock) Anchor() (wall, event time.Time, speed float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	event = c.tell()
	return c.lastAt.Round(0), event, c.speed
}

// Sleep waits until d of event time has gone by. It returns the context's error when that is done first.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	return c.SleepUntil(ctx, c.Now().Add(d))
}

// SleepUntil waits until the event time t. It returns the context's error when that is done first.
func (c *Clock) SleepUntil(ctx context.Context, t time.Time) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		wait, changed := c.wait(t)
		if wait <= 0 {
			return nil
		}
		if err := pause(ctx, wait, changed); err != nil {
			return err
		}
	}
}

// wait is how long of the wall clock to wait before looking again, not positive once t has come.
func (c *Clock) wait(t time.Time) (time.Duration, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	left := t.Sub(c.tell())
	if left <= 0 {
		return 0, nil
	}
	if c.speed == 0 {
		return recheck, c.changed
	}
	return min(recheck, scaled(left, 1/c.speed)+1), c.changed // 1 ns more: rounded down, it would be looked at too early
}

// pause waits on the wall clock.
func pause(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
	case <-changed:
	}
	return nil
}
