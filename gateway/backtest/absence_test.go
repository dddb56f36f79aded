package backtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater/rules"
)

// TestAbsencesArePlayed: what people said of absences stands beside a recording and is played when it was said.
func TestAbsencesArePlayed(t *testing.T) {
	litres := 100.0
	still := hourly("h1", 24*8, func(h int) float64 { // she lives for two days and is then away
		if hour := h % 24; h <= 48 && (hour == 0 || hour > 14) {
			litres += float64(5 + h*7%11)
		}
		return litres
	})
	with := func(absences string) string {
		folder := t.TempDir()
		for name, text := range map[string]string{"readings.csv": header + still, "absences.csv": absences, "households.csv": "household,timezone,residents\nh1,Asia/Shanghai,2\n"} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		return read(t, run(t, folder), "alerts.csv")
	}
	for name, c := range map[string]struct{ absences, raised, not string }{
		"none":             {"household,from,until\n", "h1,silence-24h,alert,2026-11-04T00:00:00Z", "absence"},
		"beforehand":       {"household,from,until,told\nh1,2026-11-03T00:00:00Z,2026-11-07T00:00:00Z,2026-11-01T12:00:00Z\n", "h1,silence-24h,alert,2026-11-08T00:00:00Z", "2026-11-04"},
		"as it begins":     {"household,from,until\nh1,2026-11-03T00:00:00Z,2026-11-09T00:00:00Z\n", "", "silence-24h"},
		"afterwards":       {"household,from,until,told\nh1,2026-11-03T00:00:00Z,2026-11-09T00:00:00Z,2026-11-04T06:30:00Z\n", "h1,silence-24h,alert,2026-11-04T00:00:00Z,2026-11-04T06:30:00Z", "2026-11-05"},
		"and taken back":   {"household,from,until,told\nh1,2026-11-03T00:00:00Z,2026-11-09T00:00:00Z,\nh1,,,2026-11-05T00:00:00Z\n", "h1,silence-24h,alert,2026-11-06T00:00:00Z", "2026-11-04"},
		"of somebody else": {"household,from,until\nh2,2026-11-03T00:00:00Z,2026-11-09T00:00:00Z\n", "h1,silence-24h,alert,2026-11-04T00:00:00Z", "absence"},
	} {
		got := with(c.absences)
		if !strings.Contains(got, c.raised) || strings.Contains(got, c.not) {
			t.Errorf("%s: found\n%s\nwant %q and not %q", name, got, c.raised, c.not)
		}
	}
}

// TestAbsencesAreChecked: every mistake is told with its line.
func TestAbsencesAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "absences.csv:1: ",
		"home,from,until\n":                  "absences.csv:1: the header is household,from,until",
		"household,from,until\nh1,monday,\n": `absences.csv:2: "monday" is not a time`,
		"household,from,until\nh1,2026-11-09T00:00:00Z,2026-11-03T00:00:00Z\n": "absences.csv:2: an absence ends after it begins",
		"household,from,until\nh1,,\n":                                         "absences.csv:2: an absence without the moment",
	} {
		folder := t.TempDir()
		for name, text := range map[string]string{"readings.csv": header, "absences.csv": text} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Run(t.Context(), Options{Readings: []string{folder}, Rules: rules.Defaults(), Out: t.TempDir(), Why: why})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
