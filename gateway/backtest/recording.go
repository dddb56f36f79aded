package backtest

import (
	"bufio"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stillwater"
)

// recording is one file of readings, read row by row.
type recording struct {
	name    string
	file    *os.File
	size    int64
	read    *atomic.Int64 // bytes of the file read so far, for progress
	csv     *csv.Reader
	columns [6]int // where time, household, device, quantity, value and received stand; received is -1 if absent
	last    time.Time
	next    stillwater.Reading // valid unless done
	done    bool
	names   map[string]string // one copy of each name, so that rows do not allocate
}

// columnNames are the header's names in the order of recording.columns.
var columnNames = [6]string{"time", "household", "device", "quantity", "value", "received"}

const received = 5

// open opens the recording at path: a file, or a folder with readings.csv or readings.csv.gz.
func open(path string) (*recording, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("recording %q: %w; give a readings file or a folder that holds readings.csv or readings.csv.gz", path, errors.Unwrap(err))
	}
	if info.IsDir() {
		if path, err = inFolder(path); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &recording{name: path, file: f, read: &atomic.Int64{}, names: map[string]string{}}
	if info, err := f.Stat(); err == nil {
		r.size = info.Size()
	}
	if err := r.begin(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func inFolder(folder string) (string, error) {
	for _, name := range []string{"readings.csv.gz", "readings.csv"} {
		p := filepath.Join(folder, name)
		if _, err := os.Stat(p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("folder %q holds neither readings.csv nor readings.csv.gz", folder)
}

// begin reads the header and the first row.
func (r *recording) begin() error {
	in := bufio.NewReaderSize(&counted{r.file, r.read}, 1<<16)
	var rows io.Reader = in
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		rows = bufio.NewReaderSize(z, 1<<16)
	}
	r.csv = csv.NewReader(rows)
	r.csv.ReuseRecord = true
	header, err := r.csv.Read()
	if err != nil {
		return fmt.Errorf("%s:1: the header %s is missing: %w", r.name, strings.Join(columnNames[:received], ","), err)
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	for i, name := range columnNames {
		r.columns[i] = slices.Index(header, name)
		if r.columns[i] < 0 && i != received {
			return fmt.Errorf("%s:1: no column %q; the header is %s and perhaps received", r.name, name, strings.Join(columnNames[:received], ","))
		}
	}
	return r.advance()
}

// advance reads the next row into next, or sets done.
func (r *recording) advance() error {
	row, err := r.csv.Read()
	if err == io.EOF {
		r.done = true
		return nil
	}
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s:%d: %w", r.name, wrong.Line, wrong.Err)
	}
	if err != nil {
		return fmt.Errorf("%s: after %s: %w", r.name, r.last.Format(time.RFC3339), err)
	}
	if err := r.parse(row); err != nil {
		line, _ := r.csv.FieldPos(0)
		return fmt.Errorf("%s:%d: %w", r.name, line, err)
	}
	return nil
}

func (r *recording) parse(row []string) error {
	field := func(i int) string { return row[r.columns[i]] }
	at, err := time.Parse(time.RFC3339, field(0))
	if err != nil {
		return fmt.Errorf("time %q is not RFC 3339; write like 2026-11-22T08:00:00Z", field(0))
	}
	learned := at
	if r.columns[received] >= 0 && field(received) != "" {
		if learned, err = time.Parse(time.RFC3339, field(received)); err != nil {
			return fmt.Errorf("received %q is not RFC 3339; write like 2026-11-22T08:00:00Z", field(received))
		}
	}
	if learned.Before(r.last) {
		return fmt.Errorf("%s comes after %s in the file and before it in time; sort the rows by received, or by time where that is absent",
			learned.Format(time.RFC3339), r.last.Format(time.RFC3339))
	}
	r.last = learned
	quantity := stillwater.Quantity(r.name1(field(3)))
	value, err := parseValue(quantity, field(4))
	if err != nil {
		return err
	}
	r.next = stillwater.Reading{
		Household: stillwater.HouseholdID(r.name1(field(1))), Device: stillwater.DeviceID(r.name1(field(2))),
		Quantity: quantity, Value: value, At: at.UTC(), Received: learned.UTC(),
	}
	return nil
}

func parseValue(q stillwater.Quantity, text string) (float64, error) {
	switch {
	case q == stillwater.Door && text == "open":
		return stillwater.Open, nil
	case q == stillwater.Door && text == "closed":
		return stillwater.Closed, nil
	case q == stillwater.Door:
		return 0, fmt.Errorf("door value %q is neither open nor closed", text)
	case (q == stillwater.Alive || q == stillwater.Activity) && text == "":
		return 1, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("value %q of %s is not a number", text, q)
	}
	return v, nil
}

// name1 gives one lasting copy of a name.
func (r *recording) name1(s string) string {
	if kept, ok := r.names[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	r.names[s] = s
	return s
}

// zones reads the time zones of the households beside the recording; without a households.csv there are none.
func (r *recording) zones() (map[stillwater.HouseholdID]*time.Location, error) {
	path := filepath.Join(filepath.Dir(r.name), "households.csv")
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows := csv.NewReader(f)
	header, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("%s:1: %w", path, err)
	}
	id, zone := slices.Index(header, "household"), slices.Index(header, "timezone")
	if id < 0 || zone < 0 {
		return nil, fmt.Errorf("%s:1: the header needs the columns household and timezone", path)
	}
	found := map[stillwater.HouseholdID]*time.Location{}
	for {
		row, err := rows.Read()
		if err == io.EOF {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		loc, err := time.LoadLocation(row[zone])
		if err != nil {
			line, _ := rows.FieldPos(zone)
			return nil, fmt.Errorf("%s:%d: %q is not a time zone; write like Asia/Shanghai", path, line, row[zone])
		}
		found[stillwater.HouseholdID(row[id])] = loc
	}
}

// counted counts the bytes read, for progress.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}
