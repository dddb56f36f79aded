package backtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// row is one reading with what a player would otherwise have to look up for each: its household and its device, and the numbers that they
// have in their recording, in the order in which they first came.
type row struct {
	stillwater.Reading
	home, device int32
	implausible  bool
	house        *house // among those of all recordings
	gauge        *gauge
}

// batch is how many rows go from stage to stage at once: enough that handing over costs nothing, few enough to stay in the cache.
const batch = 1024

// rows reads the rows of one recording. Plain ones, which are nearly all, are read where they lie in the buffer; whatever is not plain,
// a quote or a mistake, is read again by encoding/csv, which shares the buffer and says what is wrong.
type rows struct {
	name    string
	in      *bufio.Reader
	csv     *csv.Reader
	fast    int    // lines that encoding/csv has not seen
	columns [6]int // where time, household, device, quantity, value and received stand; received is -1 if absent
	fields  [16][]byte
	width   int // fields of each row

	last  time.Time // when the last row was received
	clock clock
	names map[string]*nameOf
	prev  *nameOf // of the last row
	count int32   // of devices
}

// nameOf is a household's name, its number and its devices: one copy each, so that rows do not allocate.
type nameOf struct {
	id      string
	number  int32
	devices []deviceName
}

type deviceName struct {
	id     string
	number int32
	valid  span
}

