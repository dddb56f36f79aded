package delivery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stillwater"
)

// two is a courier with two providers that can be asked, a preferred to b.
func two(t *testing.T, s *store) (a, b *operator, c *Courier) {
	t.Helper()
	a, b = &operator{name: "a"}, &operator{name: "b"}
	return a, b, &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a, b)}
}

// says is a provider that answers all messages with an error, and takes none.
func says(errs ...error) func(context.Context, stillwater.Message) error {
	return func(context.Context, stillwater.Message) error { return errors.Join(errs...) }
}

func urgent(m stillwater.Message) stillwater.Message {
	m.Severity = stillwater.Urgent
	return m
}

// TestFailover: what one provider certainly did not take goes by the next at once, in either order, and unmarked.
func TestFailover(t *testing.T) {
	for name, broken := range map[string]error{
		"not sent":                       stillwater.ErrNotSent,
		"over a limit of the provider":   fmt.Errorf("%w: %w: 429", stillwater.ErrNotSent, stillwater.ErrLimited),
		"limited, and nothing else said": stillwater.ErrLimited,
		"the account is closed":          fmt.Errorf("%w: %w: 20005", stillwater.ErrRefused, stillwater.ErrUnable),
	} {
		for _, first := range []string{"a", "b"} {
			bubble(t, name+", by "+first, func(t *testing.T) {
				s := &store{}
				a, b, c := two(t, s)
				if first == "b" {
					c.Routes = by(b, a)
					a, b = b, a
				}
				a.send = says(broken)
				s.put(message("A", 1))
				start(t, c)
				after(0)
				wantTexts(t, a)
				wantTexts(t, b, "A")
				if m := s.get("A"); m.State != stillwater.Accepted || m.Provider != b.name || m.Repeat || m.Attempts != 2 || m.Error != "" {
					t.Errorf("stored %+v", m)
				}
				a.change(func() { a.send = nil })
				s.put(message("B", 2))
				after(time.Minute)
				wantTexts(t, a, "B") // preferred again
			})
		}
	}
	bubble(t, "the number is refused: no other provider is tried", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = says(stillwater.ErrRefused)
		s.put(message("A", 1))
		start(t, c)
		after(time.Hour)
		wantTexts(t, b)
		wantState(t, s, "A", stillwater.Failed)
	})
	bubble(t, "no provider takes this template: failed at once, with the first reason", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = says(stillwater.ErrRefused, stillwater.ErrUnable, errors.New("template 7"))
		b.send = says(stillwater.ErrRefused, stillwater.ErrUnable, errors.New("template 8"))
		s.put(message("A", 1))
		start(t, c)
		after(0)
		if m := s.get("A"); m.State != stillwater.Failed || !strings.Contains(m.Error, "template") {
			t.Errorf("stored %+v", m)
		}
	})
	bubble(t, "one cannot, the other is down for a while: it waits for that one", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = says(stillwater.ErrRefused, stillwater.ErrUnable)
		b.send = says(stillwater.ErrNotSent)
		s.put(message("A", 1))
		start(t, c)
		after(time.Minute)
		b.change(func() { b.send = nil })
		after(Defaults().MaxBackoff)
		wantTexts(t, b, "A")
		if n := len(a.took()); n > 0 {
			t.Errorf("a took %d", n)
		}
	})
	bubble(t, "cancelled between two providers: it is not sent by the second", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = func(context.Context, stillwater.Message) error {
			takes(5 * time.Second)
			s.set("A", stillwater.Cancelled) // somebody has taken it on meanwhile
			return stillwater.ErrNotSent
		}
		s.change(func() { s.keepCancelled = true })
		s.put(message("A", 1))
		start(t, c)
		after(time.Hour)
		wantTexts(t, b)
		wantState(t, s, "A", stillwater.Cancelled)
	})
	bubble(t, "both down for minutes: it leaves once one is back, and is failed by nobody", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send, b.send = says(stillwater.ErrNotSent), says(stillwater.ErrNotSent)
		s.put(message("A", 1))
		start(t, c)
		after(5 * time.Minute)
		b.change(func() { b.send = nil })
		after(Defaults().MaxBackoff)
		wantTexts(t, a)
		wantTexts(t, b, "A")
	})
}

