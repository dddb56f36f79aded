package backtest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

//go:embed report.html
var pageText string

// rowsOnPage bounds the table of homes: summary.json has them all.
const rowsOnPage = 500

// pageView is what report.html shows.
type pageView struct {
	Recordings  string
	From, To    time.Time
	Arrive      string
	Shadow      bool
	First       *Summary
	Variants    []*Summary
	Curve       *curve
	Rules       []ruleRow
	Trials      []ruleRow
	Homes       []homeRow
	Left        int // homes that have no row
	Outcomes    []outcomeRow
	Actograms   []actogram
	DrawnFrom   int // how many homes were watched to choose those
	RasterDays  int
	WorkerHomes int
}

// ruleRow is one rule under each variant.
type ruleRow struct {
	Rule, Severity string
	Cells          []*RuleSummary // nil: the variant does not have it
}

type outcomeRow struct {
	Outcome string
	N       int64
}

// page writes report.html.
func (p *pass) page() error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"hours": hours,
		"many":  func(n any) string { return grouped(fmt.Sprint(n)) },
		"day":   func(t time.Time) string { return t.Format("2 January 2006") },
		"rate":  func(v float64) string { return fmt.Sprintf("%.1f", v) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p.view()); err != nil {
		return err
	}
	return writeWhole(filepath.Join(p.Out, "report.html"), out.Bytes())
}

func (p *pass) view() *pageView {
	first := p.players[0].sum
	v := &pageView{
		Recordings: strings.Join(names(p.Readings), ", "), Arrive: p.Arrive.String(), Shadow: p.Shadow > 0, First: first, RasterDays: rasterDays, WorkerHomes: workerHomes,
	}
	for _, pl := range p.players {
		v.Variants = append(v.Variants, pl.sum)
	}
	for _, h := range first.Homes {
		if v.From.IsZero() || h.From.Before(v.From) && !h.From.IsZero() {
			v.From = h.From
		}
	}
	v.To = p.players[0].last
	v.Curve = p.curve()
	v.Rules, v.Trials = ruleRows(v.Variants, false), ruleRows(v.Variants, true)
	for _, o := range slices.Sorted(maps.Keys(first.Outcomes)) {
		v.Outcomes = append(v.Outcomes, outcomeRow{o, first.Outcomes[o]})
	}
	v.Homes = p.homeRows()
	v.Actograms, v.DrawnFrom = p.actograms(v.Homes)
	if len(v.Homes) > rowsOnPage {
		v.Left, v.Homes = len(v.Homes)-rowsOnPage, v.Homes[:rowsOnPage]
	}
	return v
}

// names are the recordings without the folders they lie in.
func names(paths []string) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = filepath.Base(filepath.Clean(path))
	}
	return list
}

// ruleRows are the rules of all variants, in the order in which they first stand in one.
func ruleRows(variants []*Summary, trial bool) []ruleRow {
	var list []ruleRow
	for i, s := range variants {
		for _, r := range s.Rules {
			if r.Trial != trial {
				continue
			}
			at := slices.IndexFunc(list, func(row ruleRow) bool { return row.Rule == r.Rule && row.Severity == r.Severity })
			if at < 0 {
				list = append(list, ruleRow{r.Rule, r.Severity, make([]*RuleSummary, len(variants))})
				at = len(list) - 1
			}
			list[at].Cells[i] = r
		}
	}
	return list
}

// grouped writes a number with narrow spaces between thousands.
func grouped(text string) string {
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}
