package duty

import (
	"fmt"
	"strings"
	"time"

	"stillwater/rules"
)

// Days is a day of the week (mon), a span of them (mon-fri), or a kind of day: workdays, restdays, weekends, holidays.
type Days string

// weekdays are the days of the week by their names, from Monday on.
var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// A daySet is which days a shift begins on.
type daySet struct {
	week  uint8 // bit 0 is Monday
	kinds uint8 // bit by rules.DayKind
}

// The kinds of day, as calendar.Working tells them.
var dayKinds = map[Days]uint8{
	"workdays": 1 << rules.Workday,
	"weekends": 1 << rules.Restday,
	"holidays": 1 << rules.Festival,
	"restdays": 1<<rules.Restday | 1<<rules.Festival,
}

// parse is the days meant, or what is wrong.
func (d Days) parse() (daySet, string) {
	word := Days(strings.ToLower(strings.TrimSpace(string(d))))
	if kinds, ok := dayKinds[word]; ok {
		return daySet{kinds: kinds}, ""
	}
	first, last, span := strings.Cut(string(word), "-")
	if !span {
		last = first
	}
	from, to := weekday(first), weekday(last)
	if from < 0 || to < 0 {
		return daySet{}, fmt.Sprintf("%q are no days; write like mon-fri, sat, workdays (adjusted weekends worked, holidays off), weekends, holidays or restdays", d)
	}
	var set daySet
	for i := from; ; i = (i + 1) % 7 {
		set.week |= 1 << i
		if i == to {
			return set, ""
		}
	}
}

// weekday is the place of a day in the week, Monday 0; -1 for none.
func weekday(name string) int {
	for i, known := range weekdays {
		if strings.TrimSpace(name) == known {
			return i
		}
	}
	return -1
}

// daysOf puts words together; none of them is each day.
func daysOf(words []Days) daySet {
	if len(words) == 0 {
		return daySet{week: 1<<7 - 1}
	}
	var all daySet
	for _, word := range words {
		one, _ := word.parse()
		all.week |= one.week
		all.kinds |= one.kinds
	}
	return all
}

// has says whether the date is one of the days.
func (s daySet) has(d Date, days rules.Calendar) bool {
	if s.week&(1<<mondayFirst(d.Weekday())) != 0 {
		return true
	}
	return s.kinds != 0 && s.kinds&(1<<kindOf(d, days)) != 0
}

func kindOf(d Date, days rules.Calendar) rules.DayKind { return days.Kind(d.UTC().Date()) }

// mondayFirst is the place of a date in the week.
func mondayFirst(w time.Weekday) int { return (int(w) + 6) % 7 }
