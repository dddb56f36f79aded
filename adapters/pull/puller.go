package pull

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

const (
	// firstBackoff and maxBackoff bound the wait after a failure, if that is shorter than the usual one.
	firstBackoff, maxBackoff = 5 * time.Second, 15 * time.Minute
	// tellAfter is how many fetches must fail in a row before it is told: one that does is usual.
	tellAfter = 2
	// lookAgain is when it is looked again at a file that somebody is still writing, or seems to be.
	lookAgain = time.Minute
	// batch is how many readings are emitted and committed together.
	batch = 2000
)

// A Clock is the event clock, which may run fast.
type Clock interface{ Now() time.Time }

// Options is what a Puller needs.
type Options struct {
	Config Config // valid: see Config.Validate; its secrets are resolved
	Clock  Clock
	Health func(feed string, err error)     // told whether the feed is well, on changes only; may be nil
	Reject func(feed string, reason string) // told of everything that is not taken; reasons are few and fixed; may be nil
	Known  func(source string) bool         // says whether a household has the device: the readings of others are emitted again; nil: all are known
	Log    *slog.Logger                     // may be nil
}

// A Puller fetches one feed.
type Puller struct {
	config Config
	clock  Clock
	health func(string, error)
	reject func(string, string)
	known  func(string) bool
	log    *slog.Logger
	reader *platform.Reader
	watch  *platform.Watch
	seen   *seen
	origin origin
	well   *bool // as last told; nil at first
}

// An origin is where documents are fetched from.
type origin interface {
	// fetch gives what is there to give, one document after the other, and says whether it is to be asked again soon. It stops at the
	// first error, its own or one of give. What was given is not given again unless it has changed, or may have.
	fetch(ctx context.Context, give func(data []byte) (records int, doc any, err error)) (again bool, err error)
}

// emitter is how readings leave; see Run.
type emitter = func(ctx context.Context, readings []stillwater.Reading, done func()) error

// New makes a puller that is at rest until Run.
func New(o Options) (*Puller, error) {
	c := o.Config.withDefaults()
	p := &Puller{config: c, clock: o.Clock, health: o.Health, reject: o.Reject, known: o.Known, log: o.Log, seen: newSeen()}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.health == nil {
		p.health = func(string, error) {}
	}
	if p.reject == nil {
		p.reject = func(string, string) {}
	}
	if p.known == nil {
		p.known = func(string) bool { return true }
	}
	err := p.Problems()
	if err == nil {
		p.reader, err = platform.NewReader(c.Layout)
	}
	if err == nil {
		p.origin, err = p.from()
	}
	if err != nil {
		return nil, fmt.Errorf("pull feed %q: %w", c.Name, err)
	}
	return p, nil
}

// Problems is what is wrong with the feed's layout.
func (p *Puller) Problems() error { return p.config.Layout.Problems() }

// from is where the feed is fetched from.
func (p *Puller) from() (origin, error) {
	switch c := &p.config; {
	case c.HTTP != nil:
		return newAsker(p)
	case c.SFTP != nil:
		open, err := dialer(*c.SFTP, c.Timeout)
		if err != nil {
			return nil, err
		}
		return &shelf{open: open, folder: c.SFTP.Folder, reach: c.Reach, table: c.CSV != nil, refuse: func(reason string) { p.reject(p.config.Name, reason) }}, nil
	default:
		return &shelf{open: local, folder: *c.Folder, reach: c.Reach, table: c.CSV != nil, refuse: func(reason string) { p.reject(p.config.Name, reason) }}, nil
	}
}

// Run fetches until ctx is done, and then returns nil. Readings are emitted from this goroutine, those of each device in order of event time
// within a document; the next are emitted when they are committed. An error from emit ends Run. It can be called once.
func (p *Puller) Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error {
	p.watch = platform.NewWatch(p.config.Expect, p.clock.Now())
	fails := 0
	for ctx.Err() == nil {
		again, err := p.once(ctx, emit)
		if ctx.Err() != nil {
			break
		}
		var ended *emitError
		if errors.As(err, &ended) {
			return fmt.Errorf("pull feed %q: %w", p.config.Name, ended.error)
		}
		if fails++; err == nil {
			fails = 0
		}
		p.tell(err, fails)
		select {
		case <-time.After(p.pause(fails, again)):
		case <-ctx.Done():
		}
	}
	return nil
}

// pause is how long to wait for the next fetch.
func (p *Puller) pause(fails int, again bool) time.Duration {
	switch {
	case fails > 0:
		d := min(maxBackoff, p.config.Every, firstBackoff<<min(fails-1, 20))
		return d/2 + rand.N(d/2+1) // many gateways do not return at one moment
	case again:
		return min(lookAgain, p.config.Every)
	}
	return p.config.Every
}

// tell reports whether the feed is well, if that has changed.
func (p *Puller) tell(err error, fails int) {
	if err != nil && fails < tellAfter {
		p.log.Debug("fetch", "feed", p.config.Name, "err", err)
		return
	}
	if err == nil {
		err = p.watch.Late(p.clock.Now())
	}
	well := err == nil
	if p.well != nil && *p.well == well {
		return
	}
	p.well = &well
	if err != nil {
		err = fmt.Errorf("pull feed %q: %w", p.config.Name, err)
	}
	p.health(p.config.Name, err)
}

// emitError is an error of emit.
type emitError struct{ error }

// once fetches what there is.
func (p *Puller) once(ctx context.Context, emit emitter) (again bool, err error) {
	p.seen.begin()
	again, err = p.origin.fetch(ctx, func(data []byte) (int, any, error) { return p.take(ctx, data, emit) })
	if err == nil {
		p.seen.end()
	}
	return again, err
}

// take makes the readings of one document, and returns when they are committed.
func (p *Puller) take(ctx context.Context, data []byte, emit emitter) (records int, doc any, err error) {
	if doc, err = p.decode(data); err != nil {
		p.reject(p.config.Name, err.Error())
		return 0, nil, err
	}
	now := p.clock.Now()
	result := p.reader.Read(doc, now)
	for reason, n := range result.Refused {
		for range n {
			p.reject(p.config.Name, reason)
		}
	}
	for i := range result.Readings {
		result.Readings[i].Source = p.config.Name + "/" + result.Readings[i].Source
	}
	fresh := p.seen.fresh(result.Readings)
	if len(fresh) > 0 {
		p.watch.Came(now)
	}
	for len(fresh) > 0 {
		n := min(batch, len(fresh))
		if err := p.commit(ctx, fresh[:n], emit); err != nil {
			return 0, nil, err
		}
		p.seen.add(fresh[:n], p.known)
		fresh = fresh[n:]
	}
	return result.Records, doc, nil
}

// decode reads a document as JSON or as a table.
func (p *Puller) decode(data []byte) (any, error) {
	if p.config.CSV != nil {
		doc, broken, err := p.config.CSV.Table(data)
		for range broken {
			p.reject(p.config.Name, "row of another length")
		}
		return doc, err
	}
	text, err := platform.Text(data, "")
	if err != nil {
		return nil, platform.ErrNotJSON
	}
	return platform.Decode(text)
}

// commit emits readings and waits until they are committed.
func (p *Puller) commit(ctx context.Context, readings []stillwater.Reading, emit emitter) error {
	committed := make(chan struct{})
	if err := emit(ctx, append([]stillwater.Reading(nil), readings...), func() { close(committed) }); err != nil {
		return &emitError{err}
	}
	select {
	case <-committed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
