package calendar

import (
	"fmt"
	"strings"
	"time"

	"stillwater/rules"
)

// Holidays names whose public holidays are kept.
type Holidays string

// The countries that are known.
const (
	None  Holidays = "none"
	China Holidays = "china"
)

// Config is which days are not like the week says.
type Config struct {
	Holidays  Holidays `yaml:"holidays,omitempty" doc:"china: its public holidays and adjusted working days, and the two weeks of the Spring Festival teach no routine; none: Saturday and Sunday rest; default none"`
	Festivals []Days   `yaml:"festivals,omitempty" doc:"days that are unlike any other here, such as a temple fair: their hours teach no routine. A day or a span, like 2026-10-01..2026-10-04"`
	RestDays  []Days   `yaml:"rest_days,omitempty" doc:"days off that were announced since this release, or here alone"`
	WorkDays  []Days   `yaml:"work_days,omitempty" doc:"weekends that are worked, announced since this release, or here alone"`
}

// Defaults keep no country's holidays: a gateway does not know where it stands.
func Defaults() Config { return Config{Holidays: None} }

// Days is a day or a span of days: "2026-10-01", "2026-10-01..2026-10-04".
type Days string

// longestSpan is in days; a longer one is a slip of the pen.
const longestSpan = 60

// parse gives the first and the last day, or says what is wrong.
func (d Days) parse() (from, to date, problem string) {
	first, last, span := strings.Cut(string(d), "..")
	if !span {
		last = first
	}
	a, errA := time.Parse(time.DateOnly, strings.TrimSpace(first))
	b, errB := time.Parse(time.DateOnly, strings.TrimSpace(last))
	switch {
	case errA != nil || errB != nil:
		return from, to, fmt.Sprintf("%q is not a day; write like 2026-10-01, or 2026-10-01..2026-10-04", d)
	case b.Before(a):
		return from, to, fmt.Sprintf("%q ends before it begins; put the earlier day first", d)
	case b.Sub(a) > longestSpan*24*time.Hour:
		return from, to, fmt.Sprintf("%q is longer than %d days; is the year right?", d, longestSpan)
	case a.Year() < firstYear || b.Year() > lastYear:
		return from, to, fmt.Sprintf("%q is not between %d and %d; is the year right?", d, firstYear, lastYear)
	}
	return date{a.Year(), a.Month(), a.Day()}, date{b.Year(), b.Month(), b.Day()}, ""
}

// Validate says what is wrong; see gateway/config.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Holidays != China && c.Holidays != None && c.Holidays != "" {
		report(&c.Holidays, fmt.Sprintf("%q is not a calendar; write china or none", c.Holidays))
	}
	said := map[date]string{}
	for _, l := range c.lists() {
		for i := range l.days {
			from, to, problem := l.days[i].parse()
			if problem != "" {
				report(&l.days[i], problem)
				continue
			}
			for d := from; !to.before(d); d = d.next(1) {
				if other, twice := said[d]; twice {
					report(&l.days[i], fmt.Sprintf("%d-%02d-%02d stands in %s too; take it out of one", d.year, d.month, d.day, other))
					break
				}
			}
			for d := from; !to.before(d); d = d.next(1) {
				said[d] = l.key
			}
		}
	}
}

// lists are the days of the place, by kind.
func (c *Config) lists() []dayList {
	return []dayList{{"festivals", c.Festivals, rules.Festival}, {"rest_days", c.RestDays, rules.Restday}, {"work_days", c.WorkDays, rules.Workday}}
}

type dayList struct {
	key  string
	days []Days
	kind rules.DayKind
}

// special is the kind of every day that the configuration names.
func (c *Config) special() map[date]rules.DayKind {
	kinds := map[date]rules.DayKind{}
	for _, l := range c.lists() {
		for _, days := range l.days {
			from, to, problem := days.parse()
			for d := from; problem == "" && !to.before(d); d = d.next(1) {
				kinds[d] = l.kind
			}
		}
	}
	return kinds
}
