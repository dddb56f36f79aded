package rules

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// eventPatience is the least hole in the reports of a sensor that only reports events: the heartbeats of common ones come each
// half-hour or hour. Longer intervals stretch it to three of them.
const eventPatience = 95 * time.Minute

// undatedYields is how long after a report of a door a state of unknown age is not believed: a broker sends again, out of order and
// some seconds late, what was not acknowledged.
const undatedYields = 2 * time.Minute

// home is the engine's memory of one household. What is in memory is in every snapshot; the rest follows from it and the registry.
type home struct {
	memory
	gate
	id        stillwater.HouseholdID
	rules     *ruleset
	groups    []*group
	wakeAt    instant // when it is to be looked at though nothing comes; 0: never
	renewAt   instant // and from when on readings ask for that anew
	queued    instant // the minute of the engine's queue in which it stands; 0: none
	dirty     bool    // changed since the last snapshot
	stirred   bool    // something happened that may bring a finding on or nearer: a device is another, or changed its ways
	residents uint8   // as the registry says; 0: not known
	ended     bool    // a finding did, and what it held back may begin
	watched   bool    // a finding goes on that can end by any reading; one of stillness takes a sign of life
	hasty     bool    // it may have to be woken sooner than the queue has it
	overlap   bool    // its draws may, as those of several meters do

	vouchedTo instant   // DataTo before the reading under way
	today     *localDay // in its time zone
}

// memory is what the engine knows of a household by what happened.
type memory struct {
	First     instant       // the first reading
	DataTo    instant       // up to when readings vouch for the home
	Covered   time.Duration // all the time that readings vouch for
	Vouched   instant       // event clock: when DataTo last moved
	Listening instant       // since when the gateway has listened without a break
	Life      life          // last signs of life
	StillFrom instant       // since when stillness counts: the last sign of life, later by every hole since
	WholeFrom instant       // since when coverage has no hole
	Rearmed   instant       // when an incident was last closed
	Looked    instant       // event clock: when something of it last came, or it was last judged

	Devices        []device // by ID
	Draws          draws
	Leak           run  // water in every slot
	Running        flow // a draw that does not end
	Usually        usually
	SettledDay     int32         // the local day on which the routine was last settled
	Routine        *routine      // nil: no rule learns, or nothing was learned yet
	SettledCovered time.Duration // and Covered then

	Awaits     bool     // history came and it was not judged since; see Engine.read
	Doubt      doubt    // why the door is not believed
	Goings     uint8    // how often the door went since she was known to be in
	InRow      uint8    // how often it went since any other sign of life
	Moves      uint8    // and how often it opened or closed
	GoneAt     instant  // when it last went
	DoorBefore instant  // the last sign of life of the door before these
	Unknown    instant  // until when the door was not believed, if nothing has shown since where she is; 0: something has
	Doorway    *doorway // the ways of the doors; nil: none was seen to move

	Surging surging
	Pouring pouring
	Nights  nights
	Base    *base      // of a leak that goes on; nil: none does
	Habit   *habitDraw // what it draws by itself; nil: its meter is too coarse to say
	Trends  *trends    // of her weeks; nil: no rule asks, or nothing was seen yet

	Absence *absence // planned; nil: none
	Taught  lesson   // the last that was learned

	Active *[]stillwater.Finding // findings that go on; nil: none
	Common *inCommon             // what befell it with its groups; nil: nothing of late
}

func (m *memory) fields(c *codec) {
	c.time(1, &m.First)
	c.time(2, &m.Rearmed)
	c.time(3, &m.Listening)
	c.time(4, &m.WholeFrom)
	c.time(5, &m.StillFrom)
	c.time(6, &m.DataTo)
	c.time(7, &m.Vouched)
	c.time(8, &m.Looked)
	c.span(9, &m.Covered)
	c.flag(10, &m.Awaits)
	c.part(11, &m.Life)
	parts(c, 12, &m.Devices)
	c.part(13, &m.Draws)
	c.part(14, &m.Leak)
	c.part(15, &m.Running)
	c.part(16, &m.Usually)
	asJSON(c, 17, &m.Active)
	optional(c, 18, &m.Routine)
	small(c, 19, &m.Goings)
	small(c, 20, &m.SettledDay)
	c.span(21, &m.SettledCovered)
	c.time(22, &m.GoneAt)
	c.time(23, &m.DoorBefore)
	c.time(24, &m.Unknown)
	small(c, 25, &m.InRow)
	small(c, 26, &m.Moves)
	small(c, 27, &m.Doubt)
	optional(c, 28, &m.Doorway)
	c.part(30, &m.Surging)
	c.part(31, &m.Pouring)
	c.part(32, &m.Nights)
	optional(c, 33, &m.Base)
	optional(c, 34, &m.Habit)
	m.commonFields(c)
	optional(c, 45, &m.Trends)
	optional(c, 50, &m.Absence)
	c.part(51, &m.Taught)
}

