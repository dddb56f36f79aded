package delivery

import (
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

func bubble(t *testing.T, name string, f func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

func wantTexts(t *testing.T, o *operator, want ...stillwater.MessageID) {
	t.Helper()
	if got := o.ids(); !slices.Equal(got, want) {
		t.Errorf("the provider took %v, want %v", got, want)
	}
}

func wantState(t *testing.T, s *store, id stillwater.MessageID, want stillwater.DeliveryState) {
	t.Helper()
	if m := s.get(id); m.State != want {
		t.Errorf("%s is %q (%s), want %q", id, m.State, m.Error, want)
	}
}

func TestDelivery(t *testing.T) {
	bubble(t, "a message leaves at once when woken, and is followed until it is delivered", func(t *testing.T) {
		s, o := &store{}, &operator{}
		began := time.Now()
		o.status = func(string) (stillwater.DeliveryState, string, error) {
			if time.Since(began) > 40*time.Second {
				return stillwater.Delivered, "", nil
			}
			return stillwater.Accepted, "", nil
		}
		c, _ := running(t, s, o)
		after(time.Second)
		s.put(message("A", 1))
		c.Wake()
		synctest.Wait()
		wantTexts(t, o, "A")
		wantState(t, s, "A", stillwater.Accepted)
		after(2 * time.Minute)
		wantState(t, s, "A", stillwater.Delivered)
		if len(s.receipts) != 2 {
			t.Errorf("receipts: %+v", s.receipts)
		}
	})
	bubble(t, "without being woken it leaves with the next look", func(t *testing.T) {
		s, o := &store{}, &operator{}
		running(t, s, o)
		after(time.Second)
		s.put(message("A", 1))
		after(Defaults().Look)
		wantTexts(t, o, "A")
	})
	bubble(t, "a text the handset never got is reported as failed", func(t *testing.T) {
		s, o := &store{}, &operator{status: func(string) (stillwater.DeliveryState, string, error) {
			return stillwater.Failed, "unknown subscriber", nil
		}}
		s.put(message("A", 1))
		running(t, s, o)
		after(time.Minute)
		wantState(t, s, "A", stillwater.Failed)
		wantTexts(t, o, "A")
	})
	bubble(t, "refused is failed at once and for good", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.send = func(context.Context, stillwater.Message) error {
			return fmt.Errorf("send: %w: opted out", stillwater.ErrRefused)
		}
		s.put(message("A", 1))
		running(t, s, o)
		synctest.Wait()
		wantState(t, s, "A", stillwater.Failed)
		o.change(func() { o.send = nil })
		after(time.Hour)
		wantTexts(t, o)
	})
	bubble(t, "cancelled before it left is not sent", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.change(func() { o.send = func(context.Context, stillwater.Message) error { return stillwater.ErrNotSent } })
		s.put(message("A", 1))
		running(t, s, o)
		after(20 * time.Second)
		s.set("A", stillwater.Cancelled)
		o.change(func() { o.send = nil })
		after(time.Hour)
		wantTexts(t, o)
		wantState(t, s, "A", stillwater.Cancelled)
	})
	bubble(t, "a question or news of hours ago is cancelled, an alert is not", func(t *testing.T) {
		s, o := &store{}, &operator{}
		question, news, alert := message("Q", 1), message("D", 2), message("A", 3)
		question.Purpose, news.Purpose = stillwater.Ask, stillwater.Done
		for _, m := range []stillwater.Message{question, news, alert} {
			m.Created = m.Created.Add(-3 * time.Hour)
			s.put(m)
		}
		running(t, s, o)
		after(time.Minute)
		wantTexts(t, o, "A")
		wantState(t, s, "Q", stillwater.Cancelled)
		wantState(t, s, "D", stillwater.Cancelled)
	})
}

