package bus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"stillwater"
)

const (
	// silentAfter is how many questions in a row must go unanswered before a unit is called silent: one lost frame on a
	// serial line is no news.
	silentAfter = 2
	// maxBusy is how often a unit that asks for patience is asked again before it counts as refusing.
	maxBusy = 3
	// busyWait is the wait before it is asked again; it doubles.
	busyWait = 100 * time.Millisecond
	// lateAnswers is how many timeouts a unit on a raw line is left alone after a question without its answer: nothing numbers answers, so
	// one that comes even later would be taken for the answer to the next question.
	lateAnswers = 3
)

// A Clock is the event clock, which may run fast. Polls follow it; timeouts and backoff follow the wall clock.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

// A Job is what one unit is asked, again and again.
type Job struct {
	Unit    string        // who is asked: units are told apart by it, and fail by it
	Sources []string      // what its readings come from; the first is the source of readings that name none
	Every   time.Duration // event clock; above zero
	// Ask puts the questions of one turn and gives what was answered, with an error for what was not; both is possible. It
	// returns soon after ctx is done. A reading without a time is of the moment of the answer.
	Ask func(ctx context.Context, conn Conn) ([]stillwater.Reading, error)
}

// Options is what a Bus needs.
type Options struct {
	Name   string // of the bus; begins its sources
	Link   Link   // valid: see Link.Validate
	Raw    bool   // the link carries the bytes of a serial line also where it is an address
	Jobs   []Job
	Clock  Clock
	Health func(feed string, err error) // told whether the bus is well, on changes only; may be nil
	Log    *slog.Logger                 // may be nil
	Dial   Dial                         // how an address is reached; nil: over the network
}

// A Bus gives the units on one link their turns.
type Bus struct {
	name   string
	clock  Clock
	health func(feed string, err error)
	log    *slog.Logger
	line   *Line
	units  []*unit
	jobs   []*job
	thrift time.Time // wall clock: until when no probe may cost others their time
	ailing string    // why the bus is not well, as last told; wellUnknown at first

	mu    sync.Mutex // guards stats here and of the units
	stats Stats
}

const wellUnknown = "not known yet"

// A unit is one device on the bus and how it fares.
type unit struct {
	known bool      // it has answered at least once
	fails int       // questions in a row without a usable frame
	retry time.Time // wall clock: when it is next probed while it does not answer
	stats Stats     // guarded by the bus
}

// A job is a Job and how it fares.
type job struct {
	Job
	unit  *unit
	due   time.Time // event clock: when it is next asked while it is answered
	fails int       // refusals in a row
	busy  int       // times in a row it was asked for patience
	ready time.Time // wall clock: not asked before
}

