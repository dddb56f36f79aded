package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
)

// queue is a Queue in memory that can fail.
type queue struct {
	mu     sync.Mutex
	rows   []row
	since  map[string]time.Time
	broken error
}

type row struct {
	receiver, id, thread, kind string
	queued                     time.Time
	body                       []byte // nil: done with
}

func (q *queue) Follow(_ context.Context, receiver string, now time.Time) (time.Time, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, ok := q.since[receiver]; !ok {
		q.since[receiver] = now
	}
	return q.since[receiver], q.broken
}

func (q *queue) AddEvents(_ context.Context, fill func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return q.broken
	}
	return fill(func(receiver, id, thread, kind string, _ time.Time, body []byte) error {
		if !slices.ContainsFunc(q.rows, func(r row) bool { return r.receiver == receiver && r.id == id }) {
			q.rows = append(q.rows, row{receiver, id, thread, kind, time.Now(), body})
		}
		return nil
	})
}

func (q *queue) WaitingEvents(_ context.Context, receiver string, limit int, fn func(id, thread, kind string, queued time.Time, body []byte)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	seen := map[string]bool{}
	for _, r := range q.rows {
		if r.receiver == receiver && r.body != nil && !seen[r.thread] && len(seen) < limit {
			seen[r.thread] = true
			fn(r.id, r.thread, r.kind, r.queued, r.body)
		}
	}
	return q.broken
}

func (q *queue) DropEvent(_ context.Context, receiver, id string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for n := range q.rows {
		if q.rows[n].receiver == receiver && q.rows[n].id == id {
			q.rows[n].body = nil
		}
	}
	return q.broken
}

// past is a History that knows everything.
type past struct{ *stillwater.Batch }

func (p past) ChangedSince(context.Context, time.Time) (*stillwater.Batch, error) {
	return p.Batch, nil
}

// post is a receiver that notes what it takes, unless fails says otherwise.
type post struct {
	mu    sync.Mutex
	took  []Event
	fails func(Event) error // may be nil
}

func (p *post) Publish(_ context.Context, id, kind string, body []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var e Event
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id || string(e.Type) != kind {
		panic(fmt.Sprintf("%v: %s", err, body))
	}
	if p.fails != nil {
		if err := p.fails(e); err != nil {
			return err
		}
	}
	p.took = append(p.took, e)
	return nil
}

// told is what was taken: "A7 opened".
func (p *post) told(thread string) (list []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.took {
		if strings.HasPrefix(e.Thread(), thread) {
			list = append(list, string(e.Type)[strings.IndexByte(string(e.Type), '.')+1:])
		}
	}
	return list
}

var whole = []string{"opened", "acknowledged", "lapsed", "acknowledged", "on-site", "closed", "reopened", "closed"}

// notifying runs a Notifier in a bubble.
func notifying(t *testing.T, o NotifierOptions, to map[string]*post) (*Notifier, func()) {
	t.Helper()
	o.Publishers = map[string]Publisher{}
	for name, p := range to {
		o.Publishers[name] = p
	}
	o.Log = slog.New(slog.DiscardHandler)
	n, err := NewNotifier(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { n.Run(ctx); close(ended) }()
	return n, func() { cancel(); <-ended }
}

func early() *queue {
	return &queue{since: map[string]time.Time{"city": start.Add(-time.Hour), "north": start.Add(-time.Hour)}}
}

// TestEventsArriveInOrder commits the story line by line, each batch with all that came before, and wants each event once and in order.
func TestEventsArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{}
		n, stop := notifying(t, NotifierOptions{Receivers: []Receiver{{Name: "city"}}, Households: newTown(), Queue: early(), History: past{&stillwater.Batch{}}, Clock: newTown()}, map[string]*post{"city": p})
		defer stop()
		synctest.Wait()
		for k := range story().Log {
			part := story()
			part.Log = part.Log[:k+1]
			n.Committed(&stillwater.Batch{Incidents: []stillwater.Incident{part}})
			n.Committed(&stillwater.Batch{Incidents: []stillwater.Incident{part}})
			if k%2 == 0 {
				synctest.Wait()
			}
		}
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, whole) {
			t.Errorf("%v", got)
		}
	})
}

