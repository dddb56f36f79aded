package delivery

import (
	"context"
	"errors"
	"time"

	"stillwater"
)

// call makes one call for a job, in a goroutine of its own, and gives what the dispatcher is to note. j is a copy.
func (d *dispatcher) call(ctx context.Context, j job, kind errand) func(*job) {
	switch kind {
	case report:
		return d.report(ctx, j)
	case status:
		return d.status(ctx, j)
	}
	if j.msg.State != stillwater.Sending {
		return d.handOver(ctx, j)
	}
	return d.resolve(ctx, j)
}

// handOver marks the message and gives it to the provider.
func (d *dispatcher) handOver(ctx context.Context, j job) func(*job) {
	m := j.msg
	if j.stale(d.Config, d.Clock.Now()) { // it was unclear, and by now it is no news
		m.State, m.Error = stillwater.Failed, "too old to be sent again"
		return d.settled(m)
	}
	m.State, m.Provider, m.ProviderID, m.Error = stillwater.Sending, d.Provider.Name(), "", ""
	m.Attempts++
	m.Tried = time.Now()
	err := d.within(ctx, func(ctx context.Context) error { return d.Outbox.MarkSending(ctx, m) })
	if err == nil || j.tries > 0 { // the first time it may just have been cancelled
		d.healthy(ctx, "outbox", err)
	}
	if err != nil {
		return d.later(func(j *job) { // it is as it was; perhaps it is not even wanted any more
			j.msg.Error = err.Error()
			d.looked = time.Time{}
		})
	}
	err = d.within(ctx, func(ctx context.Context) (err error) {
		m.ProviderID, err = d.Provider.Send(ctx, m)
		return err
	})
	if !errors.Is(err, stillwater.ErrRefused) {
		d.healthy(ctx, "provider", err)
	}
	return d.sent(m, err)
}

// sent is what to do after the provider's answer.
func (d *dispatcher) sent(m stillwater.Message, err error) func(*job) {
	switch {
	case err == nil:
		m.State = stillwater.Accepted
	case errors.Is(err, stillwater.ErrRefused):
		m.State, m.Error = stillwater.Failed, err.Error()
	case errors.Is(err, stillwater.ErrNotSent):
		m.State, m.Error = stillwater.Pending, err.Error()
	default:
		m.Error = err.Error()
		return d.later(func(j *job) { j.msg, j.asked = m, time.Time{} })
	}
	return d.settled(m)
}

// settled is what to do once it is clear what became of an attempt: tell the sink.
func (d *dispatcher) settled(m stillwater.Message) func(*job) {
	return func(j *job) {
		tries := j.tries
		j.msg, j.asked, j.since = m, time.Time{}, time.Now()
		j.tell(j.since)
		if m.State == stillwater.Pending {
			j.tries = tries // of sending; see report
		}
	}
}

// resolve finds out whether an unclear message left.
func (d *dispatcher) resolve(ctx context.Context, j job) func(*job) {
	asker := d.asker(j.msg.Provider)
	if asker == nil {
		return d.repeat(ctx, j)
	}
	began := time.Now()
	if j.asked.IsZero() {
		j.asked = began
	}
	var id string
	var found bool
	err := d.within(ctx, func(ctx context.Context) (err error) {
		id, found, err = asker.Find(ctx, j.msg.To, j.msg.Code, j.msg.Tried.Add(-findBack))
		return err
	})
	d.healthy(ctx, "provider", err)
	switch {
	case ctx.Err() != nil:
		return func(*job) {}
	case err == nil && found:
		m := j.msg
		m.State, m.ProviderID, m.Error = stillwater.Accepted, id, ""
		return d.settled(m)
	case err == nil && began.Sub(j.msg.Tried) >= d.Config.Settle:
		return d.handOver(ctx, j)
	case err != nil && time.Since(j.asked) >= d.Config.AskWithin:
		return d.repeat(ctx, j)
	}
	return d.later(func(now *job) {
		now.asked = j.asked
		if err == nil { // not there yet: ask again when that counts, and once or twice before
			now.tries = 0
			now.at = time.Now().Add(min(d.Config.MaxBackoff, max(time.Second, d.Config.Settle-time.Since(j.msg.Tried))))
		}
	})
}

// findBack is how far before the last attempt a text is looked for: an earlier attempt may have been the one that left, and
// the provider's clock may differ.
const findBack = time.Hour

// repeat hands a message over that may have left already.
func (d *dispatcher) repeat(ctx context.Context, j job) func(*job) {
	if !j.msg.Repeat {
		j.msg.Repeat = true
		j.msg.Text = d.marked(j.msg)
	}
	return d.handOver(ctx, j)
}

func (d *dispatcher) marked(m stillwater.Message) string {
	if d.Mark == nil {
		return "重发 (repeat) " + m.Text
	}
	return d.Mark(m)
}

// status asks how far an accepted message has come.
func (d *dispatcher) status(ctx context.Context, j job) func(*job) {
	asker := d.asker(j.msg.Provider)
	var state stillwater.DeliveryState
	var detail string
	err := d.within(ctx, func(ctx context.Context) (err error) {
		state, detail, err = asker.Status(ctx, j.msg.ProviderID)
		return err
	})
	if err == nil && (state == stillwater.Delivered || state == stillwater.Failed) {
		return func(j *job) {
			j.msg.State = state
			if state == stillwater.Failed {
				j.msg.Error = detail
			}
			j.tell(time.Now())
		}
	}
	return d.follow
}

// report tells the sink, until it has stored it. That a message was not sent is told once: the next attempt does not wait for it.
func (d *dispatcher) report(ctx context.Context, j job) func(*job) {
	tell := func(ctx context.Context) error { return d.Sink.Receipt(ctx, j.receipt) }
	var err error
	if j.receipt.State == stillwater.Pending {
		err = d.within(ctx, tell)
	} else {
		err = tell(ctx)
	}
	d.healthy(ctx, "sink", err)
	switch {
	case j.receipt.State == stillwater.Pending:
		return d.later(func(j *job) { j.next = send })
	case err != nil:
		return d.later(func(*job) {})
	case j.receipt.State == stillwater.Accepted:
		return d.follow
	}
	return func(j *job) { j.next = nothing }
}

// later tries the same errand again after a wait, noting something first.
func (d *dispatcher) later(note func(*job)) func(*job) {
	return func(j *job) {
		j.tries++
		j.at = time.Now().Add(d.Config.backoff(j.tries))
		note(j)
	}
}

// within gives a call the time one may take.
func (d *dispatcher) within(ctx context.Context, call func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, d.Config.Timeout)
	defer cancel()
	return call(ctx)
}

// healthy notes how a part is, unless it only answers that everything is being stopped.
func (c *Courier) healthy(ctx context.Context, part string, err error) {
	if ctx.Err() == nil {
		c.health.set(part, err)
	}
}
