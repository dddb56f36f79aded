package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"stillwater"
)

const (
	// maxBackoff bounds how long a broker that has come back stays unconnected.
	maxBackoff = 30 * time.Second
	// firstBackoff is the wait after the first failure.
	firstBackoff = time.Second
	// steady is how long a connection must have lasted for the next failure to be a first one.
	steady = 30 * time.Second
)

// A Clock is the event clock, which may run fast.
type Clock interface{ Now() time.Time }

// Options is what a Source needs.
type Options struct {
	Config Config // valid: see Config.Validate
	Clock  Clock
	Health func(feed string, err error)     // told whether the broker is well, on changes only; may be nil
	Reject func(feed string, reason string) // told of every message that is not accepted; reasons are few and fixed; called from any goroutine; may be nil
	Log    *slog.Logger                     // may be nil
}

// A Source reads the topics of one broker.
type Source struct {
	config Config
	clock  Clock
	health func(string, error)
	reject func(string, string)
	log    *slog.Logger
	said   map[string]bool // complaints already logged: by filter and reason, so they are few
	known  []known         // the formats of the configuration
	broken error           // why they cannot be read: the configuration was not validated
	well   *bool           // as last told; nil at first

	keepAlive   time.Duration // as the constants; shorter in tests
	queueLength int
}

// emitter is how readings leave; see Run.
type emitter = func(ctx context.Context, readings []stillwater.Reading, done func()) error

// New makes a source that is at rest until Run.
func New(o Options) *Source {
	s := &Source{config: o.Config, clock: o.Clock, health: o.Health, reject: o.Reject, log: o.Log, said: map[string]bool{}, keepAlive: keepAlive, queueLength: queueLength}
	s.known, s.broken = newKnown(o.Config.Formats)
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.health == nil {
		s.health = func(string, error) {}
	}
	if s.reject == nil {
		s.reject = func(string, string) {}
	}
	return s
}

// Run reads until ctx is done, and then returns nil. The readings of one message are one call of emit, from this goroutine, in the
// order of arrival; an error from emit ends Run. The message is acknowledged once done is called, from any goroutine,
// and not at all if it is never called: then the broker sends it again on the next connection.
func (s *Source) Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error {
	if s.broken != nil {
		return fmt.Errorf("broker %q: %w", s.config.Name, s.broken)
	}
	fails := 0
	for ctx.Err() == nil {
		began := time.Now()
		lost, err := s.once(ctx, emit)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("broker %q: %w", s.config.Name, err)
		}
		if ctx.Err() != nil {
			break
		}
		if errors.Is(lost, errBehind) {
			s.complain("", lost.Error())
			continue // the queue is empty again, and the broker is well
		}
		s.tell(lost)
		if time.Since(began) > steady {
			fails = 0
		}
		fails++
		select {
		case <-time.After(backoff(fails)):
		case <-ctx.Done():
		}
	}
	return nil
}

