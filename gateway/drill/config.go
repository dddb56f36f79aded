package drill

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// Config is when drills are held. Without it there are none.
type Config struct {
	Day      string `yaml:"day" doc:"the day of the month: 1 to 28, or like first-tuesday (first, second, third, fourth, last; monday … sunday)"`
	At       string `yaml:"at,omitempty" doc:"time of day like 10:00; default 10:00"`
	TimeZone string `yaml:"timezone,omitempty" doc:"IANA name of the time zone that day and time are in; default Asia/Shanghai"`
}

// SetDefaults is what holds unless the entry says otherwise.
func (c *Config) SetDefaults() { c.At, c.TimeZone = "10:00", "Asia/Shanghai" }

const (
	lastOf    = -1
	lastDay   = 28 // that every month has
	earliest  = 8 * time.Hour
	latest    = 20 * time.Hour
	mayBeLate = 4 * time.Hour // where the gateway was away then; later that month there is none
)

var (
	ordinals = map[string]int{"first": 1, "second": 2, "third": 3, "fourth": 4, "last": lastOf}
	weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

// Validate reports every mistake; field points into c.
func (c *Config) Validate(report func(field any, problem string)) {
	if _, _, err := c.day(); err != nil {
		report(&c.Day, err.Error())
	}
	at, err := stillwater.ParseClock(c.At)
	switch {
	case err != nil:
		report(&c.At, err.Error())
	case at < earliest || at > latest:
		report(&c.At, fmt.Sprintf("%s is an hour at which people are not to be disturbed; write 8:00 to 20:00", c.At))
	}
	if zone := (stillwater.Household{TimeZone: c.TimeZone}).Location(); zone.String() != c.TimeZone || c.TimeZone == "Local" {
		report(&c.TimeZone, fmt.Sprintf("%q is not a time zone; write an IANA name like Asia/Shanghai", c.TimeZone))
	}
}

// day is which of a weekday, or with no weekday (-1) which day of the month.
func (c *Config) day() (n, weekday int, err error) {
	if n, err = strconv.Atoi(c.Day); err == nil && n >= 1 && n <= lastDay {
		return n, -1, nil
	}
	which, name, _ := strings.Cut(strings.ToLower(c.Day), "-")
	n, weekday = ordinals[which], slices.Index(weekdays, name)
	if n == 0 || weekday < 0 {
		return 0, 0, fmt.Errorf("%q is no day of each month; write 1 to %d, or like first-tuesday or last-friday", c.Day, lastDay)
	}
	return n, weekday, nil
}

// In is when the drill of a month is held. Of a config that Validate has nothing to report of.
func (c *Config) In(year int, month time.Month) time.Time {
	n, weekday, _ := c.day()
	at, _ := stillwater.ParseClock(c.At)
	zone := stillwater.Household{TimeZone: c.TimeZone}.Location()
	day := n
	if weekday >= 0 {
		first := time.Date(year, month, 1, 12, 0, 0, 0, zone)
		day = 1 + (weekday-int(first.Weekday())+7)%7 + (n-1)*7
		if n == lastOf {
			length := time.Date(year, month+1, 0, 12, 0, 0, 0, zone).Day()
			end := time.Date(year, month, length, 12, 0, 0, 0, zone)
			day = length - (int(end.Weekday())-weekday+7)%7
		}
	}
	return time.Date(year, month, day, 0, int(at/time.Minute), 0, 0, zone)
}

// Due says whether the month's drill is to be held at a moment, as far as its time counts, and which month that is.
func (c *Config) Due(now time.Time) (month Month, due bool) {
	local := now.In(stillwater.Household{TimeZone: c.TimeZone}.Location())
	at := c.In(local.Year(), local.Month())
	return c.MonthOf(now), !now.Before(at) && now.Sub(at) < mayBeLate
}

// Next is when the first drill after a moment is held.
func (c *Config) Next(after time.Time) time.Time {
	local := after.In(stillwater.Household{TimeZone: c.TimeZone}.Location())
	at := c.In(local.Year(), local.Month())
	if !at.After(after) {
		at = c.In(local.Year(), local.Month()+1)
	}
	return at
}

// A Month is that of a drill, "2026-03".
type Month string

// MonthOf is the month of a moment.
func (c *Config) MonthOf(at time.Time) Month {
	return Month(at.In(stillwater.Household{TimeZone: c.TimeZone}.Location()).Format("2006-01"))
}

// Incident names the month's drill.
func (m Month) Incident() stillwater.IncidentID { return stillwater.IncidentID("drill-" + string(m)) }

// Message names what a contact is told in the month.
func (m Month) Message(c stillwater.ContactID) stillwater.MessageID {
	return stillwater.MessageID("drill-" + string(m) + "-" + string(c))
}