// TestUnclearWithAnother: law 3 holds between providers. Another one gets what is unclear only once it is known not to be with the
// first, or marked as a repeat.
func TestUnclearWithAnother(t *testing.T) {
	lost := func(a *operator, err error) { // it takes the text, and the answer is lost, once
		a.sent = func(context.Context, stillwater.Message) error { a.change(func() { a.sent = nil }); return err }
	}
	bubble(t, "taken, and the answer lost: it is found, and nobody else gets it", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.visible = 50 * time.Second
		lost(a, errors.New("connection reset"))
		s.put(message("A", 1))
		start(t, c)
		after(time.Hour)
		wantTexts(t, a, "A")
		wantTexts(t, b)
		if m := s.get("A"); m.Provider != "a" || m.ProviderID != "op-1" || m.State != stillwater.Accepted {
			t.Errorf("stored %+v", m)
		}
	})
	bubble(t, "an answer of 5xx, and it is not there: by the other, unmarked, once that counts", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = says(errors.New("HTTP 502"))
		s.put(message("A", 1))
		start(t, c)
		after(Defaults().Settle - time.Second)
		wantTexts(t, b)
		after(3 * time.Second)
		wantTexts(t, b, "A")
		if took := b.took()[0]; took.m.Repeat || took.m.Text != "text A" {
			t.Errorf("%+v", took.m)
		}
	})
	bubble(t, "it cannot be asked for two minutes: by the other, marked, and not sooner", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		lost(a, errors.New("HTTP 500"))
		a.find = func(context.Context) error { return errors.New("HTTP 500") }
		s.put(message("A", 1))
		start(t, c)
		after(Defaults().AskWithin)
		wantTexts(t, b)
		after(5 * time.Second)
		wantTexts(t, a, "A")
		wantTexts(t, b, "A")
		if took := b.took()[0]; !took.m.Repeat || !strings.Contains(took.m.Text, "重发") {
			t.Errorf("%+v", took.m)
		}
	})
	bubble(t, "a provider that can never be asked: by the other at once, marked", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		lost(a, errors.New("HTTP 500"))
		c.Routes[0].Provider = struct{ Provider }{a}
		s.put(message("A", 1))
		start(t, c)
		after(0)
		wantTexts(t, b, "A")
		if took := b.took(); len(took) != 1 || !took[0].m.Repeat {
			t.Errorf("%+v", took)
		}
	})
	bubble(t, "asking takes so long that its turn does not come: after two minutes it goes all the same", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = hang
		a.find = func(ctx context.Context) error { return hang(ctx, stillwater.Message{}) }
		for i := range 60 { // 4 places of 10 s each
			m := message(fmt.Sprint("M", i), i)
			m.State, m.Attempts, m.Tried, m.Provider = stillwater.Sending, 1, time.Now(), "a"
			s.put(m)
		}
		start(t, c)
		after(Defaults().AskWithin + Defaults().Timeout + 5*time.Second)
		if n := len(b.ids()); n != 60 {
			t.Errorf("%d of 60 left", n)
		}
	})
}

// TestHangingProvider: it holds its own places, and after a moment nobody waits for them.
func TestHangingProvider(t *testing.T) {
	bubble(t, "the others leave by the next", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = hang
		for i := range 40 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(patience + time.Second)
		if n := len(b.ids()); n != 36 {
			t.Errorf("%d of 36 have left by the other", n)
		}
		after(2 * time.Minute)
		if n := len(b.ids()); n != 40 {
			t.Errorf("%d of 40 have left by the other", n)
		}
	})
	bubble(t, "a busy provider is waited for, so that the dearer one is not used", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = func(context.Context, stillwater.Message) error { takes(time.Second); return nil }
		for i := range 40 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(time.Minute)
		if len(a.ids()) != 40 || len(b.ids()) != 0 {
			t.Errorf("a took %d, b %d", len(a.ids()), len(b.ids()))
		}
	})
	bubble(t, "once its circuit is open, messages go by the other at once", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.send = hang
		for i := range 4 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(11 * time.Second)
		s.put(urgent(message("U", 9)))
		c.Wake()
		after(0)
		wantTexts(t, b, "U")
		after(time.Hour)
		if n := len(b.ids()); n != 5 {
			t.Errorf("%d of 5 left by the other", n)
		}
	})
	bubble(t, "places are each route's own", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		c.Routes[0].Parallel, c.Routes[1].Parallel = 1, 2
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		slow := func(o *operator) func(context.Context, stillwater.Message) error {
			count := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				now[o.name] += n
				most[o.name] = max(most[o.name], now[o.name])
			}
			return func(context.Context, stillwater.Message) error {
				count(1)
				takes(9 * time.Second)
				count(-1)
				return nil
			}
		}
		a.send, b.send = slow(a), slow(b)
		for i := range 20 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(5 * time.Minute)
		if most["a"] != 1 || most["b"] != 2 || len(a.ids())+len(b.ids()) != 20 {
			t.Errorf("at once %v; %d and %d left", most, len(a.ids()), len(b.ids()))
		}
	})
}

