package backtest

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

// silence is one rule 'no sign of life for T', and what tells blind homes.
func silence(after time.Duration) []rules.Rule {
	return []rules.Rule{
		{Name: "silence-" + stillwater.FormatSpan(after), Severity: stillwater.Alert, After: after},
		{Name: "device-silent", Severity: stillwater.Notice},
		{Name: "device-blind", Severity: stillwater.Alert, After: 24 * time.Hour},
	}
}

// lively is a home with three draws a day, and more and more often a long silence; days is how long.
func lively(id string, days, every int) string {
	litres := 0.0
	return hourly(id, 24*days, func(h int) float64 {
		day, hour := h/24, h%24
		if (hour == 7 || hour == 12 || hour == 19) && !(day%every == every-1 && hour < 19) {
			litres += 5 + float64(hour)
		}
		return litres
	})
}

// sorted merges rows of several homes by time.
func sorted(texts ...string) string {
	lines := strings.SplitAfter(strings.Join(texts, ""), "\n")
	lines = lines[:len(lines)-1]
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[:20], b[:20]) })
	return header + strings.Join(lines, "")
}

func compare(t *testing.T, o Options) ([]*Summary, string) {
	t.Helper()
	o.Out, o.Why = t.TempDir(), why
	sums, err := Compare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return sums, o.Out
}

// TestCompare runs sets of rules side by side: each gives what it gives alone, and the report names the differences.
func TestCompare(t *testing.T) {
	path := write(t, "x.csv", sorted(lively("h1", 90, 90), lively("h2", 90, 7), lively("h3", 90, 40)))
	variants := []Variant{{Name: "now", Rules: silence(30 * time.Hour)}, {Name: "new", Rules: silence(18 * time.Hour)}, {Name: "late", Rules: silence(14 * 24 * time.Hour)}}
	sums, out := compare(t, Options{Readings: []string{path}, Variants: variants, Shadow: time.Hour, Actograms: 2})
	for i, v := range variants {
		_, alone := compare(t, Options{Readings: []string{path}, Rules: v.Rules, Shadow: time.Hour})
		for _, name := range []string{"alerts.csv", "shadow.csv"} {
			if read(t, filepath.Join(out, v.Name), name) != read(t, alone, name) {
				t.Errorf("%s: %s is not what it is alone", v.Name, name)
			}
		}
		var sum Summary
		if err := json.Unmarshal([]byte(read(t, filepath.Join(out, v.Name), "summary.json")), &sum); err != nil || sum.Variant != v.Name || sum.Readings != sums[i].Readings {
			t.Errorf("%s: summary %+v, %v", v.Name, sum, err)
		}
	}
	if a, b := sums[0].Silence, sums[1].Silence; a.Alerts != 0 || b.Alerts == 0 || b.MeanDelay >= a.MeanDelay || a.Hours != b.Hours {
		t.Errorf("30 h: %+v, 18 h: %+v", a, b)
	}
	page, report := read(t, out, "report.html"), read(t, out, "report.md")
	if at2, at3, at1 := strings.Index(page, "<th>h2</th>"), strings.Index(page, "<th>h3</th>"), strings.Index(page, "<th>h1</th>"); at2 < 0 || at3 < at2 || at1 < at3 {
		t.Errorf("homes in the report at %d %d %d: the one that differs most is to come first", at2, at3, at1)
	}
	visits := fmt.Sprintf("%.1f", float64(sums[1].raised(stillwater.Alert))/sums[1].HomeYears*40*7/365)
	for _, want := range []string{"| new | ", "visits per worker and week"} {
		if !strings.Contains(report, want) {
			t.Errorf("report.md lacks %q:\n%s", want, report)
		}
	}
	for _, want := range []string{"3 sets of rules side by side", `<td>` + visits + `</td>`, "2 of 3 homes are drawn", "Delay against false alerts", "those of now"} {
		if !strings.Contains(page, want) {
			t.Errorf("report.html lacks %q", want)
		}
	}
}

// TestPageStandsAlone wants a page that needs nothing from elsewhere, runs nothing, and shows names as names.
func TestPageStandsAlone(t *testing.T) {
	name := `<script>alert(1)</script>&"'`
	text := sorted(lively("h1", 40, 9))
	text = strings.ReplaceAll(text, ",h1,", `,"`+strings.ReplaceAll(name, `"`, `""`)+`",`)
	_, out := compare(t, Options{Readings: []string{write(t, "x.csv", text)}, Rules: silence(18 * time.Hour), Shadow: time.Hour, Actograms: 3})
	page := read(t, out, "report.html")
	if strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error("the household's name is not escaped")
	}
	if found := regexp.MustCompile(`(?i)(src|href|action)\s*=|https?:|@import|url\([^#]`).FindAllString(page, -1); found != nil {
		t.Errorf("the page points elsewhere: %q", found)
	}
	if bad := regexp.MustCompile(`ZgotmplZ|NaN|Inf|<no value>`).FindAllString(page, -1); bad != nil {
		t.Errorf("the page holds %q", bad)
	}
	balanced(t, page)
}

