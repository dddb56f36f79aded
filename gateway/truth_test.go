package main

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
	"stillwater/gateway/backtest"
	"stillwater/gateway/racetest"
	"stillwater/rules"
	"stillwater/simulator/world"
)

// gap is a truth of a scenario that the default rules do not meet in every city.
type gap struct {
	scenario string
	kind     stillwater.Kind
	why      string
}

// gaps are those known. One that is closed fails the test, so that its line is taken out.
var gaps = []gap{
	{"out-at-night", stillwater.Welfare, "in one city she flushed in the very quarter of an hour in which the door went: before it or after, nobody can tell, and night-exit keeps quiet rather than wake the family for one who only looked out; she is back before away alerts"},
	{"spring-festival-guests", stillwater.Water, "four guests use more in a day than she ever did, and surge-learned says so once in ten days: it is true, nobody had said that guests come, and taps left on by one who is confused look the same"},
	{"ill-at-home", stillwater.Welfare, "in bed with a cold she is still for hours longer than ever, once or twice in the week: to ask after her is right, and with a meter alone it cannot be told from a fall"},
}

// truthSeeds are the cities that each scenario is played in.
var truthSeeds = []uint64{1, 7}

// truthStart is the first moment of each city: local midnight.
var truthStart = time.Date(2026, 3, 1, 16, 0, 0, 0, time.UTC)

// TestTruth records cities for each scenario, with the scenario staged, and holds what the default rules find against what it says
// should be found: each finding in its time, and none where there should be none.
func TestTruth(t *testing.T) {
	if racetest.On {
		t.Skip("left out under the race detector, which has nothing to find where engines play recordings: make test plays it without")
	}
	all, err := world.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 9 {
		t.Fatalf("%d scenarios", len(all))
	}
	for _, scenario := range all {
		t.Run(scenario.Name, func(t *testing.T) {
			t.Parallel()
			missed := map[stillwater.Kind][]string{}
			for _, seed := range truthSeeds {
				staged, found := playScenario(t, scenario, seed)
				for _, e := range staged.Expected() {
					if text := held(staged, e, found); text != "" {
						missed[e.Kind] = append(missed[e.Kind], fmt.Sprintf("seed %d: %s", seed, text))
					}
				}
			}
			compareGaps(t, scenario.Name, missed)
		})
	}
}

// compareGaps fails for what is missed without being a known gap, and for a known gap that is none.
func compareGaps(t *testing.T, scenario string, missed map[stillwater.Kind][]string) {
	for _, g := range gaps {
		if g.scenario != scenario {
			continue
		}
		if len(missed[g.kind]) == 0 {
			t.Errorf("%s findings are as they should be now: take the gap out", g.kind)
		}
		t.Logf("known gap, %s: %s\n%s", g.kind, g.why, strings.Join(missed[g.kind], "\n"))
		delete(missed, g.kind)
	}
	for kind, texts := range missed {
		t.Errorf("%s: %s", kind, strings.Join(texts, "\n"))
	}
}

// held holds one truth about a home against what was found, and says what is wrong; "": nothing.
func held(staged world.Staged, e world.Expected, found []row) string {
	var of, home []row // this home's around that time, and those that are meant
	for _, r := range found {
		if r.home != e.Household || r.began.Before(e.From) || r.began.After(staged.To.Add(24*time.Hour)) {
			continue
		}
		home = append(home, r)
		if e.Within && (r.began.After(staged.To) || r.since(e.From).Before(e.From)) {
			continue // law 5: a cut never covers a silence begun before it, nor one that goes on once neighbours recover
		}
		if r.kind == e.Kind && !e.Severity.Above(r.severity) {
			of = append(of, r)
		}
	}
	switch {
	case e.None && len(of) == 0:
		return ""
	case e.None:
		return fmt.Sprintf("%s from %s: none should be found, found %v", e.Household, e.From.Format(time.RFC3339), of)
	case len(of) > 0 && !of[0].began.Before(e.Earliest) && !of[0].began.After(e.Latest): // the first of them counts
		return ""
	}
	return fmt.Sprintf("%s from %s: %s wanted between %s and %s, found %v", e.Household, e.From.Format(time.RFC3339), e.Severity,
		e.Earliest.Format(time.RFC3339), e.Latest.Format(time.RFC3339), home)
}

