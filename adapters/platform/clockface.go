package platform

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"stillwater/adapters/jsonfield"
)

// A clockface reads times as one platform writes them.
type clockface struct {
	unit   time.Duration // of numbers since 1970; 0: as large as they are
	layout string        // of package time; "": whichever of usual fits
	zoned  bool          // the layout holds a zone
	zone   *time.Location
}

// usual is how dates are written where nobody says how. Those with a zone stand first.
var usual = []struct {
	layout string
	zoned  bool
}{
	{time.RFC3339Nano, true}, {"2006-01-02 15:04:05Z07:00", true}, {"20060102T150405Z07:00", true},
	{"2006-01-02 15:04:05", false}, {"2006-01-02T15:04:05", false}, {"2006/1/2 15:04:05", false}, {"2006-01-02 15:04", false},
	{"2006/1/2 15:04", false}, {"20060102150405", false}, {"200601021504", false}, {"2006-01-02", false}, {"2006/1/2", false}, {"20060102", false},
}

// tokens is what the letters of a pattern mean, longest first.
var tokens = []struct{ pattern, layout string }{
	{"yyyy", "2006"}, {"SSS", "000"}, {"XXX", "Z07:00"}, {"MM", "01"}, {"dd", "02"}, {"HH", "15"}, {"mm", "04"}, {"ss", "05"}, {"XX", "Z0700"},
	{"M", "1"}, {"d", "2"}, {"H", "15"}, {"Z", "-0700"},
}

// newClockface understands the format and the zone of a layout.
func newClockface(format, zone string) (*clockface, error) {
	c := &clockface{}
	if zone != "" {
		location, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" {
			return nil, fmt.Errorf("%q is no time zone; write like Asia/Shanghai or UTC", zone)
		}
		c.zone = location
	}
	switch format {
	case "":
		return c, nil
	case "unix":
		c.unit = time.Second
		return c, nil
	case "unix-ms":
		c.unit = time.Millisecond
		return c, nil
	}
	var err error
	if c.layout, c.zoned, err = translate(format); err != nil {
		return nil, err
	}
	if !c.zoned && c.zone == nil {
		return nil, fmt.Errorf("%q has no zone in it, and none is named; write zone: Asia/Shanghai, or which it is", format)
	}
	return c, nil
}

// translate writes a pattern of letters as package time has it. What stands between single quotes is itself.
func translate(pattern string) (layout string, zoned bool, err error) {
	var out strings.Builder
	for rest := pattern; rest != ""; {
		if quoted, ok := strings.CutPrefix(rest, "'"); ok {
			text, after, closed := strings.Cut(quoted, "'")
			if !closed {
				return "", false, fmt.Errorf("%q opens a quote and does not close it", pattern)
			}
			out.WriteString(text)
			rest = after
			continue
		}
		found := false
		for _, t := range tokens {
			if after, ok := strings.CutPrefix(rest, t.pattern); ok && !strings.HasPrefix(after, t.pattern[:1]) {
				zoned = zoned || strings.Contains(t.layout, "07")
				out.WriteString(t.layout)
				rest, found = after, true
				break
			}
		}
		if found {
			continue
		}
		if c := rest[0]; 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			return "", false, fmt.Errorf("%q has the letter %q, which means nothing here; write like yyyy-MM-dd HH:mm:ss, and put text between single quotes", pattern, c)
		}
		out.WriteByte(rest[0])
		rest = rest[1:]
	}
	layout = out.String()
	sample := time.Date(2026, 11, 22, 8, 30, 15, 123e6, time.UTC)
	if back, err := time.Parse(layout, sample.Format(layout)); err != nil || back.Format(time.DateOnly) != sample.Format(time.DateOnly) {
		return "", false, fmt.Errorf("%q does not say year, month and day; write like yyyy-MM-dd HH:mm:ss", pattern)
	}
	return layout, zoned, nil
}

// read reads a time. One of before 2001 is of a clock that was never set.
func (c *clockface) read(v any) (time.Time, error) {
	text := jsonfield.Text(v)
	if text == "" {
		return time.Time{}, ErrNoTime
	}
	when, err := c.parse(text)
	if err == nil && (when.Year() <= 2000 || when.Year() > 2200) {
		err = ErrTime
	}
	return when.UTC(), err
}

func (c *clockface) parse(text string) (time.Time, error) {
	if c.layout != "" {
		return c.written(text, c.layout, c.zoned)
	}
	if when, ok := c.counted(text); ok || c.unit != 0 {
		if !ok {
			return when, ErrTime
		}
		return when, nil
	}
	for _, u := range usual {
		if when, err := c.written(text, u.layout, u.zoned); err != ErrTime {
			return when, err
		}
	}
	return time.Time{}, ErrTime
}

// written reads a date.
func (c *clockface) written(text, layout string, zoned bool) (time.Time, error) {
	if zoned {
		when, err := time.Parse(layout, text)
		if err != nil {
			return when, ErrTime
		}
		return when, nil
	}
	zone := c.zone
	if zone == nil {
		zone = time.UTC
	}
	when, err := time.ParseInLocation(layout, text, zone)
	switch {
	case err != nil:
		return when, ErrTime
	case c.zone == nil:
		return when, ErrNoZone
	}
	return when, nil
}

// counted reads a number of seconds or milliseconds since 1970: which of the two is told by its size, as those between are dates of
// eight, twelve or fourteen digits.
func (c *clockface) counted(text string) (when time.Time, ok bool) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n < 1e15) {
		return when, false
	}
	unit := c.unit
	if unit == 0 {
		switch {
		case 9e8 < n && n < 1e10:
			unit = time.Second
		case 9e11 < n && n < 1e13 && len(text) >= 13:
			unit = time.Millisecond
		default:
			return when, false
		}
	}
	if n > 1e10 && unit == time.Second || n > 1e13 {
		return when, false
	}
	seconds := n * unit.Seconds()
	whole := math.Floor(seconds)
	return time.Unix(int64(whole), int64(math.Round((seconds-whole)*1e6))*1e3), true
}

// A Stamp writes times as a platform wants to be asked.
type Stamp struct {
	format string // of package time, or unix, or unix-ms
	zone   *time.Location
}

// NewStamp understands a format of Layout; "" is RFC 3339 in UTC.
func NewStamp(format, zone string) (*Stamp, error) {
	if format == "" {
		return &Stamp{time.RFC3339, time.UTC}, nil
	}
	c, err := newClockface(format, zone)
	if err != nil {
		return nil, err
	}
	if c.layout != "" {
		format = c.layout
	}
	return &Stamp{format, c.zone}, nil
}

// Write writes a time, to the second.
func (s *Stamp) Write(when time.Time) string {
	switch s.format {
	case "unix":
		return strconv.FormatInt(when.Unix(), 10)
	case "unix-ms":
		return strconv.FormatInt(when.UnixMilli(), 10)
	}
	return when.In(s.zone).Format(s.format)
}
