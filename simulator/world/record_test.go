package world_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"stillwater"
	"stillwater/simulator/world"
)

// TestRecordings: the same seed gives the same bytes; the rows are in order, in the form others read, and the same as Readings.
func TestRecordings(t *testing.T) {
	to := start.AddDate(0, 0, 3)
	record := func(seed uint64) (string, *world.World) {
		w := city(t, world.Options{Homes: 5, Seed: seed})
		stage(t, w, "fall-in-bathroom", 1, start.Add(30*time.Hour))
		stage(t, w, "burst-pipe", 2, to.Add(time.Hour)) // after the recording
		dir := filepath.Join(t.TempDir(), "new")
		if _, err := w.Record(context.Background(), world.RecordOptions{Dir: dir, To: to}); err != nil {
			t.Fatal(err)
		}
		return dir, w
	}
	a, w := record(1)
	b, _ := record(1)
	c, _ := record(2)
	for _, name := range []string{"readings.csv.gz", "households.csv", "truth.csv"} {
		if !bytes.Equal(read(t, a, name), read(t, b, name)) {
			t.Errorf("%s differs from the same seed", name)
		}
	}
	if bytes.Equal(read(t, a, "readings.csv.gz"), read(t, c, "readings.csv.gz")) {
		t.Error("another seed gives the same readings")
	}
	if left, _ := filepath.Glob(filepath.Join(a, ".recording-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	rows := table(t, unpack(t, read(t, a, "readings.csv.gz")))
	if !slices.Equal(rows[0], []string{"time", "household", "device", "quantity", "value"}) {
		t.Errorf("header %v", rows[0])
	}
	if !slices.IsSortedFunc(rows[1:], func(a, b []string) int { return bytes.Compare([]byte(a[0]), []byte(b[0])) }) {
		t.Error("rows are not in order of time")
	}
	streamed := slices.Collect(w.Readings(start, to))
	if len(streamed) != len(rows)-1 {
		t.Errorf("%d readings, %d rows", len(streamed), len(rows)-1)
	}
	doors, beats := 0, 0
	for _, row := range rows[1:] {
		switch stillwater.Quantity(row[3]) {
		case stillwater.Door:
			doors++
			if row[4] != "open" && row[4] != "closed" {
				t.Errorf("door %q", row[4])
			}
		case stillwater.Alive:
			beats++
		}
	}
	if doors == 0 || beats != 5*3*24 {
		t.Errorf("%d door events, %d heartbeats", doors, beats)
	}
	truth := table(t, read(t, a, "truth.csv"))
	if len(truth) != 4 || truth[1][1] != "fall-in-bathroom" || truth[1][2] != "welfare" || truth[1][5] == "" || truth[2][5] != "" {
		t.Errorf("truth %v", truth)
	}
	if homes := table(t, read(t, a, "households.csv")); len(homes) != 6 || !slices.Equal(homes[1], []string{"h001", "Asia/Shanghai", "1", "1 号楼", "1 单元", "供水片区 1"}) {
		t.Errorf("households %v", homes)
	}
}

// TestReadings are as a gateway would store them.
func TestReadings(t *testing.T) {
	w := city(t, world.Options{Homes: 6})
	last := time.Time{}
	for r := range w.Readings(start, start.AddDate(0, 0, 1)) {
		if err := r.Validate(); err != nil || r.Source == "" || r.Household == "" || r.Device == "" || r.Received.IsZero() || r.At.Before(last) {
			t.Fatalf("%+v after %v: %v", r, last, err)
		}
		last = r.At
	}
}

func TestRecordStops(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	dir := t.TempDir()
	if _, err := city(t, world.Options{}).Record(ctx, world.RecordOptions{Dir: dir, To: start.AddDate(0, 0, 30)}); err == nil {
		t.Error("a stopped recording says it is complete")
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("left behind: %v", files)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if _, err := text.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func table(t *testing.T, text []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
