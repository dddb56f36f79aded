package platform

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"gopkg.in/yaml.v3"
)

var arrived = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC) // ten o'clock in Shanghai

// reader makes a reader of a layout written as in a profile.
func reader(t testing.TB, text string) *Reader {
	t.Helper()
	var l Layout
	if err := Parse([]byte(text), &l); err != nil {
		t.Fatal(err)
	}
	if err := l.Problems(); err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read gives what a message holds, one line for each reading.
func read(t testing.TB, r *Reader, message string) (lines []string, result Result) {
	t.Helper()
	doc, err := Decode([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	result = r.Read(doc, arrived)
	for _, one := range result.Readings {
		lines = append(lines, fmt.Sprintf("%s %s %g %s", one.Source, one.Quantity, one.Value, one.At.Format("02T15:04:05.999")))
		if !one.Received.Equal(arrived) || one.Undated {
			t.Errorf("reading %+v", one)
		}
	}
	return lines, result
}

const meters = `
records: [meters.*]
device: [no, account]
time: [time]
zone: Asia/Shanghai
values:
  - {name: total, quantity: water.total, scale: 1 m³}
  - {name: flow, quantity: water.flow, scale: 1 L}
  - {name: hours, quantity: water.total, scale: 1 m³, time: [day], none: ["-1"], series: {step: 1h}}
  - {name: low, quantity: fault.battery}
  - {name: volts, quantity: fault.battery, below: 3.2}
  - {name: status, quantity: fault.leak, mask: 4}
  - {name: rsrp, quantity: signal, unit: -dBm}
  - {name: csq, quantity: signal, unit: csq}
  - {name: lid, quantity: door, open: ["1", open], closed: ["0", closed]}
  - {name: seen, quantity: activity}
  - {name: net, quantity: alive, gone: [offline]}
`

// TestRead reads one value after the other.
func TestRead(t *testing.T) {
	r := reader(t, meters)
	for name, c := range map[string]struct {
		message string
		want    []string
		refused string // as "reason": 1, … in order
	}{
		"cubic metres to litres, and a time without a zone": {`{"meters":[{"no":"0012","time":"2026-11-22 08:00:00","total":"1.001"}]}`, []string{"0012 water.total 1001 22T00:00:00"}, ""},
		"a number that is longer than a float":              {`{"meters":[{"no":88340123456789012345,"time":1763769600,"total":2}]}`, []string{"88340123456789012345 water.total 2000 22T00:00:00"}, ""},
		"the second place of the number":                    {`{"meters":[{"no":"undefined","account":"'007","time":1763769600123,"flow":3.5}]}`, []string{"007 water.flow 3.5 22T00:00:00.123"}, ""},
		"hours with holes":                                  {`{"meters":[{"no":"1","day":"2026-11-22","hours":[1,null,"",-1,1.5]}]}`, []string{"1 water.total 1000 21T16:00:00", "1 water.total 1500 21T20:00:00"}, ""},
		"hours as a text":                                   {`{"meters":[{"no":"1","day":"20261122","hours":"1,2"}]}`, []string{"1 water.total 1000 21T16:00:00", "1 water.total 2000 21T17:00:00"}, ""},
		"hours padded to the end of the day":                {`{"meters":[{"no":"1","day":"2026/11/22","hours":[1,1,1,1,1,1,1,1,1,1,1,1,1]}]}`, nil, "time yet to come 2"},
		"only of itself, so it is alive":                    {`{"meters":[{"no":"1","time":1763769600,"low":true,"volts":"3.1","status":"0x06","rsrp":114,"csq":31}]}`, []string{"1 fault.battery 1 22T00:00:00", "1 fault.battery 1 22T00:00:00", "1 fault.leak 1 22T00:00:00", "1 signal -114 22T00:00:00", "1 signal -51 22T00:00:00", "1 alive 1 22T00:00:00"}, ""},
		"nothing wrong":                                     {`{"meters":[{"no":"1","time":1763769600,"low":0,"volts":3.2,"status":3}]}`, []string{"1 fault.battery 0 22T00:00:00", "1 fault.battery 0 22T00:00:00", "1 fault.leak 0 22T00:00:00", "1 alive 1 22T00:00:00"}, ""},
		"a door":                                            {`{"meters":[{"no":"1","time":1763769600,"lid":"OPEN"},{"no":"1","time":1763769660,"lid":0}]}`, []string{"1 door 1 22T00:00:00", "1 door 0 22T00:01:00"}, ""},
		"a door in neither state":                           {`{"meters":[{"no":"1","time":1763769600,"lid":2}]}`, nil, "neither of the known states 1"},
		"somebody, and nobody":                              {`{"meters":[{"no":"1","time":1763769600,"seen":2},{"no":"2","time":1763769600,"seen":false}]}`, []string{"1 activity 1 22T00:00:00", "2 alive 1 22T00:00:00"}, ""},
		"there, and away":                                   {`{"meters":[{"no":"1","time":1763769600,"net":"online"},{"no":"2","time":1763769600,"net":"offline"}]}`, []string{"1 alive 1 22T00:00:00", "2 gone 1 22T00:00:00"}, ""},
		"in order of time":                                  {`{"meters":[{"no":"1","time":1763769660,"total":2},{"no":"1","time":1763769600,"total":1}]}`, []string{"1 water.total 1000 22T00:00:00", "1 water.total 2000 22T00:01:00"}, ""},
		"no time":                                           {`{"meters":[{"no":"1","total":2}]}`, nil, "time missing 1"},
		"a time that is none":                               {`{"meters":[{"no":"1","total":2,"time":"yesterday"}]}`, nil, "time unreadable 1"},
		"a clock that was never set":                        {`{"meters":[{"no":"1","total":2,"time":"2000-01-01 00:00:00"}]}`, nil, "time unreadable 1"},
		"a time of next week":                               {`{"meters":[{"no":"1","total":2,"time":"2026-11-29 00:00:00"}]}`, nil, "time yet to come 1"},
		"no number":                                         {`{"meters":[{"time":1763769600,"total":2}]}`, nil, "device number missing 1"},
		"a number that is a path":                           {`{"meters":[{"no":"a/b","time":1763769600,"total":2}]}`, nil, "device number unusable 1"},
		"nothing known":                                     {`{"meters":[{"no":"1","time":1763769600,"other":2}]}`, nil, "no known value 1"},
		"a value that is none":                              {`{"meters":[{"no":"1","time":1763769600,"total":"full"}]}`, nil, "not a number 1"},
		"not a number at all":                               {`{"meters":[{"no":"1","time":1763769600,"total":"NaN"}]}`, nil, "not a number 1"},
		"below zero":                                        {`{"meters":[{"no":"1","time":1763769600,"total":-1}]}`, nil, "out of range 1"},
		"a modem that does not know":                        {`{"meters":[{"no":"1","time":1763769600,"csq":99}]}`, nil, "out of range 1"},
		"a section instead of a value":                      {`{"meters":[{"no":"1","time":1763769600,"total":{}}]}`, nil, "no known value 1"},
		"one good and one bad":                              {`{"meters":[{"no":"1","time":1763769600,"total":1},{"total":1},7]}`, []string{"1 water.total 1000 22T00:00:00"}, "device number missing 2"},
	} {
		lines, result := read(t, r, c.message)
		if c.want != nil && !slices.Equal(lines, c.want) {
			t.Errorf("%s: %q, want %q", name, lines, c.want)
		}
		var refused []string
		for reason, n := range result.Refused {
			refused = append(refused, fmt.Sprintf("%s %d", reason, n))
		}
		if got := strings.Join(refused, ", "); got != c.refused {
			t.Errorf("%s: refused %q, want %q", name, got, c.refused)
		}
	}
}

// TestSeriesOfDay: of the thirteen values of a day at ten o'clock, those to come are not taken, however often the last was repeated.
func TestSeriesOfDay(t *testing.T) {
	_, result := read(t, reader(t, meters), `{"meters":[{"no":"1","day":"2026-11-22","hours":[1,1,1,1,1,1,1,1,1,1,1,1,1]}]}`)
	if n := len(result.Readings); n != 11 || !result.Readings[n-1].At.Equal(arrived) {
		t.Errorf("%d readings, the last of %v", n, result.Readings[n-1].At)
	}
}

// TestPlaces reads records in records, sections whose keys are the numbers, numbered fields, and records of one value each.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct {
		layout, message string
		want            []string
	}{
		"history in meters": {"records: [\"data.*.history.*\"]\ndevice: [^.no]\ntime: [t]\nvalues: [{name: v, quantity: water.total, scale: 1 L}]",
			`{"data":[{"no":"a","history":[{"t":1763769600,"v":1},{"t":1763769660,"v":2}]},{"no":"b","history":[{"t":1763769600,"v":3}]}]}`,
			[]string{"a water.total 1 22T00:00:00", "b water.total 3 22T00:00:00", "a water.total 2 22T00:01:00"}},
		"keys that are numbers": {"records: [\"data.*\"]\ndevice: [$key]\ntime: [$.at]\nvalues: [{name: v, quantity: water.total, scale: 10 L}]",
			`{"at":1763769600,"data":{"a":{"v":1},"b":{"v":2}}}`, []string{"a water.total 10 22T00:00:00", "b water.total 20 22T00:00:00"}},
		"numbered fields": {"device: [no]\ntime: [day]\nformat: yyyyMMdd\nzone: Asia/Shanghai\nvalues: [{value: [\"h{nn}\"], quantity: water.total, scale: 1 m³, series: {first: 1, count: 3, step: 1h, offset: 1h}}]",
			`{"no":"a","day":"20261122","h01":1,"h03":"2"}`, []string{"a water.total 1000 21T17:00:00", "a water.total 2000 21T19:00:00"}},
		"a value each": {"records: [\"list.*\"]\ndevice: [$.imei]\nwhich: code\nvalue: [value]\ntime: [at]\nformat: unix-ms\nvalues: [{name: flow, quantity: water.flow, scale: 1 L},{name: total, quantity: water.total, scale: 1 L}]",
			`{"imei":"86","list":[{"code":"total","value":"5","at":1763769600000},{"code":"other","value":"9","at":1763769600000}]}`, []string{"86 water.total 5 22T00:00:00"}},
		"the whole is a list": {"device: [no]\ntime: [t]\nformat: yyyy年M月d日 HH:mm\nzone: Asia/Shanghai\nvalues: [{name: 水量, quantity: water.total, scale: 1 m³}]",
			`[{"no":"a","t":"2026年11月2日 08:30","水量":1}]`, []string{"a water.total 1000 02T00:30:00"}},
		"a key with a dot": {"device: [no]\ntime: [t]\nvalues: [{name: water.total.m3, quantity: water.total, scale: 1 m³}]",
			`{"no":"a","t":"2026-11-22T08:00:00+08:00","water.total.m3":1}`, []string{"a water.total 1000 22T00:00:00"}},
	} {
		lines, result := read(t, reader(t, c.layout), c.message)
		if !slices.Equal(lines, c.want) {
			t.Errorf("%s: %q (%v), want %q", name, lines, result.Refused, c.want)
		}
	}
}

// TestTimes reads times as platforms write them.
func TestTimes(t *testing.T) {
	shanghai, none := "Asia/Shanghai", ""
	for _, c := range []struct {
		format, zone, text, want string // want: UTC, or the reason
	}{
		{"", shanghai, "2026-11-22 08:00:00", "2026-11-22T00:00:00Z"},
		{"", none, "2026-11-22 08:00:00", "time without a zone"},
		{"", shanghai, "2026-11-22T08:00:00+09:00", "2026-11-21T23:00:00Z"},
		{"", none, "20261122T080000Z", "2026-11-22T08:00:00Z"},
		{"", shanghai, "20261122080000", "2026-11-22T00:00:00Z"},
		{"", shanghai, "20261122", "2026-11-21T16:00:00Z"},
		{"", shanghai, "2026/1/2 8:05", "2026-01-02T00:05:00Z"},
		{"", shanghai, "2026/1/2 08:05", "2026-01-02T00:05:00Z"},
		{"", none, "1763769600", "2025-11-22T00:00:00Z"},
		{"", none, "1763769600123", "2025-11-22T00:00:00.123Z"},
		{"", shanghai, "17637696", "time unreadable"},
		{"unix-ms", none, "1763769600", "time unreadable"}, // of 1970: it is seconds
		{"unix", none, "1763769600000", "time unreadable"},
		{"unix", none, "soon", "time unreadable"},
		{"yyyyMMdd'T'HHmmss'Z'", "UTC", "20151212T121212Z", "2015-12-12T12:12:12Z"},
		{"yyyyMMdd'T'HHmmss'Z'", "UTC", "20151212T121212", "time unreadable"},
		{"yyyy-MM-dd HH:mm:ss.SSS", shanghai, "2026-11-22 08:00:00.250", "2026-11-22T00:00:00.25Z"},
		{"yyyy-MM-dd'T'HH:mm:ssXXX", none, "2026-11-22T08:00:00+08:00", "2026-11-22T00:00:00Z"},
		{"", shanghai, "0000-00-00 00:00:00", "time unreadable"},
		{"", shanghai, "", "time missing"},
	} {
		f, err := newClockface(c.format, c.zone)
		if err != nil {
			t.Errorf("%q: %v", c.format, err)
			continue
		}
		when, err := f.read(c.text)
		got := when.Format(time.RFC3339Nano)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%q in %q as %q: %s, want %s", c.text, c.zone, c.format, got, c.want)
		}
	}
	for format, want := range map[string]string{
		"yyyy-MM-dd HH:mm:ss": "none is named", "HH:mm": "year, month and day", "yyyy-mm-dd": "year, month and day", "dd MMM yyyy": "means nothing", "yyyy-MM-dd'T": "close it", "yyyy-MM-ddTHH": "single quotes",
	} {
		zone := "UTC"
		if want == "none is named" {
			zone = ""
		}
		if _, err := newClockface(format, zone); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", format, err)
		}
	}
	if _, err := newClockface("", "Shanghai"); err == nil {
		t.Error("a zone that is none")
	}
}

