package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/drill"
	"stillwater/gateway/incident"
	"stillwater/rules"
)

// Bounds of snapshots: how much journal a start may have to replay.
const (
	snapshotEvery = 50_000 // journal entries of the shard between two snapshots: half a second of replaying at most
	staleState    = 50_000 // entries after which an unchanged state is written again, so that the journal before it can go
)

// input is one thing for a shard to do.
type input struct {
	readings []stillwater.Reading
	do       func(*stillwater.Batch) // runs in the shard's goroutine and may add to the batch
	done     func()                  // called after the commit; may be nil
}

// shard owns some of the households.
type shard struct {
	p     *Pipeline
	index int
	queue chan input
	ticks chan time.Time // the latest one that is not taken yet

	// What follows belongs to the goroutine in run.
	engine    *rules.Engine
	homes     map[stillwater.HouseholdID]stillwater.Household
	incidents map[stillwater.IncidentID]*stillwater.Incident // open, or closed on an assumption
	messages  map[stillwater.MessageID]stillwater.Message    // under way
	saved     map[stillwater.HouseholdID]int64               // the journal seq of each state in the store
	seq       int64                                          // of the last entry committed
	entries   int                                            // since the last snapshot
	held      bool                                           // the last commit failed
	heldSince time.Time
	away      bool // it was held for so long that it must resume
	askers    []asker
	drill     drill.Month                   // that is under way from the meter on; "": none
	lined     map[stillwater.MessageID]bool // the daily lines that were written, as far as is remembered
}

func newShard(p *Pipeline, index int) *shard {
	s := &shard{
		p: p, index: index, queue: make(chan input, queueLength), ticks: make(chan time.Time, 1), engine: rules.New(p.Rules),
		homes: map[stillwater.HouseholdID]stillwater.Household{}, incidents: map[stillwater.IncidentID]*stillwater.Incident{},
		messages: map[stillwater.MessageID]stillwater.Message{}, saved: map[stillwater.HouseholdID]int64{},
		lined: map[stillwater.MessageID]bool{},
	}
	s.engine.Keep(p.Calendar)
	return s
}

