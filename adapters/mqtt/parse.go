package mqtt

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// maxPayload is the largest message that is looked at; sensors send a few hundred bytes.
const maxPayload = 64 << 10

// The reasons why a message is not accepted. They are counted, so they hold nothing of the message.
var (
	errNoTopic   = errors.New("no topic of the configuration")
	errTooLarge  = errors.New("too large")
	errEmpty     = errors.New("empty")
	errNotJSON   = errors.New("not JSON")
	errMissing   = errors.New("value missing")
	errNotNumber = errors.New("not a number")
	errNeither   = errors.New("neither of the known states")
	errRange     = errors.New("out of range")
	errNoPoint   = errors.New("no device named")
	errNotBytes  = errors.New("not the bytes of the model")
	errAsk       = errors.New("meaning not configured") // of a value, not of a message
	errTemplate  = errors.New("template is more than a place")
	errTooMany   = errors.New("more entities than are remembered")
	errOverrun   = errors.New("pipeline not keeping up") // quality of service 0 only: nothing else is given up
)

// A message is what parsing needs of an MQTT message.
type message struct {
	topic    string
	payload  []byte
	retained bool
	old      bool // it may have waited somewhere, or come once before
	arrived  time.Time
}

// match says whether a filter takes in a topic, and what its wildcards stand for.
func match(filter, topic string) (parts []string, ok bool) {
	if shared, found := strings.CutPrefix(filter, "$share/"); found {
		_, filter, _ = strings.Cut(shared, "/")
	}
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && f[0] != t[0] {
		return nil, false // wildcards do not take in the broker's own topics
	}
	for i, level := range f {
		switch {
		case level == "#":
			return append(parts, strings.Join(t[min(i, len(t)):], "/")), true
		case i >= len(t):
			return nil, false
		case level == "+":
			parts = append(parts, t[i])
		case level != t[i]:
			return nil, false
		}
	}
	return parts, len(f) == len(t)
}

// point is what follows the feed in the source of a message's readings.
func (t *Topic) point(topic string, parts []string) string {
	if t.Device == "" {
		return topic
	}
	var point strings.Builder
	for rest := t.Device; ; {
		before, after, hole := strings.Cut(rest, "{")
		point.WriteString(before)
		if !hole {
			return point.String()
		}
		number, tail, _ := strings.Cut(after, "}")
		if n, err := strconv.Atoi(number); err == nil && 0 < n && n <= len(parts) {
			point.WriteString(parts[n-1])
		}
		rest = tail
	}
}

// read makes the readings of one message, without Source. A message of which not one value can be had is an error, one of the reasons above.
// The device's time is used where it can be read; untimed says that the topic promises one and this message has none.
func (t *Topic) read(m message) (readings []stillwater.Reading, untimed bool, err error) {
	switch {
	case len(m.payload) > maxPayload:
		return nil, false, errTooLarge
	case len(bytes.TrimSpace(m.payload)) == 0:
		return nil, false, errEmpty
	}
	doc, err := t.open(m.payload)
	if err != nil {
		return nil, false, err
	}
	at, dated := m.arrived, false
	if t.Time != "" {
		when, found := jsonfield.At(doc, t.Time)
		if own, ok := readTime(when); found && ok {
			at, dated = own, true
		}
		untimed = !dated
	}
	var first error
	for i, v := range append([]Value{t.own()}, t.Also...) {
		quantity, value, bad := t.value(v, doc, i == 0)
		r := stillwater.Reading{
			Quantity: quantity, Value: value, At: at, Received: m.arrived,
			Undated: m.retained || m.old && !dated,
		}
		if bad == nil && r.Validate() != nil {
			bad = errRange
		}
		if bad == nil {
			readings = append(readings, r)
		} else if first == nil && (i == 0 || bad != errMissing) {
			first = bad
		}
	}
	if len(readings) == 0 {
		return nil, untimed, first
	}
	return readings, untimed, nil
}

