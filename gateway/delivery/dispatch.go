package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"stillwater"
)

// dispatcher decides what is done next. Only its own goroutine touches it.
type dispatcher struct {
	*Courier
	ways      []*way
	jobs      map[stillwater.MessageID]*job
	n         int
	lanes     map[lane]stillwater.MessageID // whose turn it is
	early     map[providerKey]heard         // receipts whose messages are not known yet
	reporting int
	results   chan result
	looked    time.Time
	recalled  bool // what was sent before the start is in the ledger
}

// result is what a call found out: the message as it now is, and what to do next.
type result struct {
	id   stillwater.MessageID
	kind errand
	by   *way
	done func(j *job) // applied by the dispatcher
}

func newDispatcher(c *Courier) *dispatcher {
	d := &dispatcher{
		Courier: c, jobs: map[stillwater.MessageID]*job{}, lanes: map[lane]stillwater.MessageID{},
		early: map[providerKey]heard{}, results: make(chan result),
	}
	for _, r := range c.Routes {
		d.ways = append(d.ways, newWay(r, c.Config))
	}
	return d
}

func (d *dispatcher) run(ctx context.Context, all *sync.WaitGroup) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if time.Since(d.looked) >= d.Config.Look {
			d.look(ctx)
		}
		d.start(ctx, all)
		timer.Reset(d.idle())
		select {
		case <-ctx.Done():
			return
		case <-d.wake:
			d.looked = time.Time{}
		case h := <-d.heard:
			d.hear(h)
		case r := <-d.results:
			d.finish(r)
		case <-timer.C:
		}
	}
}

