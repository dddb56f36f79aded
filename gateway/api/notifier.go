package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"stillwater"
)

// A Publisher takes events to one receiver. An error that is stillwater.ErrRefused says that it will never take this one.
type Publisher interface {
	Publish(ctx context.Context, id, kind string, body []byte) error
}

// A Queue keeps events until their receivers have them, and remembers for 30 days of event time which were in it.
type Queue interface {
	// Follow gives the moment since when a receiver is known: now, if it was not.
	Follow(ctx context.Context, receiver string, now time.Time) (time.Time, error)
	// AddEvents stores the events that fill adds, in their order, all or none; those that were in the queue before are left out.
	AddEvents(ctx context.Context, fill func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error) error
	// WaitingEvents gives fn the first event of each thread that a receiver does not have yet, the oldest first.
	WaitingEvents(ctx context.Context, receiver string, limit int, fn func(id, thread, kind string, queued time.Time, body []byte)) error
	// DropEvent ends an event's waiting.
	DropEvent(ctx context.Context, receiver, id string) error
}

// History gives what was committed, to find what was not queued because the gateway was stopped.
type History interface {
	// ChangedSince gives the incidents and the findings that something happened to since a moment, and perhaps more.
	ChangedSince(ctx context.Context, since time.Time) (*stillwater.Batch, error)
}

// Bounds of what is sent.
const (
	remembered   = 14 * 24 * time.Hour // how far back a start looks for what was not queued; the queue remembers twice as long
	mostPending  = 4096                // events between a commit and the queue; beyond them they are looked for in the store
	waitingBatch = 500                 // threads that are looked at in one round
	firstPause   = time.Second
	longestPause = 5 * time.Minute
	givenUpAfter = 7 * 24 * time.Hour // a receiver that was away for longer asks for what it missed
	failsInRound = 3                  // failures after which the rest of a round is left for later: the receiver is away
)

// NotifierOptions is what a Notifier is given; all are needed but for those with a default.
type NotifierOptions struct {
	Receivers  []Receiver
	Publishers map[string]Publisher // by the names of the receivers
	Households Households
	Queue      Queue
	History    History
	Clock      Clock                        // the event clock
	Health     func(part string, err error) // default nobody hears it
	Log        *slog.Logger                 // default none
}

// Notifier sends events to their receivers.
type Notifier struct {
	NotifierOptions
	wake map[string]chan struct{} // by the names of the receivers
	came chan struct{}            // something is in pending

	mu      sync.Mutex // guards everything below
	pending []Event
	missed  bool // pending was full
}

// NewNotifier makes it ready. Nothing is sent before Run.
func NewNotifier(o NotifierOptions) (*Notifier, error) {
	if o.Households == nil || o.Queue == nil || o.History == nil || o.Clock == nil {
		return nil, errors.New("api: households, queue, history and clock are needed for events")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Health == nil {
		o.Health = func(string, error) {}
	}
	n := &Notifier{NotifierOptions: o, wake: map[string]chan struct{}{}, came: make(chan struct{}, 1), missed: true}
	for _, receiver := range o.Receivers {
		if o.Publishers[receiver.Name] == nil {
			return nil, fmt.Errorf("api: nothing publishes to the receiver %q of events", receiver.Name)
		}
		n.wake[receiver.Name] = make(chan struct{}, 1)
	}
	return n, nil
}

// Committed takes what a batch tells. It never blocks.
func (n *Notifier) Committed(b *stillwater.Batch) {
	if len(n.Receivers) == 0 || len(b.Incidents)+len(b.Findings) == 0 {
		return
	}
	events := EventsOf(b)
	n.mu.Lock()
	if len(n.pending)+len(events) > mostPending {
		n.pending, n.missed = nil, true
	} else {
		n.pending = append(n.pending, events...)
	}
	n.mu.Unlock()
	nudge(n.came)
}

// nudge wakes whoever waits on a channel with room for one.
func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run queues events and sends them until ctx is done.
func (n *Notifier) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	for _, receiver := range n.Receivers {
		running.Go(func() { n.deliver(ctx, receiver) })
	}
	pause := firstPause
	for ctx.Err() == nil {
		err := n.queue(ctx)
		n.report(ctx, "events", err)
		if err == nil {
			pause = firstPause
			rest(ctx, n.came, 0)
			continue
		}
		rest(ctx, nil, pause)
		pause = min(2*pause, longestPause)
	}
	return nil
}

func (n *Notifier) report(ctx context.Context, part string, err error) {
	if ctx.Err() == nil {
		n.Health(part, err)
	}
}

// rest waits until a channel is nudged or a time has gone by; 0: however long.
func rest(ctx context.Context, nudged <-chan struct{}, d time.Duration) {
	var over <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-nudged:
	case <-over:
	case <-ctx.Done():
	}
}

// queue stores what has come since it was last called. What a failed attempt leaves is looked for in the store by the next one.
func (n *Notifier) queue(ctx context.Context) error {
	n.mu.Lock()
	events, missed := n.pending, n.missed
	n.pending, n.missed = nil, false
	n.mu.Unlock()
	err := n.store(ctx, events, missed)
	if err != nil {
		n.mu.Lock()
		n.missed = true
		n.mu.Unlock()
	}
	return err
}

func (n *Notifier) store(ctx context.Context, events []Event, missed bool) error {
	horizon := n.Clock.Now().Add(-remembered)
	if missed {
		b, err := n.History.ChangedSince(ctx, horizon)
		if err != nil {
			return err
		}
		events = EventsOf(b) // with those that came since: they were committed before
	}
	since := map[string]time.Time{}
	for _, receiver := range n.Receivers {
		followed, err := n.Queue.Follow(ctx, receiver.Name, n.Clock.Now())
		if err != nil {
			return err
		}
		since[receiver.Name] = followed
		if horizon.After(followed) {
			since[receiver.Name] = horizon
		}
	}
	if len(events) == 0 {
		return nil
	}
	err := n.Queue.AddEvents(ctx, func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error {
		for _, e := range events {
			if err := n.addTo(e, since, add); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range n.wake {
		nudge(c)
	}
	return nil
}

// addTo adds an event for each receiver that wants it.
func (n *Notifier) addTo(e Event, since map[string]time.Time, add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error {
	for _, receiver := range n.Receivers {
		if e.At.Before(since[receiver.Name]) || len(receiver.Kinds) > 0 && !slices.Contains(receiver.Kinds, e.Type) {
			continue
		}
		seen, ok := n.seenBy(receiver, e)
		if !ok {
			continue
		}
		body, err := json.Marshal(seen)
		if err == nil {
			err = add(receiver.Name, e.ID, e.Thread(), string(e.Type), e.At, body)
		}
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
	}
	return nil
}

// seenBy is an event as a receiver may see it: of homes of its area whose consent is on file.
func (n *Notifier) seenBy(receiver Receiver, e Event) (Event, bool) {
	now := n.Clock.Now()
	sees := func(id stillwater.HouseholdID) bool {
		h, ok := n.Households.Household(id)
		return ok && within(receiver.Area, h.Place) && h.Consent.Covers(now, now)
	}
	if e.Data.Group == "" {
		return e, sees(e.Data.Household)
	}
	var members []stillwater.HouseholdID
	for _, id := range e.Data.Members {
		if sees(id) {
			members = append(members, id)
		}
	}
	e.Data.Members = members
	return e, len(members) > 0
}
