package trial

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Learning is how long a home is learned before a finding counts as false, and Limit how soon an event must be found.
const (
	Learning = 28 * 24 * time.Hour
	Limit    = 24 * time.Hour
)

// A Criterion says what counts as finding an event.
type Criterion struct {
	Event Event               `json:"event"`
	Rules []string            `json:"rules"` // by how their names begin
	Least stillwater.Severity `json:"least"`
}

// Criteria are those that are scored.
func Criteria() []Criterion {
	life, water := []string{"silence", "away"}, []string{"leak", "surge"}
	out := []string{"door", "away", "silence", "night-exit"}
	return []Criterion{
		{Fall, life, stillwater.Question},
		{Fall, life, stillwater.Alert},
		{Tap, water, stillwater.Alert},
		{NightExit, out, stillwater.Question},
		{NightExit, out, stillwater.Alert},
		{Burst, water, stillwater.Alert},
	}
}

// A Found is how well one kind of event was found, in all homes or in those of a stratum.
type Found struct {
	Criterion
	Stratum Stratum  `json:"stratum,omitempty"` // empty: all
	Events  int      `json:"events"`
	Within  int      `json:"found_within_24h"`
	Share   float64  `json:"share"`
	Low     float64  `json:"share_low_95"` // of the interval that leaves one in twenty outside (Wilson)
	High    float64  `json:"share_high_95"`
	Median  *float64 `json:"median_delay_h"` // of all events; nil: fewer than half were ever found
	P95     *float64 `json:"p95_delay_h"`
	Already int      `json:"already"` // such a finding was going on when the event began; its delay counts as zero
}

// A False is what was raised where nothing had happened.
type False struct {
	Rule        string              `json:"rule"`
	Severity    stillwater.Severity `json:"severity"`
	Stratum     Stratum             `json:"stratum,omitempty"`
	Count       int                 `json:"count"`
	PerHomeYear float64             `json:"per_home_year"`
}

// A Score is what a backtest made of a staged recording.
type Score struct {
	About     About               `json:"about"`
	Found     []Found             `json:"found"`
	False     []False             `json:"false"` // by rule and severity, in all homes
	Strata    []False             `json:"false_by_stratum"`
	HomeYears map[Stratum]float64 `json:"home_years"` // without learning and events; "all" is the sum
	Groups    int                 `json:"groups"`     // findings about a group of homes, which are not scored
}

// all is the key of every stratum together.
const all Stratum = "all"

// NewScore scores the alerts.csv of a backtest over a staged recording.
func NewScore(dir, alerts string) (Score, error) {
	about, err := readAbout(dir)
	if err != nil {
		return Score{}, err
	}
	homes, err := readHomes(dir)
	if err != nil {
		return Score{}, err
	}
	truths, err := readTruths(dir)
	if err != nil {
		return Score{}, err
	}
	findings, err := readFindings(alerts)
	if err != nil {
		return Score{}, err
	}
	for id := range findings {
		if _, ok := homes[id]; !ok && id != "" {
			return Score{}, fmt.Errorf("%s names home %q, which %s does not: is it of another recording?", alerts, id, HomesFile)
		}
	}
	s := Score{About: about, HomeYears: map[Stratum]float64{}, Groups: len(findings[""])}
	for _, c := range Criteria() {
		s.Found = append(s.Found, c.score(all, truths, homes, findings))
		for _, stratum := range Strata() {
			if f := c.score(stratum, truths, homes, findings); f.Events > 0 {
				s.Found = append(s.Found, f)
			}
		}
	}
	s.countFalse(truths, homes, findings)
	return s, nil
}

// score scores one criterion in the homes of a stratum.
func (c Criterion) score(stratum Stratum, truths []Truth, homes map[stillwater.HouseholdID]Home, findings map[stillwater.HouseholdID][]finding) Found {
	f := Found{Criterion: c, Stratum: stratum}
	if stratum == all {
		f.Stratum = ""
	}
	var delays []float64
	for _, t := range truths {
		if t.Event != c.Event || stratum != all && homes[t.Household].Stratum != stratum {
			continue
		}
		delay, already := c.delay(t, findings[t.Household])
		if already {
			f.Already++
		}
		if delay <= Limit.Hours() {
			f.Within++
		}
		delays = append(delays, delay)
	}
	if f.Events = len(delays); f.Events == 0 {
		return f
	}
	f.Share = float64(f.Within) / float64(f.Events)
	f.Low, f.High = wilson(f.Within, f.Events)
	slices.Sort(delays)
	f.Median, f.P95 = quantile(delays, 0.5), quantile(delays, 0.95)
	return f
}

