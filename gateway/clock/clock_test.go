package clock

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// start is an event time far from the wall clock's.
var start = time.Date(2026, 3, 1, 22, 0, 0, 0, time.FixedZone("", 8*3600))

func TestRealIsTheWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Real()
		if got := c.Now(); !got.Equal(time.Now()) || got.Location() != time.UTC {
			t.Errorf("now %v, wall %v", got, time.Now())
		}
		began := time.Now()
		if err := c.Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept %v, %v", time.Since(began), err)
		}
		c.SetSpeed(100)
		if c.Speed() != 1 {
			t.Errorf("the real clock runs at %v", c.Speed())
		}
	})
}

func TestFast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewFast(start, 60)
		if got := c.Now(); !got.Equal(start) || got.Location() != time.UTC {
			t.Errorf("starts at %v", got)
		}
		began := time.Now()
		if err := c.Sleep(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Microsecond {
			t.Errorf("an hour took %v, want a minute", took)
		}
		if got := c.Now().Sub(start); got < time.Hour || got > time.Hour+time.Millisecond {
			t.Errorf("woke after %v", got)
		}
		if got := c.At(began.Add(30 * time.Second)).Sub(start); got != 30*time.Minute {
			t.Errorf("at 30 s: %v", got)
		}
	})
}

// Sleepers recompute when the speed changes: slowed, they wait longer; hurried, they wake earlier; standing still, not at all.
func TestSetSpeedWakesSleepers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewFast(start, 60)
		began := time.Now()
		done := make(chan time.Duration, 1)
		go func() {
			if err := c.SleepUntil(t.Context(), start.Add(2*time.Hour)); err != nil {
				t.Error(err)
			}
			done <- time.Since(began)
		}()
		time.Sleep(time.Minute) // of two: an hour is left
		c.SetSpeed(1)
		time.Sleep(10 * time.Minute) // 50 minutes are left
		c.SetSpeed(0)
		time.Sleep(24*time.Hour + 7*time.Second) // between two looks at the clock
		if at := c.Now().Sub(start); at < 70*time.Minute || at > 70*time.Minute+time.Second {
			t.Errorf("stood still at %v", at)
		}
		c.SetSpeed(3000) // one second
		if took, want := <-done, 24*time.Hour+11*time.Minute+8*time.Second; took < want || took > want+time.Millisecond {
			t.Errorf("slept %v, want %v", took, want)
		}
	})
}

func TestSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewFast(start, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if err := c.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := c.Sleep(ctx, 0); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("no time in a done context: %v", err)
		}
		for _, d := range []time.Duration{0, -time.Hour} {
			if err := c.Sleep(t.Context(), d); err != nil || time.Since(began) != time.Second {
				t.Errorf("sleep %v: %v after %v", d, err, time.Since(began))
			}
		}
	})
}

// Two processes given the same anchor agree, and so does one that is started anew after the speed was changed.
func TestAnchored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wall := time.Now().Add(-time.Hour)
		a := Anchored(wall, start, 24)
		time.Sleep(7 * time.Second)
		b := Anchored(wall, start, 24)
		if !a.Now().Equal(b.Now()) || a.Now().Sub(start) != 24*time.Hour+168*time.Second {
			t.Errorf("%v and %v", a.Now(), b.Now())
		}
		a.SetSpeed(2)
		time.Sleep(time.Minute)
		again := Anchored(a.Anchor())
		time.Sleep(time.Minute)
		if !again.Now().Equal(a.Now()) || again.Speed() != 2 {
			t.Errorf("anew %v, before %v", again.Now(), a.Now())
		}
	})
}

func TestSpeedIsBounded(t *testing.T) {
	for x, want := range map[float64]float64{-1: 0, math.Inf(1): MaxSpeed, 0: 0, 2.5: 2.5, 1e9: MaxSpeed} {
		if got := NewFast(start, x).Speed(); got != want {
			t.Errorf("speed %v is %v, want %v", x, got, want)
		}
	}
	if got := NewFast(start, math.NaN()).Speed(); got != 0 {
		t.Errorf("speed NaN is %v", got)
	}
	if got := Anchored(time.Time{}, start, MaxSpeed).Now(); got.Before(start) {
		t.Errorf("an anchor long ago gives %v", got)
	}
}

// machine is a computer whose wall clock can be set.
type machine struct {
	ahead atomic.Int64
}

func (m *machine) set(ahead time.Duration) { m.ahead.Store(int64(ahead)) }

// now has no monotonic reading once the clock was set: that is how a difference across a step looks to a clock anchored elsewhere.
func (m *machine) now() time.Time { return time.Now().Round(0).Add(time.Duration(m.ahead.Load())) }

// The wall clock is set back an hour: event time goes on, at half speed, until it is caught up.
func TestWallClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		c := newReal(m.now)
		before := c.Now()
		m.set(-time.Hour)
		if got := c.Now(); !got.Equal(before) {
			t.Errorf("right after the step %v, want %v", got, before)
		}
		began := time.Now()
		if err := c.Sleep(t.Context(), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 20*time.Minute || took > 20*time.Minute+2*recheck {
			t.Errorf("ten minutes took %v, want twenty", took)
		}
		time.Sleep(3 * time.Hour)
		if got := c.Now(); !got.Equal(m.now()) {
			t.Errorf("hours later %v, wall clock %v", got, m.now())
		}
	})
}

// The wall clock is set forward, or the machine was suspended: who sleeps wakes soon after, not an hour later.
func TestWallClockSetForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &machine{}
		c := newReal(m.now)
		began, done := time.Now(), make(chan time.Duration, 1)
		go func() {
			if err := c.Sleep(t.Context(), time.Hour); err != nil {
				t.Error(err)
			}
			done <- time.Since(began)
		}()
		time.Sleep(time.Minute)
		m.set(2 * time.Hour)
		if took := <-done; took > time.Minute+recheck {
			t.Errorf("woke after %v", took)
		}
	})
}

// TestNeverBack holds for any history of speeds and steps of the wall clock that time goes forward only, and no faster than it may.
func TestNeverBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.Unix(1e9, 0)
		m := func() time.Time { return at }
		c := newClock(m, at, start, rapid.Float64Range(0, 5000).Draw(rt, "speed"))
		last := c.Now()
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				at = at.Add(time.Duration(rapid.Int64Range(0, 1e12).Draw(rt, "pass")))
			case 1:
				at = at.Add(-time.Duration(rapid.Int64Range(0, 1e12).Draw(rt, "back")))
			case 2:
				c.SetSpeed(rapid.Float64Range(-1, 5000).Draw(rt, "new speed"))
			}
			if now := c.Now(); now.Before(last) {
				rt.Fatalf("%v after %v", now, last)
			} else {
				last = now
			}
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewFast(start, 100)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				last := c.Now()
				for range 50 {
					if i == 0 {
						c.SetSpeed(float64(1 + last.Nanosecond()%500))
					}
					if err := c.Sleep(t.Context(), time.Minute); err != nil {
						t.Error(err)
					}
					now := c.Now()
					if now.Sub(last) < time.Minute {
						t.Errorf("%v after %v", now, last)
					}
					last = now
				}
			})
		}
		all.Wait()
	})
}
