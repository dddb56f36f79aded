package calendar

import (
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"

	"stillwater/rules"
)

// Working is the calendar by which offices work, for rosters: Workday is a day that is worked, adjusted weekends too; Restday an ordinary
// weekend; Festival a public holiday with the weekend in it, and a day off that the configuration names. Unlike New it knows no weeks that
// teach nothing: the days before the Spring Festival are worked. The configuration must be valid.
func Working(c Config) rules.Calendar {
	special := c.special()
	return remembered(func(number int) *year {
		y := c.week(number)
		if c.Holidays == China {
			offices(number, y)
		}
		for d, kind := range special {
			switch {
			case d.year != number || kind == rules.Festival: // a temple fair closes no office
			case kind == rules.Restday:
				*y.at(d.month, d.day) = rules.Festival
			default:
				*y.at(d.month, d.day) = kind
			}
		}
		return y
	})
}

// week is a year as the days of the week say.
func (c *Config) week(number int) *year {
	y := new(year)
	for d := (date{number, time.January, 1}); d.year == number; d = d.next(1) {
		*y.at(d.month, d.day) = rules.Calendar(nil).Kind(d.year, d.month, d.day)
	}
	return y
}

// offices puts China's arrangement of a year in: what was announced, or what can be expected.
func offices(number int, y *year) {
	plan := new(year) // Festival marks what the arrangement leaves alone
	for i := range plan {
		plan[i] = rules.Festival
	}
	if !announced(number, plan) {
		expected(number, plan)
	}
	for i, kind := range plan {
		switch kind {
		case rules.Restday:
			y[i] = rules.Festival
		case rules.Workday:
			y[i] = rules.Workday
		}
	}
}

// Spring says from which to which day the public holiday of the Spring Festival goes in a year, as midnights in UTC: as it was announced, or
// the eight days from the eve on. It is nil where China's holidays are not kept.
func Spring(c Config) func(year int) (first, last time.Time) {
	if c.Holidays != China {
		return nil
	}
	return func(number int) (first, last time.Time) {
		list := HolidayUtil.GetHolidaysByYear(number)
		for e := list.Front(); e != nil; e = e.Next() {
			holiday := e.Value.(*HolidayUtil.Holiday)
			day, err := time.Parse(time.DateOnly, holiday.GetDay())
			if err != nil || holiday.IsWork() || holiday.GetName() != "春节" || day.Year() != number {
				continue
			}
			if first.IsZero() || day.Before(first) {
				first = day
			}
			if day.After(last) {
				last = day
			}
		}
		if first.IsZero() {
			eve := springFestival(number).next(-1)
			first = time.Date(eve.year, eve.month, eve.day, 0, 0, 0, 0, time.UTC)
			last = first.AddDate(0, 0, 7)
		}
		return first, last
	}
}
