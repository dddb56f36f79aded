package rules

import "time"

// DayKind is what kind of day a date is, for routines.
type DayKind uint8

// The kinds of day. A festival is a day of rest too, and one whose hours say nothing of an ordinary week: it does not teach.
const (
	Workday DayKind = iota
	Restday
	Festival
)

// A Calendar says what kind of day a date is. It is data handed in: pure, and safe for concurrent use. A nil one rests on Saturday
// and Sunday.
type Calendar func(year int, month time.Month, day int) DayKind

// Kind is the kind of a date.
func (c Calendar) Kind(year int, month time.Month, day int) DayKind {
	if c != nil {
		return c(year, month, day)
	}
	switch time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Weekday() {
	case time.Saturday, time.Sunday:
		return Restday
	}
	return Workday
}

// Keep hands the engine the calendar to keep. It is for the time before the first Step: what was learned by another calendar stays.
func (e *Engine) Keep(c Calendar) { e.set.calendar = c }
