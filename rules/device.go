package rules

import (
	"time"

	"stillwater"
)

// device is the engine's memory of one device.
type device struct {
	ID        stillwater.DeviceID
	said      *said    // what the registry says; never nil, and shared
	Heard     instant  // event clock: when the gateway last heard of it
	Report    instant  // event clock: when it last reported as it does at intervals
	Vouched   instant  // up to when its readings vouch
	DoorSince instant  // since when the door stands as it does
	Counter   *counter // of a meter
	Recent    []recent // by quantity
	Rate      cadence  // of arrivals
	Kind      kind     // learned from its quantities where no registry says it
	Flags     flags
	Trust     *doorTrust // of a door contact; nil: it has told nothing yet
}

// said is what rules need of what the registry says of a device.
type said struct {
	every    time.Duration // how often it usually reports; zero: learned
	rollover stillwater.Litres
}

var unsaid = &said{} // read only

// kind is a stillwater.DeviceKind in a byte.
type kind uint8

// The kinds. Their numbers are in snapshots.
const (
	anyKind kind = iota
	meter
	doorContact
	activitySensor
	otherKind
)

func kindOf(k stillwater.DeviceKind) kind {
	switch k {
	case "":
		return anyKind
	case stillwater.Meter:
		return meter
	case stillwater.DoorContact:
		return doorContact
	case stillwater.ActivitySensor:
		return activitySensor
	}
	return otherKind
}

// flags are what is so or not so of a device. Their bits are in snapshots.
type flags uint8

const (
	beats    flags = 1 << iota // it sends heartbeats, so that its silence means something
	gone                       // its source said that it is away
	doorSeen                   // how the door stands is known
	doorOpen
	paced // two heartbeats followed each other with nothing between
)

func (d *device) has(f flags) bool { return d.Flags&f != 0 }

func (d *device) set(f flags, is bool) {
	if d.Flags &^= f; is {
		d.Flags |= f
	}
}

func (d *device) fields(c *codec) {
	text(c, 1, &d.ID)
	small(c, 2, &d.Kind)
	small(c, 3, &d.Flags)
	c.time(4, &d.Heard)
	c.time(5, &d.Report)
	c.time(6, &d.Vouched)
	c.time(7, &d.DoorSince)
	optional(c, 8, &d.Counter)
	c.part(9, &d.Rate)
	parts(c, 10, &d.Recent)
	optional(c, 11, &d.Trust)
	if c.reading {
		d.said = unsaid
	}
}

// counts says whether the device is a meter that is read by its counter, or may be: that such a one is there says nothing of what was
// used, as law 1 has it. One that tells of flows tells of each.
func (d *device) counts() bool {
	return d.Kind == meter && (d.Counter != nil || d.recentOf(quantityOf(stillwater.WaterFlow)) == nil)
}

// blindAfter is how many missed reports make a device silent, with a quarter of an interval to spare.
const blindAfter = 2.25

// leastSilence keeps a device with a short interval from being called silent at once.
const leastSilence = 10 * time.Minute

// usual is how often the device reports: as the registry says, or as learned; zero: not known.
func (d *device) usual() time.Duration {
	if d.said.every > 0 {
		return d.said.every
	}
	return d.Rate.usual()
}

// patience is how long the device may be quiet before its silence means something; zero: that cannot be said, for it
// reports only events and sends no heartbeat.
func (d *device) patience() time.Duration {
	usual := d.usual()
	periodic := d.Kind == meter || d.has(beats) || d.said.every > 0
	if usual == 0 || !periodic {
		return 0
	}
	return max(time.Duration(blindAfter*float64(usual)), leastSilence)
}

// silentAt is when the device will have been quiet for longer than it should be, if nothing comes from it; zero: that cannot be
// said. A time in which the gateway did not listen does not count.
func (h *home) silentAt(d *device) instant {
	p, since := d.patience(), max(d.Heard, h.Listening)
	if p == 0 || since == 0 {
		return 0
	}
	return since.add(p)
}

// unheard says whether nothing has come from the device for longer than it should, whatever the reason: then it does not show how
// the home is. Whether the device is to be called silent is another question; see home.silent.
func (d *device) unheard(now instant) bool {
	p := d.patience()
	return d.has(gone) || p != 0 && now >= d.Heard.add(p)
}

