package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"stillwater"
)

// waiting is an event that a receiver does not have yet.
type waiting struct {
	id, thread, kind string
	queued           time.Time
	body             []byte
}

// courier takes events to one receiver.
type courier struct {
	*Notifier
	receiver Receiver
	fails    map[string]failure // by thread
	away     int                // rounds in which it took nothing
}

// failure is a thread whose first event was not taken.
type failure struct {
	times int
	again time.Time // wall clock
}

// deliver sends a receiver's events until ctx is done.
func (n *Notifier) deliver(ctx context.Context, receiver Receiver) {
	c := &courier{Notifier: n, receiver: receiver, fails: map[string]failure{}}
	for ctx.Err() == nil {
		pause, err := c.round(ctx)
		c.report(ctx, "events to "+receiver.Name, err)
		wake := n.wake[receiver.Name]
		if c.away > 0 {
			wake = nil // more events do not bring it back
		}
		rest(ctx, wake, pause)
	}
}

// round sends the first event of each thread, again and again until there are none, and says how long to wait then; 0: until there is more.
func (c *courier) round(ctx context.Context) (time.Duration, error) {
	for {
		var list []waiting
		err := c.Queue.WaitingEvents(ctx, c.receiver.Name, waitingBatch, func(id, thread, kind string, queued time.Time, body []byte) {
			list = append(list, waiting{id, thread, kind, queued, body})
		})
		if err != nil {
			return firstPause, err
		}
		now := time.Now()
		list = slices.DeleteFunc(list, func(w waiting) bool { return c.fails[w.thread].again.After(now) })
		if len(list) == 0 {
			return c.pause(now)
		}
		if away := c.send(ctx, list); away != nil {
			c.away++
			return backoff(c.away), away
		}
		c.away = 0
	}
}

// pause is until the first of the threads that wait is tried again.
func (c *courier) pause(now time.Time) (time.Duration, error) {
	if len(c.fails) == 0 {
		return 0, nil
	}
	next := slices.MinFunc(slices.Collect(maps.Values(c.fails)), func(x, y failure) int { return x.again.Compare(y.again) })
	return max(next.again.Sub(now), time.Millisecond), fmt.Errorf("%d events were not taken, and are sent again", len(c.fails))
}

// send tries each event once. Its error says that the receiver is away: then nothing is held against the events.
func (c *courier) send(ctx context.Context, list []waiting) error {
	failed := 0
	for _, w := range list {
		err := c.Publishers[c.receiver.Name].Publish(ctx, w.id, w.kind, w.body)
		refused := errors.Is(err, stillwater.ErrRefused)
		switch {
		case ctx.Err() != nil && err != nil:
			return ctx.Err()
		case err == nil || time.Since(w.queued) > givenUpAfter:
			if err := c.drop(ctx, w, err); err != nil {
				return err
			}
			failed = 0
			continue
		case !refused:
			failed++
		}
		if failed >= failsInRound || failed == len(list) {
			return err
		}
		n := c.fails[w.thread].times + 1
		c.fails[w.thread] = failure{n, time.Now().Add(backoff(n))}
		c.Log.Info("event not taken", "receiver", c.receiver.Name, "event", w.id, "times", n, "err", err)
	}
	return nil
}

// drop ends an event's waiting: it was taken, or is given up.
func (c *courier) drop(ctx context.Context, w waiting, lost error) error {
	if lost != nil {
		c.Log.Error("event given up", "receiver", c.receiver.Name, "event", w.id, "err", lost)
	}
	if err := c.Queue.DropEvent(ctx, c.receiver.Name, w.id); err != nil {
		return err
	}
	delete(c.fails, w.thread)
	return nil
}

// backoff is how long to wait after so many failures.
func backoff(times int) time.Duration {
	return min(firstPause<<min(times-1, 20), longestPause)
}

// A Client publishes to a broker, and returns when the broker has what was published.
type Client interface {
	Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error
}

// Topics is what the topics of events begin with.
const Topics = "stillwater/events/"

// MQTT publishes events to a broker: each to the topic of its kind, at least once, and not retained: what happened is no state.
type MQTT struct{ Client Client }

// Publish takes an event to the broker.
func (m MQTT) Publish(ctx context.Context, _, kind string, body []byte) error {
	return m.Client.Publish(ctx, Topics+kind, 1, false, body)
}