// New makes a bus that is at rest until Run.
func New(o Options) *Bus {
	b := &Bus{
		name: o.Name, clock: o.Clock, health: o.Health, log: o.Log,
		line: NewLine(o.Link, o.Raw), ailing: wellUnknown, stats: Stats{Bus: o.Name},
	}
	if o.Dial != nil {
		b.line.open = o.Dial.open
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.health == nil {
		b.health = func(string, error) {}
	}
	units := map[string]*unit{}
	for _, j := range o.Jobs {
		u := units[j.Unit]
		if u == nil {
			u = &unit{stats: Stats{Bus: o.Name, Unit: j.Unit}}
			units[j.Unit] = u
			b.units = append(b.units, u)
		}
		u.stats.Sources = append(u.stats.Sources, j.Sources...)
		b.jobs = append(b.jobs, &job{Job: j, unit: u})
	}
	return b
}

// Run polls until ctx is done, and then returns nil. The readings of one turn have a call of emit to themselves, from this goroutine; an
// error from emit ends Run. Each job is asked at once and then at its interval of event time; what was missed is not made up for.
func (b *Bus) Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error {
	defer b.line.Close()
	start, wall := b.clock.Now(), time.Now()
	for _, j := range b.jobs {
		j.due, j.ready, j.unit.retry = start, wall, wall
	}
	for ctx.Err() == nil {
		j, wait := b.next(b.clock.Now(), time.Now())
		if j == nil {
			b.sleep(ctx, wait)
			continue
		}
		readings := b.turn(ctx, j)
		if ctx.Err() != nil {
			break
		}
		if len(readings) == 0 {
			continue
		}
		if err := emit(ctx, readings, nil); err != nil && ctx.Err() == nil {
			return fmt.Errorf("bus %q: %w", b.name, err)
		}
	}
	return nil
}

// turn asks one job and notes how it went.
func (b *Bus) turn(ctx context.Context, j *job) []stillwater.Reading {
	before, begin := b.line.counts, time.Now()
	readings, err := j.Ask(ctx, &once{line: b.line})
	readings, err = b.check(j, readings, err)
	if ctx.Err() != nil {
		return nil
	}
	b.settle(j, len(readings) > 0, err, time.Since(begin))
	b.note(j, before, b.line.took, err)
	return readings
}

// check completes readings, and leaves out what no working device gives.
func (b *Bus) check(j *job, readings []stillwater.Reading, err error) ([]stillwater.Reading, error) {
	now := b.clock.Now()
	good := readings[:0]
	for _, r := range readings {
		if r.Source == "" && len(j.Sources) > 0 {
			r.Source = j.Sources[0]
		}
		if r.At.IsZero() {
			r.At = now
		}
		r.Received = now
		if bad := r.Validate(); bad != nil {
			if err == nil {
				err = &Refusal{fmt.Errorf("%s: %w", r.Source, bad)}
			}
			continue
		}
		good = append(good, r)
	}
	return good, err
}

// once is the line for one turn: after a failure it asks no more, for the next answer could be to the last question.
type once struct {
	line *Line
	err  error
}

// Exchange implements Conn.
func (o *once) Exchange(ctx context.Context, request []byte, read func(r io.Reader) error) error {
	if o.err != nil {
		return o.err
	}
	err := o.line.Exchange(ctx, request, read)
	if !answered(err) {
		o.err = err
	}
	return err
}

// settle says when the job's turn comes again, and tells changes.
func (b *Bus) settle(j *job, some bool, err error, took time.Duration) {
	if noLine, is := errors.AsType[*NoLine](err); is {
		b.tell(fmt.Errorf("bus %q: %w", b.name, noLine))
		return // the unit keeps its turn
	}
	wasSilent, living, share := j.silent(), j.living(), time.Duration(probeShare)
	if j.untried() {
		share = firstShare
	}
	switch {
	case err == nil || some && answered(err):
		b.served(j)
	case answered(err):
		b.refused(j, err)
	default:
		b.unanswered(j)
	}
	if err != nil && !living && b.waiting(j) {
		b.thrift = time.Now().Add(took * share)
	}
	b.speak(j, wasSilent, some, err)
}

// served notes that a job had its turn.
func (b *Bus) served(j *job) {
	j.unit.known, j.unit.fails, j.fails, j.busy = true, 0, 0, 0
	j.due = j.due.Add(j.Every)
	if now := b.clock.Now(); !j.due.After(now) { // what was missed is not made up for, and all miss as many
		j.due = now.Add(j.Every)
	}
}

// refused notes an answer that is no use: the unit is there, unless somebody else says that it is not.
func (b *Bus) refused(j *job, err error) {
	if _, absent := errors.AsType[*Absent](err); absent {
		b.unanswered(j)
		return
	}
	j.unit.known, j.unit.fails = true, 0
	if _, busy := errors.AsType[*Busy](err); busy && j.busy < maxBusy {
		j.ready = time.Now().Add(busyWait << j.busy)
		j.busy++
		return
	}
	j.busy = 0
	j.fails++
	j.ready = time.Now().Add(backoff(j.fails))
}

// unanswered notes that a unit did not answer, or nothing that fits.
func (b *Bus) unanswered(j *job) {
	u := j.unit
	u.fails++
	u.retry = time.Now().Add(backoff(u.fails))
	if b.line.raw {
		u.retry = later(u.retry, b.line.limit.Add(lateAnswers*b.line.link.Timeout))
	}
}

// speak logs and tells what has changed.
func (b *Bus) speak(j *job, wasSilent, some bool, err error) {
	switch {
	case !wasSilent && j.silent():
		b.log.Warn("unit silent", "bus", b.name, "unit", j.Unit, "sources", j.Sources, "err", err)
	case wasSilent && !j.silent():
		b.log.Info("unit answers again", "bus", b.name, "unit", j.Unit, "sources", j.Sources)
	}
	if err == nil || some {
		b.tell(nil)
	} else if b.allSilent() {
		b.tell(fmt.Errorf("bus %q: no unit answers: %w", b.name, err))
	}
}

func (b *Bus) allSilent() bool {
	for _, j := range b.jobs {
		if !j.silent() {
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