// TestReceiverAway lets a receiver fail for an hour, another not, and one event be refused for a day while those of others pass.
func TestReceiverAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var tries atomic.Int64
		p, well := &post{}, &post{}
		p.fails = func(e Event) error {
			tries.Add(1)
			if time.Since(began) < time.Hour {
				return errors.New("connection refused")
			}
			if e.Data.Incident == "A7" && e.Type == IncidentLapsed && time.Since(began) < 24*time.Hour {
				return fmt.Errorf("HTTP 422: %w", stillwater.ErrRefused)
			}
			return nil
		}
		var ill sync.Map
		n, stop := notifying(t, NotifierOptions{
			Receivers: []Receiver{{Name: "city"}, {Name: "north", Area: stillwater.Place{Grid: "north"}, Kinds: []EventKind{IncidentOpened, HomeBlind}}}, Households: newTown(), Queue: early(),
			History: past{&stillwater.Batch{}}, Clock: newTown(), Health: func(part string, err error) { ill.Store(part, err != nil) },
		}, map[string]*post{"city": p, "north": well})
		defer stop()
		synctest.Wait()
		n.Committed(eventful())
		synctest.Wait()
		if got := strings.Join(well.told(""), " "); got != "opened opened opened blind opened" {
			t.Errorf("the other receiver, who asked for two kinds, got %s", got)
		}
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if is, _ := ill.Load("events to city"); is != true || tries.Load() > 60 {
			t.Errorf("after 30 minutes: ill %v, tried %d times", is, tries.Load())
		}
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, whole[:2]) {
			t.Errorf("behind the refused event came %v", got)
		}
		if got := len(p.told("")) - 2; got != len(EventsOf(eventful()))-len(whole) {
			t.Errorf("%d events of others", got)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, whole) {
			t.Errorf("in the end %v", got)
		}
		if is, _ := ill.Load("events to city"); is != false {
			t.Error("it is still said to be ill")
		}
	})
}

// TestGivenUp ends the wait of an event that is never taken.
func TestGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &post{fails: func(e Event) error {
			if e.Type == IncidentLapsed {
				return stillwater.ErrRefused
			}
			return nil
		}}
		n, stop := notifying(t, NotifierOptions{Receivers: []Receiver{{Name: "city"}}, Households: newTown(), Queue: early(), History: past{&stillwater.Batch{}}, Clock: newTown()}, map[string]*post{"city": p})
		defer stop()
		synctest.Wait()
		n.Committed(&stillwater.Batch{Incidents: []stillwater.Incident{story()}})
		time.Sleep(8 * 24 * time.Hour)
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, slices.Delete(slices.Clone(whole), 2, 3)) {
			t.Errorf("%v", got)
		}
	})
}

// TestNewReceiver is sent nothing of before it was there.
func TestNewReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, town := &post{}, newTown()
		town.now = start.Add(25 * time.Minute)
		_, stop := notifying(t, NotifierOptions{Receivers: []Receiver{{Name: "city"}}, Households: town, Queue: &queue{since: map[string]time.Time{}}, History: past{eventful()}, Clock: town}, map[string]*post{"city": p})
		defer stop()
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, whole[5:]) {
			t.Errorf("%v", got)
		}
	})
}

// TestAreaOfAReceiver sends a receiver nothing of homes elsewhere, of a group only its own homes, and nothing without consent.
func TestAreaOfAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, town := &post{}, newTown()
		h := town.homes["h2"]
		h.Consent.Withdrawn = start
		town.homes["h2"] = h
		n, stop := notifying(t, NotifierOptions{Receivers: []Receiver{{Name: "north", Area: stillwater.Place{Grid: "north"}}}, Households: town, Queue: early(), History: past{&stillwater.Batch{}}, Clock: town}, map[string]*post{"north": p})
		defer stop()
		synctest.Wait()
		b := eventful()
		south := story()
		south.ID, south.Household = "S1", "h3"
		b.Incidents = append(b.Incidents, south)
		n.Committed(b)
		synctest.Wait()
		for _, e := range p.took {
			if e.Data.Incident == "S1" || slices.Contains(e.Data.Members, "h3") || e.Data.Household == "h2" {
				t.Errorf("sent %+v", e)
			}
		}
		if len(p.told("incident/G1")) != 1 {
			t.Error("of a group with a home of the area nothing was sent")
		}
	})
}

