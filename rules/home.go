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

// usualDays is how many days the usual longest stillness is learned from, and usualLeast how many it takes.
const (
	usualDays  = 28
	usualLeast = 7
)

// home is the engine's memory of one household. What is in memory is in every snapshot; the rest follows from the registry.
type home struct {
	memory
	id       stillwater.HouseholdID
	location *time.Location
	rules    []boundRule
	windows  []*window // of memory, by rule, so that a reading looks up no names
	runs     []*run    // the same
	wakeAt   time.Time // the entry in the engine's queue; zero: none
	dirty    bool      // changed since the last snapshot
}

// memory is what the engine knows of a household by what happened.
type memory struct {
	First     time.Time       `json:"first,omitzero"` // the first reading
	DataTo    time.Time       `json:"dataTo,omitzero"`
	Covered   time.Duration   `json:"covered"`            // all the time that readings vouch for
	Vouched   time.Time       `json:"vouched,omitzero"`   // event clock: when DataTo last moved
	Listening time.Time       `json:"listening,omitzero"` // since when the gateway has listened without a break
	Life      stillwater.Life `json:"life"`               // last signs of life
	StillFrom time.Time       `json:"stillFrom,omitzero"` // since when stillness counts: the last sign of life, later by every hole since
	WholeFrom time.Time       `json:"wholeFrom,omitzero"` // since when coverage has no hole
	Rearmed   time.Time       `json:"rearmed,omitzero"`   // when an incident was last closed
	Looked    time.Time       `json:"looked,omitzero"`    // event clock: when it was last judged
	Devices   []*device       `json:"devices"`            // by ID

	Draws   []draw             `json:"draws,omitempty"` // of the last maxWithin
	Dropped int                `json:"dropped,omitempty"`
	Windows map[string]*window `json:"windows,omitempty"` // by rule
	Runs    map[string]*run    `json:"runs,omitempty"`    // by rule

	Day     int     `json:"day,omitempty"`     // the local day whose longest stillness Longest is
	Longest int32   `json:"longest,omitempty"` // minutes
	Days    []int32 `json:"days,omitempty"`    // longest stillness of the last days, minutes
	Usual   int32   `json:"usual,omitempty"`   // their median

	Active []stillwater.Finding `json:"active,omitempty"` // findings that go on
}

// device finds the device by its ID and makes its memory at its first reading.
func (h *home) device(id stillwater.DeviceID) *device {
	i, ok := slices.BinarySearchFunc(h.Devices, id, func(d *device, id stillwater.DeviceID) int { return strings.Compare(string(d.ID), string(id)) })
	if !ok {
		h.Devices = slices.Insert(h.Devices, i, &device{ID: id})
	}
	return h.Devices[i]
}

// covering is the kind of device that covers the home: the meter, and where there is none, activity sensors. A door contact
// alone never does.
func (h *home) covering() stillwater.DeviceKind {
	for _, d := range h.Devices {
		if d.Kind == stillwater.Meter {
			return stillwater.Meter
		}
	}
	return stillwater.ActivitySensor
}

// check says what will become of a reading, without changing anything.
func (h *home) check(r *stillwater.Reading) Outcome {
	i, ok := slices.BinarySearchFunc(h.Devices, r.Device, func(d *device, id stillwater.DeviceID) int { return strings.Compare(string(d.ID), string(id)) })
	if !ok {
		return Accepted
	}
	if r.Quantity == stillwater.Gone {
		return Accepted // the latest word counts
	}
	return h.Devices[i].recentOf(r.Quantity).check(sample{r.At, r.Value})
}

// read takes a reading into the memory.
func (h *home) read(r *stillwater.Reading) Outcome {
	if h.First.IsZero() {
		h.First = r.At
	}
	d := h.device(r.Device)
	lastReport := d.Heard
	d.hear(r)
	d.note(r)
	switch r.Quantity {
	case stillwater.WaterTotal:
		return h.readCounter(d, r)
	case stillwater.WaterFlow:
		h.vouchEvent(d, r)
		if r.Value > 0 && !r.Undated {
			h.live(&h.Life.Water, r.At)
		}
	case stillwater.Door:
		h.readDoor(d, r, lastReport)
	case stillwater.Activity:
		h.vouchEvent(d, r)
		if !r.Undated {
			h.live(&h.Life.Activity, r.At)
		}
	case stillwater.Alive:
		h.vouchEvent(d, r)
	}
	return Accepted
}

// readLate takes a reading behind its device: the counter and the door have gone on since, but if it is the newest sign of life it
// counts as one. What it says of draws between is in the journal, and no more.
func (h *home) readLate(r *stillwater.Reading) {
	d := h.device(r.Device)
	d.note(r)
	switch {
	case r.Undated:
	case r.Quantity == stillwater.Door:
		h.live(&h.Life.Door, r.At)
	case r.Quantity == stillwater.Activity:
		h.live(&h.Life.Activity, r.At)
	}
}

