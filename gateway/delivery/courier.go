package delivery

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"stillwater"
)

// An Outbox is where messages wait.
type Outbox interface {
	// Outbox gives the messages that are pending, sending or accepted, oldest first.
	Outbox(ctx context.Context) ([]stillwater.Message, error)
	// MarkSending stores durably that a message is about to be handed over: its state, text, Repeat, Attempts, Tried and
	// Provider as given. With an error the message is not handed over.
	MarkSending(ctx context.Context, m stillwater.Message) error
}

// A Provider takes messages to people. An error that is none of stillwater.ErrRefused, stillwater.ErrNotSent and stillwater.ErrLimited leaves it
// unclear whether the message left. One that is stillwater.ErrUnable as well as ErrRefused concerns this provider alone.
type Provider interface {
	Name() string
	Send(ctx context.Context, m stillwater.Message) (id string, err error)
}

// An Asker is a Provider that can be asked what it has. That nothing was found is no error.
type Asker interface {
	Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (id string, found bool, err error)
	Status(ctx context.Context, id string) (state stillwater.DeliveryState, detail string, err error)
}

// An Inbox takes answers from people: those since a moment of the event clock, oldest first.
type Inbox interface {
	Name() string
	Replies(ctx context.Context, since time.Time) ([]stillwater.Reply, error)
}

// A Sink is told what became of messages and what people replied. It returns nil once that is stored; until then it is told
// again. Replies come more than once and are told apart by their ID.
type Sink interface {
	Receipt(ctx context.Context, r stillwater.Receipt) error
	Reply(ctx context.Context, r stillwater.Reply) error
}

// A Clock is the event clock.
type Clock interface{ Now() time.Time }

// An Attempt is one call of a provider that a message was handed to, for counters.
type Attempt struct {
	Route    string
	Channel  stillwater.Channel
	Result   Result
	Took     time.Duration
	Segments int     // of an accepted SMS; 1 of any other accepted message
	Cost     float64 // of an accepted message
	Currency string
}

// A Result is how an attempt ended.
type Result string

// The results of attempts.
const (
	Taken   Result = "accepted"
	Refused Result = "refused"  // this message, whoever is asked
	Unable  Result = "unable"   // refused for a reason of the provider's own
	Limited Result = "limited"  // over a limit of the provider
	NotSent Result = "not-sent" // certainly not taken
	Unclear Result = "unclear"
)

// Courier carries messages. Its fields are set before Run and not changed afterwards.
type Courier struct {
	Config  Config
	Clock   Clock
	Outbox  Outbox
	Record  Record // what was sent before the start, for limits and costs; may be nil: they begin anew
	Sink    Sink
	Routes  []Route // those of a channel in order of preference; their providers are asked too if they are Askers
	Inboxes []Inbox // none: replies come by callback alone, or nobody can reply

	// Mark gives the text of a message that may have been sent before, marked as a repeat. Nil puts "重发 (repeat) " before it.
	Mark func(stillwater.Message) string
	// Segments is how many SMS a text takes, for costs; nil: one.
	Segments func(text string) int
	// Health is called when a provider, an inbox, the outbox or the sink becomes ill (err) or well (nil). It may be nil.
	Health func(part string, err error)
	// Count is told of every attempt. It must not block, and may be nil.
	Count func(Attempt)
	Log   *slog.Logger

	once    sync.Once
	wake    chan struct{}
	inboxes []chan struct{}
	heard   chan heard
	ledger  *ledger
	health  *health
}

// prepare makes what a Courier needs besides its fields; Wake may be called before Run.
func (c *Courier) prepare() {
	c.once.Do(func() {
		c.wake, c.heard, c.ledger = make(chan struct{}, 1), make(chan heard, heardAtOnce), newLedger(c)
		for range c.Inboxes {
			c.inboxes = append(c.inboxes, make(chan struct{}, 1))
		}
		log := c.Log
		if log == nil {
			log = slog.New(slog.DiscardHandler)
		}
		c.health = &health{log: log, report: c.Health, ill: map[string]bool{}}
	})
}

// Wake says that there is something new in the outbox. It does not block.
func (c *Courier) Wake() { c.prepare(); signal(c.wake) }

// WakeInbox says that somebody replied, where that is known without polling. It does not block.
func (c *Courier) WakeInbox() {
	c.prepare()
	for _, ch := range c.inboxes {
		signal(ch)
	}
}

// Spent is what each route cost, by month, the latest first: what is stored and not erased, and what was accepted since.
func (c *Courier) Spent() []Spending { c.prepare(); return c.ledger.list() }

func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default: // it is awake already
	}
}

// Run carries messages and replies until ctx is done, and leaves no goroutine. Calls that are under way then are cut short: what
// they did is found out after the next start.
func (c *Courier) Run(ctx context.Context) error {
	c.prepare()
	var all sync.WaitGroup
	defer all.Wait()
	for i, inbox := range c.Inboxes {
		all.Go(func() { c.collect(ctx, inbox, c.inboxes[i]) })
	}
	newDispatcher(c).run(ctx, &all)
	return nil
}

// health reports changes of what the courier depends on, once each.
type health struct {
	log    *slog.Logger
	report func(part string, err error)

	mu  sync.Mutex // guards everything below
	ill map[string]bool
}

func (h *health) set(part string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ill[part] == (err != nil) {
		return
	}
	h.ill[part] = err != nil
	if err != nil {
		h.log.Warn("delivery is disturbed", "part", part, "err", err)
	} else {
		h.log.Info("delivery is well again", "part", part)
	}
	if h.report != nil {
		h.report(part, err)
	}
}
