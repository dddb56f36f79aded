package modbus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stillwater"
)

// silentAfter is how many questions in a row must go unanswered before a unit is called silent: one lost frame on a
// serial line is no news.
const silentAfter = 2

// A Clock is the event clock, which may run fast. Polls follow it; timeouts and backoff follow the wall clock.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

// Options is what a Bus needs.
type Options struct {
	Config Config // valid: see Config.Validate
	Clock  Clock
	Health func(feed string, err error) // told whether the bus is well, on changes only; may be nil
	Log    *slog.Logger                 // may be nil
}

// A Bus polls the units of one bus.
type Bus struct {
	name   string
	pause  time.Duration
	clock  Clock
	health func(feed string, err error)
	log    *slog.Logger
	line   *line
	points []*point
	jumped time.Time // wall clock: when a probe last went before units that answer
	ailing string    // why the bus is not well, as last told; wellUnknown at first
}

const wellUnknown = "not known yet"

// A point is one counter and how it fares.
type point struct {
	unit   Unit
	source string
	every  time.Duration
	known  bool      // it has answered at least once
	due    time.Time // event clock: when it is next read while it answers
	fails  int       // questions in a row without a usable answer
	retry  time.Time // wall clock: when it is next probed while it does not
}

// answers says whether an answer is to be expected: then its turn comes first.
func (p *point) answers() bool { return p.known && p.fails == 0 }

func (p *point) silent() bool { return p.fails >= silentAfter }

// New makes a bus that is at rest until Run.
func New(o Options) *Bus {
	c := o.Config.withDefaults()
	b := &Bus{name: c.Name, pause: c.Pause, clock: o.Clock, health: o.Health, log: o.Log, line: newLine(c), ailing: wellUnknown}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.health == nil {
		b.health = func(string, error) {}
	}
	for _, u := range c.Units {
		if u.Disabled {
			continue
		}
		p := &point{unit: u.withDefaults(), source: c.Name + "/" + u.point(), every: u.Every}
		if p.every == 0 {
			p.every = c.Every
		}
		b.points = append(b.points, p)
	}
	return b
}

// Run polls until ctx is done, and then returns nil. Every reading has a call of emit to itself, from this goroutine; an error
// from emit ends Run. Each unit is read at once and then at its interval of event time; what was missed is not made up for.
func (b *Bus) Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error {
	defer b.line.drop()
	start := b.clock.Now()
	for _, p := range b.points {
		p.due, p.retry = start, time.Now()
	}
	for ctx.Err() == nil {
		p, wait := b.next(b.clock.Now(), time.Now())
		if p == nil {
			b.sleep(ctx, wait)
			continue
		}
		reading, err := b.poll(ctx, p)
		if ctx.Err() != nil {
			break
		}
		b.settle(p, err)
		if err == nil {
			if err := emit(ctx, []stillwater.Reading{reading}, nil); err != nil && ctx.Err() == nil {
				return fmt.Errorf("bus %q: %w", b.name, err)
			}
		}
		if b.pause > 0 {
			b.sleep(ctx, waits{wall: b.pause})
		}
	}
	return nil
}

// poll reads one counter.
func (b *Bus) poll(ctx context.Context, p *point) (stillwater.Reading, error) {
	raw, err := b.line.read(ctx, p.unit)
	var count float64
	if err == nil {
		count, err = decode(p.unit, raw)
	}
	now := b.clock.Now()
	r := stillwater.Reading{Source: p.source, Quantity: stillwater.WaterTotal, Value: count * float64(p.unit.Scale), At: now, Received: now}
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return r, fmt.Errorf("unit %d register %d: %w", p.unit.Unit, p.unit.Register, err)
	}
	return r, nil
}

// settle notes how a poll went, tells changes, and says when the unit's turn comes again.
func (b *Bus) settle(p *point, err error) {
	var noLine *lineError
	if errors.As(err, &noLine) {
		b.tell(fmt.Errorf("bus %q: %w", b.name, noLine))
		return // the unit keeps its turn
	}
	was := p.silent()
	if err != nil {
		p.fails++
		p.retry = time.Now().Add(backoff(p.fails))
		if !was && p.silent() {
			b.log.Warn("unit silent", "source", p.source, "err", err)
		}
		if b.allSilent() {
			b.tell(fmt.Errorf("bus %q: no unit answers: %w", b.name, err))
		}
		return
	}
	p.fails, p.known = 0, true
	if was {
		b.log.Info("unit answers again", "source", p.source)
	}
	b.tell(nil)
	p.due = p.due.Add(p.every)
	if late := b.clock.Now().Sub(p.due); late >= 0 {
		p.due = p.due.Add((late/p.every + 1) * p.every) // keeps its place in the round
	}
}

func (b *Bus) allSilent() bool {
	for _, p := range b.points {
		if !p.silent() {
			return false
		}
	}
	return true
}

// tell reports whether the bus is well, if that has changed. A different reason is not a change.
func (b *Bus) tell(err error) {
	why := ""
	if err != nil {
		why = err.Error()
	}
	if b.ailing != wellUnknown && (why == "") == (b.ailing == "") {
		return
	}
	b.ailing = why
	if err != nil {
		b.log.Warn("bus away", "bus", b.name, "err", err)
	} else {
		b.log.Info("bus answers", "bus", b.name)
	}
	b.health(b.name, err)
}

// waits is how long there is nothing to do: until one of the two clocks has gone so far. Zero: that clock does not matter.
type waits struct{ event, wall time.Duration }

// next chooses whose turn it is: of the units that answer the one longest due, and only while none of these is due, one that has to be
// probed. Once in maxBackoff a probe that has waited for as long goes first all the same, or a busy bus would never see a unit return.
func (b *Bus) next(now, wall time.Time) (*point, waits) {
	if rest := b.line.retry.Sub(wall); b.line.conn == nil && rest > 0 {
		return nil, waits{wall: rest}
	}
	var living, probe *point
	for _, p := range b.points {
		if p.due.Sub(now) > p.every {
			p.due = now // the event clock was set back
		}
		switch {
		case p.answers() && (living == nil || p.due.Before(living.due)):
			living = p
		case !p.answers() && (probe == nil || p.retry.Before(probe.retry)):
			probe = p
		}
	}
	livingDue := living != nil && !living.due.After(now)
	probeDue := probe != nil && !probe.retry.After(wall)
	switch {
	case probeDue && !livingDue:
		return probe, waits{}
	case probeDue && wall.Sub(probe.retry) > maxBackoff && wall.Sub(b.jumped) > maxBackoff:
		b.jumped = wall
		return probe, waits{}
	case livingDue:
		return living, waits{}
	}
	var w waits
	if living != nil {
		w.event = living.due.Sub(now)
	}
	if probe != nil {
		w.wall = probe.retry.Sub(wall)
	}
	return nil, w
}

// sleep waits until one of the clocks has gone as far as w says, or ctx is done.
func (b *Bus) sleep(ctx context.Context, w waits) {
	if w.wall > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.wall)
		defer cancel()
	}
	if w.event > 0 {
		_ = b.clock.Sleep(ctx, w.event) // an error is ctx's
		return
	}
	<-ctx.Done()
}