// readCounter turns a counter value into a draw, and its span into coverage. A value of unknown age vouches for nothing: what it may
// say of use, the next one says too.
func (h *home) readCounter(d *device, r *stillwater.Reading) Outcome {
	if r.Undated {
		return Accepted
	}
	w, outcome := d.Counter.advance(r.Value, r.At, d.known.Rollover)
	if outcome == Held {
		return outcome // it vouches for nothing
	}
	if outcome == First {
		d.Vouched = r.At
		h.WholeFrom, h.StillFrom = later(h.WholeFrom, r.At), later(h.StillFrom, r.At)
		h.advanceTo(r)
		return outcome
	}
	if hole := w.From.Sub(d.Vouched); hole > 0 {
		h.hole(hole, w.From)
	}
	d.Vouched = w.To
	h.advanceTo(r)
	h.drawn(w)
	return outcome
}

// vouchEvent takes a report of a sensor that only reports events: it vouches back to the last report unless that is too long ago.
func (h *home) vouchEvent(d *device, r *stillwater.Reading) {
	if r.Undated || d.Kind != h.covering() || !r.At.After(h.DataTo) {
		return
	}
	d.Vouched = r.At
	if h.DataTo.IsZero() {
		h.StillFrom, h.WholeFrom = later(h.StillFrom, r.At), r.At
	} else if gap := r.At.Sub(h.DataTo); gap > max(eventPatience, 3*d.usual()) {
		h.hole(gap, r.At)
	}
	h.advanceTo(r)
}

// readDoor takes the state of the door; a change is a sign of life, unless its moment or what was before is not known.
func (h *home) readDoor(d *device, r *stillwater.Reading, lastReport time.Time) {
	open := r.Value == stillwater.Open
	hole := d.patience() > 0 && r.Received.Sub(lastReport) > max(eventPatience, 3*d.usual())
	if d.Door != nil && (d.Door.Open == open || r.Undated && r.Received.Sub(lastReport) < undatedYields) {
		return // a repeated state, or one that may be older than what the door said just now
	}
	first := d.Door == nil
	d.Door = &doorState{Open: open, Since: r.At}
	if !first && !hole && !r.Undated {
		h.live(&h.Life.Door, r.At)
	}
}

// advanceTo moves the watermark of the home to what all its covering devices vouch for.
func (h *home) advanceTo(r *stillwater.Reading) {
	kind := h.covering()
	var to time.Time
	for _, d := range h.Devices {
		switch {
		case d.Kind != kind || d.Vouched.IsZero():
		case kind == stillwater.ActivitySensor: // together they see the home
			to = later(to, d.Vouched)
		case to.IsZero() || d.Vouched.Before(to): // a home with two meters is known as far as both are
			to = d.Vouched
		}
	}
	if to.After(h.DataTo) {
		if !h.DataTo.IsZero() {
			h.Covered += to.Sub(h.DataTo)
		}
		h.DataTo, h.Vouched = to, r.Received
	}
}

// hole takes a span of which nothing can be known: it pauses stillness.
func (h *home) hole(length time.Duration, end time.Time) {
	h.Covered -= length
	h.WholeFrom = end
	if !h.StillFrom.IsZero() {
		h.StillFrom = h.StillFrom.Add(length)
	}
}

// live notes a sign of life at the moment at.
func (h *home) live(kind *time.Time, at time.Time) {
	if !at.After(*kind) {
		return
	}
	newest := at.After(h.Life.Last())
	*kind = at
	if !newest {
		return
	}
	if !h.StillFrom.IsZero() {
		h.learnUsual(at, at.Sub(h.StillFrom))
	}
	h.StillFrom = later(h.StillFrom, at)
}

// learnUsual files how long it had been still when life showed at the moment at.
func (h *home) learnUsual(at time.Time, still time.Duration) {
	year, month, date := at.In(h.location).Date()
	day := (year*12+int(month))*31 + date
	if day != h.Day {
		if h.Day != 0 {
			h.Days = append(h.Days, h.Longest)
			if len(h.Days) > usualDays {
				h.Days = slices.Delete(h.Days, 0, 1)
			}
			if len(h.Days) >= usualLeast {
				sorted := slices.Sorted(slices.Values(h.Days))
				h.Usual = sorted[len(sorted)/2]
			}
		}
		h.Day, h.Longest = day, 0
	}
	h.Longest = max(h.Longest, int32(still/time.Minute))
}

// usual is the longest stillness of a usual day; zero: not known yet.
func (h *home) usual() time.Duration { return time.Duration(h.Usual) * time.Minute }

// still is how long, as far as readings vouch, there has been no sign of life.
func (h *home) still() time.Duration {
	if h.DataTo.IsZero() || h.StillFrom.IsZero() {
		return 0
	}
	return max(0, h.DataTo.Sub(h.StillFrom))
}

// facts are what every finding about the home says.
func (h *home) facts() stillwater.Facts {
	return stillwater.Facts{DataTo: h.DataTo, Life: h.Life, Usual: h.usual()}
}

// night says whether it is night in the home at the moment: from 22 to 6.
func (h *home) night(at time.Time) bool {
	hour := at.In(h.location).Hour()
	return hour >= 22 || hour < 6
}
