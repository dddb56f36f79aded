package rules

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"stillwater"
)

// TestRealLaws is law 4 over real recordings: an engine that is stopped and rebuilt at random points, one that judges at every reading, and
// one whose recording is cut short find the same as far as they go; and all of it again where the readings come in daily uploads.
func TestRealLaws(t *testing.T) {
	shared := os.Getenv("STILLWATER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "shared")
	}
	files, _ := filepath.Glob(filepath.Join(shared, "benchmark", "recordings", "*", "readings.csv.gz"))
	if len(files) == 0 {
		t.Skip("left out: needs ../shared/benchmark")
	}
	for _, file := range files {
		recorded := recording(t, file)
		if len(recorded) > 120_000 {
			recorded = recorded[:120_000] // of many homes: enough of them
		}
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) { sameHoweverRun(t, recorded) })
		t.Run(name+"-daily", func(t *testing.T) { sameHoweverRun(t, uploadedDaily(recorded)) })
	}
}

func sameHoweverRun(t *testing.T, readings []stillwater.Reading) {
	rng := rand.New(rand.NewPCG(1, uint64(len(readings))))
	t.Logf("%d readings, seed 1 %d", len(readings), len(readings))
	list := append(Defaults(), OnTrial(Defaults())...)
	whole, slow, stopped := New(list), New(list), New(list)
	slow.always = true
	cut := rng.IntN(len(readings))
	found := 0
	var toCut []string
	for i := range readings {
		r := &readings[i]
		got := stepTo(whole, r)
		found += len(got)
		if i < cut {
			toCut = append(toCut, got...)
		}
		if want := stepTo(slow, r); !slices.Equal(got, want) {
			t.Fatalf("reading %d, %s at %v: %s", i, r.Household, r.At, difference(got, want))
		}
		if rng.IntN(5000) == 0 {
			next := New(list)
			for id, data := range snapshots(t, stopped) {
				if err := next.Restore(id, data); err != nil {
					t.Fatal(err)
				}
			}
			stopped = next
		}
		if again := stepTo(stopped, r); !slices.Equal(got, again) {
			t.Fatalf("reading %d, %s at %v, stopped before: %s", i, r.Household, r.At, difference(again, got))
		}
	}
	short, fresh := []string(nil), New(list)
	for i := range readings[:cut] {
		short = append(short, stepTo(fresh, &readings[i])...)
	}
	if !slices.Equal(short, toCut) {
		t.Fatalf("cut at %d: %s", cut, difference(short, toCut))
	}
	if found == 0 {
		t.Error("nothing was found")
	}
}

// stepTo lets the time pass to the reading and takes it.
func stepTo(e *Engine, r *stillwater.Reading) []string {
	var all []string
	for next := e.Next(); !next.IsZero() && !next.After(r.Received); next = e.Next() {
		found, _ := e.Step(&stillwater.Entry{Tick: next})
		all = append(all, asText(found)...)
	}
	found, _ := e.Step(&stillwater.Entry{Reading: r})
	return append(all, asText(found)...)
}

// uploadedDaily lets the readings of each day come at 02:00 of the next.
func uploadedDaily(readings []stillwater.Reading) []stillwater.Reading {
	readings = slices.Clone(readings)
	for i := range readings {
		readings[i].Received = readings[i].At.Truncate(24 * time.Hour).Add(26 * time.Hour)
	}
	slices.SortStableFunc(readings, func(a, b stillwater.Reading) int { return a.Received.Compare(b.Received) })
	return readings
}

// recording reads a recording.
func recording(t *testing.T, path string) []stillwater.Reading {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := csv.NewReader(unzipped)
	rows.ReuseRecord = true
	if _, err := rows.Read(); err != nil {
		t.Fatal(err)
	}
	var all []stillwater.Reading
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, row[0])
		if err != nil {
			t.Fatal(err)
		}
		r := stillwater.Reading{Household: stillwater.HouseholdID(row[1]), Device: stillwater.DeviceID(row[2]), Quantity: stillwater.Quantity(row[3]), At: at, Received: at}
		switch row[4] {
		case "open":
			r.Value = stillwater.Open
		case "closed":
			r.Value = stillwater.Closed
		default:
			if r.Value, err = strconv.ParseFloat(row[4], 64); err != nil {
				t.Fatal(err)
			}
		}
		if r.Validate() == nil {
			all = append(all, r)
		}
	}
}
