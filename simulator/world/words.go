package world

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Clock is a time of day as people write it, like 06:10; "" is not said.
type Clock string

// UnmarshalText reads a time of day.
func (c *Clock) UnmarshalText(text []byte) error {
	if _, err := time.Parse("15:04", string(text)); err != nil {
		return fmt.Errorf("%q is no time of day; write like 06:10", text)
	}
	*c = Clock(text)
	return nil
}

// hour is the time of day in hours; it was checked when it was read.
func (c Clock) hour() float64 {
	t, _ := time.Parse("15:04", string(c))
	return float64(t.Hour()) + float64(t.Minute())/60
}

// Often is how often a habit shows, in words; "" is not said.
type Often string

// The words for how often.
const (
	Always    Often = "always"
	MostDays  Often = "most days"
	Half      Often = "often"
	Sometimes Often = "sometimes"
	Seldom    Often = "seldom"
	Never     Often = "never"
)

// UnmarshalText reads a word of frequency.
func (o *Often) UnmarshalText(text []byte) error {
	*o = Often(text)
	if all := []Often{Always, MostDays, Half, Sometimes, Seldom, Never}; !slices.Contains(all, *o) {
		return fmt.Errorf("%q is none of %v", text, all)
	}
	return nil
}

// share is the share of days; what is not said is otherwise.
func (o Often) share(otherwise float64) float64 {
	switch o {
	case Always:
		return 1
	case MostDays:
		return 0.85
	case Half:
		return 0.5
	case Sometimes:
		return 0.25
	case Seldom:
		return 0.08
	case Never:
		return 0
	}
	return otherwise
}

// Much is how much water somebody uses, in words; "" is not said.
type Much string

// The words for how much.
const (
	Little Much = "little"
	Usual  Much = "as usual"
	Lots   Much = "much"
)

// UnmarshalText reads a word of quantity.
func (m *Much) UnmarshalText(text []byte) error {
	*m = Much(text)
	if all := []Much{Little, Usual, Lots}; !slices.Contains(all, *m) {
		return fmt.Errorf("%q is none of %v", text, all)
	}
	return nil
}

// Days are days of the week: mon to sun, or workdays, weekend, every day. None is every day. A public holiday is a Sunday.
type Days []string

// has says whether a day of the week is among them; the words were checked by Validate.
func (d Days) has(day time.Weekday) bool {
	if len(d) == 0 {
		return true
	}
	name := strings.ToLower(day.String()[:3])
	return slices.ContainsFunc(d, func(word string) bool {
		return word == name || word == "every day" || word == "weekend" && weekend(day) || word == "workdays" && !weekend(day)
	})
}

// UnmarshalYAML reads days, one or several.
func (d *Days) UnmarshalYAML(read func(any) error) error {
	var words []string
	if err := read(&words); err != nil {
		return err
	}
	for _, word := range words {
		known := slices.Contains([]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun", "workdays", "weekend", "every day"}, word)
		if !known {
			return fmt.Errorf("day %q is none of mon to sun, workdays, weekend, every day", word)
		}
	}
	*d = words
	return nil
}

// A Date is a calendar day as people write it, like 2026-04-05.
type Date string

// UnmarshalText reads a date.
func (d *Date) UnmarshalText(text []byte) error {
	if _, err := time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q is no day; write like 2026-04-05", text)
	}
	*d = Date(text)
	return nil
}

// number is its day number.
func (d Date) number() int {
	t, _ := time.Parse(time.DateOnly, string(d))
	return int(t.Unix() / 86400)
}
