// Package pipeline takes what comes in (readings, replies, deeds of people, receipts, and the passing of time) through the
// engine and the incidents into the store, in one order for each household.
//
// Households are spread over shards; each shard has one goroutine that owns its engine and its incidents, and a bounded queue. A
// full queue holds up its source: nothing is dropped for want of room. Everything a batch of inputs leads to (journal,
// findings, incidents, messages) is committed in one transaction, and only then is a source acknowledged. A commit that fails
// is tried again, and holds its shard until it succeeds.
//
// A start rebuilds each engine from its states and the journal after them, without telling anybody anything twice. A shard
// never sends; it commits messages, and the courier takes them from the store.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/words"
	"stillwater/rules"
)

// Shards is how many owners households are spread over. It is one: what befalls a group of homes (a building, a supply zone, a feed) is
// judged across all of them in the order of one journal, and the homes of a feed are all homes. The engine takes under a
// microsecond a reading and the commits are one after the other in any case, so that more owners gain little. The number is part of
// the journal: ticks say for which of how many shards they were.
const Shards = 1

// Bounds of what waits and what goes into one transaction.
const (
	queueLength = 8192 // inputs that wait in a shard before its sources are held up
	batchLength = 4096 // inputs committed together at most; each commit waits for the disk once, and writes each page that it changes once
)

// Store is what the pipeline keeps everything in.
type Store interface {
	Commit(ctx context.Context, b *stillwater.Batch) error
	HasReply(ctx context.Context, id string) (bool, error)
	HasReading(ctx context.Context, r stillwater.Reading) (bool, error)
	Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error)
	Message(ctx context.Context, id stillwater.MessageID) (stillwater.Message, bool, error)
	Loader
}

// Loader gives back what was committed, at a start.
type Loader interface {
	States(ctx context.Context, fn func(stillwater.State) error) error
	Entries(ctx context.Context, after int64, fn func(stillwater.Entry) error) error
	OpenIncidents(ctx context.Context) ([]stillwater.Incident, error)
	LifeEvents(ctx context.Context, fn func(stillwater.LifeEvent) error) error
	LastIncident(ctx context.Context) (int64, error)
}

// Outbox gives the messages that are under way, at a start.
type Outbox interface {
	Outbox(ctx context.Context) ([]stillwater.Message, error)
}

// Registry says who is known.
type Registry interface {
	BySource(source string) (stillwater.Household, stillwater.Device, bool)
	Household(id stillwater.HouseholdID) (stillwater.Household, bool)
	All() []stillwater.Household
}

// Clock is the event clock.
type Clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

// Options are what a pipeline works with. All are needed unless said otherwise.
type Options struct {
	Rules    []rules.Rule
	Calendar rules.Calendar // may be nil: the week alone counts
	Ladders  incident.Config
	Registry Registry
	Store    Store
	Outbox   Outbox
	Clock    Clock
	Log      *slog.Logger

	// OnDuty says whether a contact of a household may be told at a moment; nil: everybody always.
	OnDuty func(stillwater.Household, stillwater.Contact, time.Time) bool
	// Channels are those that there is a provider for; nil: all of them.
	Channels []stillwater.Channel

	// Text writes the text of a message.
	Text func(stillwater.Message, stillwater.Incident, stillwater.Household) string
	// LifeText writes the text of a message that belongs to no incident, about the life of a home; nil: its purpose and code.
	LifeText func(stillwater.Message, stillwater.LifeEvent, stillwater.Household) string
	// Spring are the first and last day of the Spring Festival's public holiday in a year, as midnights in UTC; nil: nobody is asked about it.
	Spring func(year int) (first, last time.Time)
	// Vars gives the short variables of a message that may go by approved templates; may be nil: then there are no templates.
	Vars func(stillwater.Message, stillwater.Incident, stillwater.Household) map[string]string
	// Daily writes the daily line of who asked for one; nil: nobody gets any.
	Daily func(stillwater.Message, words.Day, stillwater.Household) string
	// DrillText writes what a contact is told in a drill; nil: there are no drills.
	DrillText func(stillwater.Message) string
	// Link is the signed page of a message, before its text is made; "" where there is none. May be nil: then there never is.
	Link func(stillwater.Message) string
	// OptOut keeps that the owner of a number opted out of texts, or in again, for whoever reads the contacts next. May be nil.
	OptOut func(ctx context.Context, phone stillwater.Phone, at time.Time, out bool) error
	// Heard is called with what became of each reply, by one of the few words of this package; may be nil.
	Heard func(outcome string)
	// Count is called with the outcome of every reading, once or (of one that is also Ahead or Behind) twice, from the goroutine of its
	// source or shard. One whose device is not known has no household. May be nil.
	Count func(r *stillwater.Reading, outcome string)
	// Committed is called by the shard after each commit, and must not block; may be nil.
	Committed func(*stillwater.Batch)
	// Health is called when the store fails (with the error) and when it works again (nil); may be nil.
	Health func(err error)
}

