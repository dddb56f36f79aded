package delivery

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// toOne is the n-th message to one number, of contacts enough that none gets too many.
func toOne(n int) stillwater.Message {
	m := message(fmt.Sprintf("M%03d", n), 1)
	m.Contact = stillwater.ContactID(fmt.Sprint("c", n))
	return m
}

// TestCarriersLimit: 50 messages to one number in 24 hours, rolling, also through a restart; the next fails at once.
func TestCarriersLimit(t *testing.T) {
	one := func(t *testing.T, s *store) (*operator, *Courier) {
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}
		c.Routes[0].Limits.NumberDay = 50
		return a, c
	}
	bubble(t, "at the edge", func(t *testing.T) {
		s := &store{}
		a, c := one(t, s)
		start(t, c)
		for n := range 50 { // one every ten minutes
			s.put(urgent(toOne(n)))
			c.Wake()
			after(10 * time.Minute)
		}
		if n := len(a.ids()); n != 50 {
			t.Fatalf("%d of 50 left", n)
		}
		s.put(urgent(toOne(50)), message("another", 2))
		c.Wake()
		after(0)
		if m := s.get("M050"); m.State != stillwater.Failed || !strings.Contains(m.Error, "over a limit: a has had as many messages to one number") {
			t.Errorf("the 51st is stored as %+v", m)
		}
		wantState(t, s, "another", stillwater.Accepted)
		first := a.took()[0].at
		after(time.Until(first.Add(day - 2*time.Minute))) // the first leaves the 24 hours in two minutes
		s.put(urgent(toOne(51)))
		c.Wake()
		after(0)
		wantState(t, s, "M051", stillwater.Failed)
		after(time.Until(first.Add(day + time.Second)))
		s.put(urgent(toOne(52)), urgent(toOne(53)))
		c.Wake()
		after(0)
		wantState(t, s, "M052", stillwater.Accepted)
		wantState(t, s, "M053", stillwater.Failed)
	})
	bubble(t, "what is over goes by the next provider", func(t *testing.T) {
		s := &store{}
		a, c := one(t, s)
		b := &operator{name: "b"}
		c.Routes = append(c.Routes, by(b)...)
		for n := range 60 {
			s.put(urgent(toOne(n)))
		}
		start(t, c)
		after(time.Minute)
		if len(a.ids()) != 50 || len(b.ids()) != 10 {
			t.Errorf("a took %d, b %d", len(a.ids()), len(b.ids()))
		}
	})
	bubble(t, "a restart forgets nothing, and what did not leave is not counted", func(t *testing.T) {
		s := &store{}
		_, c := one(t, s)
		stop := start(t, c)
		for n := range 49 {
			s.put(urgent(toOne(n)))
		}
		c.Wake()
		after(time.Minute)
		stop()
		refused := urgent(toOne(200))
		refused.State, refused.Provider, refused.Tried, refused.Attempts = stillwater.Failed, "a", time.Now(), 1
		s.put(refused)
		after(time.Hour)
		a, c := one(t, s)
		s.put(urgent(toOne(49)), urgent(toOne(50)))
		start(t, c)
		after(0)
		if got := a.ids(); !slices.Equal(got, []stillwater.MessageID{"M049"}) {
			t.Errorf("after the restart left %v", got)
		}
		wantState(t, s, "M050", stillwater.Failed)
	})
	bubble(t, "what certainly did not leave is not counted", func(t *testing.T) {
		s := &store{}
		a, c := one(t, s)
		c.Routes[0].Limits.NumberDay = 2
		a.send = says(stillwater.ErrNotSent)
		s.put(urgent(toOne(0)))
		start(t, c)
		after(5 * time.Minute)
		a.change(func() { a.send = nil })
		s.put(urgent(toOne(1)))
		after(time.Minute)
		if n := len(a.ids()); n != 2 {
			t.Errorf("%d of 2 left", n)
		}
	})
}

// TestCountedOnce: a message counts where it may have left, and once for its contact, by however many ways it goes.
func TestCountedOnce(t *testing.T) {
	bubble(t, "what a provider did not take is not counted there", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		c.Routes[0].Limits.NumberDay = 2
		a.send = says(stillwater.ErrNotSent)
		s.put(urgent(toOne(0)))
		start(t, c)
		after(time.Minute)
		a.change(func() { a.send = nil })
		s.put(urgent(toOne(1)), urgent(toOne(2)), urgent(toOne(3)))
		after(time.Minute)
		if len(a.ids()) != 2 || len(b.ids()) != 2 {
			t.Errorf("a took %v, b %v", a.ids(), b.ids())
		}
	})
	bubble(t, "a repeat by another way counts once for its contact", func(t *testing.T) {
		s := &store{}
		a, b, c := two(t, s)
		c.Config.Courtesy = 2
		a.sent = func(context.Context, stillwater.Message) error { return fmt.Errorf("HTTP 500") }
		c.Routes[0].Provider = struct{ Provider }{a}
		s.put(message("A", 1))
		start(t, c)
		after(0)
		wantTexts(t, b, "A")
		s.put(message("B", 1))
		after(time.Minute)
		wantTexts(t, b, "A", "B")
	})
}