// look reads the outbox. New messages become jobs; those no longer listed were cancelled or are done with.
func (d *dispatcher) look(ctx context.Context) {
	d.looked = time.Now()
	err := d.recall(ctx)
	var listed []stillwater.Message
	if err == nil {
		listed, err = d.Outbox.Outbox(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	d.health.set("outbox", err)
	if err != nil {
		return
	}
	waits := make(map[stillwater.MessageID]bool, len(listed))
	for _, m := range listed {
		waits[m.ID] = true
		if d.jobs[m.ID] == nil {
			d.jobs[m.ID] = d.take(m)
		}
	}
	for id, j := range d.jobs {
		if !waits[id] && !j.busy && j.next != report {
			delete(d.jobs, id)
		}
	}
	d.ledger.prune(d.looked)
	d.seek(ctx)
}

// recall enters what was sent before the start into the ledger, once; nothing is sent before.
func (d *dispatcher) recall(ctx context.Context) error {
	if d.recalled || d.Record == nil {
		return nil
	}
	now := time.Now()
	yesterday := now.Add(-day)
	since := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.Local)
	if yesterday.Before(since) {
		since = yesterday
	}
	var all []stillwater.Message
	if err := d.Record.Sent(ctx, since, func(m stillwater.Message) { all = append(all, m) }); err != nil {
		return err
	}
	d.recalled = true
	for _, m := range all {
		w := d.wayOf(m)
		if w == nil || m.State != stillwater.Sending && m.ProviderID == "" {
			continue // it certainly did not leave, or by what is no longer set up
		}
		if m.Tried.After(yesterday) {
			d.ledger.enter(w, m, m.Tried)
		}
		if m.State != stillwater.Sending {
			d.ledger.charge(w.Route, m, m.Tried)
		}
	}
	return nil
}

// take makes a message of the outbox a job. One in the state sending is unclear: it was handed over, or a crash prevented it.
func (d *dispatcher) take(m stillwater.Message) *job {
	d.n++
	j := &job{msg: m, n: d.n, next: send, since: m.Tried}
	switch m.State {
	case stillwater.Accepted:
		d.follow(j)
	case stillwater.Sending:
		j.by, j.counted = d.wayOf(m), m.Tried
		d.doubt(j)
	}
	return j
}

// doubt goes on with a message that may have left: its provider is asked, or it goes again, by any other way at once.
func (d *dispatcher) doubt(j *job) {
	j.asked, j.shun = time.Time{}, j.by
	if d.wayOf(j.msg).asker() != nil {
		j.next = ask
		return
	}
	j.next, j.again, j.at = send, true, time.Now()
}

// follow asks how far an accepted message has come, as long as that is worth asking.
func (d *dispatcher) follow(j *job) {
	now := time.Now()
	j.next, j.tries = nothing, 0
	if wait := nextStatus(now.Sub(j.since)); wait > 0 && j.msg.ProviderID != "" && d.wayOf(j.msg).asker() != nil {
		j.next, j.at = status, now.Add(wait)
	}
}

// wayOf is the way that a message was handed over by; nil if it is no longer set up.
func (d *dispatcher) wayOf(m stillwater.Message) *way {
	for _, w := range d.ways {
		if w.Channel == m.By() && (w.Name == m.Provider || m.Provider == "") {
			return w
		}
	}
	return nil
}

// start makes the calls that are due, as far as there are places.
func (d *dispatcher) start(ctx context.Context, all *sync.WaitGroup) {
	now := time.Now()
	d.expire(now)
	d.order()
	for _, j := range d.ready(now) {
		by := j.by
		switch j.next {
		case report:
			if d.reporting >= d.Config.Parallel {
				continue
			}
			d.reporting++
		case send:
			if by = d.leave(j, now); by == nil {
				continue
			}
		case ask, status:
			if by = d.wayOf(j.msg); by.full(j.next) {
				continue
			}
		}
		if j.next != report {
			by.calls[j.next][j.msg.ID] = now
		}
		d.begin(ctx, all, j, by)
	}
}

// leave finds the way that a message goes by now, counts it, and gives nil if it does not go.
func (d *dispatcher) leave(j *job, now time.Time) *way {
	c := choice{fail: "too old to be sent again"} // it was unclear, and by now it is no news
	if !j.stale(d.Config, d.Clock.Now()) {
		c = d.choose(j, now)
	}
	if c.fail != "" {
		j.msg.State, j.msg.Error = stillwater.Failed, c.fail
		j.tell(now)
		return nil
	}
	if j.first.IsZero() && (c.by != nil || c.turn) {
		j.first = now
	}
	if c.by == nil {
		if j.free = c.until; j.free.IsZero() {
			j.free = now.Add(d.Config.Look) // or when a call ends
		}
		return nil
	}
	d.ledger.leave(j, c.by, now)
	j.free, j.held, j.counted = time.Time{}, time.Time{}, now
	return c.by
}

// begin makes a call in a goroutine of its own.
func (d *dispatcher) begin(ctx context.Context, all *sync.WaitGroup, j *job, by *way) {
	j.busy = true
	copied := *j
	all.Go(func() {
		r := result{copied.msg.ID, copied.next, by, d.call(ctx, copied, by)}
		select {
		case d.results <- r:
		case <-ctx.Done():
		}
	})
}

// expire ends what is overdue, in order to let the ladder climb past it; and asking in vain, in order to hand over again.
func (d *dispatcher) expire(now time.Time) {
	event := d.Clock.Now()
	for _, j := range d.jobs {
		if j.busy {
			continue
		}
		if j.next == ask && !j.at.After(now) && j.asked.IsZero() {
			j.asked = now
		}
		if j.next == ask && !j.asked.IsZero() && now.Sub(j.asked) >= d.Config.AskWithin {
			j.next, j.again, j.at, j.tries = send, true, now, 0
		}
		switch state := j.overdue(d.Config, now, event); state {
		case stillwater.Failed:
			j.msg.Error = fmt.Sprintf("given up after %s: %s", stillwater.FormatSpan(d.Config.GiveUp), j.msg.Error)
			fallthrough
		case stillwater.Cancelled:
			j.msg.State = state
			j.tell(now)
		}
	}
}

// order finds whose turn it is in each lane: the oldest that is still to be sent, or being reported as not sent yet.
func (d *dispatcher) order() {
	clear(d.lanes)
	for id, j := range d.jobs {
		if !j.leaving() && (j.next != report || j.receipt.State != stillwater.Pending) {
			continue
		}
		if first, ok := d.lanes[j.lane()]; !ok || j.n < d.jobs[first].n {
			d.lanes[j.lane()] = id
		}
	}
}

// ready are the jobs for which something can be done now, the most pressing first.
func (d *dispatcher) ready(now time.Time) []*job {
	var ready []*job
	for id, j := range d.jobs {
		if j.next != nothing && !j.busy && !j.at.After(now) && (!j.leaving() || d.lanes[j.lane()] == id) {
			ready = append(ready, j)
		}
	}
	slices.SortFunc(ready, before)
	return ready
}

// idle is how long nothing is due.
func (d *dispatcher) idle() time.Duration {
	now := time.Now()
	wait := d.Config.Look - now.Sub(d.looked)
	for id, j := range d.jobs {
		if j.busy || j.next == nothing || j.leaving() && d.lanes[j.lane()] != id {
			continue
		}
		at := j.at
		switch {
		case j.next == report && d.reporting >= d.Config.Parallel:
			continue
		case j.next == send && j.free.After(at):
			at = j.free
		case (j.next == ask || j.next == status) && d.wayOf(j.msg).full(j.next):
			at = now.Add(d.Config.Look)
		}
		if j.next == ask && !j.asked.IsZero() && j.asked.Add(d.Config.AskWithin).Before(at) {
			at = j.asked.Add(d.Config.AskWithin)
		}
		wait = min(wait, at.Sub(now))
	}
	return max(wait, 0)
}

// finish applies what a call found out.
func (d *dispatcher) finish(r result) {
	if r.kind == report {
		d.reporting--
	} else {
		delete(r.by.calls[r.kind], r.id)
	}
	if j := d.jobs[r.id]; j != nil {
		j.busy = false
		r.done(j)
		d.catchUp(j)
	}
}