// silent says whether at now the device is quiet for longer than it should be, or its source says that it is away.
func (h *home) silent(d *device, now instant) bool {
	at := h.silentAt(d)
	return d.has(gone) || at != 0 && now >= at
}

// entry is a reading in the engine's own terms.
type entry struct {
	*stillwater.Reading
	at, received instant
	quantity     quantity
}

func entryOf(r *stillwater.Reading) entry {
	return entry{r, instantOf(r.At), instantOf(r.Received), quantityOf(r.Quantity)}
}

// historyAfter is how old a reading is on arrival that is history: of an upload, or out of a buffer.
const historyAfter = 2 * time.Minute

// history says whether the reading was old when it came. More like it may follow at once, so that it does not say how things are.
func (r *entry) history() bool { return r.received.sub(r.at) > historyAfter }

// hear notes that something came from the device. What is of unknown age tells how things stand, not that it spoke now.
func (h *home) hear(d *device, r *entry) {
	if r.Quantity == stillwater.Gone {
		d.set(gone, r.Value != 0)
		h.stirred = true
		return
	}
	before, was := d.Flags, d.Kind
	d.Flags &^= gone
	switch r.Quantity {
	case stillwater.WaterTotal, stillwater.WaterFlow:
		d.Kind = meter
	case stillwater.Door:
		d.Kind = doorContact
	case stillwater.Activity:
		d.Kind = activitySensor
	}
	if !r.Undated {
		p := d.patience()
		again := d.Heard == 0 || p != 0 && r.received >= d.Heard.add(p)
		h.stirred = h.stirred || again
		h.hasty = d.pace(r) || h.hasty
	}
	h.stirred = h.stirred || d.Flags != before || d.Kind != was
}

// pace learns how often the device reports, and says whether that changed. Where there are heartbeats they alone set the pace; a door
// without them has none.
func (d *device) pace(r *entry) (changed bool) {
	if r.Quantity == stillwater.Alive {
		d.beat(r)
	}
	if r.Quantity == stillwater.Alive || !d.has(beats) {
		switch age := r.received.sub(r.at); {
		case d.Kind == doorContact && !d.has(beats):
		case d.Report != 0:
			changed = !d.replays(r) && !d.betweenBeats() && d.Rate.add(r.received.sub(d.Report))
		case age > time.Hour: // it sends its history, about that often
			changed = d.Rate.add(age)
		}
		d.Report = r.received
	}
	d.Heard = max(d.Heard, r.received)
	return changed
}

// beat takes a heartbeat. Many sensors send one only when nothing else was sent for an interval; by day that is hours after the last one. So the time
// between two tells how often it reports if they follow each other, and what was learned from anything else before is forgotten.
func (d *device) beat(r *entry) {
	follows := d.Report != 0 && d.Heard == d.Report
	if !d.has(beats) || follows && !d.has(paced) {
		d.Rate.forget()
	}
	d.set(paced, d.has(paced) || d.has(beats) && follows)
	d.Flags |= beats
}

// betweenBeats says whether something else came since the last heartbeat of a device whose interval is known without it.
func (d *device) betweenBeats() bool { return d.has(paced) && d.Heard != d.Report }

// replays says whether the reading is one more of an upload: history that comes faster than it happened. It says nothing of how
// often the device reports.
func (d *device) replays(r *entry) bool {
	before := d.recentOf(r.quantity)
	return before != nil && r.history() && r.at.sub(before.At) > 2*r.received.sub(d.Report)
}

// recentOf are the latest readings of the quantity, nil if there were none.
func (d *device) recentOf(q quantity) *recent {
	for i := range d.Recent {
		if d.Recent[i].Quantity == q {
			return &d.Recent[i]
		}
	}
	return nil
}

// note remembers the reading.
func (d *device) note(r *entry) {
	s := sample{r.at, r.Value}
	switch known := d.recentOf(r.quantity); {
	case known == nil:
		d.Recent = append(d.Recent, recent{At: s.At, Value: s.Value, Quantity: r.quantity})
	case s.At > known.At:
		known.note(s)
	default:
		known.noteLate(s)
	}
}
