package backtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Arrival is how readings come to the gateway: once a day, once an hour, or some time later. The zero one is as recorded.
type Arrival struct {
	kind  arrivalKind
	clock time.Duration // of daily: after local midnight
	delay time.Duration
}

type arrivalKind int

const (
	asRecorded arrivalKind = iota
	byDay
	byHour
	delayed
)

// maxDelay bounds what is held back, as a day does elsewhere.
const maxDelay = 48 * time.Hour

// ParseArrival reads "daily@02:00", "hourly" or "+20m"; "" is as recorded.
func ParseArrival(text string) (Arrival, error) {
	wrong := fmt.Errorf("%q is no way for readings to arrive; write daily@02:00 (once a day, at that local time), hourly, or a delay up to 48h like +20m", text)
	kind, at, hasTime := strings.Cut(text, "@")
	switch {
	case text == "":
		return Arrival{}, nil
	case text == "hourly":
		return Arrival{kind: byHour}, nil
	case kind == "daily" && hasTime:
		t, err := time.Parse("15:04", at)
		if err != nil || len(at) != len("15:04") {
			return Arrival{}, fmt.Errorf("%q is no time of the day; write like daily@02:00", at)
		}
		return Arrival{kind: byDay, clock: time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute}, nil
	case strings.HasPrefix(text, "+"):
		d, err := stillwater.ParseSpan(text[1:])
		if err != nil || d <= 0 || d > maxDelay {
			return Arrival{}, wrong
		}
		return Arrival{kind: delayed, delay: d}, nil
	}
	return Arrival{}, wrong
}

// String is the arrival as it is written; "" is as recorded.
func (a Arrival) String() string {
	switch a.kind {
	case byDay:
		return fmt.Sprintf("daily@%02d:%02d", int(a.clock.Hours()), int(a.clock.Minutes())%60)
	case byHour:
		return "hourly"
	case delayed:
		return "+" + stillwater.FormatSpan(a.delay)
	}
	return ""
}

// due is when a reading that left at the moment t is known to the gateway: the next upload at or after t in the zone.
func (a Arrival) due(t time.Time, zone *time.Location) time.Time {
	switch a.kind {
	case byDay:
		year, month, day := t.In(zone).Date()
		hour, minute := int(a.clock.Hours()), int(a.clock.Minutes())%60
		for { // where clocks change, the upload of a day may be an hour off, and there is one all the same
			if up := time.Date(year, month, day, hour, minute, 0, 0, zone); !up.Before(t) {
				return up.UTC()
			}
			day++
		}
	case byHour:
		local := t.In(zone)
		into := time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second + time.Duration(local.Nanosecond())
		if into == 0 {
			return t
		}
		return t.Add(time.Hour - into)
	case delayed:
		return t.Add(a.delay)
	}
	return t
}

// holding keeps readings back until the gateway could know of them. They come and go in order of arrival; those of one upload go in
// order of their own time.
type holding struct {
	Arrival
	zones   []zoneUpload
	uploads []*upload // not gone yet, by time
}

// upload is what arrives at one moment.
type upload struct {
	at   time.Time
	rows []row
}

// zoneUpload remembers the next upload of a zone, so that it is worked out once for all readings of it.
type zoneUpload struct {
	zone *time.Location
	next *upload
}

// take holds the row back.
func (h *holding) take(r *row, zone *time.Location) {
	i := slices.IndexFunc(h.zones, func(z zoneUpload) bool { return z.zone == zone })
	if i < 0 {
		h.zones = append(h.zones, zoneUpload{zone: zone})
		i = len(h.zones) - 1
	}
	z := &h.zones[i]
	if z.next == nil || r.Received.After(z.next.at) {
		z.next = h.at(h.due(r.Received, zone))
	}
	z.next.rows = append(z.next.rows, *r)
}

// at is the upload of that moment.
func (h *holding) at(at time.Time) *upload {
	i, ok := slices.BinarySearchFunc(h.uploads, at, func(u *upload, at time.Time) int { return u.at.Compare(at) })
	if !ok {
		h.uploads = slices.Insert(h.uploads, i, &upload{at: at})
	}
	return h.uploads[i]
}

// gone gives the rows of the first upload if it is before now, when none can join it any more; a zero now gives it in any case.
func (h *holding) gone(now time.Time) []row {
	if len(h.uploads) == 0 || !now.IsZero() && !h.uploads[0].at.Before(now) {
		return nil
	}
	u := h.uploads[0]
	h.uploads = slices.Delete(h.uploads, 0, 1)
	slices.SortStableFunc(u.rows, func(a, b row) int { return a.At.Compare(b.At) })
	for i := range u.rows {
		u.rows[i].Received = u.at
	}
	return u.rows
}
