package pipeline

import (
	"context"
	"sync/atomic"
	"time"

	"stillwater"
)

// The outcomes of a reading before it comes to its household's shard. The engine's are in rules.Outcome.
const (
	UnknownDevice = "unknown-device" // its source is no device of a household
	NoConsent     = "no-consent"     // nothing of it is kept
	Implausible   = "implausible"    // no working device gives such a value
	Ahead         = "ahead"          // its device's clock runs ahead: taken as of its arrival
	OfDevice      = "of-device"      // what a device says of itself: for maintenance, and not for the journal
	Behind        = "behind"         // it is of more than an hour ago: history, taken as of its own time
)

// Tolerances of device clocks.
const (
	mayBeAhead = 2 * time.Minute
	isHistory  = time.Hour
)

// Emit takes readings from a source. It waits while the queue of their shard is full, and gives an error only when ctx is
// done: then done is never called, and what was taken by then does no harm when it comes again. done (may be nil) is called
// once, when all of them are committed, refused or for maintenance alone.
func (p *Pipeline) Emit(ctx context.Context, readings []stillwater.Reading, done func()) error {
	if done == nil {
		done = func() {}
	}
	var byShard [Shards][]stillwater.Reading
	left := int32(0)
	var from origin
	for i := range readings {
		r := readings[i]
		if !p.admit(&r, &from) {
			continue
		}
		own := &byShard[ShardOf(r.Household)]
		if len(*own) == 0 {
			left++
			*own = make([]stillwater.Reading, 0, len(readings)-i)
		}
		*own = append(*own, r)
	}
	if left == 0 {
		done()
		return nil
	}
	if left > 1 {
		done = after(left, done)
	}
	for i, rs := range byShard {
		if len(rs) == 0 {
			continue
		}
		if err := p.shards[i].put(ctx, input{readings: rs, done: done}); err != nil {
			return err
		}
	}
	return nil
}

// after calls done at the nth call.
func after(n int32, done func()) func() {
	var left atomic.Int32
	left.Store(n)
	return func() {
		if left.Add(-1) == 0 {
			done()
		}
	}
}

// An origin is what is known of the source of the reading before: the readings of one message mostly have one.
type origin struct {
	source string
	home   stillwater.Household
	device stillwater.Device
	known  bool
}

// admit resolves the reading's source and says whether it may be recorded. It counts every reading that is refused or changed.
func (p *Pipeline) admit(r *stillwater.Reading, from *origin) bool {
	if from.source != r.Source || r.Source == "" {
		from.source = r.Source
		from.home, from.device, from.known = p.bySource(r.Source)
	}
	if !from.known {
		p.Count(r, UnknownDevice)
		return false
	}
	h := &from.home
	r.Household, r.Device = h.ID, from.device.ID
	r.At, r.Received = r.At.UTC().Truncate(stillwater.Instant), r.Received.UTC().Truncate(stillwater.Instant)
	if r.At.Sub(r.Received) > mayBeAhead {
		p.Count(r, Ahead)
		r.At = r.Received
	}
	if !h.Consent.Covers(r.At, r.Received) {
		p.Count(r, NoConsent)
		return false
	}
	if err := r.Validate(); err != nil {
		p.Count(r, Implausible)
		return false
	}
	if r.Quantity.OfDevice() {
		p.Count(r, OfDevice)
		return false
	}
	if r.Received.Sub(r.At) > isHistory {
		p.Count(r, Behind)
	}
	return true
}
