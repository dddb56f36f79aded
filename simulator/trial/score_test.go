package trial_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater"
	"stillwater/simulator/trial"
)

// write makes a recording of seven homes, of which the arithmetic can be followed by hand: 60 days, events on the 50th at noon.
func write(t *testing.T, alerts string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range map[string]string{
		"stage.json": `{"seed": 77, "each": 1, "quiet": 1, "days": 60, "start": "2026-01-01T00:00:00Z", "timezone": "UTC"}`,
		"homes.csv": "household,stratum,event,from,to,note\n" + strings.Join([]string{
			"f1,door,fall,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,", "f2,hourly,fall,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,",
			"f3,daily,fall,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,", "t1,door,tap,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,",
			"n1,door,night-exit,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,", "b1,door,burst,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,",
			"q1,door,,2026-01-01T00:00:00Z,2026-03-02T00:00:00Z,"}, "\n"),
		"truth.csv": "household,event,from,to,note,known\n" + strings.Join([]string{
			"f1,fall,2026-02-20T12:00:00Z,2026-03-02T00:00:00Z,,2026-02-20T12:00:00Z", "f2,fall,2026-02-20T12:00:00Z,2026-03-02T00:00:00Z,,2026-02-20T12:00:00Z",
			"f3,fall,2026-02-20T12:00:00Z,2026-03-02T00:00:00Z,,2026-02-21T02:00:00Z", "t1,tap,2026-02-20T12:00:00Z,2026-02-22T00:00:00Z,,2026-02-20T12:00:00Z",
			"n1,night-exit,2026-02-20T02:00:00Z,2026-03-02T00:00:00Z,,2026-02-20T02:00:00Z", "b1,burst,2026-02-20T12:00:00Z,2026-02-22T00:00:00Z,,2026-02-20T12:00:00Z"}, "\n"),
		"alerts.csv": "household,rule,severity,began,ended,why\n" + alerts,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(dir, "alerts.csv")
}

func score(t *testing.T, alerts string) trial.Score {
	t.Helper()
	s, err := trial.NewScore(write(t, alerts))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// found is one line of a score.
func found(t *testing.T, s trial.Score, e trial.Event, least stillwater.Severity, stratum trial.Stratum) trial.Found {
	t.Helper()
	for _, f := range s.Found {
		if f.Event == e && f.Least == least && f.Stratum == stratum {
			return f
		}
	}
	t.Fatalf("no line for %s, %s, %q", e, least, stratum)
	return trial.Found{}
}

// TestFound: by which rules, from which severity, how late.
func TestFound(t *testing.T) {
	for name, x := range map[string]struct {
		alerts  string
		event   trial.Event
		least   stillwater.Severity
		stratum trial.Stratum
		within  int
		median  float64 // below zero: never
		already int
	}{
		"in time":                     {"f1,silence-24h,alert,2026-02-21T02:00:00Z,,x\n", trial.Fall, "alert", "door", 1, 14, 0},
		"just in time":                {"f1,silence-24h,alert,2026-02-21T12:00:00Z,,x\n", trial.Fall, "alert", "door", 1, 24, 0},
		"too late":                    {"f1,silence-24h,alert,2026-02-21T12:00:01Z,,x\n", trial.Fall, "alert", "door", 0, 24, 0},
		"urgent too":                  {"f1,away-alert,urgent,2026-02-20T13:00:00Z,,x\n", trial.Fall, "alert", "door", 1, 1, 0},
		"a question is no alert":      {"f1,silence-12h,question,2026-02-20T13:00:00Z,,x\n", trial.Fall, "alert", "door", 0, -1, 0},
		"and yet a question":          {"f1,silence-12h,question,2026-02-20T13:00:00Z,,x\n", trial.Fall, "question", "door", 1, 1, 0},
		"another rule":                {"f1,leak-24h,alert,2026-02-20T13:00:00Z,,x\n", trial.Fall, "alert", "door", 0, -1, 0},
		"another home":                {"f2,silence-24h,alert,2026-02-20T13:00:00Z,,x\n", trial.Fall, "alert", "door", 0, -1, 0},
		"before, and over":            {"f1,silence-24h,alert,2026-02-20T10:00:00Z,2026-02-20T11:00:00Z,x\n", trial.Fall, "alert", "door", 0, -1, 0},
		"before, and going on":        {"f1,silence-24h,alert,2026-02-20T10:00:00Z,,x\n", trial.Fall, "alert", "door", 1, 0, 1},
		"the first counts":            {"f1,silence-b,alert,2026-02-20T18:00:00Z,,x\nf1,silence-a,alert,2026-02-20T15:00:00Z,,x\n", trial.Fall, "alert", "door", 1, 3, 0},
		"daily: from when it is told": {"f3,silence-24h,alert,2026-02-22T02:00:00Z,,x\n", trial.Fall, "alert", "daily", 1, 24, 0},
		"daily: not from the fall":    {"f3,silence-24h,alert,2026-02-22T02:00:01Z,,x\n", trial.Fall, "alert", "daily", 0, 24, 0},
		"a tap by a leak":             {"t1,leak-running,urgent,2026-02-20T14:00:00Z,,x\n", trial.Tap, "alert", "", 1, 2, 0},
		"a tap not by silence":        {"t1,silence-24h,alert,2026-02-20T14:00:00Z,,x\n", trial.Tap, "alert", "", 0, -1, 0},
		"a burst by a surge":          {"b1,surge-2m3-day,alert,2026-02-20T13:30:00Z,,x\n", trial.Burst, "alert", "", 1, 1.5, 0},
		"a tap after it was shut":     {"t1,leak-running,urgent,2026-02-22T14:00:00Z,,x\n", trial.Tap, "alert", "", 0, -1, 0},
		"a night exit, asked":         {"n1,night-exit-asked,question,2026-02-20T03:00:00Z,,x\n", trial.NightExit, "question", "", 1, 1, 0},
		"a night exit, not alerted":   {"n1,night-exit-asked,question,2026-02-20T03:00:00Z,,x\n", trial.NightExit, "alert", "", 0, -1, 0},
		"a night exit by the door":    {"n1,door-open,alert,2026-02-20T04:00:00Z,,x\n", trial.NightExit, "alert", "", 1, 2, 0},
	} {
		f := found(t, score(t, x.alerts), x.event, x.least, x.stratum)
		got := -1.0
		if f.Median != nil {
			got = *f.Median
		}
		if f.Within != x.within || math.Abs(got-x.median) > 0.01 || f.Already != x.already {
			t.Errorf("%s: found %d, median %v h, %d already; want %d, %v, %d", name, f.Within, got, f.Already, x.within, x.median, x.already)
		}
	}
}

// TestShares: two of three falls, and how sure that is.
func TestShares(t *testing.T) {
	s := score(t, "f1,silence-24h,alert,2026-02-20T14:00:00Z,,x\nf2,silence-24h,alert,2026-02-20T20:00:00Z,,x\n")
	f := found(t, s, trial.Fall, "alert", "")
	if f.Events != 3 || f.Within != 2 || math.Abs(f.Share-2.0/3) > 1e-9 || math.Abs(f.Low-0.2077) > 0.001 || math.Abs(f.High-0.9385) > 0.001 || *f.Median != 8 || f.P95 != nil {
		t.Errorf("%+v", f)
	}
}

// TestFalse: after learning, outside of the event and the day after it, by rule and severity.
func TestFalse(t *testing.T) {
	s := score(t, strings.Join([]string{
		"q1,silence-24h,alert,2026-01-28T23:59:59Z,,learning", "q1,silence-24h,alert,2026-01-29T00:00:00Z,,learned", "q1,away-alert,urgent,2026-02-28T00:00:00Z,,x",
		"t1,silence-24h,alert,2026-02-20T11:59:59Z,,before the event", "t1,silence-24h,alert,2026-02-20T12:00:00Z,,in it", "t1,silence-24h,alert,2026-02-22T23:59:59Z,,the day after",
		"t1,silence-24h,alert,2026-02-23T00:00:00Z,,after it", "q1,silence-12h,question,2026-02-03T00:00:00Z,,x", "q1,leak-24h,notice,2026-02-03T00:00:00Z,,x",
		"f1,silence-24h,alert,2026-03-01T00:00:00Z,,she lies still", ",common-cause,alert,2026-02-03T00:00:00Z,,f1 f2"}, "\n"))
	counts := map[string]int{}
	for _, f := range s.False {
		counts[f.Rule+" "+string(f.Severity)] = f.Count
	}
	if counts["silence-24h alert"] != 3 || counts["away-alert urgent"] != 1 || counts["silence-12h question"] != 1 || counts["leak-24h notice"] != 1 || len(counts) != 4 || s.Groups != 1 {
		t.Errorf("%v, %d groups", counts, s.Groups)
	}
	// 32 days of q1; 22.5 of three falls; 22 d 2 h of the night exit; 22.5 and 7 of the tap and of the burst.
	years := (32 + 3*22.5 + 22 + 2.0/24 + 2*(22.5+7)) / 365
	if math.Abs(s.HomeYears["all"]-years) > 1e-6 {
		t.Errorf("%v home-years, want %v", s.HomeYears["all"], years)
	}
	alerts := []stillwater.Severity{stillwater.Alert, stillwater.Urgent}
	if got := s.PerHomeYear(alerts, "silence", "away"); math.Abs(got-4/years) > 1e-6 {
		t.Errorf("%v false alerts per home-year, want %v", got, 4/years)
	}
	if got := s.PerHomeYear([]stillwater.Severity{stillwater.Question}); math.Abs(got-1/years) > 1e-6 {
		t.Errorf("%v questions per home-year", got)
	}
	var text strings.Builder
	if err := s.Print(&text); err != nil || !strings.Contains(text.String(), "seed 77") || !strings.Contains(text.String(), "silence-24h") {
		t.Errorf("%v\n%s", err, &text)
	}
}

// TestMixedUp: the alerts of another recording, and files that are not what they should be.
func TestMixedUp(t *testing.T) {
	for want, alerts := range map[string]string{
		"another recording": "h001,silence-24h,alert,2026-02-20T14:00:00Z,,x\n",
		"severity":          "f1,silence-24h,dire,2026-02-20T14:00:00Z,,x\n",
		":2: parsing time":  "f1,silence-24h,alert,noon,,x\n",
	} {
		if _, err := trial.NewScore(write(t, alerts)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	if _, err := trial.NewScore(t.TempDir(), "none"); err == nil {
		t.Error("an empty folder is scored")
	}
}
