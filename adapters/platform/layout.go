package platform

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A Layout says where in what a platform sends the readings are. Places are dotted keys of JSON, or names of columns: as seen from the record,
// from what encloses it with "^." before, or from the top with "$." before. {name} in a place is the value's name; "$key" is the record's own key.
type Layout struct {
	Only    []Only   `yaml:"only,omitempty" doc:"which messages hold readings; others are taken in and left alone; all of these must be so; default every message"`
	Records []string `yaml:"records,omitempty" doc:"where the records are, seen from the top; * stands for each entry of a list or section, like meters.* or data.*.history.*; default the whole, or each entry of it if it is a list"`
	Device  []string `yaml:"device,omitempty" doc:"where the device's number is (account, meter number, IMEI); the first that is there counts"`
	Which   string   `yaml:"which,omitempty" doc:"where a record that holds one value says which, like ds_id; default: values have places of their own"`
	Value   []string `yaml:"value,omitempty" doc:"where a value is that has no place of its own, like payload.{name}; the first that is there counts"`
	Time    []string `yaml:"time,omitempty" doc:"where the time is at which the value was true; the first that is there counts"`
	Format  string   `yaml:"format,omitempty" doc:"how times are written: a pattern like yyyy-MM-dd HH:mm:ss, or unix, or unix-ms; default: RFC 3339, seconds or milliseconds since 1970, and the usual ways to write a date, whichever fits"`
	Zone    string   `yaml:"zone,omitempty" doc:"time zone of times that are written without one, like Asia/Shanghai; without it they are refused"`
	Values  []Value  `yaml:"values,omitempty" doc:"what is read"`
}

// Only is a condition on a whole message.
type Only struct {
	At string   `yaml:"at" doc:"place, seen from the top"`
	Is []string `yaml:"is" doc:"what may stand there"`
}

// Value is one value of a record.
type Value struct {
	Name     string              `yaml:"name,omitempty" doc:"what the platform or the meter's maker calls the value"`
	Quantity stillwater.Quantity `yaml:"quantity" doc:"what it is: water.total, water.flow, door, activity, battery, alive, signal, or fault.battery, fault.leak, fault.reverse, fault.empty, fault.tamper, fault.device"`
	Value    []string            `yaml:"value,omitempty" doc:"where it is; the first that is there counts; default as the layout says of its name, or else the name"`
	Time     []string            `yaml:"time,omitempty" doc:"where its time is; default as the layout says"`
	Format   string              `yaml:"format,omitempty" doc:"how its time is written; default as the layout says, if the time is where the layout says, too"`
	Scale    stillwater.Litres   `yaml:"scale,omitempty" doc:"water: how much one is, like 1 m³ or 10 L; there is no default, for a wrong one makes every rule wrong"`
	Unit     string              `yaml:"unit,omitempty" doc:"signal: dBm, -dBm (written without its sign) or csq (0 to 31 of a modem); default dBm"`
	Open     []string            `yaml:"open,omitempty" doc:"door: what means open; activity: what means that somebody was there; fault: what means that it is so; default 1, true, yes or on, but a door has none"`
	Closed   []string            `yaml:"closed,omitempty" doc:"door: what means closed"`
	Mask     int                 `yaml:"mask,omitempty" doc:"fault: bits of a number of which any means that it is so, like 4 for the third"`
	Below    float64             `yaml:"below,omitempty" doc:"fault: the number under which it is so, like 3.2 for the volts of a battery"`
	Gone     []string            `yaml:"gone,omitempty" doc:"alive: what means that the device is away; any other value means that it is there"`
	None     []string            `yaml:"none,omitempty" doc:"what stands there when there is no value, like 4294967295 or --; nothing, null and an empty text always mean that"`
	Series   *Series             `yaml:"series,omitempty" doc:"the value is a row of values at fixed intervals, like the 24 of a day"`
}

// Series is a row of values at fixed intervals: a list, or fields that are numbered by {n} or {nn} (two digits) in the value's place.
type Series struct {
	First  int           `yaml:"first,omitempty" doc:"number of the first field; default 0"`
	Count  int           `yaml:"count,omitempty" doc:"how many fields there are; a list has as many as it has"`
	Step   time.Duration `yaml:"step" doc:"time from one value to the next, like 1h"`
	Offset time.Duration `yaml:"offset,omitempty" doc:"how long after the record's time the first value was true; 1h if the first is that of one o'clock; default 0s"`
}

// maxSeries bounds a row of values; a month of quarter hours is 2,976.
const maxSeries = 10_000

// quantities is what a platform can say.
var quantities = []stillwater.Quantity{
	stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Door, stillwater.Activity, stillwater.Battery, stillwater.Alive, stillwater.Signal,
	stillwater.BatteryLow, stillwater.MeterLeak, stillwater.Reverse, stillwater.Empty, stillwater.Tamper, stillwater.Broken,
}

