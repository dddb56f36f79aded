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

// A Provider takes texts to phones. An error that is neither stillwater.ErrRefused nor stillwater.ErrNotSent leaves it
// unclear whether the text left.
type Provider interface {
	Name() string
	Send(ctx context.Context, m stillwater.Message) (id string, err error)
}

// An Asker is a Provider that can be asked what it has. That nothing was found is no error.
type Asker interface {
	Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (id string, found bool, err error)
	Status(ctx context.Context, id string) (state stillwater.DeliveryState, detail string, err error)
}

// An Inbox is a Provider that takes texts from phones: those since a moment of the event clock, oldest first.
type Inbox interface {
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

// Courier carries messages. Its fields are set before Run and not changed afterwards.
type Courier struct {
	Config   Config
	Clock    Clock
	Outbox   Outbox
	Sink     Sink
	Provider Provider // sends; asked too if it is an Asker
	Inbox    Inbox    // may be nil: nobody can reply

	// Mark gives the text of a message that may have been sent before, marked as a repeat. Nil puts "重发 (repeat) " before it.
	Mark func(stillwater.Message) string
	// Health is called when the provider, the outbox or the sink becomes ill (err) or well (nil). It may be nil.
	Health func(part string, err error)
	Log    *slog.Logger

	once   sync.Once
	wake   chan struct{}
	inbox  chan struct{}
	health *health
}

// prepare makes what a Courier needs besides its fields; Wake may be called before Run.
func (c *Courier) prepare() {
	c.once.Do(func() {
		c.wake, c.inbox = make(chan struct{}, 1), make(chan struct{}, 1)
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
func (c *Courier) WakeInbox() { c.prepare(); signal(c.inbox) }

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
	if c.Inbox != nil {
		all.Go(func() { c.collect(ctx) })
	}
	d := &dispatcher{
		Courier: c, jobs: map[stillwater.MessageID]*job{}, lanes: map[lane]stillwater.MessageID{},
		results: make(chan result), running: map[errand]int{},
	}
	d.run(ctx, &all)
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
