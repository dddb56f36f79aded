package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

// wall is an event clock that runs with the wall clock, or ahead of it.
type wall struct{ ahead time.Duration }

func (w wall) Now() time.Time { return time.Now().Add(w.ahead) }

// store is an outbox and a sink on one table, as the database is: it survives a crash of the courier.
type store struct {
	mu       sync.Mutex
	messages []stillwater.Message
	receipts []stillwater.Receipt
	replies  map[string]stillwater.Reply
	hidden   bool // the outbox lists nothing: too much came since
	// keepCancelled: a receipt that a message was not sent does not revive a cancelled one, as the pipeline has it.
	keepCancelled bool
	// sick, markSick and sinkSick are asked first.
	sick, markSick, sinkSick func() error
}

func (s *store) put(ms ...stillwater.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, ms...)
}

func (s *store) get(id stillwater.MessageID) stillwater.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.ID == id {
			return m
		}
	}
	return stillwater.Message{}
}

func (s *store) set(id stillwater.MessageID, state stillwater.DeliveryState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.messages {
		if s.messages[i].ID == id {
			s.messages[i].State = state
		}
	}
}

// change changes a knob while the courier runs.
func (s *store) change(f func()) { s.mu.Lock(); defer s.mu.Unlock(); f() }

func (o *operator) change(f func()) { o.mu.Lock(); defer o.mu.Unlock(); f() }

// now reads a knob.
func now[T any](mu *sync.Mutex, knob *T) T {
	mu.Lock()
	defer mu.Unlock()
	return *knob
}

func askFor(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (s *store) Outbox(context.Context) ([]stillwater.Message, error) {
	if err := askFor(now(&s.mu, &s.sick)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []stillwater.Message
	for _, m := range s.messages {
		if !m.State.Final() && !s.hidden {
			open = append(open, m)
		}
	}
	return open, nil
}

func (s *store) Sent(_ context.Context, since time.Time, visit func(stillwater.Message)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if !m.Tried.IsZero() && !m.Tried.Before(since) {
			visit(m)
		}
	}
	return askFor(s.sick)
}

func (s *store) Accepted(_ context.Context, provider, id string) (stillwater.Message, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.Provider == provider && m.ProviderID == id && !m.State.Final() {
			return m, true, nil
		}
	}
	return stillwater.Message{}, false, nil
}

func (s *store) MarkSending(_ context.Context, m stillwater.Message) error {
	if err := askFor(now(&s.mu, &s.markSick)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, stored := range s.messages {
		if stored.ID == m.ID && (stored.State == stillwater.Pending || stored.State == stillwater.Sending) {
			s.messages[i] = m
			return nil
		}
	}
	return errors.New("it does not wait to be sent")
}

func (s *store) Receipt(_ context.Context, r stillwater.Receipt) error {
	if err := askFor(now(&s.mu, &s.sinkSick)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receipts = append(s.receipts, r)
	for i := range s.messages {
		if m := &s.messages[i]; m.ID == r.Message && !(s.keepCancelled && m.State == stillwater.Cancelled && r.State == stillwater.Pending) {
			m.State, m.Attempts, m.Provider, m.ProviderID, m.Error = r.State, r.Attempts, r.Provider, r.ProviderID, r.Error
		}
	}
	return nil
}

func (s *store) Reply(_ context.Context, r stillwater.Reply) error {
	if err := askFor(now(&s.mu, &s.sinkSick)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replies == nil {
		s.replies = map[string]stillwater.Reply{}
	}
	s.replies[r.ID] = r
	return nil
}

// operator is a provider that can be asked. What it took stays with it.
type operator struct {
	name  string // "operator" if empty
	mu    sync.Mutex
	texts []text
	asks  int
	// send is asked before a text is taken, sent after; both may fail, or hang.
	send, sent func(ctx context.Context, m stillwater.Message) error
	find       func(ctx context.Context) error
	// visible is how long after it was taken Find sees a text.
	visible time.Duration
	status  func(id string) (stillwater.DeliveryState, string, error)
}

type text struct {
	at time.Time
	m  stillwater.Message
}

func (o *operator) Name() string { return cmp.Or(o.name, "operator") }

func (o *operator) Send(ctx context.Context, m stillwater.Message) (string, error) {
	if send := now(&o.mu, &o.send); send != nil {
		if err := send(ctx, m); err != nil {
			return "", err
		}
	}
	o.mu.Lock()
	o.texts = append(o.texts, text{time.Now(), m})
	id := fmt.Sprint("op-", len(o.texts))
	o.mu.Unlock()
	if sent := now(&o.mu, &o.sent); sent != nil {
		return id, sent(ctx, m)
	}
	return id, nil
}

func (o *operator) Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (string, bool, error) {
	o.mu.Lock()
	o.asks++
	o.mu.Unlock()
	if o.find != nil {
		if err := o.find(ctx); err != nil {
			return "", false, err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, t := range o.texts {
		if t.m.To == to && strings.Contains(t.m.Text, code) && !t.at.Before(since) && time.Since(t.at) >= o.visible {
			return fmt.Sprint("op-", i+1), true, nil
		}
	}
	return "", false, nil
}

func (o *operator) Status(_ context.Context, id string) (stillwater.DeliveryState, string, error) {
	if o.status == nil {
		return stillwater.Accepted, "queued", nil
	}
	return o.status(id)
}

func (o *operator) took() []text {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.texts)
}

// ids are what it took, in order.
func (o *operator) ids() (ids []stillwater.MessageID) {
	for _, t := range o.took() {
		ids = append(ids, t.m.ID)
	}
	return ids
}

// hang is a provider that does not answer.
func hang(ctx context.Context, _ stillwater.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

// message is an alert to a contact.
func message(id string, to int) stillwater.Message {
	return stillwater.Message{
		ID: stillwater.MessageID(id), Contact: stillwater.ContactID(fmt.Sprint("c", to)), To: stillwater.Address(fmt.Sprint("+86138", to)),
		Code: id, Text: "text " + id, Purpose: stillwater.Tell, Severity: stillwater.Alert, Created: time.Now(), State: stillwater.Pending,
	}
}

// by is a route for texts by each provider, in order.
func by(providers ...Provider) (routes []Route) {
	for _, p := range providers {
		routes = append(routes, Route{Name: p.Name(), Channel: stillwater.SMS, Provider: p})
	}
	return routes
}

// running is a courier in a bubble, and stop what ends it: at once, as a crash does.
func running(t *testing.T, s *store, p Provider) (c *Courier, stop func()) {
	t.Helper()
	c = &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(p)}
	return c, start(t, c)
}

func start(t *testing.T, c *Courier) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// after lets time pass in the bubble and everything due come to rest.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// takes lets a call of the provider or the sink take some time of the bubble.
func takes(d time.Duration) { time.Sleep(d) }
