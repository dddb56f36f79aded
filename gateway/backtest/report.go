package backtest

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// report writes report.md and report.html.
func (p *pass) report() error {
	var b strings.Builder
	first := p.players[0].sum
	fmt.Fprintf(&b, "# Backtest\n\n%s: %d households, %.1f home-years vouched for, %d readings, %.1f s (%.0f readings a second).\n",
		strings.Join(p.Readings, ", "), first.Households, first.HomeYears, first.Readings, first.WallSeconds, first.ReadingsPerSecond)
	b.WriteString("\nA home-year is a year of time that readings vouch for; a device that is off the air adds none, and raises no silence.\n")
	if p.Arrive.kind != asRecorded {
		fmt.Fprintf(&b, "Readings came to the gateway %s.\n", p.Arrive)
	}
	if len(p.players) > 1 {
		writeComparison(&b, p.players)
	}
	for _, v := range p.players {
		if len(p.players) > 1 {
			fmt.Fprintf(&b, "\n# %s\n", v.Name)
		}
		writeRules(&b, "Rules that are on", v.sum, false)
		writeRules(&b, "Presets on trial (what they would have raised, had they been on; not in alerts.csv)", v.sum, true)
	}
	b.WriteString("\n## What became of the readings\n\n| outcome | readings |\n|---|---:|\n")
	for _, k := range slices.Sorted(maps.Keys(first.Outcomes)) {
		fmt.Fprintf(&b, "| %s | %d |\n", k, first.Outcomes[k])
	}
	for _, v := range p.players {
		writeHomes(&b, v)
	}
	if err := writeWhole(filepath.Join(p.Out, "report.md"), []byte(b.String())); err != nil {
		return err
	}
	return p.page()
}

func writeComparison(b *strings.Builder, players []*player) {
	b.WriteString("\n## Side by side\n\n| | alerts per home-year | visits per worker and week | questions per home-year | silence alerts per home-year | mean protection delay | 90 % within |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, v := range players {
		s := v.sum
		fmt.Fprintf(b, "| %s | %.2f | %.1f | %.2f | %.2f | %s | %s |\n", v.Name, s.AlertRate(), s.Visits(), s.QuestionRate(), s.Silence.AlertsPerHomeYear,
			hours(s.Silence.MeanDelay), hours(s.Silence.P90Delay))
	}
	b.WriteString("\nSilence alerts and delays leave out the first 28 days of each home.\n")
}

// hours writes a delay; zero is one that was not measured.
func hours(v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f h", v)
}

func writeRules(b *strings.Builder, title string, s *Summary, trial bool) {
	fmt.Fprintf(b, "\n## %s\n\n| rule | severity | raised | per home and year | homes |\n|---|---|---:|---:|---:|\n", title)
	for _, r := range s.Rules {
		if r.Trial == trial {
			fmt.Fprintf(b, "| %s | %s | %d | %.1f | %d |\n", r.Rule, r.Severity, r.Alerts, r.AlertsPerHomeYear, r.Homes)
		}
	}
}

func writeHomes(b *strings.Builder, v *player) {
	b.WriteString("\n## Homes, and how often each rule was raised there")
	if v.Name != "" {
		fmt.Fprintf(b, ": %s", v.Name)
	}
	b.WriteString("\n\n| household | years | raised |\n|---|---:|---|\n")
	for _, h := range v.sum.Homes {
		var parts []string
		for _, r := range v.sum.Rules {
			if n := h.Alerts[r.Rule]; n > 0 && !r.Trial {
				parts = append(parts, fmt.Sprintf("%s %d", r.Rule, n))
			}
		}
		fmt.Fprintf(b, "| %s | %.2f | %s |\n", h.Household, h.Years, strings.Join(parts, ", "))
	}
}

// homeRow is one household in the report, under each variant.
type homeRow struct {
	*house
	Household string
	Years     float64
	Blind     float64 // hours
	Cells     []homeCell
	spread    float64 // how much the variants differ
	weight    int     // how much there is to see
}

// Covered is the time that readings vouch for, in words.
func (h homeRow) Covered() string {
	if h.Years < 1 {
		return fmt.Sprintf("%.0f days", h.Years*365)
	}
	return fmt.Sprintf("%.1f years", h.Years)
}

// BlindFor is the time in which the meter was missed, in words.
func (h homeRow) BlindFor() string {
	if h.Blind >= 72 {
		return fmt.Sprintf("%.0f days", h.Blind/24)
	}
	return hours(h.Blind)
}

// homeCell is the household under one variant.
type homeCell struct {
	Urgent, Alert, Question, Notice int
	Delay                           string
}

// Alerts are those that somebody is sent for.
func (c homeCell) Alerts() int { return c.Urgent + c.Alert }

// homeRows are the homes with the differences between variants first, then those with the most alerts.
func (p *pass) homeRows() []homeRow {
	var list []homeRow
	for i, h := range p.players[0].order {
		s := p.players[0].sum.Homes[i]
		row := homeRow{house: h.house, Household: s.Household, Years: s.Years, Blind: s.Blind}
		least, most := 1e9, 0.0
		for _, v := range p.players { // all have met the same homes in the same order
			s := v.sum.Homes[i]
			row.Cells = append(row.Cells, homeCell{s.Urgent, s.Alert, s.Question, s.Notice, hours(s.MeanDelay)})
			least, most = min(least, float64(s.Urgent+s.Alert)), max(most, float64(s.Urgent+s.Alert))
			row.weight += 10*(s.Urgent+s.Alert) + s.Question
		}
		row.spread = most - least
		list = append(list, row)
	}
	slices.SortStableFunc(list, func(a, b homeRow) int {
		return cmp.Or(cmp.Compare(b.spread, a.spread), cmp.Compare(b.weight, a.weight), strings.Compare(a.Household, b.Household))
	})
	return list
}