// balanced wants every element of the page closed.
func balanced(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
	d.Entity = xml.HTMLEntity
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestCurve wants budgets on one line, from many alerts and short delays to few and long ones, beside the plain rule.
func TestCurve(t *testing.T) {
	var variants []Variant
	for _, hours := range []int{16, 20, 26} {
		variants = append(variants, Variant{Name: fmt.Sprintf("budget-%d", 60-2*hours), Budget: float64(60 - 2*hours), Rules: silence(time.Duration(hours) * time.Hour)})
	}
	path := write(t, "x.csv", sorted(lively("h1", 200, 9), lively("h2", 200, 11), lively("h3", 200, 23)))
	sums, out := compare(t, Options{Readings: []string{path}, Variants: variants, Shadow: time.Hour})
	for i := range sums[:2] {
		a, b := sums[i].Silence, sums[i+1].Silence
		if a.MeanDelay >= b.MeanDelay || a.AlertsPerHomeYear < b.AlertsPerHomeYear || a.P90Delay < a.MedianDelay {
			t.Errorf("%+v\n%+v", a, b)
		}
	}
	page := read(t, out, "report.html")
	for _, want := range []string{`class="mean" d="M`, `class="plain" d="M`, `class="p90" d="M`, ">28</text>", "named by budget"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestRaster holds the picture of a home by hand: a draw spread over its hour, a door, a hole, and a day that is far away.
func TestRaster(t *testing.T) {
	r := &raster{zone: time.FixedZone("east", 3600)}
	at := func(day, hour, minute int) int64 {
		return time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC).Unix()
	}
	r.draw(at(1, 6, 30), at(1, 7, 30), 10)
	r.draw(at(1, 0, 0), at(1, 12, 10), 7) // after a hole: where it was seen
	r.door(at(2, 23, 10))                 // the next day by local time
	r.blind(time.Unix(at(1, 14, 0), 0), time.Unix(at(1, 15, 0), 0))
	if len(r.days) != 3 || r.days[0].litres[15] != 5 || r.days[0].litres[16] != 5 || math.Abs(float64(r.days[0].litres[26])-7) > 1e-5 {
		t.Errorf("%d days, draws %v", len(r.days), r.days[0].litres)
	}
	if r.days[2].doors != 1<<0 || r.days[0].blind != 1<<30|1<<31 {
		t.Errorf("doors %b, blind %b", r.days[2].doors, r.days[0].blind)
	}
	first := r.first
	r.draw(at(1, 0, 0)+rasterDays*daySeconds, at(1, 0, 10)+rasterDays*daySeconds, 1)
	if len(r.days) != rasterDays || r.first != first+1 {
		t.Errorf("%d days from %d, they began at %d", len(r.days), r.first, first)
	}
	r.draw(at(1, 0, 0), at(1, 0, 10), 1) // before what is kept
	r.draw(at(1, 0, 0)+1000*daySeconds, at(1, 0, 10)+1000*daySeconds, 1)
	if len(r.days) > rasterDays || r.first < first+1 {
		t.Errorf("%d days from %d", len(r.days), r.first)
	}
}

// TestBlind wants the blind time of a meter that was away, and none for a home that was not.
func TestBlind(t *testing.T) {
	gap := func(from, to int) func(int) float64 {
		return func(h int) float64 {
			if h > from && h < to {
				return math.NaN()
			}
			return float64(h / 3)
		}
	}
	sums, out := compare(t, Options{Readings: []string{write(t, "x.csv", sorted(hourly("h1", 200, gap(100, 130)), hourly("h2", 200, gap(500, 500))))},
		Rules: silence(30 * time.Hour), Actograms: 2})
	for _, h := range sums[0].Homes {
		if want := map[string]float64{"h1": 30, "h2": 0}[h.Household]; h.Blind != want {
			t.Errorf("%s was blind for %v h, want %v", h.Household, h.Blind, want)
		}
	}
	if page := read(t, out, "report.html"); !strings.Contains(page, "blind 30.0 h") || strings.Count(page, `class="blind" d="M`) != 1 {
		t.Error("the page does not show the blind time of one home")
	}
}
