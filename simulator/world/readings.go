package world

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"stillwater"
)

// chunk is how much event time readings are sorted at once; it bounds the memory of a stream.
const chunk = 4 * time.Hour

// A Report is what a device says by itself, or is asked for: a value, the moment at which it was true, and the moment at which it
// is said. They differ for a meter that uploads a day's history.
type Report struct {
	Device   stillwater.Device
	Quantity stillwater.Quantity
	Value    float64
	At       time.Time
	Said     time.Time
}

// An utterance is one thing that a device of a home says, in a form that fits many in little memory. Times are Unix milliseconds.
type utterance struct {
	said, at int64
	home     int32
	order    int32 // among what the same home says
	what     stillwater.Quantity
	value    float64
}

// Reports is everything the devices of a home say in (from, to], in the order in which they say it: the meter's counter at its
// interval or in its upload (not while it is dead), the door's openings and closings, and the door contact's heartbeats. A Modbus
// meter says nothing by itself; its reports are what a gateway that polls it at that interval reads.
func (w *World) Reports(id stillwater.HouseholdID, from, to time.Time) []Report {
	h := w.home(id)
	if h == nil {
		return nil
	}
	said := h.says(nil, w.opts.MeterEvery, span{from.UnixMilli(), to.UnixMilli()})
	slices.SortFunc(said, compareUtterances)
	all := make([]Report, len(said))
	for i, u := range said {
		all[i] = Report{h.device(u.what), u.what, u.value, time.UnixMilli(u.at).UTC(), time.UnixMilli(u.said).UTC()}
	}
	return all
}

// compareUtterances puts them in the order in which a gateway hears them: by time, then household.
func compareUtterances(a, b utterance) int {
	return cmp.Or(cmp.Compare(a.said, b.said), cmp.Compare(a.home, b.home), cmp.Compare(a.order, b.order))
}

// device is the device of a home that says something.
func (h *home) device(what stillwater.Quantity) stillwater.Device {
	if what == stillwater.WaterTotal {
		return h.household.Devices[0]
	}
	return h.household.Devices[1]
}

// says appends what the devices of a home say after a window's beginning and up to its end.
func (h *home) says(all []utterance, worlds time.Duration, window span) []utterance {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := len(all)
	all = h.meterSays(all, worlds, window)
	if len(h.household.Devices) > 1 {
		all = h.doorSays(all, window)
	}
	for i := range all[first:] {
		all[first+i].home, all[first+i].order = int32(h.index), int32(i)
	}
	return all
}

// meterSays is what the meter says in a window; the caller holds mu.
func (h *home) meterSays(all []utterance, worlds time.Duration, window span) []utterance {
	every := h.meterEvery(worlds)
	if !h.fitting.uploads {
		for at := range h.times(every, window) {
			if !h.happens(MeterDies, at) {
				all = append(all, utterance{said: at, at: at, what: stillwater.WaterTotal, value: float64(h.shown(h.metered(at)))})
			}
		}
		return all
	}
	for n := h.dayOf(window.from); n <= h.dayOf(window.to); n++ {
		said := newCalendarDay(n, h.loc).at(h.fitting.upload) + h.phase
		if said <= window.from || said > window.to || h.happens(MeterDies, said) {
			continue
		}
		last := newCalendarDay(n-1, h.loc).at(h.fitting.upload) + h.phase
		for at := range h.times(every, span{last, said}) {
			all = append(all, utterance{said: said, at: at, what: stillwater.WaterTotal, value: float64(h.shown(h.metered(at)))})
		}
	}
	return all
}

// doorSays is what the door contact says in a window; the caller holds mu.
func (h *home) doorSays(all []utterance, window span) []utterance {
	for _, e := range h.doorEvents(window) {
		if h.fitting.door != DoorStuck && !h.happens(DoorSticks, e.at) && !h.happens(DoorDies, e.at) {
			all = append(all, utterance{said: e.at, at: e.at, what: stillwater.Door, value: h.contact(e.open)})
		}
	}
	for at := range h.times(h.opts.BeatEvery, window) {
		if !h.happens(DoorDies, at) {
			all = append(all, utterance{said: at, at: at, what: stillwater.Alive, value: 1})
		}
	}
	return all
}

// happens says whether an event of a kind is going on; the caller holds mu.
func (h *home) happens(event Event, t int64) bool {
	return slices.ContainsFunc(h.effects, func(e effect) bool { return e.event == event && e.when.covers(t) })
}

// times are the moments after a window's beginning and up to its end at which a home's device reports: every interval of the day
// in UTC, and the home's phase after it.
func (h *home) times(every time.Duration, window span) iter.Seq[int64] {
	step := every.Milliseconds()
	phase := h.phase % step
	first := max(window.from, h.start-1)
	at := (first-phase)/step*step + phase
	if at <= first {
		at += step
	}
	return func(yield func(int64) bool) {
		for ; at <= window.to && yield(at); at += step {
		}
	}
}

// Readings is every reading of the city that a gateway receives in (from, to], by the time of receipt, then household.
func (w *World) Readings(from, to time.Time) iter.Seq[stillwater.Reading] {
	return func(yield func(stillwater.Reading) bool) {
		for said := range w.chunks(from, to, w.opts.MeterEvery) {
			for _, u := range said {
				h := w.homes[u.home]
				d := h.device(u.what)
				if !yield(stillwater.Reading{
					Source: d.Source, Household: h.household.ID, Device: d.ID, Quantity: u.what, Value: u.value,
					At: time.UnixMilli(u.at).UTC(), Received: time.UnixMilli(u.said).UTC(),
				}) {
					return
				}
			}
		}
	}
}

// chunks is what all homes say in (from, to], in order, a little of event time at once. A chunk holds until the next is asked for.
func (w *World) chunks(from, to time.Time, meterEvery time.Duration) iter.Seq[[]utterance] {
	return func(yield func([]utterance) bool) {
		var said []utterance
		last := to.UnixMilli()
		for at := from.UnixMilli(); at < last; at += chunk.Milliseconds() {
			said = said[:0]
			for _, h := range w.homes {
				said = h.says(said, meterEvery, span{at, min(last, at+chunk.Milliseconds())})
			}
			slices.SortFunc(said, compareUtterances)
			if !yield(said) {
				return
			}
		}
	}
}
