package calendar

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/6tail/lunar-go/HolidayUtil"

	"stillwater/rules"
)

func kindOn(t *testing.T, c rules.Calendar, day string) rules.DayKind {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return c.Kind(at.Date())
}

func TestChina(t *testing.T) {
	c := New(Config{Holidays: China})
	for day, want := range map[string]rules.DayKind{
		"2026-01-01": rules.Restday,  // a Thursday
		"2026-01-04": rules.Workday,  // a Sunday that is worked
		"2026-01-10": rules.Restday,  // a Saturday
		"2026-01-12": rules.Workday,  //
		"2026-02-09": rules.Workday,  // the last day that teaches
		"2026-02-10": rules.Festival, // a week before New Year's Day
		"2026-02-14": rules.Festival, // a Saturday that is worked teaches nothing either
		"2026-02-16": rules.Festival, // the eve
		"2026-02-17": rules.Festival, // New Year's Day
		"2026-02-23": rules.Festival, // the seventh
		"2026-02-24": rules.Workday,
		"2026-02-28": rules.Workday, // a Saturday that is worked
		"2026-04-06": rules.Restday,
		"2026-05-09": rules.Workday, // a Saturday that is worked
		"2026-10-07": rules.Restday,
		"2020-01-31": rules.Festival, // the leave was lengthened; the seventh was the 31st
		"2020-02-02": rules.Restday,
		"2010-05-04": rules.Workday, // the leave was three days then
		"2019-05-05": rules.Workday, // a Sunday that is worked

		// Not announced: the days themselves.
		"2030-01-01": rules.Restday,
		"2030-02-03": rules.Festival, // New Year's Day of the year of the dog
		"2030-01-27": rules.Festival,
		"2030-01-25": rules.Workday, // a Friday
		"2030-04-05": rules.Restday, // Qingming, a Friday
		"2030-06-05": rules.Restday, // Dragon Boat, a Wednesday
		"2030-09-12": rules.Restday, // Mid-Autumn, a Thursday
		"2030-05-02": rules.Restday,
		"2030-10-07": rules.Restday, // a Monday
		"2030-10-08": rules.Workday,
		"2033-01-31": rules.Festival, // the year whose leap month some calendars have wrong
		"2034-02-19": rules.Festival,
		"2150-01-28": rules.Festival, // New Year's Day

		// Outside of what is known: the week.
		"1970-01-01": rules.Workday,
		"1970-01-03": rules.Restday,
		"2500-01-01": rules.Workday,
	} {
		if got := kindOn(t, c, day); got != want {
			t.Errorf("%s is %d, want %d", day, got, want)
		}
	}
}

// TestLunarDatesAreTheAnnouncedOnes compares what is computed for years to come with every holiday that was announced so far.
func TestLunarDatesAreTheAnnouncedOnes(t *testing.T) {
	computed := map[string]func(int) date{
		"春节": springFestival, "清明节": qingming,
		"端午节": func(y int) date { return lunarDay(y, 5, 5) }, "中秋节": func(y int) date { return lunarDay(y, 8, 15) },
	}
	seen := 0
	for y := 2005; y <= 2026; y++ {
		list := HolidayUtil.GetHolidaysByYear(y)
		for e := list.Front(); e != nil; e = e.Next() {
			h := e.Value.(*HolidayUtil.Holiday)
			compute, target := computed[h.GetName()], h.GetTarget()
			if compute == nil || !strings.HasPrefix(target, h.GetDay()[:4]) {
				continue
			}
			at, err := time.Parse(time.DateOnly, target)
			got, said := compute(y), date{at.Year(), at.Month(), at.Day()}
			if eve := got.next(-1); h.GetName() == "春节" && y <= 2010 && said == eve {
				got = eve // the leave then was counted from the eve
			}
			if err != nil || got != said {
				t.Errorf("%s of %d is computed as %v, announced as %s", h.GetName(), y, got, target)
			}
			seen++
		}
	}
	if seen < 200 {
		t.Errorf("only %d announced days were compared", seen)
	}
}

