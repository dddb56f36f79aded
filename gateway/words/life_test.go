package words

import (
	"strings"
	"testing"
	"time"

	"stillwater"
)

// TestLife: each text of no incident is in both languages, in two segments at most, with the code and a shortened name, and one to staff asks
// for no answer. Marked as a repeat it says so, once.
func TestLife(t *testing.T) {
	w := newWords(t)
	for _, lang := range []string{"zh-CN", "en"} {
		for _, kind := range []stillwater.LifeKind{stillwater.InHospital, stillwater.WithFamily, stillwater.AskedFestival, stillwater.Died, stillwater.MovedAway, stillwater.Mistaken} {
			m := stillwater.Message{Language: lang, Code: "ZK7M3QX", Contact: "daughter", Created: day(4, 10, 0)}
			m.Text = w.Life(Ways{Digits: true}, m, stillwater.LifeEvent{Kind: kind, From: day(9, 0, 0), Until: day(17, 0, 0)}, wang())
			if n, length := Segments(m.Text); n > lifeSegments {
				t.Errorf("%s %s: %d characters, %d segments: %s", lang, kind, length, n, m.Text)
			}
			asks := strings.Contains(m.Text, "回1") || strings.Contains(m.Text, "回2") || strings.Contains(m.Text, "eply ")
			if strings.Contains(m.Text, "⟦") || strings.Contains(m.Text, wang().Name) || !strings.Contains(m.Text, "[ZK7M3QX]") || asks != (kind.Stays() || kind == stillwater.AskedFestival) {
				t.Errorf("%s %s: %s", lang, kind, m.Text)
			}
			again := m
			again.Text = w.Repeated(m)
			if mark := w.T(lang, "sms.repeat", nil); strings.Count(again.Text, mark) != 1 || w.Repeated(again) != again.Text {
				t.Errorf("%s %s: marked %s", lang, kind, again.Text)
			}
			t.Log(m.Text)
		}
	}
}

// TestParseAnswer: that she still is away is taken only where it is plain.
func TestParseAnswer(t *testing.T) {
	for reply, want := range map[string]string{
		"1": "1", "1 还在住院": "1", "回复1": "1", "1 zk7m3qx": "1 ZK7M3QX", "2": "2", "2 出院了": "2", "2，昨天回家了 ZK7M3QX": "2 ZK7M3QX", "3 2月20日": "3", "１": "1",
		"1 不在了": "", "1点到": "", "12": "", "2点": "", "5": "", "4": "", "好": "", "": "", "3 不去": "",
	} {
		a, ok := ParseAnswer(reply)
		got := ""
		if ok {
			got = strings.TrimSpace(string(a.Digit) + " " + a.Code)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", reply, got, want)
		}
	}
}

// TestAwaySpan: one day is the day of coming back, two are both.
func TestAwaySpan(t *testing.T) {
	now := time.Date(2027, 1, 26, 10, 0, 0, 0, time.FixedZone("CST", 8*3600))
	for reply, want := range map[string]string{
		"3 2月20日": "- 02-20 18", "3 2月4日到2月20日": "02-04 12 02-20 18", "3 2-4 to 2-12": "02-04 12 02-12 18", "3 2027-02-04至2027-02-12": "02-04 12 02-12 18",
		"3": "", "3 2月20日到2月4日": "", "3 2月30日": "",
	} {
		from, until, ok := AwaySpan(reply, now)
		got := ""
		if ok {
			got = until.Format("01-02 15")
			if from.IsZero() {
				got = "- " + got
			} else {
				got = from.Format("01-02 15") + " " + got
			}
		}
		if got != want {
			t.Errorf("%q: %q, want %q", reply, got, want)
		}
	}
}