// TestTable reads tables: in both encodings, with other separators, without a header, and with a row that is cut off.
func TestTable(t *testing.T) {
	gb, err := simplifiedchinese.GB18030.NewEncoder().String("表号,时间,读数\n0012,2026-11-22 08:00:00,1.5\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sheet  Sheet
		text   string
		want   string
		broken int
	}{
		"GB 18030":    {Sheet{}, gb, `[{"时间":"2026-11-22 08:00:00","表号":"0012","读数":"1.5"}]`, 0},
		"UTF-8":       {Sheet{}, "\ufeff表号,读数\r\n1,2\r\n", `[{"表号":"1","读数":"2"}]`, 0},
		"a tab":       {Sheet{Separator: "tab"}, "a\tb\n1\t2,5\n", `[{"a":"1","b":"2,5"}]`, 0},
		"a semicolon": {Sheet{Separator: ";", Skip: 2}, "报表\n\na;b\n1;2\n", `[{"a":"1","b":"2"}]`, 0},
		"no header":   {Sheet{Headless: true}, "x,2\n", `[{"1":"x","2":"2"}]`, 0},
		"cut off":     {Sheet{}, "a,b\n1,2\n3\n4,5,6\n", `[{"a":"1","b":"2"}]`, 2},
		"quoted":      {Sheet{}, "a,b\n\"1,5\",2\n", `[{"a":"1,5","b":"2"}]`, 0},
		"empty":       {Sheet{}, "", `[]`, 0},
	} {
		doc, broken, err := c.sheet.Table([]byte(c.text))
		got, _ := json.Marshal(doc)
		if err != nil || string(got) != c.want || broken != c.broken {
			t.Errorf("%s: %s, %d, %v; want %s", name, got, broken, err, c.want)
		}
	}
	if _, _, err := (&Sheet{}).Table([]byte("a,a\n1,2\n")); err == nil {
		t.Error("two columns of one name")
	}
	if _, _, err := (&Sheet{Encoding: "utf-8"}).Table([]byte(gb)); err == nil {
		t.Error("GB 18030 taken for UTF-8")
	}
}