// Validate reports everything that is wrong with the layout but its values, which report for themselves.
func (l *Layout) Validate(report func(field any, problem string)) {
	if len(l.Device) == 0 {
		report(&l.Device, "no place of the device's number, so nobody's reading could be told from another's; write like [meterNo]")
	}
	for i := range l.Values {
		v := &l.Values[i]
		if len(l.Time) == 0 && len(v.Time) == 0 {
			report(&l.Time, "no place of the time; a value without its own time could be of any, so write like [readTime]")
		}
		if len(l.places(v)) == 0 {
			report(&v.Value, "no place and no name; write where the value is")
		}
		if v.Name == "" && l.Which != "" {
			report(&v.Name, fmt.Sprintf("a record says at %q which value it holds; write the name that stands there", l.Which))
		}
	}
	for i := range l.Only {
		if o := &l.Only[i]; o.At == "" || len(o.Is) == 0 {
			report(o, "a condition needs the place and what may stand there; write like {at: messageType, is: [dataReport]}")
		}
	}
	if _, err := newClockface(l.Format, l.Zone); err != nil {
		report(&l.Format, err.Error())
	}
	for i := range l.Values {
		if v := &l.Values[i]; v.Format != "" {
			if _, err := newClockface(v.Format, l.Zone); err != nil {
				report(&v.Format, err.Error())
			}
		}
	}
}

// format is how the time of a value is written.
func (l *Layout) format(v *Value) string {
	if v.Format != "" || len(v.Time) > 0 {
		return v.Format
	}
	return l.Format
}

// places is where a value is.
func (l *Layout) places(v *Value) []string {
	switch {
	case len(v.Value) > 0:
		return v.Value
	case len(l.Value) > 0 && (v.Name != "" || !strings.Contains(strings.Join(l.Value, " "), "{name}")):
		return l.Value
	case v.Name != "":
		return []string{v.Name}
	}
	return nil
}

// Validate reports everything that is wrong with the value.
func (v *Value) Validate(report func(field any, problem string)) {
	if !slices.Contains(quantities, v.Quantity) {
		report(&v.Quantity, fmt.Sprintf("%q is not a quantity that a platform can say; write one of %s", v.Quantity, list(quantities)))
		return
	}
	fault := v.Quantity.OfDevice() && v.Quantity != stillwater.Signal
	water := v.Quantity == stillwater.WaterTotal || v.Quantity == stillwater.WaterFlow
	switch {
	case water && !(v.Scale > 0):
		report(&v.Scale, "how much water is one? write like 1 m³ or 10 L; it is a thousandfold difference, so there is no default")
	case !water && v.Scale != 0:
		report(&v.Scale, fmt.Sprintf("scale is how much water one is; leave it out for %s", v.Quantity))
	case v.Quantity == stillwater.Door && (len(v.Open) == 0 || len(v.Closed) == 0):
		report(&v.Open, "what means open, and what closed? makers disagree; open the door, look at what comes and write both, like open: [1] and closed: [0]")
	case v.Quantity == stillwater.Door && both(v.Open, v.Closed) != "":
		report(&v.Closed, fmt.Sprintf("%q cannot mean both open and closed", both(v.Open, v.Closed)))
	case v.Unit != "" && (v.Quantity != stillwater.Signal || !slices.Contains([]string{"dBm", "-dBm", "csq"}, v.Unit)):
		report(&v.Unit, fmt.Sprintf("%q is no unit here; only a signal has one: dBm, -dBm or csq", v.Unit))
	case (v.Mask != 0 || v.Below != 0) && !fault:
		report(v, fmt.Sprintf("mask and below are for faults, and have no meaning for %s; leave them out", v.Quantity))
	case v.Mask < 0:
		report(&v.Mask, fmt.Sprintf("%d is no mask of bits; write like 4 for the third bit", v.Mask))
	case len(v.Gone) > 0 && v.Quantity != stillwater.Alive:
		report(&v.Gone, fmt.Sprintf("gone says that a device is away, which %s cannot; write quantity: alive", v.Quantity))
	}
	if v.Series != nil && v.numbered() != (v.Series.Count > 0) {
		report(&v.Series.Count, "numbered fields need {n} in the value's place and their count here; a list needs neither")
	}
}

// Validate reports everything that is wrong with the row.
func (s *Series) Validate(report func(field any, problem string)) {
	if s.Step <= 0 {
		report(&s.Step, fmt.Sprintf("%v is no time from one value to the next; write like 1h", s.Step))
	}
	if s.Count < 0 || s.Count > maxSeries {
		report(&s.Count, fmt.Sprintf("%d is no number of fields; write 1 to %d", s.Count, maxSeries))
	}
	if s.First < 0 {
		report(&s.First, fmt.Sprintf("%d is below zero; write the number of the first field", s.First))
	}
}

// numbered says whether the places of the value are numbered fields.
func (v *Value) numbered() bool {
	return slices.ContainsFunc(v.Value, func(p string) bool { return strings.Contains(p, "{n}") || strings.Contains(p, "{nn}") })
}

// both is what stands in both lists, "" for nothing.
func both(a, b []string) string {
	for _, s := range a {
		if oneOf(s, b) {
			return s
		}
	}
	return ""
}

func list(quantities []stillwater.Quantity) string {
	names := make([]string, len(quantities))
	for i, q := range quantities {
		names[i] = string(q)
	}
	return strings.Join(names, ", ")
}