// delay is how many hours after a gateway could know of an event it was found; infinite when it never was.
func (c Criterion) delay(t Truth, findings []finding) (hours float64, already bool) {
	for _, x := range findings { // by their beginning
		switch {
		case c.Least.Above(x.severity) || !begins(x.rule, c.Rules):
		case x.began.Before(t.From):
			if x.ended.IsZero() || x.ended.After(t.From) {
				return 0, true
			}
		case !x.began.After(t.To):
			return max(0, x.began.Sub(t.Known).Hours()), false
		}
	}
	return math.Inf(1), false
}

// begins says whether a rule's name begins with one of some detectors.
func begins(rule string, detectors []string) bool {
	return slices.ContainsFunc(detectors, func(d string) bool { return strings.HasPrefix(rule, d) })
}

// quantile is the value that a share of sorted values does not exceed; nil when it is infinite.
func quantile(sorted []float64, share float64) *float64 {
	v := sorted[max(0, int(math.Ceil(share*float64(len(sorted))))-1)]
	if math.IsInf(v, 1) {
		return nil
	}
	v = math.Round(v*100) / 100
	return &v
}

// wilson is the 95 % interval of a share.
func wilson(k, n int) (low, high float64) {
	const z = 1.96
	p, m := float64(k)/float64(n), float64(n)
	middle := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, middle-half), min(1, middle+half)
}

// countFalse counts what was raised by homes that were learned, where and when nothing had happened: an event covers its own time and
// the day after it.
func (s *Score) countFalse(truths []Truth, homes map[stillwater.HouseholdID]Home, findings map[stillwater.HouseholdID][]finding) {
	events := map[stillwater.HouseholdID]Truth{}
	for _, t := range truths {
		t.To = t.To.Add(Limit)
		events[t.Household] = t
	}
	type key struct {
		rule     string
		severity stillwater.Severity
		stratum  Stratum
	}
	count := map[key]int{}
	for id, h := range homes {
		learned, t := h.From.Add(Learning), events[id]
		years := h.To.Sub(learned)
		if from, to := latest(t.From, learned), earliest(t.To, h.To); !t.From.IsZero() && from.Before(to) {
			years -= to.Sub(from)
		}
		s.HomeYears[h.Stratum] += max(0, years).Hours() / 24 / 365
		s.HomeYears[all] += max(0, years).Hours() / 24 / 365
		for _, x := range findings[id] {
			if x.began.Before(learned) || !t.From.IsZero() && !x.began.Before(t.From) && x.began.Before(t.To) {
				continue
			}
			count[key{x.rule, x.severity, ""}]++
			count[key{detector(x.rule), x.severity, h.Stratum}]++
		}
	}
	for k, n := range count {
		f := False{k.rule, k.severity, k.stratum, n, 0}
		if k.stratum == "" {
			f.PerHomeYear = float64(n) / s.HomeYears[all]
			s.False = append(s.False, f)
		} else {
			f.PerHomeYear = float64(n) / s.HomeYears[k.stratum]
			s.Strata = append(s.Strata, f)
		}
	}
	order := func(a, b False) int {
		return cmp.Or(strings.Compare(string(a.Stratum), string(b.Stratum)), strings.Compare(a.Rule, b.Rule), strings.Compare(string(a.Severity), string(b.Severity)))
	}
	slices.SortFunc(s.False, order)
	slices.SortFunc(s.Strata, order)
}

// detector is the first word of a rule's name.
func detector(rule string) string {
	word, _, _ := strings.Cut(rule, "-")
	return word
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// PerHomeYear is how often findings of some severities were raised falsely by rules that begin with one of some words, per home and year;
// no words are all rules.
func (s Score) PerHomeYear(severities []stillwater.Severity, detectors ...string) float64 {
	n := 0
	for _, f := range s.False {
		if slices.Contains(severities, f.Severity) && (len(detectors) == 0 || begins(f.Rule, detectors)) {
			n += f.Count
		}
	}
	if s.HomeYears[all] == 0 {
		return 0
	}
	return float64(n) / s.HomeYears[all]
}

// strata are those of which there are homes, in the order of tables.
func (s Score) strata() []Stratum {
	return slices.DeleteFunc(Strata(), func(t Stratum) bool { return !slices.Contains(slices.Collect(maps.Keys(s.HomeYears)), t) })
}