// TestWhatWasNotQueuedIsFound lets the queue fail for a while: what could not be queued is found in the store.
func TestWhatWasNotQueuedIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q := &post{}, early()
		history := past{&stillwater.Batch{}}
		n, stop := notifying(t, NotifierOptions{Receivers: []Receiver{{Name: "city"}}, Households: newTown(), Queue: q, History: history, Clock: newTown()}, map[string]*post{"city": p})
		defer stop()
		synctest.Wait()
		q.mu.Lock()
		q.broken = errors.New("disk full")
		q.mu.Unlock()
		*history.Batch = *eventful()
		n.Committed(eventful())
		for range mostPending {
			n.Committed(&stillwater.Batch{Incidents: []stillwater.Incident{story()}})
		}
		time.Sleep(time.Minute)
		q.mu.Lock()
		q.broken = nil
		q.mu.Unlock()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := p.told("incident/A7"); !slices.Equal(got, whole) || len(p.took) != len(EventsOf(eventful())) {
			t.Errorf("%v, and %d in all", got, len(p.took))
		}
	})
}

// TestTooMuchAtOnce drops what is too much to be kept, and has it looked for in the store.
func TestTooMuchAtOnce(t *testing.T) {
	n := &Notifier{NotifierOptions: NotifierOptions{Receivers: []Receiver{{Name: "city"}}}, came: make(chan struct{}, 1)}
	for range mostPending {
		n.Committed(eventful())
	}
	if !n.missed || len(n.pending) > mostPending {
		t.Errorf("missed %v, %d kept", n.missed, len(n.pending))
	}
}

// TestKilledAtAnyMoment commits a story to a real store, stops the notifier at random moments, also between a commit and the queue and between a
// post and its note, and wants each event at least once, in order, with nothing new behind a repeat.
func TestKilledAtAnyMoment(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 7))
		db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(t.TempDir(), "s.db")}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Follow(t.Context(), "city", start.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		p := &post{}
		for k := range story().Log {
			part := story()
			part.Log = part.Log[:k+1]
			b := &stillwater.Batch{Incidents: []stillwater.Incident{part}}
			if err := db.Commit(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			if random.IntN(2) == 0 {
				continue // killed between the commit and Committed
			}
			life(t, db, p, b, random.IntN(4), time.Duration(random.IntN(60))*time.Millisecond)
		}
		life(t, db, p, nil, 100, 20*time.Second)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		var fresh []string
		for _, e := range p.took {
			if !known[e.ID] {
				fresh = append(fresh, strings.TrimPrefix(string(e.Type), "incident."))
			}
			known[e.ID] = true
		}
		if !slices.Equal(fresh, whole) {
			t.Errorf("seed %d: %v", seed, fresh)
		}
	}
}

// life is one run of a notifier that is killed when it has posted so many events: the last of them is not noted.
func life(t *testing.T, db *sqlite.DB, p *post, b *stillwater.Batch, posts int, most time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	to := publisherFunc(func(c context.Context, id, kind string, body []byte) error {
		if posts--; posts < 0 {
			cancel()
			return c.Err()
		}
		err := p.Publish(c, id, kind, body)
		if last := p.took[len(p.took)-1]; posts == 0 || posts > 50 && last.Type == IncidentClosed && last.Data.Outcome == stillwater.Helped {
			cancel() // it was taken, and the note of that fails
		}
		return err
	})
	n, err := NewNotifier(NotifierOptions{
		Receivers: []Receiver{{Name: "city"}}, Publishers: map[string]Publisher{"city": to}, Households: newTown(), Queue: db, History: db, Clock: newTown(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if b != nil {
		n.Committed(b)
	}
	n.Run(ctx)
}

type publisherFunc func(ctx context.Context, id, kind string, body []byte) error

func (f publisherFunc) Publish(ctx context.Context, id, kind string, body []byte) error {
	return f(ctx, id, kind, body)
}

// TestTopics publishes to the topic of the kind, at least once, not retained.
func TestTopics(t *testing.T) {
	var got string
	m := MQTT{clientFunc(func(topic string, qos byte, retained bool, payload []byte) {
		got = fmt.Sprint(topic, " ", qos, " ", retained, " ", string(payload))
	})}
	if err := m.Publish(t.Context(), "evt_1", string(IncidentOnSite), []byte("{}")); err != nil || got != "stillwater/events/incident.on-site 1 false {}" {
		t.Error(got, err)
	}
}

type clientFunc func(topic string, qos byte, retained bool, payload []byte)

func (f clientFunc) Publish(_ context.Context, topic string, qos byte, retained bool, payload []byte) error {
	f(topic, qos, retained, payload)
	return nil
}
