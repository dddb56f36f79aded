package delivery

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"stillwater"
)

// A Record is what an outbox remembers of messages that were handed over, so that limits and costs hold through a restart.
type Record interface {
	// Sent gives every message whose last attempt was at or after a moment of the wall clock, in any order.
	Sent(ctx context.Context, since time.Time, visit func(stillwater.Message)) error
	// Accepted finds the message that a provider took under a name of its own and that has not reached its last state.
	Accepted(ctx context.Context, provider, id string) (m stillwater.Message, found bool, err error)
}

// Spending is what a route cost in a month.
type Spending struct {
	Route    string
	Channel  stillwater.Channel
	Month    string // like 2026-11, by the machine's time zone
	Messages int
	Segments int // of SMS; else as many as messages
	Currency string
	Amount   float64
}

// ledger counts what went by each route, and to whom. The dispatcher's goroutine alone counts; what was spent can be read by any.
type ledger struct {
	courtesy int // messages to one contact in an hour; 0: no limit
	segments func(string) int

	routes   map[*way]*tally
	numbers  map[numberOf]*tally
	contacts map[stillwater.ContactID]*tally

	mu    sync.Mutex // guards what follows
	spent map[monthOf]*Spending
}

type numberOf struct {
	by *way
	to stillwater.Address
}

type monthOf struct {
	route   string
	channel stillwater.Channel
	month   string
}

func newLedger(c *Courier) *ledger {
	segments := c.Segments
	if segments == nil {
		segments = func(string) int { return 1 }
	}
	return &ledger{
		courtesy: c.Config.Courtesy, segments: segments, routes: map[*way]*tally{}, numbers: map[numberOf]*tally{},
		contacts: map[stillwater.ContactID]*tally{}, spent: map[monthOf]*Spending{},
	}
}

const day = 24 * time.Hour

// spans are the limits of a route with the time each is about.
func (l Limits) spans() [3]struct {
	most   int
	within time.Duration
} {
	return [3]struct {
		most   int
		within time.Duration
	}{{l.Minute, time.Minute}, {l.Hour, time.Hour}, {l.Day, day}}
}

// enter counts a message that is handed over.
func (l *ledger) enter(w *way, m stillwater.Message, at time.Time) {
	if limits := w.Limits; limits.Minute > 0 || limits.Hour > 0 || limits.Day > 0 {
		add(l.routes, w, at)
	}
	if w.Limits.NumberDay > 0 {
		add(l.numbers, numberOf{w, m.To}, at)
	}
	if l.courtesy > 0 && disturbs(m.By()) {
		add(l.contacts, m.Contact, at)
	}
}

// leave enters a job that goes by a way now. One that is tried again counts once: for its contact, and for its provider if that is the same.
func (l *ledger) leave(j *job, w *way, now time.Time) {
	if !j.counted.IsZero() {
		l.contacts[j.msg.Contact].remove(j.counted)
		if j.by == w {
			l.cross(w, j.msg, j.counted)
		}
	}
	l.enter(w, j.msg, now)
}

// cross takes a message out again that certainly did not leave.
func (l *ledger) cross(w *way, m stillwater.Message, at time.Time) {
	l.routes[w].remove(at)
	l.numbers[numberOf{w, m.To}].remove(at)
	l.contacts[m.Contact].remove(at)
}

// disturbs says whether a channel rings where somebody sleeps.
func disturbs(c stillwater.Channel) bool {
	return c == stillwater.SMS || c == stillwater.Voice || c == stillwater.WeCom
}

// polite is when a contact may be disturbed again, as far as our own limit goes: urgent messages do not heed it. One that goes again is counted
// already.
func (l *ledger) polite(j *job, now time.Time) time.Time {
	if j.urgent() || !disturbs(j.msg.By()) {
		return now
	}
	return l.contacts[j.msg.Contact].next(now, l.courtesy, time.Hour, !j.counted.IsZero())
}

// next is when a route takes a message by its limits, and what stands against it until then.
func (l *ledger) next(w *way, j *job, now time.Time) (at time.Time, why string) {
	counted := j.by == w && !j.counted.IsZero()
	at = l.numbers[numberOf{w, j.msg.To}].next(now, w.Limits.NumberDay, day, counted)
	if at.After(now) {
		why = "as many messages to one number as a day may have"
	}
	for _, s := range w.Limits.spans() {
		if then := l.routes[w].next(now, s.most, s.within, counted); then.After(at) {
			at, why = then, "as many messages as "+stillwater.FormatSpan(s.within)+" may have"
		}
	}
	return at, why
}

// prune forgets what no limit is about any more.
func (l *ledger) prune(now time.Time) {
	prune(l.routes, now.Add(-day))
	prune(l.numbers, now.Add(-day))
	prune(l.contacts, now.Add(-time.Hour))
}

// charge books the cost of a message that a provider took.
func (l *ledger) charge(r *Route, m stillwater.Message, at time.Time) (segments int) {
	segments = 1
	if r.Channel == stillwater.SMS {
		segments = l.segments(m.Text)
	}
	key := monthOf{r.Name, r.Channel, at.Local().Format("2006-01")}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.spent[key]
	if s == nil {
		s = &Spending{Route: r.Name, Channel: r.Channel, Month: key.month, Currency: r.Cost.Currency}
		l.spent[key] = s
	}
	s.Messages++
	s.Segments += segments
	s.Amount = math.Round(float64(s.Segments)*r.Cost.Price*1e6) / 1e6 // of the sum, so that small errors do not add up
	return segments
}

// list is what was spent, the latest month first.
func (l *ledger) list() []Spending {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Spending, 0, len(l.spent))
	for _, s := range l.spent {
		all = append(all, *s)
	}
	slices.SortFunc(all, func(a, b Spending) int {
		return cmp.Or(cmp.Compare(b.Month, a.Month), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Channel, b.Channel))
	})
	return all
}

// tally is moments in order. A nil one is empty.
type tally struct{ at []time.Time }

func add[K comparable](tallies map[K]*tally, key K, at time.Time) {
	t := tallies[key]
	if t == nil {
		t = &tally{}
		tallies[key] = t
	}
	i, _ := slices.BinarySearchFunc(t.at, at, time.Time.Compare)
	t.at = slices.Insert(t.at, i, at)
}

func (t *tally) remove(at time.Time) {
	if t == nil {
		return
	}
	if i, found := slices.BinarySearchFunc(t.at, at, time.Time.Compare); found {
		t.at = slices.Delete(t.at, i, i+1)
	}
}

// next is when there may be one more, or one that is counted already again, if at most so many are allowed within a time. 0 allows any number.
func (t *tally) next(now time.Time, most int, within time.Duration, counted bool) time.Time {
	if t == nil || most == 0 {
		return now
	}
	if counted {
		most++
	}
	if len(t.at) < most {
		return now
	}
	if free := t.at[len(t.at)-most].Add(within); free.After(now) {
		return free
	}
	return now
}

func prune[K comparable](tallies map[K]*tally, before time.Time) {
	for key, t := range tallies {
		i, _ := slices.BinarySearchFunc(t.at, before, time.Time.Compare)
		if t.at = slices.Delete(t.at, 0, i); len(t.at) == 0 {
			delete(tallies, key)
		}
	}
}
