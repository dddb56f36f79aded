package world

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"stillwater"
)

// RecordOptions say what to record and where.
type RecordOptions struct {
	Dir        string        // made if it is not there
	From, To   time.Time     // default From: the world's start
	MeterEvery time.Duration // default the world's
}

// A Recorded is how much was written.
type Recorded struct {
	Readings   int
	Households int
	Truths     int
}

// The files of a recording.
const (
	ReadingsFile   = "readings.csv.gz"
	HouseholdsFile = "households.csv"
	TruthFile      = "truth.csv"
)

// Record writes what the devices said between two moments, the homes, and what the scenarios staged so far imply. The same
// world gives the same bytes. A file is there whole or not at all.
func (w *World) Record(ctx context.Context, o RecordOptions) (Recorded, error) {
	if o.From.IsZero() {
		o.From = w.opts.Start
	}
	if o.MeterEvery == 0 {
		o.MeterEvery = w.opts.MeterEvery
	}
	if !o.From.Before(o.To) {
		return Recorded{}, fmt.Errorf("record from %v to %v: nothing lies between", o.From, o.To)
	}
	if o.MeterEvery < time.Second {
		return Recorded{}, fmt.Errorf("record a meter every %v: a second is the least", o.MeterEvery)
	}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return Recorded{}, err
	}
	done := Recorded{Households: len(w.homes)}
	files := []struct {
		name  string
		write func(io.Writer) error
	}{
		{ReadingsFile, func(out io.Writer) error { return w.writeReadings(ctx, out, o, &done.Readings) }},
		{HouseholdsFile, w.writeHouseholds},
		{TruthFile, func(out io.Writer) error { return w.writeTruth(out, o, &done.Truths) }},
	}
	for _, f := range files {
		if err := writeWhole(filepath.Join(o.Dir, f.name), f.write); err != nil {
			return Recorded{}, fmt.Errorf("record %s: %w", f.name, err)
		}
	}
	return done, nil
}

// writeWhole writes a file beside its place and moves it there when it is complete.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".recording-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<16)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	if err = os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// writeReadings streams the readings.
func (w *World) writeReadings(ctx context.Context, out io.Writer, o RecordOptions, count *int) error {
	packed := gzip.NewWriter(out) // its header carries no time of writing
	rows := csv.NewWriter(packed)
	err := rows.Write([]string{"time", "household", "device", "quantity", "value"})
	for r := range w.readings(o.From, o.To, o.MeterEvery) {
		if err != nil {
			break
		}
		if *count%1000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		*count++
		err = rows.Write([]string{stamp(r.At), string(r.Household), string(r.Device), string(r.Quantity), valueOf(r)})
	}
	rows.Flush()
	if err == nil {
		err = rows.Error()
	}
	if closed := packed.Close(); err == nil {
		err = closed
	}
	return err
}

// valueOf writes a value as recordings have it.
func valueOf(r stillwater.Reading) string {
	switch {
	case r.Quantity == stillwater.Door && r.Value == stillwater.Open:
		return "open"
	case r.Quantity == stillwater.Door:
		return "closed"
	}
	return strconv.FormatFloat(r.Value, 'f', -1, 64)
}

// stamp writes a time as recordings have it; none is empty.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// writeHouseholds writes the homes.
func (w *World) writeHouseholds(out io.Writer) error {
	rows := csv.NewWriter(out)
	all := [][]string{{"household", "timezone", "residents"}}
	for _, h := range w.homes {
		all = append(all, []string{string(h.household.ID), h.household.TimeZone, strconv.Itoa(h.household.Residents)})
	}
	return rows.WriteAll(all)
}

// writeTruth writes what follows from the scenarios that touch the recorded time. earliest and latest are empty where there should
// be no finding of the kind; severity is the least that counts as one.
func (w *World) writeTruth(out io.Writer, o RecordOptions, count *int) error {
	rows := csv.NewWriter(out)
	all := [][]string{{"household", "scenario", "kind", "from", "earliest", "latest", "severity"}}
	for _, s := range w.Staged() {
		if !s.From.Before(o.To) || !o.From.Before(s.To) {
			continue
		}
		for _, e := range s.Expected() {
			*count++
			all = append(all, []string{string(e.Household), e.Scenario, string(e.Kind), stamp(e.From), stamp(e.Earliest), stamp(e.Latest), string(e.Severity)})
		}
	}
	return rows.WriteAll(all)
}
