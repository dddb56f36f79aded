package delivery

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"stillwater"
)

// teller is a provider that cannot be asked: what became of a message it only says by itself.
type teller struct{ *operator }

func (teller) Find()   {}
func (teller) Status() {}

func telling(t *testing.T, s *store) (*operator, *Courier) {
	t.Helper()
	o := &operator{name: "a"}
	return o, &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(teller{o})}
}

const delivered, failed = stillwater.Delivered, stillwater.Failed

// TestHeard: receipts that come by callback, however they come.
func TestHeard(t *testing.T) {
	bubble(t, "as it should be", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		s.put(message("A", 1), message("B", 2))
		start(t, c)
		after(time.Second)
		c.Heard("a", "op-1", stillwater.Accepted, "sent") // no news
		c.Heard("a", "op-1", delivered, "")
		c.Heard("a", "op-2", failed, "30003 unreachable")
		after(0)
		if len(s.receipts) != 4 {
			t.Errorf("receipts %+v", s.receipts)
		}
		first, second := s.get("A"), s.get("B")
		if first.ProviderID == "op-2" {
			first, second = second, first
		}
		if first.State != delivered || second.State != failed || second.Error != "30003 unreachable" {
			t.Errorf("stored %+v, %+v", first, second)
		}
	})
	bubble(t, "before the accept returns", func(t *testing.T) {
		s := &store{}
		o, c := telling(t, s)
		o.sent = func(context.Context, stillwater.Message) error {
			c.Heard("a", "op-1", delivered, "")
			c.Heard("a", "op-1", failed, "late word of an earlier try")
			takes(time.Second)
			return nil
		}
		s.put(message("A", 1))
		start(t, c)
		after(2 * time.Second)
		wantState(t, s, "A", delivered)
		wantTexts(t, o, "A")
	})
	bubble(t, "before a lost accept is found again", func(t *testing.T) {
		s := &store{}
		a, _, c := two(t, s)
		a.visible = 40 * time.Second
		a.sent = func(context.Context, stillwater.Message) error {
			c.Heard("a", "op-1", delivered, "")
			return errors.New("connection reset")
		}
		s.put(message("A", 1))
		start(t, c)
		after(2 * time.Minute)
		wantState(t, s, "A", delivered)
		wantTexts(t, a, "A")
	})
	bubble(t, "while the accept is being stored", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		s.sinkSick = func() error { takes(3 * time.Second); return nil }
		s.put(message("A", 1))
		start(t, c)
		after(time.Second)
		c.Heard("a", "op-1", failed, "blocked")
		c.Heard("a", "op-1", delivered, "")
		c.Heard("a", "op-1", failed, "blocked")
		after(time.Minute)
		wantState(t, s, "A", delivered)
	})
	bubble(t, "twice, in any order: that it was delivered is what counts", func(t *testing.T) {
		for i, order := range [][]stillwater.DeliveryState{{delivered, delivered}, {delivered, failed}, {failed, delivered}, {failed, failed, delivered, failed}} {
			s := &store{}
			_, c := telling(t, s)
			s.put(message("A", 1))
			stop := start(t, c)
			after(time.Second)
			for _, state := range order {
				c.Heard("a", "op-1", state, "")
				after(0)
			}
			wantState(t, s, "A", delivered)
			if n := len(s.receipts); n > 3 {
				t.Errorf("%d: %d receipts for %v", i, n, order)
			}
			stop()
		}
	})
	bubble(t, "after a restart", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		s.put(message("A", 1))
		stop := start(t, c)
		after(time.Second)
		stop()
		_, c = telling(t, s)
		c.Heard("a", "op-1", delivered, "") // even before it runs
		start(t, c)
		after(Defaults().Look * 3)
		wantState(t, s, "A", delivered)
	})
	bubble(t, "for a message that the outbox no longer lists", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		m := message("A", 1)
		m.State, m.Provider, m.ProviderID, m.Tried = stillwater.Accepted, "a", "op-9", time.Now()
		s.put(m)
		s.change(func() { s.hidden = true })
		start(t, c)
		after(time.Second)
		c.Heard("a", "op-9", delivered, "")
		after(Defaults().Look * 2)
		wantState(t, s, "A", delivered)
	})
	bubble(t, "of another provider with the same name for it, and of nothing at all", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		s.put(message("A", 1))
		start(t, c)
		after(time.Second)
		c.Heard("b", "op-1", failed, "")
		c.Heard("a", "", failed, "")
		c.Heard("a", "op-7", failed, "")
		after(time.Hour)
		wantState(t, s, "A", stillwater.Accepted)
	})
	bubble(t, "more than can be kept neither blocks nor grows", func(t *testing.T) {
		s := &store{}
		_, c := telling(t, s)
		var ill []error
		c.Health = func(part string, err error) {
			if part == "receipts" {
				ill = append(ill, err)
			}
		}
		for i := range 10 * heardAtOnce { // nobody listens yet
			c.Heard("a", fmt.Sprint("x", i), delivered, "")
		}
		s.put(message("A", 1))
		start(t, c)
		after(time.Minute)
		c.Heard("a", "op-1", delivered, "")
		after(time.Minute)
		wantState(t, s, "A", delivered)
		if len(ill) != 2 || ill[0] == nil || ill[1] != nil {
			t.Errorf("health %v", ill)
		}
	})
}
