package world

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// chunk is how much event time readings are sorted at once; it bounds the memory of a stream.
const chunk = time.Hour

// A Report is what a device says by itself, or is asked for, at a moment.
type Report struct {
	Device   stillwater.Device
	Quantity stillwater.Quantity
	Value    float64
	At       time.Time
}

// Reports is everything the devices of a home say in (from, to], in order of time: the meter's counter at its interval (not
// while it is dead), the door's openings and closings, and the door contact's heartbeats. A Modbus meter says nothing by itself;
// its reports are what a gateway that polls it at that interval reads.
func (w *World) Reports(id stillwater.HouseholdID, from, to time.Time) []Report {
	return w.reports(id, from, to, w.opts.MeterEvery)
}

func (w *World) reports(id stillwater.HouseholdID, from, to time.Time, meterEvery time.Duration) []Report {
	h := w.home(id)
	if h == nil {
		return nil
	}
	var all []Report
	meter, door := h.household.Devices[0], h.household.Devices[1]
	for _, at := range h.times(meterEvery, from, to) {
		if w.MeterAnswers(id, at) {
			all = append(all, Report{meter, stillwater.WaterTotal, float64(w.Counter(id, at)), at})
		}
	}
	for _, e := range w.DoorEvents(id, from, to) {
		value := stillwater.Closed
		if e.Open {
			value = stillwater.Open
		}
		all = append(all, Report{door, stillwater.Door, value, e.At})
	}
	for _, at := range h.times(w.opts.BeatEvery, from, to) {
		all = append(all, Report{door, stillwater.Alive, 1, at})
	}
	slices.SortStableFunc(all, func(a, b Report) int { return a.At.Compare(b.At) })
	return all
}

// times are the moments in (from, to] at which a home's device reports: every interval of the day in UTC, and the home's phase
// after it.
func (h *home) times(every time.Duration, from, to time.Time) []time.Time {
	step := every.Milliseconds()
	phase := h.phase % step
	first := max(from.UnixMilli(), h.start-1)
	at := (first-phase)/step*step + phase
	if at <= first {
		at += step
	}
	var times []time.Time
	for ; at <= to.UnixMilli(); at += step {
		times = append(times, time.UnixMilli(at).UTC())
	}
	return times
}

// Readings is every reading of the city in (from, to], by time, then household, as a gateway would have stored it at once.
func (w *World) Readings(from, to time.Time) iter.Seq[stillwater.Reading] {
	return w.readings(from, to, w.opts.MeterEvery)
}

func (w *World) readings(from, to time.Time, meterEvery time.Duration) iter.Seq[stillwater.Reading] {
	return func(yield func(stillwater.Reading) bool) {
		for ; from.Before(to); from = from.Add(chunk) {
			end := from.Add(chunk)
			if end.After(to) {
				end = to
			}
			for _, r := range w.sorted(from, end, meterEvery) {
				if !yield(r) {
					return
				}
			}
		}
	}
}

// sorted is the readings of one chunk.
func (w *World) sorted(from, to time.Time, meterEvery time.Duration) []stillwater.Reading {
	var all []stillwater.Reading
	for _, h := range w.homes {
		for _, r := range w.reports(h.household.ID, from, to, meterEvery) {
			all = append(all, stillwater.Reading{
				Source: r.Device.Source, Household: h.household.ID, Device: r.Device.ID,
				Quantity: r.Quantity, Value: r.Value, At: r.At, Received: r.At,
			})
		}
	}
	slices.SortStableFunc(all, func(a, b stillwater.Reading) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(string(a.Household), string(b.Household)))
	})
	return all
}
