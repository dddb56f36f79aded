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
	jobs    map[stillwater.MessageID]*job
	n       int
	lanes   map[lane]stillwater.MessageID // whose turn it is
	running map[errand]int
	results chan result
	looked  time.Time
}

// result is what a call found out: the message as it now is, and what to do next.
type result struct {
	id   stillwater.MessageID
	kind errand
	done func(j *job) // applied by the dispatcher
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
		case r := <-d.results:
			d.finish(r)
		case <-timer.C:
		}
	}
}

// look reads the outbox. New messages become jobs; those no longer listed were cancelled or are done with.
func (d *dispatcher) look(ctx context.Context) {
	d.looked = time.Now()
	listed, err := d.Outbox.Outbox(ctx)
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
			d.n++
			d.jobs[m.ID] = d.take(m)
		}
	}
	for id, j := range d.jobs {
		if !waits[id] && !j.busy && j.next != report {
			delete(d.jobs, id)
		}
	}
}

// take makes a message of the outbox a job. One in the state sending is unclear: it was handed over, or a crash prevented it.
func (d *dispatcher) take(m stillwater.Message) *job {
	j := &job{msg: m, n: d.n, next: send, since: m.Tried}
	if m.State == stillwater.Accepted {
		d.follow(j)
	}
	return j
}

// follow asks how far an accepted message has come, as long as that is worth asking.
func (d *dispatcher) follow(j *job) {
	now := time.Now()
	j.next, j.tries = nothing, 0
	if wait := nextStatus(now.Sub(j.since)); wait > 0 && j.msg.ProviderID != "" && d.asker(j.msg.Provider) != nil {
		j.next, j.at = status, now.Add(wait)
	}
}

// asker is the provider of a name, if it can be asked.
func (d *dispatcher) asker(name string) Asker {
	if asker, ok := d.Provider.(Asker); ok && (name == "" || name == d.Provider.Name()) {
		return asker
	}
	return nil
}

// places is how many calls of a kind are made at once.
func (d *dispatcher) places(kind errand) int {
	if kind == status {
		return 1
	}
	return d.Config.Parallel
}

// start makes the calls that are due, as far as there are places.
func (d *dispatcher) start(ctx context.Context, all *sync.WaitGroup) {
	now := time.Now()
	d.expire(now)
	d.order()
	for _, kind := range []errand{report, send, status} {
		for _, j := range d.ready(kind, now) {
			if d.running[kind] >= d.places(kind) {
				break
			}
			d.running[kind]++
			j.busy = true
			if kind == send && j.first.IsZero() {
				j.first = now
			}
			copied := *j
			all.Go(func() {
				r := result{copied.msg.ID, kind, d.call(ctx, copied, kind)}
				select {
				case d.results <- r:
				case <-ctx.Done():
				}
			})
		}
	}
}

// expire ends what is overdue, in order to let the ladder climb past it.
func (d *dispatcher) expire(now time.Time) {
	event := d.Clock.Now()
	for _, j := range d.jobs {
		if j.busy {
			continue
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
		if j.next != send && (j.next != report || j.receipt.State != stillwater.Pending) {
			continue
		}
		if first, ok := d.lanes[j.lane()]; !ok || j.n < d.jobs[first].n {
			d.lanes[j.lane()] = id
		}
	}
}

// ready are the jobs of a kind that can be done now, the most pressing first.
func (d *dispatcher) ready(kind errand, now time.Time) []*job {
	if d.running[kind] >= d.places(kind) {
		return nil
	}
	var ready []*job
	for id, j := range d.jobs {
		if j.next == kind && !j.busy && !j.at.After(now) && (kind != send || d.lanes[j.lane()] == id) {
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
		if j.busy || j.next == nothing || j.next == send && d.lanes[j.lane()] != id || d.running[j.next] >= d.places(j.next) {
			continue
		}
		wait = min(wait, j.at.Sub(now))
	}
	return max(wait, 0)
}

// finish applies what a call found out.
func (d *dispatcher) finish(r result) {
	d.running[r.kind]--
	if j := d.jobs[r.id]; j != nil {
		j.busy = false
		r.done(j)
	}
}
