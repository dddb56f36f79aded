// Package calendar says what kind of day a date is: a working day, a day of rest, or a festival, whose hours say nothing of an ordinary
// week. The rules are handed it as a function.
//
// China's days come from 6tail/lunar-go: the State Council's arrangements for the years that it knows, adjusted working days included,
// and the dates of the holidays themselves, by the lunar calendar, for those that have not been announced. The Spring Festival
// is computed for every year. Days of the place itself come from the configuration, and they have the last word.
//
// It opens nothing and asks nobody: a year that is announced comes with a new release, or with the configuration.
package calendar

import (
	"sync/atomic"
	"time"

	"stillwater/rules"
)

// The years that are known. Outside them, as of a device whose clock is off, Saturday and Sunday rest.
const (
	firstYear = 2000
	lastYear  = 2199
)

// A year is the kind of each of its days; months have 32 places each, so that a look-up computes nothing.
type year [12 * 32]rules.DayKind

func (y *year) at(month time.Month, day int) *rules.DayKind { return &y[int(month-1)*32+day] }

// New is the calendar of a configuration, which must be valid. It is safe for concurrent use, and a look-up costs some nanoseconds
// once its year was asked for.
func New(c Config) rules.Calendar {
	special := c.special()
	if c.Holidays != China && len(special) == 0 {
		return nil // Saturday and Sunday rest
	}
	return remembered(func(number int) *year { return c.year(number, special) })
}

// remembered makes each year once it is asked for, and keeps it.
func remembered(build func(number int) *year) rules.Calendar {
	years := new([lastYear - firstYear + 1]atomic.Pointer[year])
	return func(y int, month time.Month, day int) rules.DayKind {
		if y < firstYear || y > lastYear || month < time.January || month > time.December || day < 1 || day > 31 {
			return rules.Calendar(nil).Kind(y, month, day)
		}
		known := &years[y-firstYear]
		if known.Load() == nil {
			known.Store(build(y)) // two at once make the same
		}
		return *known.Load().at(month, day)
	}
}

// year makes one year.
func (c *Config) year(number int, special map[date]rules.DayKind) *year {
	y := c.week(number)
	if c.Holidays == China {
		china(number, y)
	}
	for d, kind := range special {
		if d.year == number {
			*y.at(d.month, d.day) = kind
		}
	}
	return y
}

// A date is a day of the calendar, without a time zone.
type date struct {
	year  int
	month time.Month
	day   int
}

// next is the day some days later, or with a negative number earlier.
func (d date) next(days int) date {
	t := time.Date(d.year, d.month, d.day+days, 12, 0, 0, 0, time.UTC)
	return date{t.Year(), t.Month(), t.Day()}
}

// before says whether d is before other.
func (d date) before(other date) bool {
	if d.year != other.year {
		return d.year < other.year
	}
	return d.month < other.month || d.month == other.month && d.day < other.day
}
