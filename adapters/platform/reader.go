package platform

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// The reasons why a record or a value of it is refused. They are counted, so they hold nothing of it.
var (
	ErrNoDevice = errors.New("device number missing")
	ErrDevice   = errors.New("device number unusable")
	ErrNothing  = errors.New("no known value")
	ErrNoTime   = errors.New("time missing")
	ErrTime     = errors.New("time unreadable")
	ErrNoZone   = errors.New("time without a zone")
	ErrToCome   = errors.New("time yet to come")
	ErrNumber   = errors.New("not a number")
	ErrState    = errors.New("neither of the known states")
	ErrRange    = errors.New("out of range")
	ErrLong     = errors.New("row too long")
)

const (
	// maxNumber bounds a device's number; an IMEI has 15 digits, a platform's own identifier 36 letters.
	maxNumber = 128
	// clockAhead is how far a clock may be ahead: for rows of values, which are padded to the end of the day, little; for values alone a
	// day, as the pipeline takes those of today as of now, and a time further on is a misread one.
	clockAhead, dayAhead = 2 * time.Minute, 24 * time.Hour
)

// A Reader makes readings of what one platform sends. It may be used by several goroutines at once.
type Reader struct {
	layout Layout
	places [][]string // of each value
	times  [][]string
	clocks []*clockface
}

// NewReader understands a layout, which must be valid.
func NewReader(l Layout) (*Reader, error) {
	r := &Reader{layout: l}
	for i := range l.Values {
		v := &l.Values[i]
		times := l.Time
		if len(v.Time) > 0 {
			times = v.Time
		}
		r.places = append(r.places, named(l.places(v), v.Name))
		r.times = append(r.times, named(times, v.Name))
		c, err := newClockface(l.format(v), l.Zone)
		if err != nil {
			return nil, err
		}
		r.clocks = append(r.clocks, c)
	}
	return r, nil
}

// named puts the value's name into places.
func named(places []string, name string) []string {
	list := make([]string, len(places))
	for i, p := range places {
		list[i] = strings.ReplaceAll(p, "{name}", name)
	}
	return list
}

// Result is what a message held.
type Result struct {
	Readings []stillwater.Reading // in order of event time; Source is the number of the device alone
	Records  int
	Ignored  bool           // it is none of those that hold readings
	Refused  map[string]int // records and values by reason
}

func (r *Result) refuse(reason error) {
	if r.Refused == nil {
		r.Refused = map[string]int{}
	}
	r.Refused[reason.Error()]++
}

// Read makes the readings of a message: JSON with numbers as they stand, or a table; see Decode and Table.
func (r *Reader) Read(doc any, arrived time.Time) Result {
	var result Result
	for _, o := range r.layout.Only {
		if v, ok := jsonfield.At(doc, o.At); !ok || !oneOf(jsonfield.Text(v), o.Is) {
			result.Ignored = true
			return result
		}
	}
	each(doc, r.layout.Records, func(rec *record) {
		result.Records++
		r.record(rec, arrived, &result)
	})
	slices.SortStableFunc(result.Readings, func(a, b stillwater.Reading) int { return a.At.Compare(b.At) })
	return result
}

// record makes the readings of one record.
func (r *Reader) record(rec *record, arrived time.Time, result *Result) {
	device, err := r.device(rec)
	if err != nil {
		result.refuse(err)
		return
	}
	one := reading{Result: result, base: stillwater.Reading{Source: device, Received: arrived}, from: len(result.Readings)}
	for i := range r.layout.Values {
		v := &r.layout.Values[i]
		if r.layout.Which != "" && !r.isOf(rec, v) {
			continue
		}
		if v.Series != nil && v.numbered() {
			r.fields(rec, i, &one)
		} else if found, ok := rec.first(r.places[i]); ok {
			r.value(rec, i, found, &one)
		}
	}
	if !one.found {
		result.refuse(ErrNothing)
	}
	one.living()
}

// A reading collects the readings of one record.
type reading struct {
	*Result
	base  stillwater.Reading
	from  int  // the first of its readings in the result
	found bool // at least one of its values was there
}