// TestNobodyIsForgotten: law 2 through the troubles of a provider.
func TestNobodyIsForgotten(t *testing.T) {
	bubble(t, "after an outage it leaves as soon as the provider's word that it is not there counts", func(t *testing.T) {
		s, o := &store{}, &operator{}
		recovers := time.Now().Add(time.Hour)
		o.send = func(ctx context.Context, m stillwater.Message) error {
			if time.Now().Before(recovers) {
				return hang(ctx, m)
			}
			return nil
		}
		o.change(func() { o.find = func(ctx context.Context) error { return o.send(ctx, stillwater.Message{}) } })
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Sink: s, Routes: by(o)}
		s.put(message("A", 1))
		start(t, c)
		after(2 * time.Hour)
		// The last attempt may have begun just before the recovery: until Settle after it the provider's word does not count.
		latest := max(c.Config.MaxBackoff, c.Config.Settle) + c.Config.Timeout
		if took := o.took(); len(took) != 1 || took[0].at.Sub(recovers) > latest {
			t.Errorf("took %v, recovered %v", took, recovers)
		}
	})
	bubble(t, "what certainly did not leave is tried again, unmarked", func(t *testing.T) {
		s, o := &store{}, &operator{}
		recovers := time.Now().Add(5 * time.Minute)
		o.send = func(context.Context, stillwater.Message) error {
			if time.Now().Before(recovers) {
				return fmt.Errorf("dial: %w", stillwater.ErrNotSent)
			}
			return nil
		}
		s.put(message("A", 1))
		running(t, s, o)
		after(10 * time.Minute)
		if took := o.took(); len(took) != 1 || took[0].at.Sub(recovers) > Defaults().MaxBackoff || took[0].m.Repeat || o.asks > 0 {
			t.Errorf("took %v, recovered %v, asked %d", took, recovers, o.asks)
		}
	})
	bubble(t, "longer than give_up it fails, and is not sent later", func(t *testing.T) {
		s, o := &store{}, &operator{send: hang}
		s.put(message("A", 1))
		running(t, s, o)
		began := time.Now()
		for s.get("A").State != stillwater.Failed && time.Since(began) < 3*time.Hour {
			after(time.Second)
		}
		if took := time.Since(began); took < 2*time.Hour || took > 2*time.Hour+Defaults().Timeout+time.Second {
			t.Errorf("failed after %v", took)
		}
		o.change(func() { o.send = nil })
		after(time.Hour)
		wantTexts(t, o)
		wantState(t, s, "A", stillwater.Failed)
	})
	bubble(t, "one that hangs holds its place and nothing else", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.send = func(ctx context.Context, m stillwater.Message) error {
			if m.ID == "deaf" {
				time.Sleep(time.Hour) // it does not even look at the context
				return ctx.Err()
			}
			return nil
		}
		s.put(message("deaf", 1), message("A", 2), message("B", 3))
		c, _ := running(t, s, o)
		after(time.Minute)
		s.put(message("C", 4))
		c.Wake()
		synctest.Wait()
		if got := o.ids(); len(got) != 3 || got[2] != "C" {
			t.Errorf("took %v", got)
		}
		after(2 * time.Hour)
	})
	bubble(t, "an outbox that cannot be read for a while", func(t *testing.T) {
		s, o := &store{}, &operator{}
		s.change(func() { s.sick = func() error { return errors.New("locked") } })
		s.put(message("A", 1))
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Sink: s, Routes: by(o)}
		var changes []string
		c.Health = func(part string, err error) { changes = append(changes, fmt.Sprint(part, " ", err)) }
		start(t, c)
		after(time.Minute)
		s.change(func() { s.sick = nil })
		after(time.Minute)
		wantTexts(t, o, "A")
		if want := []string{"outbox locked", "outbox <nil>"}; !slices.Equal(changes, want) {
			t.Errorf("health changed %q, want %q", changes, want)
		}
	})
	bubble(t, "many at once all leave", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.change(func() {
			o.send = func(context.Context, stillwater.Message) error { time.Sleep(9 * time.Second); return nil }
		})
		for i := range 300 { // longer than give_up, which does not count what never had its turn
			s.put(message(fmt.Sprint("M", i), i))
		}
		running(t, s, o)
		after(300/4*9*time.Second + time.Minute)
		if n := len(o.ids()); n != 300 {
			t.Errorf("%d of 300 left", n)
		}
	})
}