// Pipeline is the way from readings to messages.
type Pipeline struct {
	Options
	shards  [Shards]*shard
	numbers atomic.Int64 // incidents ever

	mu       sync.Mutex                                              // guards everything below
	held     int                                                     // shards whose commits fail
	replies  map[string]bool                                         // being acted on
	messages map[stillwater.MessageID]stillwater.HouseholdID         // those under way
	contacts map[stillwater.ContactID]map[stillwater.IncidentID]open // open incidents each contact was told of

	drills drilling
	lives  *lifeBook // it has a lock of its own
}

// open is an open incident that a contact was told of.
type open struct {
	household stillwater.HouseholdID
	code      string
}

// New makes a pipeline. Load must be called before Run.
func New(o Options) *Pipeline {
	if o.Count == nil {
		o.Count = func(*stillwater.Reading, string) {}
	}
	o.Count = butOfDrills(o.Count)
	if o.Link == nil {
		o.Link = func(stillwater.Message) string { return "" }
	}
	if o.Heard == nil {
		o.Heard = func(string) {}
	}
	if o.Committed == nil {
		o.Committed = func(*stillwater.Batch) {}
	}
	if o.Health == nil {
		o.Health = func(error) {}
	}
	p := &Pipeline{
		Options: o, replies: map[string]bool{}, messages: map[stillwater.MessageID]stillwater.HouseholdID{},
		contacts: map[stillwater.ContactID]map[stillwater.IncidentID]open{}, lives: newLifeBook(),
	}
	if p.LifeText == nil {
		p.LifeText = func(m stillwater.Message, _ stillwater.LifeEvent, _ stillwater.Household) string {
			return string(m.Purpose) + " " + m.Code
		}
	}
	for i := range p.shards {
		p.shards[i] = newShard(p, i)
	}
	return p
}

// ShardOf is the number of the shard that owns the household, the same for ever.
func ShardOf(id stillwater.HouseholdID) int {
	h := fnv.New32a()
	h.Write([]byte(id)) //nolint:errcheck // never fails
	return int(h.Sum32() % Shards)
}

func (p *Pipeline) shard(id stillwater.HouseholdID) *shard { return p.shards[ShardOf(id)] }

// Load rebuilds the shards from the store: the last states, the journal after them (its outputs were committed before), the
// open incidents and the messages under way.
func (p *Pipeline) Load(ctx context.Context) error {
	if err := p.loadLives(ctx); err != nil {
		return err
	}
	p.placeHomes()
	seqs := map[stillwater.HouseholdID]int64{}
	err := p.Store.States(ctx, func(s stillwater.State) error {
		if !p.has(s.Household) {
			return nil // of a household that is no longer known, or withdrew
		}
		seqs[s.Household] = s.Seq
		return p.shard(s.Household).restore(s)
	})
	if err != nil {
		return fmt.Errorf("engine states: %w", err)
	}
	if err := p.replay(ctx, seqs); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	incidents, err := p.Store.OpenIncidents(ctx)
	if err != nil {
		return fmt.Errorf("open incidents: %w", err)
	}
	for _, i := range incidents {
		p.shard(i.Household).keep(i)
	}
	under, err := p.Outbox.Outbox(ctx)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	for _, m := range under {
		p.shard(m.Household).track(m)
	}
	next, err := p.nextNumber(ctx)
	if err != nil {
		return fmt.Errorf("number of incidents: %w", err)
	}
	p.numbers.Store(next)
	return nil
}

