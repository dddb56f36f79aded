package words

import (
	"testing"
	"time"
)

// TestAwayUntil reads the day out of an answer on a Wednesday.
func TestAwayUntil(t *testing.T) {
	now := time.Date(2026, 12, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"3 12月25日":              "2026-12-25",
		"3 外出到12-25":            "2026-12-25",
		"3 away until 1/6":      "2027-01-06",
		"3 25号回":                "2026-12-25",
		"3 3日回":                 "2027-01-03",
		"3 2027年1月2日":           "2027-01-02",
		"3 ABC4 到周日":            "2026-12-27",
		"3 away until Sunday":   "2026-12-27",
		"3 away until wed":      "2026-12-23",
		"３　外出５天":                "2026-12-28",
		"3 away for 10 days":    "2027-01-02",
		"3":                     "",
		"3 外出":                  "",
		"3 away until tomorrow": "",
		"3 13月45日":              "",
		"3 30.2.2027":           "",
	} {
		at, ok := AwayUntil(text, now)
		got := ""
		if ok {
			got = at.Format(time.DateOnly)
			if at.Hour() != backBy {
				t.Errorf("%q: until %v", text, at)
			}
		}
		if got != want {
			t.Errorf("%q: until %q, want %q", text, got, want)
		}
	}
}
