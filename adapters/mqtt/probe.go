package mqtt

import (
	"context"
	"fmt"
	"os"
	"time"
)

// maxHeard bounds what a probe keeps: enough for every retained message of a town's broker.
const maxHeard = 50_000

// ProbeOptions is what Listen needs.
type ProbeOptions struct {
	Config Config // name, address, user and certificates; its formats and topics are what is looked for
	Filter string // what to listen to, like # or zigbee2mqtt/#
	For    time.Duration
	Say    func(text string) // told how it goes; may be nil
}

// wallClock is the clock of a probe.
type wallClock struct{}

// Now implements Clock.
func (wallClock) Now() time.Time { return time.Now() }

// Listen hears what is said on a broker for some time, or until ctx is done, and then says what it was. It publishes nothing, and leaves no session behind.
func Listen(ctx context.Context, o ProbeOptions) (*Hearing, error) {
	if err := checkFilter(o.Filter); err != nil {
		return nil, err
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	s := New(Options{Config: o.Config, Clock: wallClock{}})
	x, err := s.open(ctx, fmt.Sprintf("stillwater-probe-%d", os.Getpid()), true)
	if err != nil {
		return nil, fmt.Errorf("broker %s: %w", o.Config.URL, err)
	}
	defer x.close()
	if err := x.ask(ctx, map[string]byte{o.Filter: 0}); err != nil {
		return nil, err
	}
	if x.refused != nil {
		return nil, x.refused
	}
	heard, err := x.hear(ctx, o.For, o.Say)
	if err != nil {
		return nil, err
	}
	return hear(heard)
}

// hear collects messages until time is up. Ctrl-C ends it early, and what was heard until then counts.
func (x *session) hear(ctx context.Context, span time.Duration, say func(string)) ([]message, error) {
	var heard []message
	enough := time.After(span)
	word := time.NewTicker(5 * time.Second)
	defer word.Stop()
	for {
		select {
		case <-x.came:
			for _, d := range x.all() {
				if len(heard) < maxHeard {
					heard = append(heard, d.message)
				}
				x.settle(d)
			}
		case <-word.C:
			say(fmt.Sprintf("%d messages", len(heard)))
		case lost := <-x.lost:
			return nil, lost
		case <-enough:
			return heard, nil
		case <-ctx.Done():
			if len(heard) == 0 {
				return nil, ctx.Err()
			}
			return heard, nil
		}
	}
}