// has says whether the household is one of those the engines were told of.
func (p *Pipeline) has(id stillwater.HouseholdID) bool {
	_, ok := p.shard(id).homes[id]
	return ok
}

// nextNumber is the first number after those of all incidents. It is not how many there are: a number that was given to an incident
// whose commit did not come about is missing, and those after it may be there.
func (p *Pipeline) nextNumber(ctx context.Context) (int64, error) {
	next, err := p.Store.LastIncident(ctx)
	inFlight := int64(kinds*len(p.Registry.All()) + 64) // more than can have been opened and not committed
	for n := next; err == nil && n < next+inFlight; n++ {
		var taken bool
		if _, taken, err = p.Store.Incident(ctx, stillwater.IncidentID(incident.NewCode(n))); taken {
			next = n + 1
		}
	}
	return next, err
}

// kinds is how many incidents a household can have at a time.
const kinds = 4

// replay steps the engines through the journal after the states.
func (p *Pipeline) replay(ctx context.Context, seqs map[stillwater.HouseholdID]int64) error {
	after := int64(-1)
	for _, h := range p.Registry.All() {
		if seq, ok := seqs[h.ID]; p.has(h.ID) && (!ok || after < 0 || seq < after) {
			after = seq // of a household without a state: 0, all of it
		}
	}
	return p.Store.Entries(ctx, max(after, 0), func(e stillwater.Entry) error {
		switch {
		case e.Reading != nil:
			p.replayOne(&e, e.Reading.Household, seqs)
		case e.Rearm != "":
			p.replayOne(&e, e.Rearm, seqs)
		case e.Away != nil:
			p.replayOne(&e, e.Away.Household, seqs)
		case e.Announced != nil, e.Shards != Shards: // those of a release that had more shards are for all homes too
			for _, s := range p.shards {
				s.engine.Step(&e)
			}
		case e.Shard >= 0 && e.Shard < Shards:
			p.shards[e.Shard].engine.Step(&e)
		}
		return ctx.Err()
	})
}

func (p *Pipeline) replayOne(e *stillwater.Entry, id stillwater.HouseholdID, seqs map[stillwater.HouseholdID]int64) {
	if p.has(id) && e.Seq > seqs[id] {
		p.shard(id).engine.Step(e)
	}
}

// Teach takes readings of the past, in order of time, so that homes are learned before a demonstration: into the journal and the
// engines, and to nobody. It is for a pipeline that is loaded and does not run yet.
func (p *Pipeline) Teach(ctx context.Context, history iter.Seq[stillwater.Reading]) error {
	var batches [Shards]stillwater.Batch
	for r := range history {
		s, b := p.shard(r.Household), &batches[ShardOf(r.Household)]
		if next := s.engine.Next(); !next.IsZero() && next.Before(r.Received) {
			s.engine.Step(s.entry(b, stillwater.Entry{Tick: r.Received.Truncate(time.Minute), Shard: s.index, Shards: Shards}))
		}
		s.engine.Step(s.entry(b, stillwater.Entry{Reading: &r}))
		if len(b.Entries) >= teachLength {
			if err := s.teach(ctx, b); err != nil {
				return err
			}
		}
	}
	for i, s := range p.shards {
		if err := s.snapshot(&batches[i]); err != nil {
			return err
		}
		if err := s.teach(ctx, &batches[i]); err != nil {
			return err
		}
	}
	return nil
}

// teachLength is how many entries of the past are committed together.
const teachLength = 2000

// entry adds an entry to a batch and gives it back where it now stands.
func (s *shard) entry(b *stillwater.Batch, e stillwater.Entry) *stillwater.Entry {
	b.Entries = append(b.Entries, e)
	return &b.Entries[len(b.Entries)-1]
}