// TestRates: so many a minute, an hour, a day by a provider. A burst waits for a place that is near, and fails where it is not.
func TestRates(t *testing.T) {
	bubble(t, "a burst over so many a minute", func(t *testing.T) {
		s := &store{}
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}
		c.Routes[0].Limits = Limits{Minute: 5}
		for i := range 15 {
			s.put(message(fmt.Sprintf("M%02d", i), i))
		}
		start(t, c)
		after(30 * time.Second)
		if n := len(a.ids()); n != 5 {
			t.Errorf("%d left at first", n)
		}
		after(31 * time.Second)
		if n := len(a.ids()); n != 10 {
			t.Errorf("%d left after a minute", n)
		}
		after(time.Hour)
		if n := len(a.ids()); n != 10 {
			t.Errorf("%d left in all", n)
		}
		wantState(t, s, "M14", stillwater.Failed)
	})
	bubble(t, "an hour and a day, urgent too", func(t *testing.T) {
		s := &store{}
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}
		c.Routes[0].Limits = Limits{Hour: 3, Day: 5}
		start(t, c)
		for i := range 8 {
			s.put(urgent(message(fmt.Sprint("M", i), i)))
			c.Wake()
			after(15 * time.Minute)
		}
		if got := fmt.Sprint(a.ids()); got != "[M0 M1 M2 M4 M5]" {
			t.Errorf("left %v", got)
		}
		if m := s.get("M3"); !strings.Contains(m.Error, "1h") {
			t.Errorf("M3: %s", m.Error)
		}
		if m := s.get("M7"); !strings.Contains(m.Error, "1d") && !strings.Contains(m.Error, "24h") {
			t.Errorf("M7: %s", m.Error)
		}
	})
}

// TestCourtesy: nobody gets more than so many in an hour, but for what is urgent; a screen that no one sleeps beside does.
func TestCourtesy(t *testing.T) {
	bubble(t, "alerts are limited, urgent ones not", func(t *testing.T) {
		s := &store{}
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}
		c.Config.Courtesy = 3
		for i := range 4 {
			s.put(message(fmt.Sprint("A", i), 1))
		}
		s.put(message("other", 2), urgent(message("U", 1)))
		start(t, c)
		after(time.Minute)
		for id, want := range map[stillwater.MessageID]stillwater.DeliveryState{
			"A0": stillwater.Accepted, "A1": stillwater.Accepted, "A2": stillwater.Failed, "A3": stillwater.Failed, "U": stillwater.Accepted, "other": stillwater.Accepted,
		} { // the urgent one went first, and is one of the three
			wantState(t, s, id, want)
		}
		if m := s.get("A3"); !strings.Contains(m.Error, "over a limit") {
			t.Errorf("A3: %s", m.Error)
		}
		s.put(urgent(message("U2", 1)))
		after(time.Minute)
		wantState(t, s, "U2", stillwater.Accepted)
		after(time.Hour)
		s.put(message("A4", 1))
		after(time.Minute)
		wantState(t, s, "A4", stillwater.Accepted)
	})
	bubble(t, "a message that goes again counts once", func(t *testing.T) {
		s := &store{}
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(struct{ Provider }{a})}
		c.Config.Courtesy, c.Routes[0].Limits = 1, Limits{NumberDay: 1, Minute: 1, Hour: 1, Day: 1}
		a.sent = func(context.Context, stillwater.Message) error {
			if len(a.took()) < 4 {
				return fmt.Errorf("HTTP 500")
			}
			return nil
		}
		s.put(message("A", 1))
		start(t, c)
		after(5 * time.Minute)
		wantState(t, s, "A", stillwater.Accepted)
	})
	bubble(t, "a webhook is not courted", func(t *testing.T) {
		s := &store{}
		a := &operator{name: "a"}
		c := &Courier{Config: Defaults(), Clock: wall{}, Outbox: s, Record: s, Sink: s, Routes: by(a)}
		c.Routes[0].Channel, c.Config.Courtesy = stillwater.Webhook, 3
		for i := range 10 {
			m := message(fmt.Sprint("A", i), 1)
			m.Channel, m.To = stillwater.Webhook, "desk"
			s.put(m)
		}
		start(t, c)
		after(time.Minute)
		if n := len(a.ids()); n != 10 {
			t.Errorf("%d of 10 left", n)
		}
	})
}

// TestSpent: what was accepted is summed up by route and month, by segments, and a restart forgets nothing.
func TestSpent(t *testing.T) {
	bubble(t, "two routes, through a restart", func(t *testing.T) {
		s := &store{}
		set := func() (a, b *operator, c *Courier) {
			a, b, c = two(t, s)
			c.Segments = func(text string) int { return 1 + strings.Count(text, "|") }
			c.Routes[0].Cost, c.Routes[1].Cost = Cost{0.1, "CNY"}, Cost{0.0079, "USD"}
			return a, b, c
		}
		a, _, c := set()
		var attempts []Attempt
		c.Count = func(at Attempt) { attempts = append(attempts, at) }
		a.send = func(_ context.Context, m stillwater.Message) error {
			if m.ID == "B" {
				return stillwater.ErrNotSent
			}
			return nil
		}
		long := message("A", 1)
		long.Text = "one|two|three"
		s.put(long, message("B", 2), message("C", 3))
		stop := start(t, c)
		after(time.Minute)
		month := time.Now().Local().Format("2006-01")
		want := fmt.Sprint([]Spending{{"a", "sms", month, 2, 4, "CNY", 0.4}, {"b", "sms", month, 1, 1, "USD", 0.0079}})
		if got := fmt.Sprint(c.Spent()); got != want {
			t.Errorf("spent\n%v, want\n%v", got, want)
		}
		cost, refused := 0.0, 0
		for _, at := range attempts {
			if cost += at.Cost; at.Result == NotSent {
				refused++
			}
		}
		if len(attempts) != 4 || refused != 1 || cost < 0.4078 || cost > 0.4080 {
			t.Errorf("counted %+v", attempts)
		}
		stop()
		_, _, c = set()
		start(t, c)
		after(0)
		if got := fmt.Sprint(c.Spent()); got != want {
			t.Errorf("after a restart\n%v, want\n%v", got, want)
		}
	})
}