// device finds the device by its ID and makes its memory at its first reading. What it gives is valid until the next device is made.
func (h *home) device(id stillwater.DeviceID) *device {
	i, ok := h.find(id)
	if !ok {
		if len(h.Devices) == cap(h.Devices) {
			h.Devices = append(make([]device, 0, len(h.Devices)+1), h.Devices...) // few homes have many
		}
		h.Devices = slices.Insert(h.Devices, i, device{ID: id, said: unsaid})
		h.stirred = true
	}
	return &h.Devices[i]
}

// find is where the device is, or would be.
func (h *home) find(id stillwater.DeviceID) (int, bool) {
	for i := range h.Devices {
		if h.Devices[i].ID == id {
			return i, true
		}
	}
	at, _ := slices.BinarySearchFunc(h.Devices, id, func(d device, id stillwater.DeviceID) int { return strings.Compare(string(d.ID), string(id)) })
	return at, false
}

// covering is the kind of device that covers the home: the meter, and where there is none, activity sensors. A door contact
// alone never does.
func (h *home) covering() kind {
	for i := range h.Devices {
		if h.Devices[i].Kind == meter {
			return meter
		}
	}
	return activitySensor
}

// check says what will become of a reading, without changing anything.
func (h *home) check(r *entry) Outcome {
	i, ok := h.find(r.Device)
	if !ok || r.Quantity == stillwater.Gone { // of those the latest word counts
		return Accepted
	}
	return h.Devices[i].recentOf(r.quantity).check(sample{r.at, r.Value})
}

// read takes a reading into the memory.
func (h *home) read(r *entry) Outcome {
	h.vouchedTo = h.DataTo
	if h.First == 0 {
		h.First = r.at
	}
	d := h.device(r.Device)
	lastReport := d.Heard
	h.hear(d, r)
	h.weighDoor(r.received)
	if r.Quantity == stillwater.Gone {
		return Accepted
	}
	d.note(r)
	switch r.Quantity {
	case stillwater.WaterTotal:
		return h.readCounter(d, r)
	case stillwater.WaterFlow:
		h.vouchEvent(d, r)
		if r.Value > 0 && !r.Undated {
			h.live(byWater, r.at, r.at)
		}
	case stillwater.Door:
		h.readDoor(d, r, lastReport)
	case stillwater.Activity:
		h.vouchEvent(d, r)
		if !r.Undated {
			h.live(byActivity, r.at, r.at)
		}
	case stillwater.Alive:
		if !d.counts() {
			h.vouchEvent(d, r)
		}
	}
	return Accepted
}

// readCounter turns a counter value into a draw, and its span into coverage. A value of unknown age vouches for nothing: what it may
// say of use, the next one says too.
func (h *home) readCounter(d *device, r *entry) Outcome {
	if r.Undated {
		return Accepted
	}
	if d.Counter == nil {
		d.Counter = &counter{}
	}
	before := *d.Counter
	w, outcome := d.Counter.advance(r.Value, r.at, d.said.rollover)
	h.refute(&before, outcome)
	if outcome == Held {
		return outcome // it vouches for nothing
	}
	if outcome == First {
		d.Vouched = r.at
		h.WholeFrom, h.StillFrom = max(h.WholeFrom, r.at), max(h.StillFrom, r.at)
		h.advanceTo(r)
		h.stirred = true
		return outcome
	}
	if hole := w.From.sub(d.Vouched); hole > 0 {
		h.hole(hole, w.From)
	}
	if w.ML == 0 && h.Common != nil {
		if length, end := h.cutWithin(w.From, w.To); length > 0 {
			h.hole(length, end)
		}
	}
	d.Vouched = w.To
	h.advanceTo(r)
	h.outOfSight(w)
	h.drawn(w)
	return outcome
}