// TestNobodyIsToldTwice: law 3 through crashes and unclear answers.
func TestNobodyIsToldTwice(t *testing.T) {
	bubble(t, "a crash between the accept and its receipt", func(t *testing.T) {
		s, o := &store{}, &operator{visible: 20 * time.Second}
		s.change(func() { s.sinkSick = func() error { return errors.New("crashing") } })
		s.put(message("A", 1))
		_, crash := running(t, s, o)
		synctest.Wait()
		crash()
		wantState(t, s, "A", stillwater.Sending)
		s.change(func() { s.sinkSick = nil })
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o, "A")
		wantState(t, s, "A", stillwater.Accepted)
		if m := s.get("A"); m.ProviderID != "op-1" || m.Repeat {
			t.Errorf("%+v", m)
		}
	})
	bubble(t, "a crash before it left: not there for a while, then sent once and unmarked", func(t *testing.T) {
		s, o := &store{}, &operator{}
		m := message("A", 1)
		m.State, m.Attempts, m.Tried, m.Provider = stillwater.Sending, 1, time.Now(), "operator"
		s.put(m)
		tried := m.Tried
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o, "A")
		took := o.took()[0]
		if took.at.Sub(tried) < Defaults().Settle || took.at.Sub(tried) > Defaults().Settle+2*time.Second || took.m.Repeat || took.m.Text != "text A" || took.m.Attempts != 2 {
			t.Errorf("took %+v after %v", took.m, took.at.Sub(tried))
		}
	})
	bubble(t, "an answer that does not come: the text left and is found", func(t *testing.T) {
		s, o := &store{}, &operator{sent: hang, visible: 45 * time.Second}
		s.put(message("A", 1))
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o, "A")
		wantState(t, s, "A", stillwater.Accepted)
	})
	bubble(t, "an answer that says neither: it did not leave and goes once more", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.send = func(context.Context, stillwater.Message) error {
			o.change(func() { o.send = nil })
			return errors.New("502 bad gateway")
		}
		s.put(message("A", 1))
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o, "A")
		if took := o.took()[0]; took.m.Repeat || took.m.Attempts != 2 {
			t.Errorf("%+v", took.m)
		}
	})
	bubble(t, "it cannot be asked: again, marked", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.sent = func(context.Context, stillwater.Message) error {
			o.change(func() { o.sent = nil })
			return errors.New("connection reset")
		}
		s.put(message("A", 1))
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Sink: s, Routes: by(struct{ Provider }{o})}
		c.Mark = func(m stillwater.Message) string {
			if !m.Repeat {
				t.Error("Mark is given a message that is no repeat")
			}
			return "again: " + m.Text
		}
		start(t, c)
		after(time.Hour)
		wantTexts(t, o, "A", "A")
		if again := o.took()[1].m; !again.Repeat || again.Text != "again: text A" {
			t.Errorf("%+v", again)
		}
		if m := s.get("A"); !m.Repeat || m.State != stillwater.Accepted || m.Text != "again: text A" {
			t.Errorf("stored %+v", m)
		}
	})
	bubble(t, "asking does not succeed in time: again, marked, not sooner", func(t *testing.T) {
		s, o := &store{}, &operator{find: func(ctx context.Context) error { return errors.New("503") }}
		o.sent = func(context.Context, stillwater.Message) error {
			o.change(func() { o.sent = nil })
			return errors.New("connection reset")
		}
		s.put(message("A", 1))
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o, "A", "A")
		took := o.took()
		if gap := took[1].at.Sub(took[0].at); gap < Defaults().AskWithin || gap > Defaults().AskWithin+Defaults().MaxBackoff+Defaults().Timeout {
			t.Errorf("repeated after %v", gap)
		}
		if !took[1].m.Repeat || !strings.Contains(took[1].m.Text, "重发") {
			t.Errorf("%+v", took[1].m)
		}
	})
	bubble(t, "another provider took it: this one cannot know", func(t *testing.T) {
		s, o := &store{}, &operator{}
		m := message("A", 1)
		m.State, m.Attempts, m.Tried, m.Provider = stillwater.Sending, 1, time.Now(), "another"
		s.put(m)
		running(t, s, o)
		synctest.Wait()
		wantTexts(t, o, "A")
		if !o.took()[0].m.Repeat || o.asks > 0 {
			t.Errorf("%+v, asked %d", o.took()[0].m, o.asks)
		}
	})
	bubble(t, "it is stored before the provider is called, and without that it is not", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.send = func(_ context.Context, m stillwater.Message) error {
			if stored := s.get(m.ID); stored.State != stillwater.Sending || stored.Attempts != m.Attempts || stored.Provider != "operator" || stored.Tried.IsZero() {
				t.Errorf("the provider is called and %+v is stored", stored)
			}
			return nil
		}
		s.change(func() { s.markSick = func() error { return errors.New("disk full") } })
		s.put(message("A", 1))
		running(t, s, o)
		after(5 * time.Minute)
		wantTexts(t, o)
		s.change(func() { s.markSick = nil })
		after(Defaults().MaxBackoff)
		wantTexts(t, o, "A")
	})
	bubble(t, "a sink that is slow or ill: the message is not sent again meanwhile, and others are", func(t *testing.T) {
		s, o := &store{}, &operator{}
		ill := time.Now().Add(30 * time.Minute)
		s.sinkSick = func() error {
			time.Sleep(5 * time.Second)
			if time.Now().Before(ill) {
				return errors.New("commit: disk full")
			}
			return nil
		}
		s.put(message("A", 1))
		c, _ := running(t, s, o)
		after(time.Minute)
		s.put(message("B", 1), message("C", 2))
		c.Wake()
		synctest.Wait()
		if got := o.ids(); len(got) != 3 || got[0] != "A" {
			t.Errorf("took %v", got)
		}
		after(time.Hour)
		if got := o.ids(); len(got) != 3 {
			t.Errorf("took %v", got)
		}
		for _, id := range o.ids() {
			wantState(t, s, id, stillwater.Accepted)
		}
	})
	bubble(t, "what became of a text is told even if it was cancelled meanwhile", func(t *testing.T) {
		s, o := &store{}, &operator{}
		s.sinkSick = func() error { return errors.New("disk full") }
		s.put(message("A", 1))
		running(t, s, o)
		after(time.Minute)
		s.set("A", stillwater.Cancelled)
		after(time.Minute)
		s.change(func() { s.sinkSick = nil })
		after(time.Minute)
		wantTexts(t, o, "A")
		wantState(t, s, "A", stillwater.Accepted)
	})
	bubble(t, "a sink that says it stored what it did not", func(t *testing.T) {
		s, o := &store{}, &operator{}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Sink: deafSink{}, Routes: by(o)}
		o.change(func() { o.send = func(context.Context, stillwater.Message) error { return stillwater.ErrRefused } })
		s.put(message("A", 1))
		start(t, c)
		after(time.Minute)
		o.change(func() { o.send = nil })
		after(time.Hour)
		wantTexts(t, o)
	})
	bubble(t, "unclear and old news is not sent again", func(t *testing.T) {
		s, o := &store{}, &operator{}
		m := message("D", 1)
		m.Purpose, m.State, m.Attempts, m.Tried, m.Provider = stillwater.Done, stillwater.Sending, 1, time.Now().Add(-3*time.Hour), "operator"
		m.Created = m.Tried
		s.put(m)
		running(t, s, o)
		after(time.Hour)
		wantTexts(t, o)
		wantState(t, s, "D", stillwater.Failed)
	})
}