// open gives the payload as a JSON value, or as text where no place in it is asked for.
func (t *Topic) open(payload []byte) (any, error) {
	return parsePayload(payload, t.Value == "" && t.Time == "" && len(t.Also) == 0)
}

// parsePayload gives a payload as a JSON value, or as text where that may be.
func parsePayload(payload []byte, text bool) (any, error) {
	doc, ok := parseJSON(payload)
	switch {
	case ok:
		return doc, nil
	case !text:
		return nil, errNotJSON
	}
	return strings.TrimSpace(string(payload)), nil
}

// value reads one value. An availability topic and a sensor that says "nobody" give other quantities than were asked
// for: Gone, and Alive, since "nobody" is no sign of life but shows that the sensor works.
func (t *Topic) value(v Value, doc any, own bool) (stillwater.Quantity, float64, error) {
	found, ok := jsonfield.At(doc, v.Value)
	if !ok && (v.Quantity != stillwater.Alive || v.Value != "") {
		return v.Quantity, 0, errMissing
	}
	text := jsonfield.Text(found)
	switch v.Quantity {
	case stillwater.Alive:
		if own && t.Gone != "" {
			if jsonfield.Same(text, t.Gone) {
				return stillwater.Gone, 1, nil
			}
			if text == "" {
				return v.Quantity, 0, errNeither
			}
		}
		return stillwater.Alive, 1, nil
	case stillwater.Door:
		value, err := v.door(text)
		return stillwater.Door, value, err
	case stillwater.Activity:
		return v.activity(text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return v.Quantity, 0, errNotNumber
	}
	if v.Scale > 0 {
		n *= float64(v.Scale)
	}
	return v.Quantity, n, nil
}

// door reads the state of a contact.
func (v *Value) door(text string) (float64, error) {
	if jsonfield.Same(text, v.Open) {
		return stillwater.Open, nil
	}
	closed := []string{v.Closed}
	if v.Closed == "" {
		closed = opposite(v.Open)
	}
	for _, c := range closed {
		if jsonfield.Same(text, c) {
			return stillwater.Closed, nil
		}
	}
	return 0, errNeither
}

// activity reads whether somebody was there.
func (v *Value) activity(text string) (stillwater.Quantity, float64, error) {
	if v.Open != "" {
		if jsonfield.Same(text, v.Open) {
			return stillwater.Activity, 1, nil
		}
		return stillwater.Alive, 1, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case jsonfield.Same(text, "true") || jsonfield.Same(text, "on") || err == nil && n > 0:
		return stillwater.Activity, 1, nil
	case jsonfield.Same(text, "false") || jsonfield.Same(text, "off") || err == nil && n == 0:
		return stillwater.Alive, 1, nil
	}
	return stillwater.Activity, 0, errNeither
}

// A number above secondsEnd is milliseconds: as seconds it would be the year 5138.
const secondsEnd = 1e11

// readTime reads a device's time. It refuses a time without a zone, which would be hours off, and one before 2001,
// which is a clock that was never set.
func readTime(v any) (time.Time, bool) { return readTimeIn(v, nil) }

// readTimeIn is readTime for devices whose zone is known where they do not write it.
func readTimeIn(v any, zone *time.Location) (time.Time, bool) {
	text := jsonfield.Text(v)
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil && zone != nil {
		when, err = localTime(text, zone)
	}
	if err != nil {
		n, bad := strconv.ParseFloat(text, 64)
		switch {
		case bad != nil || !(n > 0 && n < 1e3*secondsEnd):
			return time.Time{}, false
		case n >= secondsEnd:
			when = time.UnixMilli(int64(n))
		default:
			when = time.UnixMicro(int64(math.Round(n * 1e6)))
		}
	}
	return when.UTC(), when.Year() > 2000
}

// localTime reads a time without a zone. In the hour that comes twice in autumn the first one is taken.
func localTime(text string, zone *time.Location) (time.Time, error) {
	when, err := time.ParseInLocation("2006-01-02T15:04:05", text, zone)
	if err != nil {
		when, err = time.ParseInLocation(time.DateTime, text, zone)
	}
	return when, err
}
