package rules

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stillwater"
)

// TestTrendReal counts what is told of the homes of real recordings, whose people do change their ways, for each year of weeks that could be
// judged: how often trends would stand in a digest.
func TestTrendReal(t *testing.T) {
	shared := os.Getenv("STILLWATER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	count, weeks := map[string]int{}, 0
	for name, zone := range map[string]string{"alicante": "Europe/Madrid", "naples": "Europe/Rome"} {
		file := filepath.Join(shared, "benchmark", "recordings", name, "readings.csv.gz")
		if _, err := os.Stat(file); err != nil {
			t.Skip("left out: needs ../shared/benchmark")
		}
		local, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		weeks += trendsOf(recording(t, file), local, count)
	}
	all := 0
	for _, n := range count {
		all += n
	}
	rate := float64(all) / float64(weeks) * 365.25 / 7
	t.Logf("%v in %d weeks that were judged: %.2f a home and year", count, weeks, rate)
	if rate > 0.75 {
		t.Errorf("%.2f notices a home and year", rate)
	}
}

// trendsOf counts the trends that are told of readings, and the weeks of which nights could be judged.
func trendsOf(readings []stillwater.Reading, zone *time.Location, count map[string]int) (weeks int) {
	e := New(Defaults())
	for i := range readings {
		r := &readings[i]
		if e.homes.of(r.Household) == nil {
			e.Locate(r.Household, zone)
		}
		before, h := trends{}, e.home(r.Household)
		if h.Trends != nil {
			before = *h.Trends
		}
		for _, entry := range []stillwater.Entry{{Tick: r.Received.Truncate(time.Minute)}, {Reading: r}} {
			found, _ := e.Step(&entry)
			for _, f := range found {
				if f.Facts.Trend != nil && f.Ended.IsZero() {
					count[f.Rule]++
				}
			}
		}
		if t := h.Trends; t != nil && t.DayTo != before.DayTo && before.Day > t.Day && !math.IsNaN(before.values()[ofNight]) && before.Levels[ofNight].known() {
			weeks++
		}
	}
	return weeks
}