type deafSink struct{}

func (deafSink) Receipt(context.Context, stillwater.Receipt) error { return nil }
func (deafSink) Reply(context.Context, stillwater.Reply) error     { return nil }

func TestOrder(t *testing.T) {
	slow := func(context.Context, stillwater.Message) error { time.Sleep(time.Second); return nil }
	bubble(t, "those to one contact keep their order", func(t *testing.T) {
		s, o := &store{}, &operator{}
		stumbles := 2
		o.send = func(_ context.Context, m stillwater.Message) error {
			if m.ID == "A1" && stumbles > 0 {
				stumbles--
				return stillwater.ErrNotSent
			}
			return nil
		}
		s.put(message("A1", 1), message("A2", 1), message("A3", 1), message("B1", 2))
		running(t, s, o)
		after(time.Minute)
		wantTexts(t, o, "B1", "A1", "A2", "A3")
	})
	bubble(t, "urgent before alerts, alerts before the rest", func(t *testing.T) {
		s, o := &store{}, &operator{send: slow}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Sink: s, Routes: by(o)}
		c.Config.Parallel = 1
		news, alert, urgent := message("news", 1), message("alert", 2), message("urgent", 3)
		news.Purpose, urgent.Severity = stillwater.Done, stillwater.Urgent
		s.put(news, alert, urgent)
		start(t, c)
		after(time.Minute)
		wantTexts(t, o, "urgent", "alert", "news")
	})
	bubble(t, "urgent does not wait for what is unclear to the same contact", func(t *testing.T) {
		s, o := &store{}, &operator{}
		o.send = func(ctx context.Context, m stillwater.Message) error {
			if m.ID == "alert" {
				return hang(ctx, m)
			}
			return nil
		}
		s.put(message("alert", 1))
		c, _ := running(t, s, o)
		after(time.Second)
		urgent := message("urgent", 1)
		urgent.Severity = stillwater.Urgent
		s.put(urgent)
		c.Wake()
		synctest.Wait()
		wantTexts(t, o, "urgent")
	})
	bubble(t, "no more at once than there are places", func(t *testing.T) {
		s, o := &store{}, &operator{}
		now, most := make(chan int, 1), 0
		now <- 0
		o.send = func(context.Context, stillwater.Message) error {
			n := <-now + 1
			most = max(most, n)
			now <- n
			time.Sleep(time.Second)
			now <- <-now - 1
			return nil
		}
		for i := range 20 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		running(t, s, o)
		after(time.Minute)
		if most != 4 || len(o.ids()) != 20 {
			t.Errorf("%d at once, %d left", most, len(o.ids()))
		}
	})
}

