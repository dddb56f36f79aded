package delivery

import (
	"cmp"
	"context"
	"errors"
	"time"

	"stillwater"
)

// call makes one call for a job, in a goroutine of its own, and gives what the dispatcher is to note. j is a copy.
func (d *dispatcher) call(ctx context.Context, j job, by *way) func(*job) {
	switch j.next {
	case report:
		return d.report(ctx, j)
	case status:
		return d.status(ctx, j, by)
	case ask:
		return d.ask(ctx, j, by)
	}
	return d.handOver(ctx, j, by)
}

// handOver marks the message and gives it to the provider.
func (d *dispatcher) handOver(ctx context.Context, j job, by *way) func(*job) {
	m := j.msg
	if j.again && !m.Repeat {
		m.Repeat = true
		m.Text = d.marked(m)
	}
	m.State, m.Provider, m.ProviderID, m.Error = stillwater.Sending, by.Name, "", ""
	m.Attempts++
	m.Tried = time.Now()
	err := d.within(ctx, func(ctx context.Context) error { return d.Outbox.MarkSending(ctx, m) })
	if err == nil || j.tries > 0 { // the first time it may just have been cancelled
		d.healthy(ctx, "outbox", err)
	}
	if err != nil {
		return d.later(func(j *job) { // it is as it was; perhaps it is not even wanted any more
			d.ledger.cross(by, m, j.counted)
			j.msg.Error, j.counted = err.Error(), time.Time{}
			d.looked = time.Time{}
		})
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, cmp.Or(by.Timeout, d.Config.Timeout))
	m.ProviderID, err = by.Provider.Send(limited, m)
	cancel()
	r, v := judge(err)
	if r != Refused {
		d.healthy(ctx, "provider "+by.Name, err)
	}
	a := Attempt{Route: by.Name, Channel: by.Channel, Result: r, Took: time.Since(began), Currency: by.Cost.Currency}
	return func(j *job) {
		by.circuit.note(time.Now(), v)
		j.msg, j.by, j.again = m, by, false
		d.sent(j, a, err)
	}
}

// judge says what a provider's answer means for the message, and for the provider. One that takes no more, or does not take this template, is well
// enough to be asked for the next.
func judge(err error) (Result, verdict) {
	switch {
	case err == nil:
		return Taken, works
	case errors.Is(err, stillwater.ErrLimited):
		return Limited, neither
	case errors.Is(err, stillwater.ErrRefused) && errors.Is(err, stillwater.ErrUnable):
		return Unable, neither
	case errors.Is(err, stillwater.ErrRefused):
		return Refused, works
	case errors.Is(err, stillwater.ErrNotSent):
		return NotSent, fails
	}
	return Unclear, fails
}

// sent is what to do after the provider's answer.
func (d *dispatcher) sent(j *job, a Attempt, err error) {
	if a.Result == Taken {
		d.taken(j, &a)
	} else {
		j.msg.Error = err.Error()
	}
	if d.Count != nil {
		d.Count(a)
	}
	switch a.Result {
	case Taken:
	case Unclear:
		j.tries++
		j.at = time.Now().Add(d.Config.backoff(j.tries))
		j.avoid(j.by, bar{}, d.Config)
		d.doubt(j)
		return
	case Refused:
		d.cross(j)
		j.msg.State = stillwater.Failed
	default:
		d.cross(j)
		j.msg.State = stillwater.Pending
		j.avoid(j.by, bar{good: a.Result == Unable, why: j.msg.Error}, d.Config)
		if !d.another(j) {
			j.msg.State = stillwater.Failed
		}
	}
	d.settled(j)
}

// taken notes that a provider has the message.
func (d *dispatcher) taken(j *job, a *Attempt) {
	j.msg.State, j.msg.Error = stillwater.Accepted, ""
	a.Segments = d.ledger.charge(j.by.Route, j.msg, j.msg.Tried)
	a.Cost = float64(a.Segments) * j.by.Cost.Price
}

// cross takes a message that certainly did not leave out of the ledger.
func (d *dispatcher) cross(j *job) {
	if j.by != nil && !j.counted.IsZero() {
		d.ledger.cross(j.by, j.msg, j.counted)
		j.counted = time.Time{}
	}
}

// another says whether there is a way left that has not refused the message.
func (d *dispatcher) another(j *job) bool {
	for _, w := range d.serving(j.msg) {
		if !j.bars[w].good {
			return true
		}
	}
	return false
}

// settled is what to do once it is clear what became of an attempt: tell the sink.
func (d *dispatcher) settled(j *job) {
	tries := j.tries
	j.asked, j.since = time.Time{}, time.Now()
	j.tell(j.since)
	if j.msg.State == stillwater.Pending {
		j.tries = tries // of sending; see report
	}
}

// ask finds out whether an unclear message left.
func (d *dispatcher) ask(ctx context.Context, j job, by *way) func(*job) {
	began := time.Now()
	var id string
	var found bool
	err := d.within(ctx, func(ctx context.Context) (err error) {
		id, found, err = by.asker().Find(ctx, j.msg.To, j.msg.Code, j.msg.Tried.Add(-findBack))
		return err
	})
	d.healthy(ctx, "provider "+by.Name, err)
	switch {
	case ctx.Err() != nil:
		return func(*job) {}
	case err != nil:
		return d.later(func(*job) {
			if by.circuit.open() { // it is not well yet; that it answers does not say that it takes messages
				by.circuit.note(time.Now(), fails)
			}
		})
	case found:
		return func(j *job) {
			j.msg.ProviderID, j.by = id, by
			d.taken(j, &Attempt{})
			d.settled(j)
		}
	case began.Sub(j.msg.Tried) >= d.Config.Settle:
		return func(j *job) {
			d.cross(j)
			j.next, j.at, j.tries = send, time.Now(), 0
		}
	}
	return func(j *job) { // not there yet: ask again when that counts, and once or twice before
		j.tries = 0
		j.at = time.Now().Add(min(d.Config.MaxBackoff, max(time.Second, d.Config.Settle-time.Since(j.msg.Tried))))
	}
}

// findBack is how far before the last attempt a text is looked for: an earlier attempt may have been the one that left, and
// the provider's clock may differ.
const findBack = time.Hour

func (d *dispatcher) marked(m stillwater.Message) string {
	if d.Mark == nil {
		return "重发 (repeat) " + m.Text
	}
	return d.Mark(m)
}

// status asks how far an accepted message has come.
func (d *dispatcher) status(ctx context.Context, j job, by *way) func(*job) {
	var state stillwater.DeliveryState
	var detail string
	err := d.within(ctx, func(ctx context.Context) (err error) {
		state, detail, err = by.asker().Status(ctx, j.msg.ProviderID)
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
		return func(j *job) { j.next, j.at = send, time.Now() } // by another way at once; what stands against the last one is noted
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
