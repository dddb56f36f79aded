package words

import (
	"strings"
	"testing"
	"time"

	"stillwater"
)

// TestTrends holds the sentences of trends as people read them, in one SMS with a long name.
func TestTrends(t *testing.T) {
	w := newWords(t)
	night := stillwater.Trend{NightBefore: 1.1, NightNow: 2.9, Weeks: 3}
	use := stillwater.Trend{UseBefore: 118, UseNow: 71.6, Weeks: 4}
	first := stillwater.Trend{FirstBefore: 6*time.Hour + 31*time.Minute, FirstNow: 8*time.Hour + 4*time.Minute, Weeks: 1}
	few := stillwater.Trend{NightBefore: 0.05, NightNow: 1.6, Weeks: 2, Seen: true}
	seen := first
	seen.Seen = true
	for _, c := range []struct {
		rule   string
		trend  stillwater.Trend
		zh, en string
	}{
		{"trend-night", night, "王*家夜里用水由每晚约1次增至约3次（近3周）。", "Wang*: water used at night about 3 times, was about 1 (for 3 weeks)."},
		{"trend-night", few, "王*家夜里走动由每晚约0.5次增至约1.5次（近2周）。", "Wang*: up at night about 1.5 times, was about 0.5 (for 2 weeks)."},
		{"trend-use", use, "王*家用水由每天约120升减至约70升（近4周）。", "Wang*: about 70 L of water a day, was about 120 L (for 4 weeks)."},
		{"trend-first", first, "王*家早上第一次用水由约06:30变为约08:05（近1周）。", "Wang*: first water of the day at about 08:05, was about 06:30 (for 1 week)."},
		{"trend-first", seen, "王*家早上第一次走动由约06:30变为约08:05（近1周）。", "Wang*: first up at about 08:05, was about 06:30 (for 1 week)."},
	} {
		f := stillwater.Finding{Rule: c.rule, Kind: stillwater.Welfare, Severity: stillwater.Notice, Facts: stillwater.Facts{Trend: &c.trend, Since: day(3, 0, 0), DataTo: day(4, 9, 0)}}
		for lang, want := range map[string]string{"zh-CN": c.zh, "en": c.en} {
			text := w.SMS(messageOf(stillwater.Tell, lang), incidentOf(stillwater.Tell, f), wang())
			if !strings.Contains(text, want) {
				t.Errorf("%s: got %s, want in it %s", lang, text, want)
			}
			if n, _ := Segments(text); n > 1 {
				t.Errorf("%d segments: %s", n, text)
			}
			why := w.Why(lang, f, wang())
			if n, _ := Segments(why); n > 2 || strings.Contains(why, "⟦") || strings.Contains(why, "<no value>") {
				t.Errorf("%d segments: %s", n, why)
			}
			t.Log(why)
		}
	}
}