// TestDecode refuses what is not one JSON value.
func TestDecode(t *testing.T) {
	for _, text := range []string{"", "{", `{"a":1} {"b":2}`, strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 65) + "1" + strings.Repeat("}", 65), "\xff"} {
		if _, err := Decode([]byte(text)); !errors.Is(err, ErrNotJSON) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := Decode([]byte(`{"a":"[[[[[[\"[["}`)); err != nil {
		t.Error(err)
	}
}

// TestLayoutProblems says what is wrong with a layout and how to mend it.
func TestLayoutProblems(t *testing.T) {
	for text, want := range map[string]string{
		"time: [t]\nvalues: [{name: a, quantity: alive}]":                                                              "device's number",
		"device: [d]\nvalues: [{name: a, quantity: alive}]":                                                            "no place of the time",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: water.total}]":                                           "thousandfold",
		"device: [d]\ntime: [t]\nvalues: [{quantity: alive}]":                                                          "no place and no name",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: water}]":                                                 "is not a quantity",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: door, open: [\"1\"]}]":                                   "what closed",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: door, open: [\"1\"], closed: [\"1.0\"]}]":                "both open and closed",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: alive, mask: 2}]":                                        "no meaning for alive",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: signal, unit: bars}]":                                    "no unit here",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: water.total, scale: 1 L, series: {step: 0s}}]":           "no time from one",
		"device: [d]\ntime: [t]\nvalues: [{name: a, quantity: water.total, scale: 1 L, series: {step: 1h, count: 3}}]": "numbered fields need",
		"device: [d]\ntime: [t]\nformat: yyyy-MM-dd\nvalues: [{name: a, quantity: alive}]":                             "no zone in it",
	} {
		var l Layout
		if err := Parse([]byte(text), &l); err != nil {
			t.Fatal(text, err)
		}
		if err := l.Problems(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n%v, want %q", text, err, want)
		}
	}
	if err := Parse([]byte("devise: [d]"), &Layout{}); err == nil {
		t.Error("an unknown key is taken")
	}
	var zero Layout
	if out, err := yaml.Marshal(zero); err != nil || string(out) != "{}\n" {
		t.Errorf("%s %v", out, err)
	}
}

