package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater/gateway/config"
	"stillwater/rules"
)

const ownRules = `rules:
  - {rule: custom-night-water, severity: alert, about: water, when: 'litres("2h") > 50 and hour < 6'}
presets: [surge-1m3-day]
calendar:
  holidays: china
  festivals: [2026-06-24]
`

// TestRulesFile wants a file of rules to be ready for use once it was found right: conditions compiled, days known.
func TestRulesFile(t *testing.T) {
	set := defaults().RulesConfig
	if _, problems := config.Parse("rules.yaml", []byte(ownRules), &set); len(problems) > 0 {
		t.Fatal(problems)
	}
	on := set.on()
	if len(on) != 2 || on[0].Condition == nil || on[1].Condition != nil {
		t.Fatalf("%d rules are on, %+v", len(on), on)
	}
	engine := rules.New(on) // it refuses what nobody compiled
	days := set.days()
	engine.Keep(days)
	for day, want := range map[int]rules.DayKind{23: rules.Workday, 24: rules.Festival, 27: rules.Restday} {
		if got := days.Kind(2026, time.June, day); got != want {
			t.Errorf("June %d is %d, want %d", day, got, want)
		}
	}
}

// TestBacktestOfOwnRules runs a rule with a condition over a recording.
func TestBacktestOfOwnRules(t *testing.T) {
	dir := t.TempDir()
	var rows strings.Builder
	rows.WriteString("time,household,device,quantity,value\n")
	at, litres := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), 1000
	for hour := range 72 {
		if hour == 51 { // the third day at three
			litres += 80
		}
		fmt.Fprintf(&rows, "%s,h1,meter,water.total,%d\n", at.Add(time.Duration(hour)*time.Hour).Format(time.RFC3339), litres)
	}
	for name, text := range map[string]string{"readings.csv": rows.String(), "rules.yaml": ownRules} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	out := filepath.Join(dir, "out")
	err := run(t.Context(), []string{"backtest", "--readings", filepath.Join(dir, "readings.csv"), "--rules", filepath.Join(dir, "rules.yaml"), "--out", out}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	alerts, err := os.ReadFile(filepath.Join(out, "alerts.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "h1,custom-night-water,alert,2026-06-03T03:00:00Z,2026-06-03T05:00:00Z"; !strings.Contains(string(alerts), want) {
		t.Errorf("alerts.csv lacks %s:\n%s", want, alerts)
	}
}