// once is one connection from beginning to end. Lost is why it could not be made or ended; err is of emit.
func (s *Source) once(ctx context.Context, emit emitter) (lost, err error) {
	if lost := s.discover(ctx); lost != nil {
		return lost, nil
	}
	x, err := s.connect(ctx)
	if err != nil {
		return err, nil
	}
	defer x.close()
	if lost := x.subscribe(ctx); lost != nil {
		return lost, s.drain(ctx, x, emit)
	}
	s.tell(x.refused)
	s.log.Debug("broker connected", "feed", s.config.Name, "session_present", x.present)
	for {
		select {
		case <-x.came:
			if err := s.drain(ctx, x, emit); err != nil {
				return nil, err
			}
		case lost := <-x.lost:
			return lost, s.drain(ctx, x, emit)
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// discover reads what senders say of themselves before the session is taken up: what the broker kept for us comes first on a kept session, and
// without this it would be messages of topics that nobody has told of yet. It has a session of its own, which leaves nothing behind.
func (s *Source) discover(ctx context.Context) error {
	filters := map[string]byte{}
	for _, k := range s.known {
		if d, ok := k.(*discoverer); ok && len(d.entities) == 0 {
			for _, f := range d.descriptions() {
				filters[f] = 1
			}
		}
	}
	if len(filters) == 0 {
		return nil
	}
	x, err := s.open(ctx, s.config.clientID()+"-discovery", true)
	if err != nil {
		return err
	}
	defer x.close()
	if err := x.ask(ctx, filters); err != nil {
		return err
	}
	for {
		select {
		case <-x.came:
			for _, d := range x.all() {
				for _, k := range s.known {
					if known, ok := k.(*discoverer); ok {
						known.read(d.message, strings.Split(d.topic, "/"))
					}
				}
				x.settle(d)
			}
		case <-time.After(quiet):
			return nil
		case lost := <-x.lost:
			return lost
		case <-ctx.Done():
			return nil
		}
	}
}

// drain uses what came. After the connection ended, too: messages of quality 0 would not come again, the others would come
// twice, and where the broker was hung up on for sending too much, this is how it gets on at all.
func (s *Source) drain(ctx context.Context, x *session, emit emitter) error {
	for _, d := range x.all() {
		if ctx.Err() != nil {
			return nil // what is left was not acknowledged and comes again
		}
		if err := s.deliver(ctx, x, d, emit); err != nil {
			return err
		}
	}
	return nil
}

// deliver emits the readings of one message, or counts why there are none.
func (s *Source) deliver(ctx context.Context, x *session, d delivery, emit emitter) error {
	readings, more := s.read(d.message)
	x.follow(ctx, more)
	if len(readings) == 0 {
		x.settle(d)
		return nil
	}
	before := time.Now()
	defer func() { x.held(time.Since(before)) }()
	return emit(ctx, readings, x.done(d))
}

// read makes the readings of one message by every topic and format of the configuration that takes it in. More is what else must be subscribed
// to, as the message says.
func (s *Source) read(m message) (all []stillwater.Reading, more []string) {
	all, known := s.readTopics(m)
	levels := strings.Split(m.topic, "/")
	for i, k := range s.known {
		r := k.read(m, levels)
		if !r.known {
			continue
		}
		known, more = true, append(more, r.subscribe...)
		if r.bad != nil || r.untimed || r.asks {
			s.remark("format "+s.config.Formats[i].Format, r)
		}
		for j := range r.readings {
			r.readings[j].Source = s.config.Name + "/" + r.readings[j].Source
		}
		if all == nil {
			all = r.readings
		} else {
			all = append(all, r.readings...)
		}
	}
	if !known {
		s.refuse("", errNoTopic)
	}
	return all, more
}

// remark says what is to be said of a message of a format.
func (s *Source) remark(name string, r result) {
	if r.bad != nil {
		s.refuse(name, r.bad)
	}
	if r.untimed {
		s.complain(name, "device time missing or without zone; time of arrival used")
	}
	if r.asks {
		s.complain(name, "values left out: points does not say which value means open, or how much one count is")
	}
}

// readTopics is read for topics.
func (s *Source) readTopics(m message) (all []stillwater.Reading, known bool) {
	for i := range s.config.Topics {
		t := &s.config.Topics[i]
		parts, ok := match(t.Filter, m.topic)
		if !ok {
			continue
		}
		known = true
		readings, untimed, err := t.read(m)
		if err != nil {
			s.refuse(t.Filter, err)
			continue
		}
		if untimed {
			s.complain(t.Filter, "device time missing or without zone; time of arrival used")
		}
		for _, r := range readings {
			r.Source = s.config.Name + "/" + t.point(m.topic, parts)
			all = append(all, r)
		}
	}
	return all, known
}

// refuse counts a message that is not accepted, and logs the first of its kind. The topic is not named: it may be a name.
func (s *Source) refuse(filter string, reason error) {
	s.reject(s.config.Name, reason.Error())
	s.complain(filter, "message not accepted: "+reason.Error())
}

// complain logs something about a filter's messages once.
func (s *Source) complain(filter, what string) {
	if key := filter + "\n" + what; !s.said[key] {
		s.said[key] = true
		s.log.Warn(what, "feed", s.config.Name, "filter", filter)
	}
}

// tell reports whether the broker is well, if that has changed. A different reason is not a change.
func (s *Source) tell(err error) {
	well := err == nil
	if s.well != nil && *s.well == well {
		return
	}
	s.well = &well
	if well {
		s.log.Info("broker connected", "feed", s.config.Name)
	} else {
		err = fmt.Errorf("broker %q: %w", s.config.Name, err)
		s.log.Warn("broker away", "feed", s.config.Name, "err", err)
	}
	s.health(s.config.Name, err)
}

// backoff is the wait after the nth failure in a row: doubling, bounded, and spread over its upper half so that many
// gateways do not return at one moment.
func backoff(n int) time.Duration {
	d := min(maxBackoff, firstBackoff<<min(n-1, 10))
	return d/2 + rand.N(d/2+1)
}
