package registry

import (
	"fmt"
	"strings"
	"time"
)

// A Moment is a point in time as people write it: with its zone, or a date (and perhaps a time of day) in the zone of the home
// it is about.
type Moment struct {
	at    time.Time
	local bool // at is a clock reading, in UTC by makeshift
}

// localLayouts are dates and times without a zone. Spreadsheets write dates their own way.
var localLayouts = []string{
	"2006-1-2", "2006/1/2", "2006.1.2", "2006年1月2日",
	"2006-1-2 15:04", "2006/1/2 15:04", "2006-1-2 15:04:05", "2006/1/2 15:04:05", "2006-1-2T15:04:05",
}

// UnmarshalText reads a moment; nothing is the moment that never was.
func (m *Moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		*m = Moment{}
		return nil
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		*m = Moment{at: at.UTC()}
		return nil
	}
	for _, layout := range localLayouts {
		if at, err := time.Parse(layout, s); err == nil {
			*m = Moment{at: at, local: true}
			return nil
		}
	}
	return fmt.Errorf("%q is not a date; write like 2026-03-01 or 2026-03-01T08:00:00+08:00", text)
}

// MarshalText writes it so that UnmarshalText reads it back.
func (m Moment) MarshalText() ([]byte, error) {
	switch {
	case m.IsZero():
		return nil, nil
	case !m.local:
		return []byte(m.at.Format(time.RFC3339Nano)), nil
	case m.at.Equal(m.at.Truncate(24 * time.Hour)):
		return []byte(m.at.Format(time.DateOnly)), nil
	}
	return []byte(m.at.Format("2006-01-02T15:04:05")), nil
}

// IsZero says whether there is no moment.
func (m Moment) IsZero() bool { return m.at.IsZero() }

// In is the moment for a home in a zone, in UTC; a date is its first minute there.
func (m Moment) In(zone *time.Location) time.Time {
	if m.IsZero() || !m.local {
		return m.at
	}
	y, month, d := m.at.Date()
	return time.Date(y, month, d, m.at.Hour(), m.at.Minute(), m.at.Second(), 0, zone).UTC()
}

// momentOf is the moment a stored time stands for, as people of the zone write it: a date where it is its first minute there.
func momentOf(at time.Time, zone *time.Location) Moment {
	if at.IsZero() {
		return Moment{}
	}
	there := at.In(zone)
	clock := time.Date(there.Year(), there.Month(), there.Day(), there.Hour(), there.Minute(), there.Second(), 0, time.UTC)
	if m := (Moment{at: clock, local: true}); m.In(zone).Equal(at) {
		return m
	}
	return Moment{at: at.UTC()} // the hour that comes twice, or a part of a second
}
