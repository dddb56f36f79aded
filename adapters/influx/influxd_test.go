package influx

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"

	"stillwater"
)

// influxd is a real InfluxDB 1.8 on loopback.
type influxd struct {
	program, config, address string
	cmd                      *exec.Cmd
}

func newInfluxd(t *testing.T) *influxd {
	t.Helper()
	program := os.Getenv("STILLWATER_INFLUXD")
	if program == "" {
		program, _ = exec.LookPath("influxd")
	}
	if program == "" {
		t.Skip("left out: needs influxd (make test installs it)")
	}
	dir := t.TempDir()
	api, rpc := freePort(t), freePort(t)
	config := filepath.Join(dir, "influxdb.conf")
	text := fmt.Sprintf(`reporting-disabled = true
bind-address = %q
[meta]
  dir = %q
[data]
  dir = %q
  wal-dir = %q
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = %q
  flux-enabled = true
  log-enabled = false
[logging]
  level = "error"
`, rpc, filepath.Join(dir, "meta"), filepath.Join(dir, "data"), filepath.Join(dir, "wal"), api)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &influxd{program: program, config: config, address: "http://" + api}
	t.Cleanup(d.kill)
	d.start(t)
	return d
}

// create makes a database and waits until writes find it, which is a moment later than the answer says.
func (d *influxd) create(t *testing.T, database string) {
	t.Helper()
	resp, err := http.PostForm(d.address+"/query", url.Values{"q": {"CREATE DATABASE " + database}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	until(t, "database "+database, func() bool { return d.post(t, database, "probe x=1") == http.StatusNoContent })
}

// post writes a line by the v1 API and gives the status.
func (d *influxd) post(t *testing.T, database, line string) int {
	t.Helper()
	resp, err := http.Post(d.address+"/write?db="+database, "text/plain", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (d *influxd) start(t *testing.T) {
	t.Helper()
	d.cmd = exec.Command(d.program, "-config", d.config)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	until(t, "influxd answers", func() bool {
		resp, err := http.Get(d.address + "/ping")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNoContent
	})
}

func (d *influxd) kill() {
	if d.cmd != nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
	}
}

// rows asks by Flux for a field of a measurement and gives its values by time.
func (d *influxd) rows(t *testing.T, database, measurement, field string) []any {
	t.Helper()
	client := influxdb2.NewClient(d.address, "")
	defer client.Close()
	result, err := client.QueryAPI("").Query(context.Background(), fmt.Sprintf(`from(bucket: "%s/autogen")
		|> range(start: 2026-01-01T00:00:00Z, stop: 2027-01-01T00:00:00Z)
		|> filter(fn: (r) => r._measurement == %q and r._field == %q) |> group() |> sort(columns: ["_time"])`, database, measurement, field))
	if err != nil {
		t.Fatal(err)
	}
	var values []any
	for result.Next() {
		values = append(values, result.Record().Value())
	}
	if result.Err() != nil {
		t.Fatal(result.Err())
	}
	return values
}

// All against one server: its start takes seconds.
func TestInfluxd(t *testing.T) {
	d := newInfluxd(t)
	for _, part := range []struct {
		name string
		run  func(*testing.T, *influxd, string)
	}{
		{"finding", findingReplacesItself}, {"refusals", refusals}, {"missing", missingDatabase}, {"killed", killedAndBack},
	} {
		t.Run(part.name, func(t *testing.T) {
			if part.name != "missing" {
				d.create(t, part.name)
			}
			part.run(t, d, part.name)
		})
	}
}

func (d *influxd) copying(t *testing.T, database string) (*History, func()) {
	return running(t, Config{URL: d.address, Bucket: database + "/autogen", Batch: 50, Every: 20 * time.Millisecond}, nil)
}

func findingReplacesItself(t *testing.T, d *influxd, database string) {
	h, stop := d.copying(t, database)
	f := stillwater.Finding{Household: "h1", Rule: "silence", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: noon}
	h.WriteFinding(f)
	until(t, "it began", func() bool { return h.Counts().Written == 1 })
	f.Ended = noon.Add(time.Hour)
	h.WriteFinding(f)
	stop()
	open, lasted := d.rows(t, database, "finding", "open"), d.rows(t, database, "finding", "lasted_s")
	if len(open) != 1 || open[0] != int64(0) || len(lasted) != 1 || lasted[0] != 3600.0 {
		t.Errorf("open %v, lasted %v", open, lasted)
	}
}

// What the database itself refuses does not come again.
func refusals(t *testing.T, d *influxd, database string) {
	line := fmt.Sprintf(`reading,household=h1,device=m\ 1,quantity=water.total value="text" %d`, noon.UnixNano())
	if status := d.post(t, database, line); status != http.StatusNoContent {
		t.Fatalf("a text in the field: %d", status)
	}
	h, stop := d.copying(t, database)
	h.Write(reading(0))
	until(t, "a type conflict is refused", func() bool { return h.Counts() == Counts{Rejected: 1} })
	stop()
}

// A database that is not there is waited for: people make it.
func missingDatabase(t *testing.T, d *influxd, database string) {
	h, _ := d.copying(t, database)
	h.Write(reading(0))
	until(t, "a lag", func() bool { return h.Lag() > firstWait })
	d.create(t, database)
	until(t, "it is written", func() bool { return h.Counts() == Counts{Written: 1} })
}

// The server is killed and started again while points come in: each is there afterwards, once.
func killedAndBack(t *testing.T, d *influxd, database string) {
	h, stop := d.copying(t, database)
	write := func(from, to int) {
		for n := from; n < to; n++ {
			h.Write(reading(n))
		}
	}
	write(0, 500)
	until(t, "points before", func() bool { return h.Counts().Written == 500 })
	d.kill()
	write(500, 1000)
	until(t, "a lag", func() bool { return h.Lag() > firstWait })
	d.start(t)
	write(1000, 1200)
	until(t, "points after", func() bool { return h.Counts() == Counts{Written: 1200} })
	stop()
	values := d.rows(t, database, "reading", "value")
	if len(values) != 1200 || values[0] != 0.5 || values[1199] != 1199.5 {
		t.Fatalf("%d values", len(values))
	}
}