// TestCircuit: a provider that does not work is left alone, tried by one message at a time, and used again once it works.
func TestCircuit(t *testing.T) {
	setUp := func(t *testing.T, s *store) (a *operator, c *Courier, calls *atomic.Int32) {
		a, c = &operator{name: "a"}, nil
		calls = new(atomic.Int32)
		a.send = func(context.Context, stillwater.Message) error { calls.Add(1); return stillwater.ErrNotSent }
		return a, &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}, calls
	}
	bubble(t, "forty messages are not forty calls", func(t *testing.T) {
		s := &store{}
		a, c, calls := setUp(t, s)
		for i := range 40 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(breakFor - time.Second)
		if n := calls.Load(); n > 8 {
			t.Errorf("%d calls of a provider that does not work", n)
		}
		after(4 * time.Minute)
		if n := calls.Load(); n > 20 {
			t.Errorf("%d calls in 4 minutes", n)
		}
		slow := func(context.Context, stillwater.Message) error { takes(2 * time.Second); return nil }
		a.change(func() { a.send = slow })
		after(Defaults().MaxBackoff + 25*time.Second) // 40 of 2 s each at 4 places; one after the other they would take 80 s
		if n := len(a.ids()); n != 40 {
			t.Errorf("%d of 40 left after the recovery", n)
		}
	})
	bubble(t, "an urgent message tries an open circuit when there is no other way, and opens it to the rest", func(t *testing.T) {
		s := &store{}
		a, c, _ := setUp(t, s)
		for i := range 5 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(time.Minute)
		a.change(func() { a.send = nil })
		s.put(urgent(message("U", 9)))
		c.Wake()
		after(0)
		if ids := a.ids(); len(ids) == 0 || ids[0] != "U" {
			t.Errorf("took %v", ids)
		}
	})
	bubble(t, "an urgent message does not try an open circuit when there is another way", func(t *testing.T) {
		s := &store{}
		a, c, calls := setUp(t, s)
		b := &operator{name: "b"}
		c.Routes = by(a, b)
		for i := range 5 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(time.Second)
		before := calls.Load()
		for i := range 100 {
			s.put(urgent(message(fmt.Sprint("U", i), i)))
			c.Wake()
			after(time.Second)
		}
		if n := calls.Load() - before; n > 0 {
			t.Errorf("%d urgent messages were tried on a provider that does not work", n)
		}
		if n := len(b.ids()); n != 105 {
			t.Errorf("%d of 105 left", n)
		}
	})
	bubble(t, "a cancelled message does not keep the circuit open", func(t *testing.T) {
		s := &store{}
		a, c, _ := setUp(t, s)
		for i := range 5 {
			s.put(message(fmt.Sprint("M", i), i))
		}
		start(t, c)
		after(time.Minute)
		a.change(func() { a.send = nil })
		s.change(func() { s.markSick = func() error { return errors.New("it does not wait to be sent") } })
		after(time.Minute)
		s.change(func() { s.markSick = nil })
		after(time.Minute)
		if n := len(a.ids()); n != 5 {
			t.Errorf("%d of 5 left", n)
		}
	})
}

