package backtest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
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
	Variant           string           `json:"variant,omitempty"`
	Households        int              `json:"households"`
	HomeYears         float64          `json:"home_years"` // time that readings vouch for; a year has 365 days
	Readings          int64            `json:"readings"`
	WallSeconds       float64          `json:"wall_seconds"`
	ReadingsPerSecond float64          `json:"readings_per_second"`
	PeakRSSBytes      int64            `json:"peak_rss_bytes"`
	Arrive            string           `json:"arrive,omitempty"`
	Outcomes          map[string]int64 `json:"outcomes"` // of readings
	Silence           SilenceSummary   `json:"silence"`
	Rules             []*RuleSummary   `json:"rules"`
	Homes             []*HomeSummary   `json:"homes"`

	byRule map[string]*RuleSummary
}

// SilenceSummary is how well silence is told: false alarms against the delay to a true one. The first 28 days of a home are for learning and
// do not count. The delays need shadow.csv.
type SilenceSummary struct {
	Households           int     `json:"households"`
	HomeYears            float64 `json:"home_years"`
	Alerts               int     `json:"alerts"` // silence and away, alert and urgent: each is false, where no emergency was recorded
	AlertsPerHomeYear    float64 `json:"alerts_per_home_year"`
	Questions            int     `json:"questions"`
	QuestionsPerHomeYear float64 `json:"questions_per_home_year"`
	Hours                int     `json:"hours"` // at which the delay was taken: with life in the four hours before and after
	MeanDelay            float64 `json:"mean_delay_h"`
	MedianDelay          float64 `json:"median_delay_h"`
	P90Delay             float64 `json:"p90_delay_h"`
	PlainDelay           float64 `json:"plain_mean_delay_h"` // of the plain rule 'no sign of life for T' with as many alerts
}

// RuleSummary is how often one rule was raised with one severity.
type RuleSummary struct {
	Rule              string  `json:"rule"`
	Severity          string  `json:"severity"`
	Trial             bool    `json:"trial,omitempty"` // counted, not in alerts.csv
	Alerts            int     `json:"alerts"`
	AlertsPerHomeYear float64 `json:"alerts_per_home_year"`
	Homes             int     `json:"homes"` // in which it was raised
}

// HomeSummary is one household's share.
type HomeSummary struct {
	Household string         `json:"household"`
	From      time.Time      `json:"from"`
	Years     float64        `json:"years"`
	Blind     float64        `json:"blind_h"`
	Urgent    int            `json:"urgent"`
	Alert     int            `json:"alert"`
	Question  int            `json:"question"`
	Notice    int            `json:"notice"`
	MeanDelay float64        `json:"mean_delay_h,omitempty"`
	Alerts    map[string]int `json:"alerts"` // by rule
}

const year = 365 * 24 * time.Hour

// newSummary lists every rule that runs, so that one that was never raised is seen to be so.
func newSummary(v Variant) *Summary {
	s := &Summary{Variant: v.Name, Outcomes: map[string]int64{}, byRule: map[string]*RuleSummary{}}
	for _, r := range append(slices.Clone(v.Rules), rules.OnTrial(v.Rules)...) {
		rs := &RuleSummary{Rule: r.Name, Severity: string(r.Severity), Trial: r.Trial}
		s.Rules = append(s.Rules, rs)
		s.byRule[r.Name] = rs
	}
	return s
}

// count takes a finding that began. A rule that the engine adds by itself is listed when it is first raised.
func (s *Summary) count(f stillwater.Finding) {
	r := s.byRule[f.Rule]
	if r == nil {
		r = &RuleSummary{Rule: f.Rule, Severity: string(f.Severity), Trial: f.Trial}
		s.Rules = append(s.Rules, r)
		s.byRule[f.Rule] = r
	}
	r.Alerts++
}

// home adds a household.
func (s *Summary) home(h *played, from time.Time, covered time.Duration) {
	for rule := range h.raised {
		s.byRule[rule].Homes++
	}
	s.Homes = append(s.Homes, &HomeSummary{
		Household: string(h.id), From: from, Years: covered.Hours() / year.Hours(), Blind: round(h.blind.Hours(), 1),
		Urgent: h.severe[0], Alert: h.severe[1], Question: h.severe[2], Notice: h.severe[3],
		MeanDelay: round(h.protection.mean(), 2), Alerts: h.raised,
	})
	if h.lives > leastLife {
		s.Silence.Households++
		s.Silence.HomeYears += h.years()
		s.Silence.Alerts += h.falses
		s.Silence.Questions += h.questions
	}
}

// finish works out the rates.
func (s *Summary) finish(p *player, took time.Duration) {
	s.Households, s.Readings, s.Arrive = len(s.Homes), p.count, p.Arrive.String()
	for _, o := range p.results {
		s.Outcomes[string(o.outcome)] = o.n
	}
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
	l := &s.Silence
	l.AlertsPerHomeYear = round(float64(l.Alerts)/l.HomeYears, 2)
	l.QuestionsPerHomeYear = round(float64(l.Questions)/l.HomeYears, 2)
	l.HomeYears = round(l.HomeYears, 2)
	if l.Hours = p.delays.n; l.Hours > 0 {
		l.MeanDelay = round(p.delays.sum/float64(l.Hours), 2)
		l.MedianDelay, l.P90Delay = round(p.delays.quantile(0.5), 2), round(p.delays.quantile(0.9), 2)
		if l.Alerts > 0 {
			l.PlainDelay = round(p.delays.plainDelay(p.silences.plain(l.Alerts)), 2)
		}
	}
}

// raised is how often findings of a severity were raised by rules that are on.
func (s *Summary) raised(severity stillwater.Severity) (n int) {
	for _, r := range s.Rules {
		if !r.Trial && r.Severity == string(severity) {
			n += r.Alerts
		}
	}
	return n
}

// AlertRate is alerts and urgent alerts of all rules that are on, per home and year.
func (s *Summary) AlertRate() float64 {
	return round(float64(s.raised(stillwater.Alert)+s.raised(stillwater.Urgent))/s.HomeYears, 2)
}

// QuestionRate is the same of questions.
func (s *Summary) QuestionRate() float64 {
	return round(float64(s.raised(stillwater.Question))/s.HomeYears, 2)
}

// workerHomes is how many homes a grid worker looks after.
const workerHomes = 40

// Visits is what the alerts mean for a worker with 40 homes: visits a week.
func (s *Summary) Visits() float64 {
	return round(s.AlertRate()*workerHomes*7/365, 1)
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