// TestWatch: a feed is late when nothing has come for two of its times, as it was told or as it has learned, and an outage is not learned.
func TestWatch(t *testing.T) {
	begin := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	told := NewWatch(6*time.Hour, begin)
	if told.Late(begin.Add(12*time.Hour-time.Second)) != nil || told.Late(begin.Add(12*time.Hour)) == nil {
		t.Error("told to expect something every 6 h")
	}
	w := NewWatch(0, begin)
	if w.Late(begin.Add(47*time.Hour)) != nil || w.Late(begin.Add(48*time.Hour)) == nil {
		t.Error("nothing known and nothing come: 24 h are expected")
	}
	w = NewWatch(0, begin)
	now := begin
	for ; now.Before(begin.Add(72 * time.Hour)); now = now.Add(time.Hour) { // by day every hour
		if h := now.Hour(); h >= 6 {
			w.Came(now)
		}
	}
	last := now.Add(-time.Hour)
	if err := w.Late(last.Add(13 * time.Hour)); err != nil {
		t.Errorf("nights of 7 h are usual: %v", err)
	}
	err := w.Late(last.Add(14 * time.Hour))
	if err == nil || !strings.Contains(err.Error(), "14h") || !strings.Contains(err.Error(), "every 7h") {
		t.Errorf("after 14 h: %v", err)
	}
	w.Came(last.Add(60 * time.Hour))
	if w.Late(last.Add(60*time.Hour)) != nil || w.Late(last.Add(75*time.Hour)) == nil {
		t.Error("an outage was learned as its pace")
	}
}

