package duty

import (
	"fmt"
	"strings"
	"time"
)

// A Date is a day of the calendar, without a time zone: days since 1970. Zero is no date.
type Date int32

// The dates that a roster may name; others are slips of the pen.
var (
	firstDate = DateOf(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC))
	lastDate  = DateOf(time.Date(2199, time.December, 31, 0, 0, 0, 0, time.UTC))
)

const secondsPerDay = 24 * 60 * 60

// DateOf is the date a clock shows.
func DateOf(local time.Time) Date {
	y, m, d := local.Date()
	return Date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay)
}

// UTC is the first moment of the date in UTC.
func (d Date) UTC() time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

// Weekday is the day of the week.
func (d Date) Weekday() time.Weekday { return d.UTC().Weekday() }

// IsZero says whether there is no date.
func (d Date) IsZero() bool { return d == 0 }

// String is the date as "2026-02-16", "" for none.
func (d Date) String() string {
	if d == 0 {
		return ""
	}
	return d.UTC().Format(time.DateOnly)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2026-02-16"; nothing is no date.
func (d *Date) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "" {
		*d = 0
		return nil
	}
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006.1.2", "2006年1月2日"} {
		if at, err := time.Parse(layout, s); err == nil {
			return d.set(DateOf(at), s)
		}
	}
	return fmt.Errorf("%q is no date; write like 2026-02-16", s)
}

func (d *Date) set(to Date, as string) error {
	if to < firstDate || to > lastDate {
		return fmt.Errorf("%q is not between 2000 and 2199; is the year right?", as)
	}
	*d = to
	return nil
}

// A Moment is a date, or a date with a time of day, by the clock on the wall of the home it is about.
type Moment struct {
	date  Date
	clock time.Duration
	timed bool // clock counts; else the whole day is meant
}

// IsZero says whether there is no moment.
func (m Moment) IsZero() bool { return m.date == 0 }

// UnmarshalText reads "2026-02-16" or "2026-02-16 18:00"; nothing is no moment.
func (m *Moment) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, layout := range []string{"2006-1-2 15:04", "2006/1/2 15:04", "2006-1-2T15:04", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, s); err == nil {
			*m = Moment{clock: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, timed: true}
			return m.date.set(DateOf(at), s)
		}
	}
	var date Date
	if err := date.UnmarshalText(text); err != nil {
		return fmt.Errorf("%q is no date; write like 2026-02-16 or 2026-02-16 18:00", s)
	}
	*m = Moment{date: date}
	return nil
}

// MarshalText writes it so that UnmarshalText reads it back.
func (m Moment) MarshalText() ([]byte, error) {
	if !m.timed {
		return m.date.MarshalText()
	}
	return fmt.Appendf(nil, "%s %02d:%02d", m.date, int(m.clock.Hours()), int(m.clock.Minutes())%60), nil
}

// begin is the first moment meant.
func (m Moment) begin() wall { return wall{m.date, m.clock} }

// end is the first moment no longer meant: of a date without a time, when its day is over.
func (m Moment) end() wall {
	if !m.timed {
		return wall{m.date + 1, 0}
	}
	return wall{m.date, m.clock}
}
