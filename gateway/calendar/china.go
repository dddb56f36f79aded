package calendar

import (
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"
	lunar "github.com/6tail/lunar-go/calendar"

	"stillwater/rules"
)

// The Spring Festival does not teach from a week before New Year's Day to the end of its first week. In those days children come home or
// she goes to theirs, houses are cleaned, and nights are long; the official leave, from the eve to the seventh, is only their
// middle. Two whole weeks, so that each day of the week is left out as often as the others. Longer would cost more learning than
// it spares: on the eighth shops and offices open, and the Lantern Festival is one evening.
const (
	springBefore = 7
	springDays   = 14
)

// china puts China's public holidays and adjusted working days of a year into it.
func china(number int, y *year) {
	if !announced(number, y) {
		expected(number, y)
	}
	first := springFestival(number).next(-springBefore)
	for i := range springDays {
		if d := first.next(i); d.year == number {
			*y.at(d.month, d.day) = rules.Festival
		}
	}
}

// announced puts in what the State Council arranged, and says whether it has been announced. Days of the year before that belong
// to New Year's Day are no announcement.
func announced(number int, y *year) bool {
	is := false
	list := HolidayUtil.GetHolidaysByYear(number)
	for e := list.Front(); e != nil; e = e.Next() {
		holiday := e.Value.(*HolidayUtil.Holiday)
		day, err := time.Parse(time.DateOnly, holiday.GetDay())
		if err != nil || day.Year() != number {
			continue
		}
		kind := rules.Restday
		if holiday.IsWork() {
			kind = rules.Workday
		}
		*y.at(day.Month(), day.Day()) = kind
		if target, err := time.Parse(time.DateOnly, holiday.GetTarget()); err == nil && target.Year() == number {
			is = true
		}
	}
	return is
}

// expected puts in the holidays by their dates. The leave around Labour Day and National Day has been five and seven days each year
// since 2020; which weekends will be worked for it nobody can know.
func expected(number int, y *year) {
	rest := func(from date, days int) {
		for i := range days {
			if d := from.next(i); d.year == number {
				*y.at(d.month, d.day) = rules.Restday
			}
		}
	}
	rest(date{number, time.January, 1}, 1)
	rest(springFestival(number).next(-1), 8)
	rest(qingming(number), 1)
	rest(date{number, time.May, 1}, 5)
	rest(lunarDay(number, 5, 5), 1)
	rest(lunarDay(number, 8, 15), 1)
	rest(date{number, time.October, 1}, 7)
}

// springFestival is New Year's Day of the lunar calendar.
func springFestival(number int) date { return lunarDay(number, 1, 1) }

// lunarDay is the date of a day of the lunar calendar, of the month that is not a leap month.
func lunarDay(number, month, day int) date {
	return dateOf(lunar.NewLunarFromYmd(number, month, day).GetSolar())
}

// qingming is the solar term of the tombs.
func qingming(number int) date {
	return dateOf(lunar.NewSolarFromYmd(number, 4, 1).GetLunar().GetJieQiTable()["清明"])
}

func dateOf(s *lunar.Solar) date { return date{s.GetYear(), time.Month(s.GetMonth()), s.GetDay()} }