// playScenario records a city until two days after the scenario, which is staged on its own day (the 40th or later), and gives what a
// backtest with the default rules finds.
func playScenario(t *testing.T, scenario world.Scenario, seed uint64) (world.Staged, []row) {
	t.Helper()
	city, err := world.New(world.Options{Homes: 12, Seed: seed, Start: truthStart})
	if err != nil {
		t.Fatal(err)
	}
	staged, err := city.Stage(scenario, "", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if _, err = city.Record(t.Context(), world.RecordOptions{Dir: folder, To: staged.To.Add(48 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	compareTruthFile(t, filepath.Join(folder, world.TruthFile), staged)
	return staged, backtestOf(t, folder)
}

// compareTruthFile holds truth.csv, which others read, against what the world says of itself.
func compareTruthFile(t *testing.T, path string, staged world.Staged) {
	t.Helper()
	lines := readCSV(t, path)
	if want := staged.Expected(); len(lines) != 1+len(want) {
		t.Fatalf("%s has %d truths, the world %d", path, len(lines)-1, len(want))
	}
	for i, e := range staged.Expected() {
		l := lines[i+1]
		if l[0] != string(e.Household) || l[2] != string(e.Kind) || !parseStamp(t, l[4]).Equal(e.Earliest) || !parseStamp(t, l[5]).Equal(e.Latest) {
			t.Fatalf("%s says %v, the world %+v", path, l, e)
		}
	}
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

// since is when what was found began in the home; otherwise: it is not said.
func (r row) since(otherwise time.Time) time.Time {
	if m, err := time.Parse(time.RFC3339, strings.TrimSuffix(strings.Fields(r.why)[2], ",")); err == nil && !m.IsZero() {
		return m
	}
	return otherwise
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

// readCSV is every row of a table, its header too.
func readCSV(t *testing.T, path string) [][]string {
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
	return lines
}

func readAlerts(t *testing.T, path string) []row {
	t.Helper()
	lines := readCSV(t, path)
	var rows []row
	for _, l := range lines[1:] {
		r := row{home: stillwater.HouseholdID(l[0]), rule: l[1], severity: stillwater.Severity(l[2]), began: parseStamp(t, l[3]), ended: parseStamp(t, l[4]), why: l[5]}
		r.kind = stillwater.Kind(strings.Fields(r.why)[0])
		rows = append(rows, r)
	}
	return rows
}

// parseStamp reads a time of a CSV file; an empty one is zero.
func parseStamp(t *testing.T, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	m, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCutShort is law 4 of a backtest: nothing depends on what comes later. A recording cut anywhere gives, up to the cut, the
// findings of the whole one; those that go on at the cut have not ended.
func TestCutShort(t *testing.T) {
	city, err := world.New(world.Options{Homes: 6, Seed: 3, Start: truthStart})
	if err != nil {
		t.Fatal(err)
	}
	all, err := world.Scenarios()
	if err != nil {
		t.Fatal(err)
	}
	for i, scenario := range all {
		if _, err := city.Stage(scenario, city.Home(i), truthStart.Add(time.Duration(24*(2+i)+10)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	folder := t.TempDir()
	if _, err := city.Record(t.Context(), world.RecordOptions{Dir: folder, To: truthStart.Add(16 * 24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	lines := readLines(t, filepath.Join(folder, world.ReadingsFile))
	whole := backtestOf(t, folder)
	if len(whole) < 8 {
		t.Fatalf("only %d findings: too few to mean anything", len(whole))
	}
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, len(lines)).Draw(rt, "lines")
		path := filepath.Join(folder, "cut.csv")
		if err := os.WriteFile(path, []byte(strings.Join(lines[:n], "\n")+"\n"), 0o644); err != nil {
			rt.Fatal(err)
		}
		end := parseStamp(t, strings.SplitN(lines[n-1], ",", 2)[0])
		comparePrefix(rt, whole, backtestOf(t, path), end)
	})
}

// comparePrefix holds the findings of a recording cut at a moment against those of the whole. At the very moment of the cut some
// readings are missing.
func comparePrefix(t interface{ Fatalf(string, ...any) }, whole, cut []row, end time.Time) {
	var want, got []string
	for _, r := range whole {
		if !r.began.Before(end) {
			continue
		}
		if !r.ended.Before(end) {
			r.ended = time.Time{}
		}
		want = append(want, r.String())
	}
	for _, r := range cut {
		if !r.began.Before(end) {
			continue
		}
		if !r.ended.Before(end) {
			r.ended = time.Time{}
		}
		got = append(got, r.String())
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Fatalf("cut at %s: found\n%s\nthe whole recording gives\n%s", end, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// readLines unpacks a file into its lines.
func readLines(t *testing.T, path string) []string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}
