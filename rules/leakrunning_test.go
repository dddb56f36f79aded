package rules

import (
	"testing"
	"time"

	"stillwater"
)

// TestFirstCleaningDay: three hours of cleaning in the first week, on a meter read each hour, are no running tap. A tap that is left on in the same
// hours is, and as soon as ever.
func TestFirstCleaningDay(t *testing.T) {
	for name, c := range map[string]struct {
		perHour float64
		hours   int
		after   time.Duration // that a running draw is told; 0: never
	}{
		"cleaning":   {perHour: 115, hours: 3},
		"tap, 3 L/m": {perHour: 180, hours: 20, after: 2 * time.Hour},
		"weak tap":   {perHour: 120, hours: 20, after: 5 * time.Hour},
		"pipe":       {perHour: 900, hours: 20, after: 2 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWaterHome(t, time.Hour, 1)
			person := livesAlone(4)
			h.days(4, person)
			began := h.at.Add(9 * time.Hour)
			h.days(1, both(person, func(from, _ time.Time) float64 {
				if from.Before(began) || !from.Before(began.Add(time.Duration(c.hours)*time.Hour)) {
					return 0
				}
				return c.perHour
			}))
			var told time.Duration
			for _, f := range h.found {
				if f.Rule == "leak-running" && f.Severity == stillwater.Urgent && f.Ended.IsZero() {
					told = f.Began.Sub(began)
				}
			}
			if told != c.after {
				t.Errorf("told after %v, want %v", told, c.after)
			}
		})
	}
}