// TestChannelsAndCountries: a message goes by what serves its channel and country, and fails at once where nothing does.
func TestChannelsAndCountries(t *testing.T) {
	bubble(t, "by country", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		c.Routes[0].Countries, c.Routes[1].Countries = []string{"1", "44"}, []string{"86"}
		home, away, nowhere := message("home", 1), message("away", 2), message("nowhere", 3)
		away.To, nowhere.To = "+14155550100", "+33155550100"
		s.put(home, away, nowhere)
		start(t, c)
		after(0)
		wantTexts(t, a, "away")
		wantTexts(t, b, "home")
		if m := s.get("nowhere"); m.State != stillwater.Failed || !strings.Contains(m.Error, "sms to numbers that begin with +33") {
			t.Errorf("stored %+v", m)
		}
	})
	bubble(t, "by channel; a call that hangs keeps no text waiting, to the same number either", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		c.Routes[0].Channel = stillwater.Voice
		a.send = hang
		call, card := message("call", 1), message("card", 3)
		call.Channel, card.Channel, card.To = stillwater.Voice, stillwater.WeCom, "chenqiang"
		s.put(call, message("text", 1), card)
		start(t, c)
		after(0)
		wantTexts(t, b, "text")
		wantState(t, s, "card", stillwater.Failed)
		after(time.Minute)
		wantState(t, s, "call", stillwater.Sending)
		if len(b.ids()) > 1 {
			t.Errorf("the call went by %v", b.ids())
		}
	})
}

// TestRestart: in each state in which a crash can leave a message, with two providers.
func TestRestart(t *testing.T) {
	at := func(state stillwater.DeliveryState, provider string) stillwater.Message {
		m := message("A", 1)
		m.State, m.Provider = state, provider
		if state != stillwater.Pending {
			m.Attempts, m.Tried = 1, time.Now()
		}
		return m
	}
	bubble(t, "pending", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		m := at(stillwater.Pending, "b")
		m.Attempts = 1
		s.put(m)
		start(t, c)
		after(time.Hour)
		wantTexts(t, a, "A")
		wantTexts(t, b)
	})
	bubble(t, "sending by the second, which has it", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		b.texts = []text{{time.Now(), message("A", 1)}}
		s.put(at(stillwater.Sending, "b"))
		start(t, c)
		after(time.Hour)
		wantTexts(t, a)
		wantTexts(t, b, "A")
		if m := s.get("A"); m.State != stillwater.Accepted || m.Provider != "b" {
			t.Errorf("stored %+v", m)
		}
	})
	bubble(t, "sending by the second, which has it not: unmarked, by the other", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		s.put(at(stillwater.Sending, "b"))
		start(t, c)
		after(time.Hour)
		wantTexts(t, a, "A")
		wantTexts(t, b)
		if a.took()[0].m.Repeat || a.took()[0].at.Sub(s.get("A").Created) < Defaults().Settle {
			t.Errorf("%+v", a.took()[0])
		}
	})
	bubble(t, "sending by one that is no longer set up: marked", func(t *testing.T) {
		s := &store{}
		a, _, c := two(t, s)
		s.put(at(stillwater.Sending, "gone"))
		start(t, c)
		after(0)
		wantTexts(t, a, "A")
		if !a.took()[0].m.Repeat {
			t.Errorf("%+v", a.took()[0])
		}
	})
	bubble(t, "accepted by the second: that one is asked how far it has come", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		a.status = func(string) (stillwater.DeliveryState, string, error) { return stillwater.Failed, "not mine", nil }
		b.status = func(string) (stillwater.DeliveryState, string, error) { return stillwater.Delivered, "", nil }
		m := at(stillwater.Accepted, "b")
		m.ProviderID = "op-1"
		s.put(m)
		start(t, c)
		after(time.Minute)
		wantState(t, s, "A", stillwater.Delivered)
		wantTexts(t, a)
	})
}

// TestSeveralInboxes: one that does not answer keeps no reply of another waiting.
func TestSeveralInboxes(t *testing.T) {
	bubble(t, "one hangs", func(t *testing.T) {
		s := &store{}
		l := &letterbox{}
		_, _, c := two(t, s)
		c.Inboxes = []Inbox{deafInbox{}, l}
		start(t, c)
		after(15 * time.Second)
		l.change(func() { l.replies = []stillwater.Reply{{ID: "r", At: time.Now()}} })
		after(c.Config.Poll)
		if len(s.replies) != 1 {
			t.Errorf("replies: %v", s.replies)
		}
	})
}

type deafInbox struct{}

func (deafInbox) Name() string { return "deaf" }

func (deafInbox) Replies(ctx context.Context, _ time.Time) ([]stillwater.Reply, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
