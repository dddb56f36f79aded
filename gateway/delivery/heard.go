package delivery

import (
	"context"
	"errors"
	"time"

	"stillwater"
)

const (
	// heardAtOnce is how many receipts may wait to be looked at. More are dropped: a provider says most of them again, or is asked.
	heardAtOnce = 1024
	// maxEarly is how many receipts are kept for messages that are not known yet, and keepEarly for how long: until a message
	// whose accept was lost has been found again.
	maxEarly  = 1000
	keepEarly = 10 * time.Minute
)

// heard is a receipt that came by callback.
type heard struct {
	key    providerKey
	state  stillwater.DeliveryState
	detail string
	at     time.Time
	sought bool // the record was asked for its message
}

// providerKey is a message as its provider names it.
type providerKey struct{ provider, id string }

// Heard takes a receipt that a provider sent by itself: provider is the name of the route. It does not block. Receipts may come twice, in any order, before
// the accept of their message, and after a restart.
func (c *Courier) Heard(provider, id string, state stillwater.DeliveryState, detail string) {
	c.prepare()
	if state != stillwater.Delivered && state != stillwater.Failed || id == "" {
		return // that it is on its way is known
	}
	select {
	case c.heard <- heard{providerKey{provider, id}, state, detail, time.Now(), false}:
		c.health.set("receipts", nil)
	default:
		c.health.set("receipts", errors.New("more came at once than can be looked at; some were dropped"))
	}
}

// hear applies a receipt, or keeps it until its message is known.
func (d *dispatcher) hear(h heard) {
	for _, j := range d.jobs {
		if j.msg.Provider == h.key.provider && j.msg.ProviderID == h.key.id {
			j.hear(h)
			return
		}
	}
	known, ok := d.early[h.key]
	if ok && known.state == stillwater.Delivered || !ok && len(d.early) >= maxEarly {
		return
	}
	d.early[h.key] = h
}

// hear applies a receipt to its message. That it was delivered counts against everything else; that it was not, only until then.
func (j *job) hear(h heard) {
	if j.busy {
		if j.heard == nil || j.heard.state != stillwater.Delivered {
			j.heard = &h
		}
		return
	}
	if j.msg.State == h.state || j.msg.State == stillwater.Delivered {
		return
	}
	j.msg.State = h.state
	if h.state == stillwater.Failed {
		j.msg.Error = h.detail
	}
	j.tell(time.Now())
}

// catchUp applies what was heard of a message while a call for it was under way, or before its name at the provider was known.
func (d *dispatcher) catchUp(j *job) {
	if h := j.heard; h != nil {
		j.heard = nil
		j.hear(*h)
	}
	key := providerKey{j.msg.Provider, j.msg.ProviderID}
	if h, ok := d.early[key]; ok && j.msg.State == stillwater.Accepted {
		delete(d.early, key)
		j.hear(h)
	}
}

// seek looks once for the messages of receipts that fit nothing here: those accepted so long ago that the outbox no longer lists them.
func (d *dispatcher) seek(ctx context.Context) {
	for key, h := range d.early {
		age := time.Since(h.at)
		switch {
		case age > keepEarly:
			delete(d.early, key)
		case h.sought || d.Record == nil || age < d.Config.Look: // its accept may be on the way
		default:
			h.sought = true
			d.early[key] = h
			d.find(ctx, h)
		}
	}
}

// find makes the message of a receipt a job, if the record has it.
func (d *dispatcher) find(ctx context.Context, h heard) {
	m, found, err := d.Record.Accepted(ctx, h.key.provider, h.key.id)
	if ctx.Err() != nil {
		return
	}
	d.health.set("outbox", err)
	switch {
	case err != nil:
		h.sought = false
		d.early[h.key] = h
	case found && d.jobs[m.ID] == nil:
		delete(d.early, h.key)
		j := d.take(m)
		d.jobs[m.ID] = j
		j.hear(h)
	}
}
