package backtest

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/rules"
)

const header = "time,household,device,quantity,value\n"

// write writes a file into a new folder and gives its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// pack writes a gzipped file.
func pack(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	_, err = z.Write([]byte(text))
	if err = errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// why says the facts, so that a test sees them.
func why(f stillwater.Finding, zone *time.Location) string {
	return fmt.Sprintf("since %s %v data to %s", f.Facts.Since.In(zone).Format("02 15:04"), f.Facts.Litres, f.Facts.DataTo.In(zone).Format("02 15:04"))
}

// run backtests recordings with the default rules, with a row of shadow.csv each hour, and gives its folder.
func run(t *testing.T, readings ...string) string {
	t.Helper()
	out := t.TempDir()
	if _, err := Run(t.Context(), Options{Readings: readings, Rules: rules.Defaults(), Shadow: time.Hour, Out: out, Why: why}); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, folder, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// hourly gives rows of a meter each hour from the first of November on; litres gives its counter, NaN for no reading.
func hourly(id string, hours int, litres func(hour int) float64) string {
	var b strings.Builder
	for h := range hours {
		if v := litres(h); !math.IsNaN(v) {
			at := time.Date(2026, 11, 1, h, 0, 0, 0, time.UTC)
			fmt.Fprintf(&b, "%s,%s,meter,water.total,%g\n", at.Format(time.RFC3339), id, v)
		}
	}
	return b.String()
}

// tenHours lives for ten hours and is still from then on.
func tenHours(h int) float64 { return 1000 + 10*float64(min(h, 10)) }

// lived counts hours of use with a dry one in three: water that never stops would be a leak, and no life.
func lived(h int) int { return h - h/3 }

// TestByHand holds every byte of alerts.csv for a recording that can be followed by hand: ten hours of use, a day and a half without,
// use again, and a surge that goes on at the end.
func TestByHand(t *testing.T) {
	litres := func(h int) float64 {
		switch {
		case h <= 46:
			return tenHours(h)
		case h < 50:
			return 1100 + 20*float64(h-46)
		}
		return 1160 + 900*float64(h-49)
	}
	folder := filepath.Dir(write(t, "readings.csv", header+hourly("h1", 56, litres)))
	if err := os.WriteFile(filepath.Join(folder, "households.csv"), []byte("household,timezone,residents\nh1,Asia/Shanghai,1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := run(t, folder)
	want := `household,rule,severity,began,ended,why
h1,silence-12h,question,2026-11-01T22:00:00Z,2026-11-02T23:00:00Z,since 01 18:00 0 L data to 02 06:00
h1,silence-24h,alert,2026-11-02T10:00:00Z,2026-11-02T23:00:00Z,since 01 18:00 0 L data to 02 18:00
h1,leak-running,urgent,2026-11-03T03:00:00Z,,since 03 09:00 1.8 m³ data to 03 11:00
h1,surge-2m3-day,alert,2026-11-03T05:00:00Z,,since 02 12:00 2.76 m³ data to 03 13:00
`
	if got := read(t, out, "alerts.csv"); got != want {
		t.Errorf("alerts.csv\n%s\nwant\n%s", got, want)
	}
	var sum Summary
	if err := json.Unmarshal([]byte(read(t, out, "summary.json")), &sum); err != nil {
		t.Fatal(err)
	}
	if sum.Households != 1 || sum.Readings != 56 || math.Abs(sum.HomeYears*365*24-55) > 0.01 || sum.PeakRSSBytes == 0 {
		t.Errorf("summary %+v", sum)
	}
	alerts := map[string]int{}
	for _, r := range sum.Rules {
		alerts[r.Rule+"/"+r.Severity] = r.Alerts
		if want := float64(r.Alerts) / sum.HomeYears; math.Abs(r.AlertsPerHomeYear-want) > 0.01 {
			t.Errorf("%s: %v a home and year, want %v", r.Rule, r.AlertsPerHomeYear, want)
		}
	}
	if alerts["silence-24h/alert"] != 1 || alerts["silence-none-in-12h/alert"] != 1 || alerts["door-open/question"] != 0 {
		t.Errorf("alerts by rule %v", alerts)
	}
	if report := read(t, out, "report.md"); !strings.Contains(report, "| silence-24h | alert | 1 |") {
		t.Errorf("report\n%s", report)
	}
}

// TestShadowRows wants a row for each whole UTC hour and household known by then, from the first reading to the last.
func TestShadowRows(t *testing.T) {
	first := hourly("h1", 30, tenHours)
	second := strings.ReplaceAll(hourly("h2", 30, func(h int) float64 {
		if h < 12 {
			return math.NaN()
		}
		return float64(h)
	}), ":00:00Z", ":30:00Z")
	out := run(t, write(t, "a.csv", header+first), write(t, "b.csv", header+second))
	rows := strings.Split(strings.TrimSpace(read(t, out, "shadow.csv")), "\n")[1:]
	seen := map[string]string{}
	for _, row := range rows {
		f := strings.Split(row, ",")
		if seen[f[0]+" "+f[1]] != "" {
			t.Errorf("%s %s stands twice", f[0], f[1])
		}
		seen[f[0]+" "+f[1]] = f[2] + " " + f[3]
	}
	// h1 is known from 00:00 on, and its reading of 01:00 is before the row of 01:00; h2 from 12:30 on.
	for h := range 30 {
		at := time.Date(2026, 11, 1, h, 0, 0, 0, time.UTC).Format(time.RFC3339)
		if got := seen["h1 "+at] != ""; got != (h >= 1) {
			t.Errorf("a row of h1 at %s: %v", at, got)
		}
		if got := seen["h2 "+at] != ""; got != (h >= 13) {
			t.Errorf("a row of h2 at %s: %v", at, got)
		}
	}
	if got := seen["h1 2026-11-01T09:00:00Z"]; got != "2026-11-02T09:00:00Z silence-24h" {
		t.Errorf("had life stopped after 09:00, the alert would come %q", got)
	}
	if got := seen["h1 2026-11-01T20:00:00Z"]; got != "2026-11-02T10:00:00Z silence-24h" {
		t.Errorf("after ten hours of stillness, the alert would come %q", got)
	}
}

// TestTimePasses finds what no reading brings: a meter that goes silent is missed when it should have been heard, and not when it is back.
// The last row of shadow.csv is of the hour at which the last reading came.
func TestTimePasses(t *testing.T) {
	out := run(t, write(t, "x.csv", header+hourly("h1", 41, func(h int) float64 {
		if h > 12 && h < 40 {
			return math.NaN()
		}
		return float64(h / 2)
	})))
	want := `household,rule,severity,began,ended,why
h1,device-silent,notice,2026-11-01T14:15:00Z,2026-11-02T16:00:00Z,since 01 12:00 0 L data to 01 12:00
h1,device-blind,alert,2026-11-02T12:00:00Z,2026-11-02T16:00:00Z,since 01 12:00 0 L data to 01 12:00
`
	if got := read(t, out, "alerts.csv"); got != want {
		t.Errorf("alerts.csv\n%s\nwant\n%s", got, want)
	}
	if shadow := read(t, out, "shadow.csv"); !strings.Contains(shadow, "\nh1,2026-11-02T16:00:00Z,") {
		t.Errorf("no row of the last hour:\n%s", shadow)
	}
}

// TestSourcesOfReadings gives the same alerts whatever way the same readings come: plain, gzipped, in a folder, in two files merged by time.
func TestSourcesOfReadings(t *testing.T) {
	a, b := hourly("h1", 40, tenHours), hourly("h2", 40, func(h int) float64 { return 5 + 7*float64(h) }) // and h2 leaks, which is no life
	lines := strings.Split(strings.TrimSpace(a+b), "\n")
	slices.Sort(lines)
	both := header + strings.Join(lines, "\n") + "\n"
	want := read(t, run(t, write(t, "x.csv", both)), "alerts.csv")
	if strings.Count(want, "\n") != 6 {
		t.Fatalf("alerts\n%s", want)
	}
	ways := map[string][]string{
		"gzipped":         {pack(t, "x.csv.gz", both)},
		"folder":          {filepath.Dir(pack(t, "readings.csv.gz", both))},
		"two files":       {write(t, "a.csv", header+a), pack(t, "b.csv.gz", header+b)},
		"byte order mark": {write(t, "x.csv", "\ufeff"+both)},
		"other columns":   {write(t, "x.csv", strings.ReplaceAll(strings.Replace(both, "value", "value,note", 1), "\n2", ",\n2")+"x")},
	}
	last := ways["other columns"][0]
	text, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	fixed := strings.TrimSuffix(string(text), "\nx") + ",\n"
	fixed = strings.Replace(fixed, "value,note,\n", "value,note\n", 1)
	if err := os.WriteFile(last, []byte(fixed), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, paths := range ways {
		if got := read(t, run(t, paths...), "alerts.csv"); got != want {
			t.Errorf("%s: alerts\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestReceived plays a meter that uploads its hourly history once a day at 02:00: alerts come once an upload is all there, say up to when there is
// data, and the time between uploads is no silence of the device. An upload is judged as a whole, in the minute after.
func TestReceived(t *testing.T) {
	var b strings.Builder
	b.WriteString("time,household,device,quantity,value,received\n")
	for day := range 12 {
		upload := time.Date(2026, 11, day+2, 2, 0, 0, 0, time.UTC)
		for h := range 24 {
			hour := day*24 + h
			litres := 10 * float64(lived(hour))
			if day >= 9 {
				litres = 10 * float64(lived(9*24)+1) // still from the tenth on
			}
			at := time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC)
			fmt.Fprintf(&b, "%s,h1,meter,water.total,%g,%s\n", at.Format(time.RFC3339), litres, upload.Format(time.RFC3339))
		}
	}
	out := run(t, write(t, "x.csv", b.String()))
	want := `household,rule,severity,began,ended,why
h1,silence-12h,question,2026-11-11T02:01:00Z,,since 10 00:00 0 L data to 10 23:00
h1,silence-24h,alert,2026-11-12T02:01:00Z,,since 10 00:00 0 L data to 11 23:00
`
	got := read(t, out, "alerts.csv")
	var rest []string // leak-24h is about the steady use before
	for line := range strings.Lines(got) {
		if !strings.Contains(line, "leak-24h") {
			rest = append(rest, line)
		}
	}
	if strings.Join(rest, "") != want {
		t.Errorf("alerts.csv\n%s\nwant\n%s", got, want)
	}
	// Had life stopped at noon of the fifth: 24 hours later is noon of the sixth, and that is known by the upload at 02:00 of the seventh.
	// The engine may say one upload earlier, for at noon it knows of no life since 23:00.
	shadow := read(t, out, "shadow.csv")
	if !strings.Contains(shadow, "\nh1,2026-11-05T12:00:00Z,2026-11-06T02:0") && !strings.Contains(shadow, "\nh1,2026-11-05T12:00:00Z,2026-11-07T02:0") {
		for line := range strings.Lines(shadow) {
			if strings.Contains(line, "2026-11-05T12") {
				t.Errorf("shadow row %s", line)
			}
		}
	}
}

// TestErrors wants the file and line of everything that is wrong, and no results.
func TestErrors(t *testing.T) {
	row := "2026-11-01T00:00:00Z,h1,meter,water.total,1\n"
	for name, c := range map[string]struct{ text, want string }{
		"no header":        {"", ":1: the header"},
		"column missing":   {"time,household,device,value\n", `:1: no column "quantity"`},
		"time":             {header + row + "2026-11-01 01:00,h1,meter,water.total,2\n", `:3: time "2026-11-01 01:00" is not RFC 3339`},
		"value":            {header + row + "2026-11-01T01:00:00Z,h1,meter,water.total,two\n", `:3: value "two" of water.total`},
		"door":             {header + "2026-11-01T01:00:00Z,h1,door,door,ajar\n", `:2: door value "ajar"`},
		"order":            {header + row + "2026-10-31T01:00:00Z,h1,meter,water.total,2\n", `:3: 2026-10-31T01:00:00Z comes after`},
		"too few fields":   {header + row + "2026-11-01T01:00:00Z,h1\n", `:3: wrong number of fields`},
		"quote":            {header + row + "2026-11-01T01:00:00Z,h\"1,meter,water.total,1\n", `:3: bare`},
		"received":         {"time,household,device,quantity,value,received\n2026-11-01T00:00:00Z,h1,meter,water.total,1,soon\n", `:2: received "soon"`},
		"households":       {header + row, `households.csv:2: "Mars/Olympus" is not a time zone`},
		"households short": {header + row, `households.csv:1: the header needs`},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, "readings.csv", c.text)
			zones := map[string]string{"households": "household,timezone\nh1,Mars/Olympus\n", "households short": "household\nh1\n"}[name]
			if zones != "" {
				if err := os.WriteFile(filepath.Join(filepath.Dir(path), "households.csv"), []byte(zones), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "out")
			_, err := Run(t.Context(), Options{Readings: []string{path}, Rules: rules.Defaults(), Shadow: time.Hour, Out: out, Why: why})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("said %v, want %q", err, c.want)
			}
			if files, _ := filepath.Glob(filepath.Join(out, "*")); len(files) != 0 {
				t.Errorf("left behind %v", files)
			}
		})
	}
	if _, err := Run(t.Context(), Options{Readings: []string{t.TempDir()}, Out: t.TempDir(), Why: why}); err == nil || !strings.Contains(err.Error(), "neither readings.csv nor") {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Run(t.Context(), Options{Readings: []string{"/nowhere/x.csv"}, Out: t.TempDir(), Why: why}); err == nil || !strings.Contains(err.Error(), "give a readings file") {
		t.Errorf("a path that is not there: %v", err)
	}
	whole := pack(t, "x.csv.gz", header+hourly("h1", 5000, tenHours))
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(whole, data[:len(data)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{Readings: []string{whole}, Rules: rules.Defaults(), Out: t.TempDir(), Why: why}); err == nil || !strings.Contains(err.Error(), whole+": after 20") {
		t.Errorf("half a gzipped file: %v", err)
	}
}

// TestStopped lets nothing be there under its name when a backtest is stopped, and only .part files while it runs.
func TestStopped(t *testing.T) {
	path := write(t, "x.csv", header+hourly("h1", 3*progressEvery, tenHours))
	out := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var during []string
	_, err := Run(ctx, Options{Readings: []string{path}, Rules: rules.Defaults(), Shadow: time.Hour, Out: out, Why: why, Progress: func(part float64, n int64) {
		if part <= 0 || part > 1 || n <= 0 {
			t.Errorf("progress %v after %d readings", part, n)
		}
		during, _ = filepath.Glob(filepath.Join(out, "*"))
		cancel()
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("stopped with %v", err)
	}
	if len(during) != 2 || slices.ContainsFunc(during, func(f string) bool { return !strings.HasSuffix(f, ".part") }) {
		t.Errorf("while it ran there were %v", during)
	}
	if files, _ := filepath.Glob(filepath.Join(out, "*")); len(files) != 0 {
		t.Errorf("left behind %v", files)
	}
}

// TestStreams holds the promise that memory does not grow with the recording.
func TestStreams(t *testing.T) {
	peak := func(hours int) (most uint64) {
		path := pack(t, "x.csv.gz", header+hourly("h1", hours, func(h int) float64 { return 3 * float64(h) }))
		options := Options{Readings: []string{path}, Rules: rules.Defaults(), Shadow: time.Hour, Out: t.TempDir(), Why: why, Progress: func(float64, int64) {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
		}}
		if _, err := Run(t.Context(), options); err != nil {
			t.Fatal(err)
		}
		return most
	}
	once, eight := peak(progressEvery+1), peak(8*progressEvery+1)
	t.Logf("peak heap: %d KiB, of an eight times longer recording %d KiB", once>>10, eight>>10)
	if eight > once+once/2+1<<20 {
		t.Errorf("the heap grew from %d to %d bytes", once, eight)
	}
}