// FuzzRead reads whatever somebody may send: no reading of it has no time, no number, or a value that no device gives.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`{"meters":[{"no":"1","time":1763769600,"total":1,"low":1}]}`, `{"meters":[{"no":"1","day":"2026-11-22","hours":[1,2,3]}]}`,
		`[1,2,[3,{"a":null}]]`, `{"meters":{"no":{}}}`, `{"meters":[{"no":"1","time":{"$date":1},"total":[1]}]}`, `{"meters":[{"no":"1","time":1e300,"total":1e308,"status":1e300}]}`,
	} {
		f.Add([]byte(s))
	}
	r := reader(f, meters)
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := Decode(data)
		if err != nil {
			if table, _, err := (&Sheet{}).Table(data); err == nil {
				r.Read(table, arrived)
			}
			return
		}
		for _, one := range r.Read(doc, arrived).Readings {
			if one.Validate() != nil || math.IsNaN(one.Value) || one.At.Year() <= 2000 || one.At.After(arrived.Add(dayAhead)) || one.Source == "" || strings.Contains(one.Source, "/") {
				t.Fatalf("%s: %+v", data, one)
			}
		}
	})
}

// TestReaderKeepsNothing: what is read twice gives the same, and from several goroutines.
func TestReaderKeepsNothing(t *testing.T) {
	r := reader(t, meters)
	message := `{"meters":[{"no":"1","day":"2026-11-22","hours":[1,2,3],"time":1763769600,"total":1}]}`
	first, _ := read(t, r, message)
	done := make(chan []string)
	for range 4 {
		go func() { lines, _ := read(t, r, message); done <- lines }()
	}
	for range 4 {
		if again := <-done; !reflect.DeepEqual(again, first) {
			t.Errorf("%q, want %q", again, first)
		}
	}
}
