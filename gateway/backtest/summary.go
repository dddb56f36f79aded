package backtest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"stillwater"
	"stillwater/rules"
)

// Summary is what summary.json holds.
type Summary struct {
	Households        int              `json:"households"`
	HomeYears         float64          `json:"home_years"` // time that readings vouch for; a year has 365 days
	Readings          int64            `json:"readings"`
	WallSeconds       float64          `json:"wall_seconds"`
	ReadingsPerSecond float64          `json:"readings_per_second"`
	PeakRSSBytes      int64            `json:"peak_rss_bytes"`
	Outcomes          map[string]int64 `json:"outcomes"` // of readings
	Rules             []*RuleSummary   `json:"rules"`
	Homes             []*HomeSummary   `json:"homes"`

	byRule map[string]*RuleSummary
	byHome map[stillwater.HouseholdID]map[string]int
}

// RuleSummary is how often one rule was raised with one severity.
type RuleSummary struct {
	Rule              string  `json:"rule"`
	Severity          string  `json:"severity"`
	Trial             bool    `json:"trial,omitempty"` // counted, not in alerts.csv
	Alerts            int     `json:"alerts"`
	AlertsPerHomeYear float64 `json:"alerts_per_home_year"`
}

// HomeSummary is one household's share.
type HomeSummary struct {
	Household string         `json:"household"`
	From      time.Time      `json:"from"`
	Years     float64        `json:"years"`
	Alerts    map[string]int `json:"alerts"` // by rule
}

const year = 365 * 24 * time.Hour

// newSummary lists every rule that runs, so that one that was never raised is seen to be so.
func newSummary(on []rules.Rule) *Summary {
	s := &Summary{Outcomes: map[string]int64{}, byRule: map[string]*RuleSummary{}, byHome: map[stillwater.HouseholdID]map[string]int{}}
	for _, r := range append(slices.Clone(on), rules.OnTrial(on)...) {
		rs := &RuleSummary{Rule: r.Name, Severity: string(r.Severity), Trial: r.Trial}
		s.Rules = append(s.Rules, rs)
		s.byRule[r.Name] = rs
	}
	return s
}

// count takes a finding that began.
func (s *Summary) count(f stillwater.Finding) {
	s.byRule[f.Rule].Alerts++
	if s.byHome[f.Household] == nil {
		s.byHome[f.Household] = map[string]int{}
	}
	s.byHome[f.Household][f.Rule]++
}

func (s *Summary) home(id stillwater.HouseholdID, from time.Time, covered time.Duration) {
	s.Homes = append(s.Homes, &HomeSummary{Household: string(id), From: from, Years: covered.Hours() / year.Hours(), Alerts: s.byHome[id]})
}

func (s *Summary) finish(took time.Duration) {
	s.Households = len(s.Homes)
	for _, h := range s.Homes {
		s.HomeYears += h.Years
	}
	s.WallSeconds = took.Seconds()
	s.ReadingsPerSecond = float64(s.Readings) / took.Seconds()
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		s.PeakRSSBytes = usage.Maxrss * 1024 // Linux counts in KiB
	}
	for _, r := range s.Rules {
		if s.HomeYears > 0 {
			r.AlertsPerHomeYear = float64(r.Alerts) / s.HomeYears
		}
	}
}

// table is a CSV file that appears under its name only when it is whole.
type table struct {
	path string
	file *os.File
	buf  *bufio.Writer
	csv  *csv.Writer
}

func newTable(path, header string) (*table, error) {
	f, err := os.Create(path + ".part")
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriterSize(f, 1<<16)
	t := &table{path: path, file: f, buf: buf, csv: csv.NewWriter(buf)}
	return t, t.csv.Write(strings.Split(header, ","))
}

func (t *table) row(fields ...string) error { return t.csv.Write(fields) }

// close ends the file, and keeps it if it is whole.
func (t *table) close(whole bool) error {
	if t == nil {
		return nil
	}
	t.csv.Flush()
	err := errors.Join(t.csv.Error(), t.buf.Flush(), t.file.Close())
	if err != nil || !whole {
		return errors.Join(err, os.Remove(t.path+".part"))
	}
	return os.Rename(t.path+".part", t.path)
}

func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(path, append(data, '\n'))
}

// writeWhole writes a file that appears under its name only when it is whole.
func writeWhole(path string, data []byte) error {
	if err := os.WriteFile(path+".part", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+".part", path)
}

// writeReport writes the summary for people.
func writeReport(path string, s *Summary, readings []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Backtest\n\n%s: %d households, %.1f home-years vouched for, %d readings, %.1f s (%.0f readings a second).\n",
		strings.Join(readings, ", "), s.Households, s.HomeYears, s.Readings, s.WallSeconds, s.ReadingsPerSecond)
	b.WriteString("\nA home-year is a year of time that readings vouch for; a device that is off the air adds none, and raises no silence.\n")
	writeRules(&b, "Rules that are on", s, false)
	writeRules(&b, "Presets on trial (what they would have raised, had they been on; not in alerts.csv)", s, true)
	b.WriteString("\n## What became of the readings\n\n| outcome | readings |\n|---|---:|\n")
	for _, k := range slices.Sorted(maps.Keys(s.Outcomes)) {
		fmt.Fprintf(&b, "| %s | %d |\n", k, s.Outcomes[k])
	}
	writeHomes(&b, s)
	return writeWhole(path, []byte(b.String()))
}

func writeRules(b *strings.Builder, title string, s *Summary, trial bool) {
	fmt.Fprintf(b, "\n## %s\n\n| rule | severity | raised | per home and year | homes |\n|---|---|---:|---:|---:|\n", title)
	for _, r := range s.Rules {
		if r.Trial != trial {
			continue
		}
		homes := 0
		for _, h := range s.Homes {
			if h.Alerts[r.Rule] > 0 {
				homes++
			}
		}
		fmt.Fprintf(b, "| %s | %s | %d | %.1f | %d |\n", r.Rule, r.Severity, r.Alerts, r.AlertsPerHomeYear, homes)
	}
}

func writeHomes(b *strings.Builder, s *Summary) {
	b.WriteString("\n## Homes, and how often each rule was raised there\n\n| household | years | raised |\n|---|---:|---|\n")
	for _, h := range s.Homes {
		var parts []string
		for _, r := range s.Rules {
			if n := h.Alerts[r.Rule]; n > 0 && !r.Trial {
				parts = append(parts, fmt.Sprintf("%s %d", r.Rule, n))
			}
		}
		fmt.Fprintf(b, "| %s | %.2f | %s |\n", h.Household, h.Years, strings.Join(parts, ", "))
	}
}
