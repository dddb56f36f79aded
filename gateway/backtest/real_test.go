package backtest

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

// benchmark is a folder beside the repository, or where STILLWATER_SHARED says: real recordings and how they are scored. They are not
// ours to ship.
func benchmark(t *testing.T) string {
	t.Helper()
	shared := os.Getenv("STILLWATER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	folder := filepath.Join(shared, "benchmark")
	if _, err := os.Stat(filepath.Join(folder, "score.py")); err != nil {
		t.Skip("left out: needs ../shared/benchmark")
	}
	return folder
}

// TestRealVouched is law 1 on real meters with their outages: no finding says more than a reading vouched for by then.
func TestRealVouched(t *testing.T) {
	recording := filepath.Join(benchmark(t), "recordings", "alicante-solo")
	vouched := map[stillwater.HouseholdID][]time.Time{} // when counters were read, and believed or not
	for row := range rowsOf(t, recording) {
		if row[3] == string(stillwater.WaterTotal) {
			id := stillwater.HouseholdID(row[1])
			vouched[id] = append(vouched[id], stamp(t, row[0]))
		}
	}
	found := 0
	_, err := Run(t.Context(), Options{Readings: []string{recording}, Rules: append(rules.Defaults(), rules.Presets()...), Out: t.TempDir(), Why: func(f stillwater.Finding, _ *time.Location) string {
		found++
		_, read := slices.BinarySearchFunc(vouched[f.Household], f.Facts.DataTo, time.Time.Compare)
		if f.Kind != stillwater.Equipment && (!read || f.Facts.DataTo.After(f.Began)) {
			t.Errorf("%s of %s, raised at %v, says data to %v, at which nothing was read", f.Rule, f.Household, f.Began, f.Facts.DataTo)
		}
		if f.Kind == stillwater.Welfare && (f.Facts.Since.After(f.Facts.DataTo) || f.Facts.Span > f.Facts.DataTo.Sub(f.Facts.Since)) {
			t.Errorf("%s of %s says %v still from %v, with data to %v", f.Rule, f.Household, f.Facts.Span, f.Facts.Since, f.Facts.DataTo)
		}
		return ""
	}})
	if err != nil || found < 100 {
		t.Errorf("%d findings, %v", found, err)
	}
}

// TestRealCutShort is law 4 on real meters: nothing depends on what comes later.
func TestRealCutShort(t *testing.T) {
	recording := filepath.Join(benchmark(t), "recordings", "alicante-solo")
	var lines []string
	for row := range rowsOf(t, recording) {
		lines = append(lines, strings.Join(row, ","))
	}
	whole := alerts(t, run(t, recording))
	zones, err := os.ReadFile(filepath.Join(recording, "households.csv")) // what is learned is learned by local time
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{3, 5, 8} {
		cut := lines[:len(lines)*part/10]
		end := stamp(t, strings.SplitN(cut[len(cut)-1], ",", 2)[0])
		path := write(t, "cut.csv", header+strings.Join(cut, "\n")+"\n")
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "households.csv"), zones, 0o644); err != nil {
			t.Fatal(err)
		}
		got := alerts(t, run(t, path))
		var want [][]string
		for _, a := range whole {
			if began := stamp(t, a[3]); began.Before(end) {
				want = append(want, a)
			}
		}
		got = slices.DeleteFunc(got, func(a []string) bool { return !stamp(t, a[3]).Before(end) })
		if len(got) != len(want) {
			t.Fatalf("cut at %v: %d alerts, the whole recording gives %d", end, len(got), len(want))
		}
		for i := range got {
			g, w := got[i], want[i]
			if goesOn := g[4] == "" || !stamp(t, g[4]).Before(end); goesOn { // then it may end later
				g[4], w = "", slices.Clone(w)
				if w[4] != "" && stamp(t, w[4]).Before(end) {
					t.Errorf("cut at %v: %v goes on, and ended at %s", end, g, w[4])
				}
				w[4] = ""
			}
			if !slices.Equal(g, w) {
				t.Errorf("cut at %v: %v, the whole recording gives %v", end, g, w)
			}
		}
	}
}

// TestScore lets the scorer read the results. Its figures are for people; here they have to be those of the summary and the report.
func TestScore(t *testing.T) {
	folder := benchmark(t)
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("left out: needs python3 (make test installs it)")
	}
	for _, name := range []string{"alicante-solo", "naples"} {
		t.Run(name, func(t *testing.T) {
			recording := filepath.Join(folder, "recordings", name)
			out := t.TempDir()
			sum, err := Run(t.Context(), Options{Readings: []string{recording}, Rules: rules.Defaults(), Shadow: time.Hour, Out: out, Why: why})
			if err != nil {
				t.Fatal(err)
			}
			text, err := exec.Command(python, filepath.Join(folder, "score.py"), "--recording", recording, "--out", out, "--json").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			t.Logf("%.0f readings a second, %d MiB; %s", sum.ReadingsPerSecond, sum.PeakRSSBytes>>20, text)
			var score struct {
				Homes     int     `json:"homes"`
				Years     float64 `json:"home_years"`
				False     int     `json:"false_alerts"`
				Rate      float64 `json:"false_per_home_year"`
				Questions float64 `json:"questions_per_home_year"`
				Hours     int     `json:"hours_scored"`
				Mean      float64 `json:"mean_delay_h"`
				Median    float64 `json:"median_delay_h"`
				P90       float64 `json:"p90_delay_h"`
				Plain     float64 `json:"yardstick_mean_delay_h"`
			}
			if err := json.Unmarshal(text, &score); err != nil || score.Homes == 0 {
				t.Fatalf("%+v, %v", score, err)
			}
			s := sum.Silence
			if s.Households != score.Homes || s.Alerts != score.False || s.Hours != score.Hours {
				t.Errorf("the summary says %+v, the scorer %+v", s, score)
			}
			for name, c := range map[string][2]float64{
				"home-years": {s.HomeYears, score.Years}, "alerts": {s.AlertsPerHomeYear, score.Rate}, "questions": {s.QuestionsPerHomeYear, score.Questions},
				"mean": {s.MeanDelay, score.Mean}, "median": {s.MedianDelay, score.Median}, "90 %": {s.P90Delay, score.P90}, "plain": {s.PlainDelay, score.Plain},
			} {
				if math.Abs(c[0]-c[1]) > 0.05 {
					t.Errorf("%s: the summary says %v, the scorer %v", name, c[0], c[1])
				}
			}
		})
	}
}

// alerts are the rows of alerts.csv in a folder, by beginning, household and rule.
func alerts(t *testing.T, out string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(read(t, out, "alerts.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	slices.SortFunc(rows, func(a, b []string) int {
		return strings.Compare(a[3]+a[0]+a[1]+a[4], b[3]+b[0]+b[1]+b[4])
	})
	for _, r := range rows {
		r[5] = "" // its times are those of a zone that a file without households.csv does not have
	}
	return rows
}

// rowsOf are the rows of a recording in a folder.
func rowsOf(t *testing.T, folder string) func(func([]string) bool) {
	t.Helper()
	return func(yield func([]string) bool) {
		f, err := os.Open(filepath.Join(folder, "readings.csv.gz"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		rows := csv.NewReader(z)
		for n := 0; ; n++ {
			row, err := rows.Read()
			switch {
			case err == io.EOF:
				return
			case err != nil:
				t.Fatal(err)
			case n > 0 && !yield(row):
				return
			}
		}
	}
}

func stamp(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