// teach commits a batch of the past and empties it.
func (s *shard) teach(ctx context.Context, b *stillwater.Batch) error {
	if err := s.p.Store.Commit(ctx, b); err != nil {
		return err
	}
	if n := len(b.Entries); n > 0 {
		s.seq = b.Entries[n-1].Seq
	}
	*b = stillwater.Batch{}
	return nil
}

// Run works until ctx is done, then commits the states of the engines, and returns. A shard that cannot go on ends them all.
func (p *Pipeline) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group sync.WaitGroup
	errs := make([]error, Shards)
	for i, s := range p.shards {
		group.Go(func() {
			if errs[i] = s.run(ctx); errs[i] != nil {
				cancel()
			}
		})
	}
	p.tick(ctx)
	group.Wait()
	return errors.Join(errs...)
}

// now is the event time, as fine as the journal keeps it.
func (p *Pipeline) now() time.Time { return p.Clock.Now().UTC().Truncate(stillwater.Instant) }

// tick lets each shard know of every whole minute of event time. A shard that is held gets only the latest.
func (p *Pipeline) tick(ctx context.Context) {
	for {
		now := p.Clock.Now().UTC()
		next := now.Truncate(time.Minute).Add(time.Minute)
		if p.Clock.Sleep(ctx, next.Sub(now)) != nil {
			return
		}
		for _, s := range p.shards {
			s.tick(next)
		}
	}
}

// Reload takes the registry as it is now: households that came, changed, or withdrew their consent. It returns when that is
// committed everywhere; a shard that is held up does not keep the others waiting.
func (p *Pipeline) Reload(ctx context.Context) error {
	return p.each(ctx, func(s *shard, b *stillwater.Batch) {
		s.place()
		s.letGo(b, s.p.now())
	})
}

// each runs fn in every shard's goroutine, and returns when all of them have committed what it added.
func (p *Pipeline) each(ctx context.Context, fn func(*shard, *stillwater.Batch)) error {
	var waits [Shards]func() error
	for i, s := range p.shards {
		wait, err := s.ask(ctx, func(b *stillwater.Batch) { fn(s, b) })
		if err != nil {
			return err
		}
		waits[i] = wait
	}
	for _, wait := range waits {
		if err := wait(); err != nil {
			return err
		}
	}
	return nil
}

// placeHomes tells the engines who there is.
func (p *Pipeline) placeHomes() {
	for _, s := range p.shards {
		s.place()
	}
}

// Standings is how every home is now, in the order of the registry. A shard that is held up makes it wait.
func (p *Pipeline) Standings(ctx context.Context) ([]stillwater.Standing, error) {
	list, err := ofHomes(ctx, p, func(s *shard, id stillwater.HouseholdID, now time.Time) []stillwater.Standing {
		return []stillwater.Standing{s.standing(id, now)}
	})
	return append(list, p.left()...), err
}

// Devices is how every device is now, home by home in the order of the registry.
func (p *Pipeline) Devices(ctx context.Context) ([]stillwater.DeviceState, error) {
	return ofHomes(ctx, p, func(s *shard, id stillwater.HouseholdID, now time.Time) []stillwater.DeviceState {
		return s.engine.Devices(id, now)
	})
}

// ofHomes asks the shards what they know of each home.
func ofHomes[T any](ctx context.Context, p *Pipeline, of func(s *shard, id stillwater.HouseholdID, now time.Time) []T) ([]T, error) {
	now := p.Clock.Now()
	var byShard [Shards]map[stillwater.HouseholdID][]T
	err := p.each(ctx, func(s *shard, _ *stillwater.Batch) {
		byShard[s.index] = make(map[stillwater.HouseholdID][]T, len(s.homes))
		for id := range s.homes {
			byShard[s.index][id] = of(s, id, now)
		}
	})
	if err != nil {
		return nil, err
	}
	var list []T
	for _, h := range p.Registry.All() {
		list = append(list, byShard[ShardOf(h.ID)][h.ID]...)
	}
	return list, nil
}
