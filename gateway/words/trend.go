package words

import (
	"math"
	"strings"
	"time"

	"stillwater"
)

// trend adds to the data of a trend's sentence what was usual, what is now, and for how many weeks, each as roughly as people speak of such
// things; and it gives the name of the sentence: another where there is no water meter.
func (s teller) trend(name string, t *stillwater.Trend, data map[string]any) string {
	if !strings.HasPrefix(name, "trend-") {
		return name
	}
	if t == nil {
		t = &stillwater.Trend{}
	}
	data["Count"] = t.Weeks
	switch name {
	case "trend-night":
		data["Before"], data["Now"] = trim(halves(t.NightBefore), 1), trim(halves(t.NightNow), 1)
	case "trend-use":
		data["Before"], data["Now"] = s.volume(fives(t.UseBefore)), s.volume(fives(t.UseNow))
	case "trend-first":
		data["Before"], data["Now"] = clock(t.FirstBefore), clock(t.FirstNow)
	}
	if t.Seen {
		return name + "-seen"
	}
	return name
}

// halves rounds a number of times; a mean below a quarter is still now and then.
func halves(n float64) float64 {
	if n > 0 {
		n = max(n, 0.25)
	}
	return math.Round(2*n) / 2
}

// fives rounds litres a day.
func fives(l stillwater.Litres) stillwater.Litres {
	if l < 20 {
		return stillwater.Litres(math.Round(float64(l)))
	}
	return stillwater.Litres(5 * math.Round(float64(l)/5))
}

// clock is a time of day to five minutes.
func clock(sinceMidnight time.Duration) string {
	return time.Time{}.Add(sinceMidnight.Round(5 * time.Minute)).Format("15:04")
}