// letterbox has replies that come late into the provider's list.
type letterbox struct {
	mu      sync.Mutex
	replies []stillwater.Reply
	listed  func(stillwater.Reply) bool
	sick    error
}

func (l *letterbox) Name() string { return "letterbox" }

func (l *letterbox) Replies(_ context.Context, since time.Time) ([]stillwater.Reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []stillwater.Reply
	for _, r := range l.replies {
		if !r.At.Before(since) && (l.listed == nil || l.listed(r)) {
			found = append(found, r)
		}
	}
	return found, l.sick
}

func (l *letterbox) change(f func()) { l.mu.Lock(); defer l.mu.Unlock(); f() }

func TestReplies(t *testing.T) {
	setUp := func(t *testing.T) (*store, *letterbox, *Courier) {
		s, l := &store{}, &letterbox{}
		c := &Courier{Config: Defaults(), Clock: wall{ahead: time.Hour}, Outbox: s, Sink: s, Routes: by(&operator{}), Inboxes: []Inbox{l}}
		return s, l, c
	}
	bubble(t, "a reply of the time the gateway was away", func(t *testing.T) {
		s, l, c := setUp(t)
		l.change(func() { l.replies = []stillwater.Reply{{ID: "r", At: c.Clock.Now().Add(-20 * time.Hour)}} })
		start(t, c)
		synctest.Wait()
		if len(s.replies) != 1 {
			t.Errorf("replies: %v", s.replies)
		}
	})
	bubble(t, "a reply is brought with the next poll, or at once when woken", func(t *testing.T) {
		s, l, c := setUp(t)
		start(t, c)
		after(15 * time.Second)
		l.change(func() { l.replies = append(l.replies, stillwater.Reply{ID: "r1", At: c.Clock.Now()}) })
		after(c.Config.Poll)
		if len(s.replies) != 1 {
			t.Errorf("replies: %v", s.replies)
		}
		l.change(func() { l.replies = append(l.replies, stillwater.Reply{ID: "r2", At: c.Clock.Now()}) })
		c.WakeInbox()
		synctest.Wait()
		if len(s.replies) != 2 {
			t.Errorf("replies: %v", s.replies)
		}
	})
	bubble(t, "a reply that is listed late, and one the sink could not store for an hour", func(t *testing.T) {
		s, l, c := setUp(t)
		late := c.Clock.Now().Add(5 * time.Minute)
		l.change(func() { l.replies = []stillwater.Reply{{ID: "late", At: c.Clock.Now()}} })
		l.change(func() { l.listed = func(stillwater.Reply) bool { return c.Clock.Now().After(late) } })
		start(t, c)
		after(6 * time.Minute)
		if len(s.replies) != 1 {
			t.Errorf("replies: %v", s.replies)
		}
		s.change(func() { s.sinkSick = func() error { return errors.New("disk full") } })
		l.change(func() { l.replies = append(l.replies, stillwater.Reply{ID: "unlucky", At: c.Clock.Now()}) })
		after(time.Hour)
		s.change(func() { s.sinkSick = nil })
		after(time.Minute)
		if len(s.replies) != 2 {
			t.Errorf("replies: %v", s.replies)
		}
	})
	bubble(t, "a provider that lists nothing for an hour", func(t *testing.T) {
		s, l, c := setUp(t)
		start(t, c)
		after(time.Minute)
		l.change(func() { l.sick, l.listed = errors.New("503"), func(stillwater.Reply) bool { return false } })
		l.change(func() { l.replies = append(l.replies, stillwater.Reply{ID: "r", At: c.Clock.Now()}) })
		after(time.Hour)
		l.change(func() { l.sick, l.listed = nil, nil })
		after(time.Minute)
		if len(s.replies) != 1 {
			t.Errorf("replies: %v", s.replies)
		}
	})
}