// TestEveryYear wants two whole weeks of festival in each year, and never a day of rest fewer than the holidays have.
func TestEveryYear(t *testing.T) {
	c := New(Config{Holidays: China})
	for y := firstYear; y <= lastYear; y++ {
		var count [3]int
		weekdays := map[time.Weekday]int{}
		for d := (date{y, time.January, 1}); d.year == y; d = d.next(1) {
			kind := c.Kind(d.year, d.month, d.day)
			count[kind]++
			if kind == rules.Festival {
				weekdays[time.Date(y, d.month, d.day, 0, 0, 0, 0, time.UTC).Weekday()]++
			}
		}
		if count[rules.Festival] != 14 || len(weekdays) != 7 {
			t.Errorf("%d has %d days of festival on %v", y, count[rules.Festival], weekdays)
		}
		if count[rules.Workday] < 235 || count[rules.Workday] > 252 {
			t.Errorf("%d has %d working days", y, count[rules.Workday])
		}
	}
}

func TestThePlaceHasTheLastWord(t *testing.T) {
	own := Config{Holidays: China, Festivals: []Days{"2026-07-01..2026-07-02"}, RestDays: []Days{"2026-07-03", "2026-12-31..2027-01-02"}, WorkDays: []Days{"2026-02-17", "2026-07-04"}}
	c := New(own)
	for day, want := range map[string]rules.DayKind{
		"2026-06-30": rules.Workday, "2026-07-01": rules.Festival, "2026-07-02": rules.Festival, "2026-07-03": rules.Restday,
		"2026-07-04": rules.Workday, "2026-07-05": rules.Restday, "2026-02-17": rules.Workday, "2026-12-31": rules.Restday, "2027-01-02": rules.Restday,
		"2027-07-01": rules.Workday, "2025-07-01": rules.Workday, // of one year, not of each
	} {
		if got := kindOn(t, c, day); got != want {
			t.Errorf("%s is %d, want %d", day, got, want)
		}
	}
	own.Holidays = None
	if got := kindOn(t, New(own), "2026-02-18"); got != rules.Workday {
		t.Errorf("without a country the Spring Festival is %d", got)
	}
	if got := kindOn(t, New(own), "2026-07-01"); got != rules.Festival {
		t.Errorf("without a country a day of the place is %d", got)
	}
	if New(Defaults()) != nil {
		t.Error("the week alone needs no calendar")
	}
}

// TestTogether asks for all years from several goroutines; it is for the race detector.
func TestTogether(t *testing.T) {
	c := New(Config{Holidays: China})
	other := New(Config{Holidays: China})
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for y := 2020; y < 2040; y++ {
				if a, b := c(y, time.February, 5), other(y, time.February, 5); a != b {
					t.Errorf("%d: %d and %d", y, a, b)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzDays(f *testing.F) {
	f.Add("2026-10-01..2026-10-04", 2026, 2, 30)
	f.Add("..", -5, 13, 0)
	f.Fuzz(func(t *testing.T, days string, y, month, day int) {
		own := Config{Holidays: China, Festivals: []Days{Days(days)}}
		own.Validate(func(any, string) {})
		if kind := New(own)(y, time.Month(month), day); kind > rules.Festival {
			t.Errorf("%d", kind)
		}
	})
}

func TestLookUpMakesNoGarbage(t *testing.T) {
	c := New(Config{Holidays: China})
	c(2026, time.May, 3)
	if n := testing.AllocsPerRun(100, func() { c.Kind(2026, time.May, 3) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookUp(b *testing.B) {
	c := New(Config{Holidays: China})
	for b.Loop() {
		c.Kind(2026, time.May, 3)
	}
}

func BenchmarkYear(b *testing.B) {
	own := Config{Holidays: China}
	for b.Loop() {
		own.year(2030, nil)
	}
}