// living adds a sign that the device is there, where all that it says is of itself.
func (one *reading) living() {
	own := one.Readings[one.from:]
	if len(own) == 0 || slices.ContainsFunc(own, func(r stillwater.Reading) bool { return !r.Quantity.OfDevice() }) {
		return
	}
	alive := own[0]
	alive.Quantity, alive.Value = stillwater.Alive, 1
	one.Readings = append(one.Readings, alive)
}

// device is the number of the device that the record is of.
func (r *Reader) device(rec *record) (string, error) {
	for _, p := range r.layout.Device {
		v, _ := rec.at(p)
		number := strings.TrimLeft(jsonfield.Text(v), "'`") // by which spreadsheets keep leading zeros
		switch strings.ToLower(number) {
		case "", "undefined", "null", "-":
			continue
		}
		if len(number) > maxNumber || strings.ContainsFunc(number, func(c rune) bool { return !unicode.IsGraphic(c) || unicode.IsSpace(c) || c == '/' }) {
			return "", ErrDevice
		}
		return number, nil
	}
	return "", ErrNoDevice
}

// isOf says whether a record of one value holds v.
func (r *Reader) isOf(rec *record, v *Value) bool {
	name, ok := rec.at(r.layout.Which)
	return ok && jsonfield.Text(name) == v.Name
}

// value makes the readings of a value, or of a row of them.
func (r *Reader) value(rec *record, i int, found any, one *reading) {
	v, at := &r.layout.Values[i], r.at(rec, i)
	row, many := found.([]any)
	if v.Series == nil {
		v.add(found, at, one)
		return
	}
	if !many {
		row = split(jsonfield.Text(found))
	}
	if len(row) > maxSeries {
		one.refuse(ErrLong)
		return
	}
	for n, e := range row {
		v.add(e, at.after(v.Series, n), one)
	}
}

// split parts a row that is written as a text.
func split(text string) []any {
	var row []any
	for _, s := range strings.FieldsFunc(text, func(c rune) bool { return c == ',' || c == ';' || c == '|' }) {
		row = append(row, s)
	}
	return row
}

// fields makes the readings of numbered fields.
func (r *Reader) fields(rec *record, i int, one *reading) {
	v, at := &r.layout.Values[i], r.at(rec, i)
	for n := range v.Series.Count {
		number := v.Series.First + n
		for _, p := range r.places[i] {
			p = strings.ReplaceAll(strings.ReplaceAll(p, "{nn}", fmt.Sprintf("%02d", number)), "{n}", fmt.Sprint(number))
			if found, ok := rec.at(p); ok {
				v.add(found, at.after(v.Series, n), one)
				break
			}
		}
	}
}

// A moment is the time of a value, or why it is not known.
type moment struct {
	time.Time
	err   error
	ahead time.Duration // by how much it may be
}

// at is the time of a value.
func (r *Reader) at(rec *record, i int) moment {
	written, ok := rec.first(r.times[i])
	if !ok {
		return moment{err: ErrNoTime}
	}
	when, err := r.clocks[i].read(written)
	return moment{when, err, dayAhead}
}

// after is the time of the nth value of a row.
func (m moment) after(s *Series, n int) moment {
	return moment{m.Add(s.Offset + time.Duration(n)*s.Step), m.err, clockAhead}
}

// add makes one reading, or counts why there is none.
func (v *Value) add(found any, at moment, one *reading) {
	text := jsonfield.Text(found)
	if text == "" && found != nil {
		if _, plain := found.(string); !plain {
			one.refuse(ErrNumber) // a section where a value is meant to be
		}
	}
	if text == "" || oneOf(text, v.None) {
		return
	}
	one.found = true
	reading := one.base
	reading.At = at.Time
	var err error
	reading.Quantity, reading.Value, err = v.read(text)
	switch {
	case err != nil:
	case at.err != nil:
		err = at.err
	case at.Sub(reading.Received) > at.ahead:
		err = ErrToCome
	case reading.Validate() != nil:
		err = ErrRange
	}
	if err != nil {
		one.refuse(err)
		return
	}
	one.Readings = append(one.Readings, reading)
}
