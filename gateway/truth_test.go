package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/backtest"
	"stillwater/rules"
	"stillwater/simulator/world"
)

// gap is a truth of a scenario that the default rules do not meet.
type gap struct {
	scenario string
	kind     stillwater.Kind
	why      string
}

// gaps are those known. A gap that is closed fails the test, so that its line is taken out.
var gaps = []gap{}

// truthStart is the first moment of the recorded city: local midnight.
var truthStart = time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC)

// TestTruth records a city for each scenario, with the scenario staged, and holds what the default rules find against what it says
// should be found: each finding in its time, and none where there should be none.
func TestTruth(t *testing.T) {
	all, err := world.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 9 {
		t.Fatalf("%d scenarios", len(all))
	}
	for _, scenario := range all {
		for _, seed := range []uint64{1, 7, 23} {
			t.Run(fmt.Sprintf("%s/seed %d", scenario.Name, seed), func(t *testing.T) {
				t.Parallel()
				staged, found := playScenario(t, scenario, seed)
				for _, e := range staged.Expected() {
					checkTruth(t, staged, e, found)
				}
			})
		}
	}
}

// playScenario records 51 days of a city with the scenario on its own day, and gives what a backtest with the default rules finds.
func playScenario(t *testing.T, scenario world.Scenario, seed uint64) (world.Staged, []row) {
	city, err := world.New(world.Options{Homes: 12, Seed: seed, Start: truthStart})
	if err != nil {
		t.Fatal(err)
	}
	staged, err := city.Stage(scenario, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	_, err = city.Record(t.Context(), world.RecordOptions{Dir: folder, To: staged.To.Add(48 * time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	return staged, backtestOf(t, folder)
}

// row is one line of alerts.csv.
type row struct {
	home         stillwater.HouseholdID
	rule         string
	kind         stillwater.Kind
	severity     stillwater.Severity
	began, ended time.Time // ended zero: it goes on
	why          string
}

func (r row) String() string {
	return fmt.Sprintf("%s %s %s began %s ended %s: %s", r.home, r.rule, r.severity, r.began.Format(time.RFC3339), r.ended.Format(time.RFC3339), r.why)
}

// backtestOf runs the default rules over recordings and reads alerts.csv.
func backtestOf(t *testing.T, readings ...string) []row {
	t.Helper()
	out := t.TempDir()
	_, err := backtest.Run(context.Background(), backtest.Options{Readings: readings, Rules: rules.Defaults(), Out: out,
		Why: func(f stillwater.Finding, _ *time.Location) string {
			return fmt.Sprintf("%s since %s, %v, data to %s", f.Kind, f.Facts.Since.Format(time.RFC3339), f.Facts.Litres, f.Facts.DataTo.Format(time.RFC3339))
		}})
	if err != nil {
		t.Fatal(err)
	}
	return readAlerts(t, filepath.Join(out, "alerts.csv"))
}

func readAlerts(t *testing.T, path string) []row {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, l := range lines[1:] {
		r := row{home: stillwater.HouseholdID(l[0]), rule: l[1], severity: stillwater.Severity(l[2]), began: at(t, l[3]), ended: at(t, l[4]), why: l[5]}
		r.kind = stillwater.Kind(strings.Fields(r.why)[0])
		rows = append(rows, r)
	}
	return rows
}

func at(t *testing.T, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// checkTruth holds one truth against the findings.
func checkTruth(t *testing.T, staged world.Staged, e world.Expected, found []row) {
	var of []row // this home's, of the kind and severe enough, that began or went on in the time of the scenario
	for _, r := range found {
		if r.home == e.Household && r.kind == e.Kind && !e.Severity.Above(r.severity) && !r.began.Before(e.From) && r.began.Before(staged.To.Add(24*time.Hour)) {
			of = append(of, r)
		}
	}
	met := len(of) == 0
	if !e.None {
		met = slices.ContainsFunc(of, func(r row) bool { return !r.began.Before(e.Earliest) && !r.began.After(e.Latest) })
	}
	known := slices.IndexFunc(gaps, func(g gap) bool { return g.scenario == e.Scenario && g.kind == e.Kind })
	switch {
	case !met && known < 0:
		t.Errorf("from %s: %s %s for %s, none: %v, between %s and %s; found %v", e.From, e.Severity, e.Kind, e.Household, e.None, e.Earliest, e.Latest, of)
		for _, r := range found {
			if r.home == e.Household && r.began.After(e.From.Add(-24*time.Hour)) {
				t.Log(r)
			}
		}
	case met && known >= 0:
		t.Errorf("%s %s is met now: take the gap out", e.Scenario, e.Kind)
	}
}
