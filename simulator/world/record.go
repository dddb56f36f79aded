package world

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"stillwater"
)

// RecordOptions say what to record and where.
type RecordOptions struct {
	Dir        string        // made if it is not there
	From, To   time.Time     // default From: the world's start
	MeterEvery time.Duration // default the world's
	// Files are written besides, or in place of what a recording has under the same name.
	Files map[string]func(io.Writer) error
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
	AwayFile       = "away.csv"     // only where absences were entered beforehand: the truth, for scoring
	AbsencesFile   = "absences.csv" // the same as people said it, for a backtest to play
)

// Record writes what the devices said between two moments, the homes, and what the scenarios staged so far imply, and the absences
// that were entered beforehand. The same
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
	files := map[string]func(io.Writer) error{
		ReadingsFile:   func(out io.Writer) error { return w.writeReadings(ctx, out, o, &done.Readings) },
		HouseholdsFile: w.writeHouseholds,
		TruthFile:      func(out io.Writer) error { return w.writeTruth(out, o, &done.Truths) },
	}
	if planned := w.planned(); len(planned) > 0 {
		for name, header := range map[string][]string{AwayFile: {"household", "from", "to"}, AbsencesFile: {"household", "from", "until"}} {
			files[name] = func(out io.Writer) error { return csv.NewWriter(out).WriteAll(append([][]string{header}, planned...)) }
		}
	}
	maps.Copy(files, o.Files)
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(files)), func(name string) bool { return name == ReadingsFile })
	for _, name := range append([]string{ReadingsFile}, others...) { // the one that takes long and may be stopped comes first
		if err := writeWhole(filepath.Join(o.Dir, name), files[name]); err != nil {
			return Recorded{}, fmt.Errorf("record %s: %w", name, err)
		}
	}
	return done, nil
}

// planned are the absences that were entered beforehand.
func (w *World) planned() (rows [][]string) {
	for _, h := range w.homes {
		h.mu.Lock()
		for _, e := range h.effects {
			if e.planned {
				rows = append(rows, []string{string(h.household.ID), stamp(time.UnixMilli(e.when.from)), stamp(time.UnixMilli(e.when.to))})
			}
		}
		h.mu.Unlock()
	}
	return rows
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

// writeReadings streams the readings: one goroutine works them out and words them, one packs.
func (w *World) writeReadings(ctx context.Context, out io.Writer, o RecordOptions, count *int) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	texts, used := make(chan []byte, 2), make(chan []byte, 3)
	packed := make(chan error, 1)
	go func() {
		err := pack(out, texts, used)
		stop(err)
		packed <- err
	}()
	r := recorder{world: w, late: w.someUpload(), count: count}
	err := r.write(ctx, o, texts, used)
	close(texts)
	if failed := <-packed; failed != nil {
		err = failed
	}
	return err
}

// pack packs texts until there are no more, and gives their space back. After an error it takes no more.
func pack(out io.Writer, texts <-chan []byte, used chan<- []byte) error {
	z, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // its header carries no time of writing
	if err != nil {
		return err
	}
	for text := range texts {
		if _, err := z.Write(text); err != nil {
			return err
		}
		select {
		case used <- text:
		default:
		}
	}
	return z.Close()
}

// A recorder words readings as rows.
type recorder struct {
	world *World
	late  bool // some meter uploads its history: rows say when they were received
	count *int
}

// write hands over all rows, a chunk at once.
func (r recorder) write(ctx context.Context, o RecordOptions, texts chan<- []byte, used <-chan []byte) error {
	text := []byte("time,household,device,quantity,value\n")
	if r.late {
		text = []byte("time,household,device,quantity,value,received\n")
	}
	for said := range r.world.chunks(o.From, o.To, o.MeterEvery) {
		for _, u := range said {
			text = r.append(text, u)
		}
		*r.count += len(said)
		select {
		case texts <- text:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		select {
		case text = <-used:
			text = text[:0]
		default:
			text = make([]byte, 0, cap(text))
		}
	}
	return ctx.Err()
}

// append words one reading.
func (r recorder) append(text []byte, u utterance) []byte {
	h := r.world.homes[u.home]
	text = appendStamp(text, u.at)
	text = append(append(text, ','), h.household.ID...)
	text = append(append(text, ','), h.device(u.what).ID...)
	text = append(append(append(text, ','), u.what...), ',')
	switch {
	case u.what == stillwater.Door && u.value == stillwater.Open:
		text = append(text, "open"...)
	case u.what == stillwater.Door:
		text = append(text, "closed"...)
	default:
		text = strconv.AppendInt(text, int64(u.value), 10)
	}
	if r.late {
		text = append(text, ',')
		if u.said != u.at {
			text = appendStamp(text, u.said)
		}
	}
	return append(text, '\n')
}

// someUpload says whether the meter of some home uploads its history.
func (w *World) someUpload() bool {
	return slices.ContainsFunc(w.homes, func(h *home) bool { return h.fitting.uploads })
}

// appendStamp writes a moment as recordings have it.
func appendStamp(text []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(text, time.RFC3339)
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
	all := [][]string{{"household", "timezone", "residents", "building", "riser", "zone"}}
	for _, h := range w.homes {
		p := h.household.Place
		all = append(all, []string{string(h.household.ID), h.household.TimeZone, strconv.Itoa(h.household.Residents), p.Building, p.Riser, p.Zone})
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