func TestConfig(t *testing.T) {
	good := Defaults()
	good.Validate(func(_ any, problem string) { t.Errorf("the defaults: %s", problem) })
	bad := Defaults()
	bad.Parallel, bad.MaxBackoff, bad.Settle, bad.AskWithin, bad.GiveUp, bad.Poll = 0, 500*time.Millisecond, 5*time.Second, 4*time.Second, time.Minute, time.Hour
	want := map[any]bool{&bad.Parallel: true, &bad.MaxBackoff: true, &bad.Settle: true, &bad.AskWithin: true, &bad.Poll: true}
	bad.Validate(func(field any, problem string) {
		if _, ok := want[field]; !ok {
			t.Errorf("unexpected: %s", problem)
		}
		want[field] = false
	})
	for field, missing := range want {
		if missing {
			t.Errorf("not reported: %v", field)
		}
	}
}

// TestBackoff: it doubles, is bounded for ever, and is never nothing.
func TestBackoff(t *testing.T) {
	c := Defaults()
	for n := range 1000 {
		limit := min(c.MaxBackoff, c.MinBackoff<<min(max(0, n-1), 10))
		if d := c.backoff(n); d > limit || d < limit*3/4 {
			t.Errorf("backoff %d is %v, want about %v", n, d, limit)
		}
	}
}
