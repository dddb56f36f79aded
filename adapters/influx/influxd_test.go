package influx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"

	"stillwater"
	"stillwater/adapters/influx/influxtest"
)

// influxd is a real InfluxDB 1.8 on loopback.
type influxd struct{ *influxtest.Server }

func newInfluxd(t *testing.T) *influxd {
	t.Helper()
	s, err := influxtest.New(t.TempDir())
	switch {
	case errors.Is(err, influxtest.ErrNone):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(s.Kill)
	d := &influxd{s}
	d.start(t)
	return d
}

func (d *influxd) start(t *testing.T) {
	t.Helper()
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (d *influxd) create(t *testing.T, database string) {
	t.Helper()
	if err := d.Create(t.Context(), database); err != nil {
		t.Fatal(err)
	}
}

// rows asks by Flux for a field of a measurement and gives its values by time.
func (d *influxd) rows(t *testing.T, database, measurement, field string) []any {
	t.Helper()
	client := influxdb2.NewClient(d.Address, "")
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
	return running(t, at(t, d.Address, Config{Bucket: database + "/autogen", Batch: 50, Every: 20 * time.Millisecond}))
}

func findingReplacesItself(t *testing.T, d *influxd, database string) {
	h, stop := d.copying(t, database)
	f := stillwater.Finding{Household: "h1", Rule: "silence", Kind: stillwater.Welfare, Severity: stillwater.Alert, Began: noon}
	h.Committed(&stillwater.Batch{Findings: []stillwater.Finding{f}})
	until(t, "it began", func() bool { return h.Counts().Written == 1 })
	f.Ended = noon.Add(time.Hour)
	h.Committed(&stillwater.Batch{Findings: []stillwater.Finding{f, {Group: "zone/North", Rule: "common", Began: noon}}, Incidents: []stillwater.Incident{incident()}})
	stop()
	open, lasted := d.rows(t, database, "finding", "open"), d.rows(t, database, "finding", "lasted_s")
	if !slices.Equal(open, []any{int64(0), int64(1)}) && !slices.Equal(open, []any{int64(1), int64(0)}) || len(lasted) != 1 || lasted[0] != 3600.0 {
		t.Errorf("open %v, lasted %v", open, lasted)
	}
	if outcome := d.rows(t, database, "incident", "outcome"); len(outcome) != 1 || outcome[0] != "helped" {
		t.Errorf("outcome %v", outcome)
	}
}

// What the database itself refuses does not come again, and what goes with it lands: a field that is of another type in one shard of it.
func refusals(t *testing.T, d *influxd, database string) {
	line := fmt.Sprintf(`reading,household=h1,device=m\ 1,quantity=water.total value="text" %d`, noon.UnixNano())
	if status := d.Post(database, line); status != http.StatusNoContent {
		t.Fatalf("a text in the field: %d", status)
	}
	h, stop := d.copying(t, database)
	b := batch(0, 40)
	for n := range b.Entries {
		if n%2 == 0 { // in another shard, which has no texts
			b.Entries[n].Reading.At = noon.AddDate(0, 0, 21).Add(time.Duration(n) * time.Minute)
		}
	}
	h.Committed(b)
	until(t, "a type conflict is refused", func() bool { c := h.Counts(); return c.Rejected == 20 && c.Written == 20 })
	stop()
	values := 0
	err := d.Rows(t.Context(), database, "SELECT value FROM reading", func(row map[string]string) { // takes the numbers, where there are both
		if row["value"] != "text" {
			values++
		}
	})
	if err != nil || values != 20 {
		t.Errorf("%d numbers, %v, want 20", values, err)
	}
}

// A database that is not there is waited for: people make it.
func missingDatabase(t *testing.T, d *influxd, database string) {
	h, _ := d.copying(t, database)
	h.write(0, 1)
	until(t, "a lag", func() bool { return h.Lag() > firstWait })
	d.create(t, database)
	until(t, "it is written", func() bool { return h.Counts().Written == 1 })
}

// The server is killed, stopped and started while points come in, and so are we: each is there afterwards, once.
func killedAndBack(t *testing.T, d *influxd, database string) {
	cfg := at(t, d.Address, Config{Bucket: database + "/autogen", Batch: 50, Every: 20 * time.Millisecond})
	var store ledger
	with := func(o *Options) { o.Missed = store.missed }
	n := 0
	write := func(h *History, count int) {
		for range count {
			h.Committed(store.commit(batch(n, n+1)))
			n++
		}
	}
	abandoned(t, cfg, with, func(h *History) {
		write(h, 500)
		until(t, "points before", func() bool { return h.Counts().Written > 0 })
		d.Kill()
		write(h, 500)
		until(t, "a lag", func() bool { return h.Lag() > firstWait })
	})() // killed while it waits
	h, stop := running(t, cfg, with)
	write(h, 200)
	d.start(t)
	write(h, 200)
	until(t, "points after", func() bool { return h.Counts().Waiting == 0 && h.Counts().Written > 200 })
	stop()
	d.Stop()
	h, stop = running(t, cfg, with)
	write(h, 300)
	d.start(t)
	until(t, "points after a stop", func() bool { return h.Counts().Waiting == 0 && h.Counts().Written >= 300 })
	stop()
	values := d.rows(t, database, "reading", "value")
	for i, v := range values {
		if v != float64(i)+0.5 {
			t.Fatalf("value %d is %v", i, v)
		}
	}
	if len(values) != n {
		t.Fatalf("%d values, want %d", len(values), n)
	}
}
