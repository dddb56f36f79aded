package backtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater/rules"
)

func TestParseArrival(t *testing.T) {
	for text, want := range map[string]string{"": "", "daily@02:00": "daily@02:00", "daily@23:45": "daily@23:45", "hourly": "hourly", "+20m": "+20m", "+1h": "+1h"} {
		if a, err := ParseArrival(text); err != nil || a.String() != want {
			t.Errorf("%q: %v, %v", text, a, err)
		}
	}
	for text, want := range map[string]string{
		"daily": "write daily@02:00", "daily@2": `"2" is no time of the day`, "daily@25:00": `"25:00" is no time`, "daily@2:00": `"2:00" is no time`, "weekly@02:00": "no way for readings",
		"20m": "no way", "+": "no way", "+0m": "no way", "-5m": "no way", "+3d": "up to 48h", "+x": "no way", "hourly@15": "no way",
	} {
		if _, err := ParseArrival(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestDue holds the next upload of a home through a change of clocks.
func TestDue(t *testing.T) {
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	kathmandu, err := time.LoadLocation("Asia/Kathmandu") // 5 h 45 min ahead
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		arrive   string
		zone     *time.Location
		at, want string
	}{
		{"daily@02:00", time.UTC, "2026-11-01T01:59:59Z", "2026-11-01T02:00:00Z"},
		{"daily@02:00", time.UTC, "2026-11-01T02:00:00Z", "2026-11-01T02:00:00Z"}, // as it is sent
		{"daily@02:00", time.UTC, "2026-11-01T02:00:01Z", "2026-11-02T02:00:00Z"},
		{"daily@02:00", madrid, "2026-07-01T00:00:01Z", "2026-07-02T00:00:00Z"},
		{"daily@02:30", madrid, "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"}, // that hour is left out: an hour later by the clock
		{"daily@02:00", madrid, "2026-10-24T12:00:00Z", "2026-10-25T01:00:00Z"}, // that hour comes twice, the upload once
		{"daily@02:00", madrid, "2026-10-25T01:00:01Z", "2026-10-26T01:00:00Z"},
		{"hourly", kathmandu, "2026-11-01T00:20:00Z", "2026-11-01T01:15:00Z"},
		{"hourly", time.UTC, "2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"},
		{"+20m", time.UTC, "2026-11-01T00:00:00Z", "2026-11-01T00:20:00Z"},
	} {
		a, err := ParseArrival(c.arrive)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.due(at, c.zone).UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s of %s in %v: %s, want %s", c.arrive, c.at, c.zone, got, c.want)
		}
	}
}

// arriving backtests with an arrival and gives the folder.
func arriving(t *testing.T, arrive string, readings ...string) string {
	t.Helper()
	a, err := ParseArrival(arrive)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if _, err := Run(t.Context(), Options{Readings: readings, Rules: rules.Defaults(), Shadow: time.Hour, Arrive: a, Out: out, Why: why}); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestArriveIsReceived raises what the same recording raises with the times of arrival written into it: two homes in two zones. What shadow.csv says can
// differ: of what is held back it is known that it will come.
func TestArriveIsReceived(t *testing.T) {
	zones := "household,timezone\nh1,Asia/Shanghai\nh2,America/New_York\n"
	shanghai, _ := time.LoadLocation("Asia/Shanghai")
	newYork, _ := time.LoadLocation("America/New_York")
	a, err := ParseArrival("daily@02:00")
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		due  time.Time
		text string
	}
	var asRecorded strings.Builder
	asRecorded.WriteString(header)
	var lines []line
	for h := range 24 * 20 {
		at := time.Date(2026, 11, 1, h, 0, 0, 0, time.UTC)
		for i, zone := range []*time.Location{shanghai, newYork} {
			until := min(h, 200+50*i) // she is not as regular as a machine
			text := fmt.Sprintf("%s,h%d,meter,water.total,%d", at.Format(time.RFC3339), i+1, 1000+(lived(until)+until/5)*7)
			asRecorded.WriteString(text + "\n")
			due := a.due(at, zone)
			n := len(lines)
			for n > 0 && lines[n-1].due.After(due) {
				n--
			}
			lines = append(lines[:n], append([]line{{due, text + "," + due.Format(time.RFC3339)}}, lines[n:]...)...)
		}
	}
	var withReceived strings.Builder
	withReceived.WriteString(strings.TrimSpace(header) + ",received\n")
	for _, l := range lines {
		withReceived.WriteString(l.text + "\n")
	}
	folder := func(text string) string {
		f := filepath.Dir(write(t, "readings.csv", text))
		if err := os.WriteFile(filepath.Join(f, "households.csv"), []byte(zones), 0o644); err != nil {
			t.Fatal(err)
		}
		return f
	}
	got, want := arriving(t, "daily@02:00", folder(asRecorded.String())), arriving(t, "", folder(withReceived.String()))
	if g, w := read(t, got, "alerts.csv"), read(t, want, "alerts.csv"); g != w || strings.Count(g, "\n") < 3 {
		t.Errorf("alerts.csv\n%.2000s\nwant\n%.2000s", g, w)
	}
	if alerts := read(t, got, "alerts.csv"); !strings.Contains(alerts, "h1,silence-24h,alert,2026-11-10T18:00:00Z,") {
		t.Errorf("no alert with an upload at 02:00 in Shanghai:\n%s", alerts)
	}
}

// TestArriveLater shifts every finding about life by the delay, and the minute that the engine may wait for more to come.
func TestArriveLater(t *testing.T) {
	path := write(t, "x.csv", header+hourly("h1", 60, tenHours))
	live, late := alerts(t, arriving(t, "", path)), alerts(t, arriving(t, "+20m", path))
	if len(live) != 2 || len(late) != 2 {
		t.Fatalf("%v, later %v", live, late)
	}
	for i := range live {
		shift := stamp(t, late[i][3]).Sub(stamp(t, live[i][3]))
		if late[i][1] != live[i][1] || shift < 20*time.Minute || shift > 21*time.Minute {
			t.Errorf("%v, later %v", live[i], late[i])
		}
	}
}
