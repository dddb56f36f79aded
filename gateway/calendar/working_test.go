package calendar

import (
	"testing"
	"time"

	"stillwater/rules"
)

// An office works on the days before the Spring Festival and on adjusted weekends, and rests on the weekend within a holiday as on the holiday.
func TestWorking(t *testing.T) {
	c := Working(Config{Holidays: China, Festivals: []Days{"2026-03-02"}, RestDays: []Days{"2026-03-03"}, WorkDays: []Days{"2026-03-07"}})
	for day, want := range map[string]rules.DayKind{
		"2026-01-01": rules.Festival,
		"2026-01-03": rules.Festival, // the Saturday of New Year's leave
		"2026-01-04": rules.Workday,  // a Sunday that is worked
		"2026-01-10": rules.Restday,  // an ordinary Saturday
		"2026-02-12": rules.Workday,  // the week before the Spring Festival
		"2026-02-14": rules.Workday,  // a Saturday that is worked
		"2026-02-15": rules.Festival,
		"2026-02-23": rules.Festival,
		"2026-02-24": rules.Workday,
		"2026-10-04": rules.Festival, // a Sunday within National Day
		"2026-03-02": rules.Workday,  // a temple fair
		"2026-03-03": rules.Festival, // a day off of the place
		"2026-03-07": rules.Workday,  // a Saturday worked here
		"2030-02-02": rules.Festival, // not announced: the eve
		"2030-02-09": rules.Festival,
		"2030-02-11": rules.Workday,
	} {
		if got := kindOn(t, c, day); got != want {
			t.Errorf("%s is %d, want %d", day, got, want)
		}
	}
	if week := Working(Config{}); kindOn(t, week, "2026-02-17") != rules.Workday || kindOn(t, week, "2026-02-21") != rules.Restday {
		t.Error("without holidays the week counts")
	}
}

func TestSpring(t *testing.T) {
	if Spring(Config{}) != nil {
		t.Error("without China's holidays there is no Spring Festival to fill")
	}
	spring := Spring(Config{Holidays: China})
	for y, want := range map[int][2]string{
		2025: {"2025-01-28", "2025-02-04"}, 2026: {"2026-02-15", "2026-02-23"}, 2030: {"2030-02-02", "2030-02-09"},
	} {
		first, last := spring(y)
		if first.Format(time.DateOnly) != want[0] || last.Format(time.DateOnly) != want[1] {
			t.Errorf("%d: %v to %v, want %v", y, first, last, want)
		}
	}
}