// read fills list with the next rows. It gives fewer only at the end or before an error; io.EOF is the end.
func (r *rows) read(list []row) (int, error) {
	n := 0
	for n < len(list) {
		block, _ := r.in.Peek(r.in.Buffered())
		used := 0
		for n < len(list) {
			end := bytes.IndexByte(block[used:], '\n')
			if end < 0 {
				break
			}
			if !r.plain(block[used:used+end], &list[n]) {
				end = -1
			}
			if end < 0 {
				break
			}
			used += end + 1
			r.fast++
			n++
		}
		r.in.Discard(used) //nolint:errcheck // it is in the buffer
		if used > 0 || n == len(list) {
			continue
		}
		if bytes.IndexByte(block, '\n') < 0 { // the line goes on beyond the buffer
			if _, err := r.in.Peek(len(block) + 1); err == nil {
				continue
			}
		}
		if err := r.slow(&list[n]); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// plain reads a line that is as most are; false: it is not, and nothing has changed.
func (r *rows) plain(line []byte, to *row) bool {
	if !r.split(line) {
		return false
	}
	at, ok := r.clock.read(r.fields[r.columns[0]])
	if !ok {
		return false
	}
	learned := at
	if c := r.columns[received]; c >= 0 && len(r.fields[c]) > 0 {
		if learned, ok = r.clock.read(r.fields[c]); !ok {
			return false
		}
	}
	if learned.Before(r.last) {
		return false
	}
	quantity, value, ok := plainValue(r.fields[r.columns[3]], r.fields[r.columns[4]])
	if !ok {
		return false
	}
	r.last = learned
	to.At, to.Received, to.Quantity, to.Value = at, learned, quantity, value
	r.resolve(to, r.fields[r.columns[1]], r.fields[r.columns[2]])
	return true
}

// split cuts a line without quotes at its commas; false: it has one, or another number of fields than the header.
func (r *rows) split(line []byte) bool {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	if bytes.IndexByte(line, '"') >= 0 || r.width > len(r.fields) {
		return false
	}
	n := 0
	for ; n < r.width-1; n++ {
		end := bytes.IndexByte(line, ',')
		if end < 0 {
			return false
		}
		r.fields[n], line = line[:end], line[end+1:]
	}
	r.fields[n] = line
	return bytes.IndexByte(line, ',') < 0
}

// plainValue reads a value of a known quantity; false: encoding/csv and strconv are to say what it is.
func plainValue(quantity, text []byte) (stillwater.Quantity, float64, bool) {
	var q stillwater.Quantity
	switch string(quantity) {
	case string(stillwater.WaterTotal):
		q = stillwater.WaterTotal
	case string(stillwater.Door):
		q = stillwater.Door
		switch string(text) {
		case "open":
			return q, stillwater.Open, true
		case "closed":
			return q, stillwater.Closed, true
		}
		return q, 0, false
	case string(stillwater.Activity):
		q = stillwater.Activity
	case string(stillwater.Alive):
		q = stillwater.Alive
	case string(stillwater.WaterFlow):
		q = stillwater.WaterFlow
	case string(stillwater.Battery):
		q = stillwater.Battery
	default:
		return "", 0, false
	}
	v, ok := decimal(text)
	return q, v, ok
}

// decimal reads a short decimal number. With a point there are at most 15 digits: they and the power of ten are exact, so that one division
// rounds as strconv would. Longer ones and other ways of writing are strconv's.
func decimal(text []byte) (float64, bool) {
	digits, point := uint64(0), -1
	start := 0
	if len(text) > 0 && text[0] == '-' {
		start = 1
	}
	if n := len(text) - start; n < 1 || n > 16 {
		return 0, false
	}
	for i := start; i < len(text); i++ {
		switch c := text[i]; {
		case c >= '0' && c <= '9':
			digits = digits*10 + uint64(c-'0')
		case c == '.' && point < 0 && i > start && i < len(text)-1:
			point = i
		default:
			return 0, false
		}
	}
	v := float64(digits)
	if point >= 0 {
		v /= tens[len(text)-1-point]
	}
	if start == 1 {
		v = -v
	}
	return v, true
}

// tens are the powers of ten that a float64 holds exactly and decimal needs.
var tens = [16]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// resolve gives the row its household and device, and says whether its value is plausible.
func (r *rows) resolve(to *row, household, device []byte) {
	h := r.prev
	if h == nil || h.id != string(household) {
		if h = r.names[string(household)]; h == nil {
			h = &nameOf{id: string(household), number: int32(len(r.names))}
			r.names[h.id] = h
		}
		r.prev = h
	}
	d := -1
	for i := range h.devices {
		if h.devices[i].id == string(device) {
			d = i
			break
		}
	}
	if d < 0 {
		d = len(h.devices)
		h.devices = append(h.devices, deviceName{id: string(device), number: r.count})
		r.count++
	}
	to.Household, to.home = stillwater.HouseholdID(h.id), h.number
	to.Device, to.device = stillwater.DeviceID(h.devices[d].id), h.devices[d].number
	to.implausible = !h.devices[d].valid.has(&to.Reading)
}

// slow reads the next row by encoding/csv, with a sentence for everything that can be wrong with it.
func (r *rows) slow(to *row) error {
	fields, err := r.csv.Read()
	if err == io.EOF {
		return err
	}
	if wrong := (*csv.ParseError)(nil); errors.As(err, &wrong) {
		return fmt.Errorf("%s:%d: %w", r.name, r.fast+wrong.Line, wrong.Err)
	}
	if err != nil {
		return fmt.Errorf("%s: after %s: %w", r.name, r.last.Format(time.RFC3339), err)
	}
	if err := r.parse(fields, to); err != nil {
		line, _ := r.csv.FieldPos(0)
		return fmt.Errorf("%s:%d: %w", r.name, r.fast+line, err)
	}
	return nil
}

func (r *rows) parse(fields []string, to *row) error {
	field := func(i int) string { return fields[r.columns[i]] }
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
	quantity := stillwater.Quantity(strings.Clone(field(3)))
	value, err := parseValue(quantity, field(4))
	if err != nil {
		return err
	}
	to.Quantity, to.Value, to.At, to.Received = quantity, value, at.UTC(), learned.UTC()
	r.resolve(to, []byte(field(1)), []byte(field(2)))
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

// clock reads times written like 2006-01-02T15:04:05Z. It remembers the last hour, for rows come sorted.
type clock struct {
	hour  [13]byte
	since int64 // seconds since 1970 at which the hour begins
}

// read gives false for anything that time.Parse should judge.
func (c *clock) read(text []byte) (time.Time, bool) {
	if len(text) != len("2006-01-02T15:04:05Z") || text[13] != ':' || text[16] != ':' || text[19] != 'Z' {
		return time.Time{}, false
	}
	minute, second := pair(text[14:]), pair(text[17:])
	if minute > 59 || second > 59 {
		return time.Time{}, false
	}
	if c.hour != [13]byte(text) {
		t, err := time.Parse("2006-01-02T15", string(text[:13]))
		if err != nil {
			return time.Time{}, false
		}
		c.hour, c.since = [13]byte(text), t.Unix()
	}
	return time.Unix(c.since+int64(minute*60+second), 0).UTC(), true
}

// pair is the number that two digits make; 100 where they are none.
func pair(text []byte) int {
	a, b := text[0]-'0', text[1]-'0'
	if a > 9 || b > 9 {
		return 100
	}
	return int(a)*10 + int(b)
}

// stream reads rows ahead in a goroutine of its own and sends them on in batches.
type stream struct {
	full chan *rowBatch
	free chan *rowBatch
}

// rowBatch is a batch on its way; err comes after its rows.
type rowBatch struct {
	rows []row
	err  error
	room [batch]row
}

// inFlight bounds the batches between a reader and the lanes.
const inFlight = 8

func newStream() *stream {
	s := &stream{full: make(chan *rowBatch, inFlight), free: make(chan *rowBatch, inFlight)}
	for range inFlight {
		s.free <- &rowBatch{}
	}
	return s
}

// fill reads until the end, an error, or ctx is done.
func (s *stream) fill(ctx context.Context, from *rows) {
	for {
		var b *rowBatch
		select {
		case b = <-s.free:
		case <-ctx.Done():
			return
		}
		n, err := from.read(b.room[:])
		b.rows, b.err = b.room[:n], err
		s.full <- b // there is room for all of them
		if err != nil {
			return
		}
	}
}
