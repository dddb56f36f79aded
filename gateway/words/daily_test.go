package words

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// dayKinds is every kind of daily line.
var dayKinds = []DayKind{DayUsual, DayLate, DayEarly, DayUse, DayStirred, DayOverdue, DayNothing, DayBlind, DayHole, DayCut, DayAway}

// TestDailyGolden holds every daily line, so that a change of words is read by somebody; none takes a second segment, nor, in a home that asks
// for it, has a time of day.
func TestDailyGolden(t *testing.T) {
	w := newWords(t)
	var b strings.Builder
	for _, lang := range []string{"zh-CN", "en"} {
		for _, coarse := range []bool{false, true} {
			for _, k := range dayKinds {
				for _, d := range daysOf(k) {
					h := wang()
					h.Coarse = coarse
					text := dailyOf(w, lang, d, h)
					fmt.Fprintf(&b, "%s %s coarse=%v\n\t%s\n", lang, k, coarse, text)
					if coarse && strings.ContainsAny(strings.TrimSuffix(text, "[9K7M3Q]"), ":") && lang == "zh-CN" {
						t.Errorf("%s has a time of day: %s", k, text)
					}
				}
			}
		}
	}
	goldenFile(t, "testdata/daily.golden", b.String())
}

// daysOf are days of a kind as they are met.
func daysOf(k DayKind) []Day {
	switch k {
	case DayOverdue, DayNothing, DayBlind:
		return []Day{{Kind: k, At: day(3, 21, 33), DataTo: day(4, 8, 15)}, {Kind: k}}
	}
	return []Day{{Kind: k, At: day(4, 6, 41), DataTo: day(4, 8, 15)}}
}

func dailyOf(w *Words, lang string, d Day, h stillwater.Household) string {
	m := stillwater.Message{Purpose: stillwater.Line, Language: lang, Code: "9K7M3Q", Created: day(4, 8, 30), Severity: stillwater.Notice, Contact: "son"}
	return w.Daily(m, d, h)
}

// TestDailyFits: whatever the home is called and in either language, a line is one segment, marked as a repeat or not.
func TestDailyFits(t *testing.T) {
	w := newWords(t)
	long := wang()
	for _, name := range []string{"王秀英", "欧阳娜娜", "Wilhelmina Featherstonehaugh", "x"} {
		for _, lang := range w.Languages() {
			for _, k := range dayKinds {
				long.Name, long.ID = name, "household-with-a-long-name"
				m := stillwater.Message{Language: lang, Code: "9K7M3Q", Created: day(4, 8, 30), Repeat: true}
				text := w.Daily(m, Day{Kind: k, At: day(3, 21, 33).AddDate(-1, 0, 0), DataTo: day(3, 22, 2).AddDate(0, -2, 0)}, long)
				if n, _ := Segments(text); n != 1 || strings.Contains(text, "⟦") {
					t.Errorf("%d segments: %s", n, text)
				}
			}
		}
	}
}

// TestDailyCoarse: nothing in a coarse line tells more than the half-day, on the day and after it.
func TestDailyCoarse(t *testing.T) {
	w := newWords(t)
	h := wang()
	h.Coarse = true
	for _, k := range dayKinds {
		for _, lang := range w.Languages() {
			for hour := 1; hour < 12; hour++ { // all of one half-day read the same
				a := dailyOf(w, lang, Day{Kind: k, At: day(4, 0, 0), DataTo: day(4, 0, 0)}, h)
				at := day(4, 0, 0).Add(time.Duration(hour) * time.Hour)
				if b := dailyOf(w, lang, Day{Kind: k, At: at, DataTo: at}, h); a != b {
					t.Errorf("%s differs within a half-day: %s, %s", k, a, b)
				}
			}
		}
	}
}