// put queues an input and waits while the queue is full.
func (s *shard) put(ctx context.Context, in input) error {
	select {
	case s.queue <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// do runs fn in the shard's goroutine and returns after what it added to the batch is committed.
func (s *shard) do(ctx context.Context, fn func(*stillwater.Batch)) error {
	wait, err := s.ask(ctx, fn)
	if err != nil {
		return err
	}
	return wait()
}

// ask queues fn and gives a function that waits for its commit.
func (s *shard) ask(ctx context.Context, fn func(*stillwater.Batch)) (wait func() error, err error) {
	finished := make(chan struct{})
	if err := s.put(ctx, input{do: fn, done: func() { close(finished) }}); err != nil {
		return nil, err
	}
	return func() error {
		select {
		case <-finished:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

// tick leaves a tick for the shard, in place of one it has not taken yet.
func (s *shard) tick(at time.Time) {
	for {
		select {
		case s.ticks <- at:
			return
		case <-s.ticks:
		}
	}
}

// run works until ctx is done.
func (s *shard) run(ctx context.Context) error {
	if err := s.resume(ctx); err != nil {
		return err
	}
	for {
		var err error
		select {
		case in := <-s.queue:
			err = s.batch(ctx, in)
		case at := <-s.ticks:
			err = s.minute(ctx, at)
		case <-ctx.Done():
			return s.leave()
		}
		if err == nil && s.away {
			err = s.resume(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// minute lets a minute go by, after everything that came before it: a device whose reading waits here is not silent.
func (s *shard) minute(ctx context.Context, at time.Time) error {
	for n := len(s.queue); n > 0; n -= batchLength {
		select {
		case in := <-s.queue:
			if err := s.batch(ctx, in); err != nil {
				return err
			}
		default: // the last batch took more than batchLength
		}
	}
	if s.away {
		if err := s.resume(ctx); err != nil {
			return err
		}
	}
	b := &stillwater.Batch{}
	s.pass(b, at)
	return s.commit(ctx, b, nil)
}

// resume notes that the gateway listens again, and looks at every incident: the clock may have been set meanwhile, either way.
func (s *shard) resume(ctx context.Context) error {
	s.away = false
	b := &stillwater.Batch{}
	now := s.p.now()
	s.letGo(b, now)
	s.enter(b, &stillwater.Entry{Resumed: now, Shard: s.index, Shards: Shards})
	for _, id := range slices.Sorted(maps.Keys(s.incidents)) {
		s.look(b, s.incidents[id], now)
	}
	return s.commit(ctx, b, nil)
}

// batch takes the input and what else is waiting, and commits it together.
func (s *shard) batch(ctx context.Context, in input) error {
	b := &stillwater.Batch{}
	var done []func()
	for n := 0; ; n++ {
		for i := range in.readings {
			s.read(b, &in.readings[i])
		}
		if in.do != nil {
			in.do(b)
		}
		if in.done != nil {
			done = append(done, in.done)
		}
		if n >= batchLength {
			break
		}
		select {
		case in = <-s.queue:
			continue
		default:
		}
		break
	}
	return s.commit(ctx, b, done)
}

// leave writes the engine's states, so that the next start is quick. Inputs still queued were not acknowledged and come again.
func (s *shard) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	b := &stillwater.Batch{}
	if err := s.snapshot(b); err != nil {
		return err
	}
	if b.Empty() {
		return nil
	}
	if err := s.p.Store.Commit(ctx, b); err != nil {
		return fmt.Errorf("states of shard %d: %w", s.index, err)
	}
	return nil
}

// commit stores the batch, however long that takes, and then calls done.
func (s *shard) commit(ctx context.Context, b *stillwater.Batch, done []func()) error {
	if s.entries += len(b.Entries); s.entries >= snapshotEvery {
		if err := s.snapshot(b); err != nil {
			return err
		}
	}
	if !b.Empty() {
		if err := s.insist(ctx, b); err != nil {
			return err
		}
		if n := len(b.Entries); n > 0 {
			s.seq = b.Entries[n-1].Seq
		}
		for _, st := range b.States {
			s.saved[st.Household] = st.Seq
		}
		s.p.Committed(b)
	}
	for _, fn := range done {
		fn()
	}
	return nil
}

// insist tries the commit until it succeeds: what the engine has taken must not be lost, nor go on without it. When ctx ends
// first, the shard ends without having acknowledged anything of the batch.
func (s *shard) insist(ctx context.Context, b *stillwater.Batch) error {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := s.p.Store.Commit(context.WithoutCancel(ctx), b)
		if s.held != (err != nil) {
			s.hold(err)
		}
		if err == nil {
			return nil
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("shard %d stopped while its commit failed", s.index), err)
		}
	}
}

// hold notes that commits fail, or that they succeed again. After more than a moment the gateway was as good as away: its sources
// were held up, so that no device was heard says nothing of the devices.
func (s *shard) hold(err error) {
	now := s.p.now()
	s.held = err != nil
	s.p.Log.Warn("store changed", "shard", s.index, "holding", s.held, "err", err)
	if s.held {
		s.heldSince = now
	} else {
		s.away = now.Sub(s.heldSince) >= time.Minute
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock() // so that shards report in one order
	if s.held {
		s.p.held++
	} else if s.p.held--; s.p.held > 0 {
		return // another still fails
	}
	s.p.Health(err)
}

// snapshot adds the states that changed to the batch, and those so old that they hold up the journal.
func (s *shard) snapshot(b *stillwater.Batch) error {
	s.entries = 0
	return s.engine.Changed(
		func(id stillwater.HouseholdID) bool { seq, ok := s.saved[id]; return !ok || s.seq-seq > staleState },
		func(id stillwater.HouseholdID, data []byte) {
			b.States = append(b.States, stillwater.State{Household: id, Data: data})
		})
}

// restore puts back a state from the store.
func (s *shard) restore(st stillwater.State) error {
	s.saved[st.Household] = st.Seq
	return s.engine.Restore(st.Household, st.Data)
}

// place takes the households of the registry that are this shard's. One without consent is forgotten.
func (s *shard) place() {
	now := s.p.Clock.Now()
	keep := map[stillwater.HouseholdID]stillwater.Household{}
	for _, h := range s.p.Registry.All() {
		if s.p.shard(h.ID) != s || !h.Consent.Covers(now, now) || s.p.gone(h.ID) {
			continue
		}
		keep[h.ID] = h
		s.engine.Put(rules.Home{ID: h.ID, Location: h.Location(), Devices: h.Devices, Residents: h.Residents, Groups: GroupsOf(h)})
	}
	for id := range s.homes {
		if _, ok := keep[id]; !ok {
			s.engine.Remove(id)
		}
	}
	s.homes, s.askers = keep, askersOf(keep)
}

// enter steps the engine with an entry, adds it to the journal, and takes what was found further.
func (s *shard) enter(b *stillwater.Batch, e *stillwater.Entry) rules.Outcome {
	found, outcome := s.engine.Step(e)
	if e.Reading != nil && !outcome.Journaled() {
		return outcome
	}
	b.Entries = append(b.Entries, *e)
	for _, f := range append([]stillwater.Finding(nil), found...) { // handling one may step the engine again
		s.found(b, f, s.now(e))
	}
	return outcome
}

// now is the event time of what an entry leads to.
func (s *shard) now(e *stillwater.Entry) time.Time {
	switch {
	case e.Reading != nil:
		return e.Reading.Received
	case !e.Tick.IsZero():
		return e.Tick
	case e.Away != nil:
		return e.Away.At
	case !e.Resumed.IsZero():
		return e.Resumed
	case e.Announced != nil:
		return e.At
	}
	return e.At
}

// read takes a reading.
func (s *shard) read(b *stillwater.Batch, r *stillwater.Reading) {
	if _, ok := s.homes[r.Household]; !ok { // it withdrew while the reading waited
		s.p.Count(r, NoConsent)
		return
	}
	if s.engine.Check(r) == rules.Late && s.known(r) {
		s.p.Count(r, string(rules.Duplicate))
		return
	}
	s.p.Count(r, string(s.enter(b, &stillwater.Entry{Reading: r})))
}

// known says whether a late reading stands in the journal already: a broker sends again, long after, what it was not told is taken.
// If the journal cannot be asked it does not: twice there is better than not at all.
func (s *shard) known(r *stillwater.Reading) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	known, err := s.p.Store.HasReading(ctx, *r)
	return err == nil && known
}

// pass lets time go by: the engine's deadlines, and the incidents'.
func (s *shard) pass(b *stillwater.Batch, at time.Time) {
	if next := s.engine.Next(); !next.IsZero() && !next.After(at) {
		s.enter(b, &stillwater.Entry{Tick: at, Shard: s.index, Shards: Shards})
	}
	for _, i := range s.due(at) {
		s.look(b, i, at)
	}
	s.livesPass(b, at)
	s.tellDays(b, at)
	s.endDrills(b, at)
	s.retire(at)
}

// look lets an incident know the time.
func (s *shard) look(b *stillwater.Batch, i *stillwater.Incident, at time.Time) {
	life := s.engine.Standing(i.Household, at).Life.Last()
	if err := s.step(b, i, incident.Input{Now: at, Life: life}); err != nil {
		s.p.Log.Error("incident not looked at", "incident", i.ID, "err", err)
	}
}