// vouchEvent takes a report of a sensor that only reports events: it vouches back to the last report unless that is too long ago.
func (h *home) vouchEvent(d *device, r *entry) {
	if r.Undated || d.Kind != h.covering() || r.at <= h.DataTo {
		return
	}
	d.Vouched = r.at
	if h.DataTo == 0 {
		h.StillFrom, h.WholeFrom = max(h.StillFrom, r.at), r.at
		h.stirred = true
	} else if gap := r.at.sub(h.DataTo); gap > d.eventPatience() {
		h.hole(gap, r.at)
	}
	h.advanceTo(r)
	h.passDays()
}

// eventPatience is the longest time between two reports of the device that they vouch for.
func (d *device) eventPatience() time.Duration { return max(eventPatience, 3*d.usual()) }

// advanceTo moves the watermark of the home to what all its covering devices vouch for. It is the one place where coverage advances;
// hole, called before it, says which part of the advance nothing is known of.
func (h *home) advanceTo(r *entry) {
	kind := h.covering()
	var to instant
	for i := range h.Devices {
		switch d := &h.Devices[i]; {
		case d.Kind != kind || d.Vouched == 0:
		case kind == activitySensor: // together they see the home
			to = max(to, d.Vouched)
		case to == 0 || d.Vouched < to: // a home with two meters is known as far as both are
			to = d.Vouched
		}
	}
	if to > h.DataTo {
		if h.DataTo != 0 {
			h.Covered += to.sub(h.DataTo)
			h.SettledCovered += h.absentIn(h.DataTo, to)
		}
		h.DataTo, h.Vouched = to, r.received
		h.passAbsence()
	}
}

// hole takes a span of which nothing can be known, up to end: it pauses stillness. It is the one place where a hole is taken.
func (h *home) hole(length time.Duration, end instant) {
	h.Covered -= length
	h.SettledCovered -= h.absentIn(end.add(-length), end)
	h.WholeFrom = end
	h.unsettled()
	if h.StillFrom != 0 {
		h.StillFrom = h.StillFrom.add(length)
	}
}

// unsettled notes that something happened which can end a finding of stillness.
func (h *home) unsettled() { h.stirred = h.stirred || h.Active != nil }

// drawn files what a meter showed of a span: a draw, or with no litres that there was none. It is the one place where draws are filed.
func (h *home) drawn(w draw) {
	h.leaks(w)
	h.pours(w)
	if itself := h.byItself(w); w.ML > 0 {
		if !itself && !h.isBase(w) {
			h.live(byWater, w.From, w.To)
			h.drank(w)
		}
		h.drewAway(w)
		h.Draws.forget(h.DataTo.add(-h.rules.within))
		h.overlap = h.overlap || w.From < h.Draws.Last.To
		h.Draws.add(w, h.rules.merge)
		h.roomLeft -= w.ML
		h.unsettled()
	}
	for _, r := range h.rules.draws {
		if r.as.drew(h, r.boundRule, w) {
			h.stirred = true
		}
	}
	h.passDays()
}

// usual is the longest stillness of a usual day; zero: not known yet.
func (h *home) usual() time.Duration { return h.Usually.span() }

// still is how long, as far as readings vouch, there has been no sign of life.
func (h *home) still() time.Duration {
	if h.DataTo == 0 || h.StillFrom == 0 {
		return 0
	}
	return max(0, h.DataTo.sub(h.StillFrom))
}

// facts are what every finding about the home says.
func (h *home) facts() stillwater.Facts {
	return stillwater.Facts{DataTo: h.DataTo.time(), Life: h.Life.told(), Usual: h.usual(), Doubt: h.Doubt.told(), Reduced: h.reduced(), Step: litres(h.step()), Every: h.every(), Doorless: h.doorless()}
}

// night says whether it is night in the home at the moment: from 22 to 6.
func (h *home) night(at instant) bool {
	hour := at.time().In(h.today.zone).Hour()
	return hour >= 22 || hour < 6
}
