package bus

import (
	"context"
	"time"
)

// probeShare bounds what probes may cost: one that kept others waiting is followed by so many times its length without another
// such probe, which leaves them 97 % of the time.
const probeShare = 32

// firstShare is the same where nobody has asked the unit before: all of a bus should soon be known.
const firstShare = 4

// living says whether an answer is to be expected: then its turn comes first.
func (j *job) living() bool { return j.unit.known && j.unit.fails == 0 && j.fails == 0 }

// hopeful says whether one may think so: it has answered, and has not failed more than once since.
func (j *job) hopeful() bool { return j.unit.known && !j.silent() }

// untried says whether nobody knows yet if the unit answers.
func (j *job) untried() bool { return !j.unit.known && j.unit.fails == 0 && j.fails == 0 }

func (j *job) silent() bool { return j.unit.fails >= silentAfter || j.fails >= silentAfter }

// wakes is when the job may be asked, by the wall clock.
func (j *job) wakes() time.Time {
	if j.unit.fails > 0 {
		return later(j.ready, j.unit.retry)
	}
	return j.ready
}

// waits is how long there is nothing to do: until one of the two clocks has gone so far. Zero: that clock does not matter.
type waits struct{ event, wall time.Duration }

// sooner makes the wall clock matter, if it is the sooner.
func (w *waits) sooner(wall time.Duration) {
	if w.wall == 0 || wall < w.wall {
		w.wall = max(wall, 1)
	}
}

// next chooses whose turn it is: of the jobs that are answered, or only once were not, the one longest due. Any other is probed while none of these
// is due, nor becomes due before the probe can have failed; a probe that would cost others their time must be within probeShare. Once it
// has waited for maxBackoff it then goes first, or a busy bus would never see a unit return; one nobody has asked yet need not wait.
func (b *Bus) next(now, wall time.Time) (*job, waits) {
	if rest := b.line.retry.Sub(wall); b.line.wire == nil && rest > 0 {
		return nil, waits{wall: rest}
	}
	var w waits
	var living, probe *job
	for _, j := range b.jobs {
		if j.due.Sub(now) > j.Every {
			j.due = now // the event clock was set back
		}
		switch {
		case !j.hopeful():
			if probe == nil || j.wakes().Before(probe.wakes()) {
				probe = j
			}
		case j.wakes().After(wall): // it asked for patience, or is given it
			w.sooner(j.wakes().Sub(wall))
		case living == nil || j.due.Before(living.due):
			living = j
		}
	}
	due := living != nil && !living.due.After(now)
	if probe != nil && b.mayProbe(probe, living, now, wall) {
		return probe, waits{}
	}
	if due {
		return living, waits{}
	}
	if living != nil {
		w.event = living.due.Sub(now)
	}
	if probe != nil {
		w.sooner(later(probe.wakes(), b.thrift).Sub(wall))
	}
	return nil, w
}

// mayProbe says whether it is the probe's turn; living is who is due next of those that answer, or nil.
func (b *Bus) mayProbe(probe, living *job, now, wall time.Time) bool {
	waited := wall.Sub(probe.wakes())
	if waited < 0 {
		return false
	}
	if living == nil || living.due.Sub(now) > b.line.link.Timeout {
		return true
	}
	due, affordable := !living.due.After(now), !wall.Before(b.thrift)
	if probe.untried() {
		return !due || affordable
	}
	return affordable && (!due || waited > maxBackoff)
}

// waiting says whether some other job that is answered is due.
func (b *Bus) waiting(but *job) bool {
	now := b.clock.Now()
	for _, j := range b.jobs {
		if j != but && j.living() && !j.due.After(now) {
			return true
		}
	}
	return false
}

// sleep waits until one of the clocks has gone as far as w says, or ctx is done.
func (b *Bus) sleep(ctx context.Context, w waits) {
	switch {
	case w == waits{}: // no unit is to be asked
		<-ctx.Done()
		return
	case w.event <= 0:
		pause(ctx, w.wall)
		return
	case w.wall > 0:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.wall)
		defer cancel()
	}
	_ = b.clock.Sleep(ctx, w.event) // an error is ctx's
}
