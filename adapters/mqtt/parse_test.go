package mqtt

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

var arrived = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

// The payloads are those of real devices, in the form their makers document.
func TestReadPayloads(t *testing.T) {
	type want struct {
		quantity stillwater.Quantity
		value    float64
	}
	for _, c := range []struct {
		name    string
		topic   Topic
		payload string
		want    []want
		err     error
	}{
		{"zigbee2mqtt open", Topic{Quantity: "door", Value: "contact", Open: "false", Also: []Value{{Quantity: "battery", Value: "battery"}}},
			`{"contact":false,"battery":97,"linkquality":120}`, []want{{"door", 1}, {"battery", 97}}, nil},
		{"zigbee2mqtt closed", Topic{Quantity: "door", Value: "contact", Open: "false"}, `{"contact":true}`, []want{{"door", 0}}, nil},
		{"zigbee2mqtt lagging battery", Topic{Quantity: "door", Value: "contact", Open: "false", Also: []Value{{Quantity: "battery", Value: "battery"}}},
			`{"contact":true,"battery":null}`, []want{{"door", 0}}, nil},
		{"zigbee2mqtt null contact, battery there", Topic{Quantity: "door", Value: "contact", Open: "false", Also: []Value{{Quantity: "battery", Value: "battery"}}},
			`{"contact":null,"battery":40}`, []want{{"battery", 40}}, nil},
		{"zigbee2mqtt null contact", Topic{Quantity: "door", Value: "contact", Open: "false"}, `{"contact":null}`, nil, errMissing},
		{"milesight", Topic{Quantity: "door", Value: "magnet_status", Open: "open"}, `{"battery":100,"magnet_status":"close"}`, []want{{"door", 0}}, nil},
		{"dragino number", Topic{Quantity: "door", Value: "DOOR_OPEN_STATUS", Open: "1"}, `{"DOOR_OPEN_STATUS":1}`, []want{{"door", 1}}, nil},
		{"dragino text", Topic{Quantity: "door", Value: "DOOR1_OPEN_STATUS", Open: "open"}, `{"DOOR1_OPEN_STATUS":"CLOSE"}`, []want{{"door", 0}}, nil},
		{"shelly gen 2 path with colon", Topic{Quantity: "door", Value: "params.input:0.state", Open: "true"},
			`{"method":"NotifyStatus","params":{"ts":1.0,"input:0":{"id":0,"state":true}}}`, []want{{"door", 1}}, nil},
		{"list", Topic{Quantity: "door", Value: "params.state.0", Open: "1"}, `{"params":{"state":[0,1]}}`, []want{{"door", 0}}, nil},
		{"list, no such place", Topic{Quantity: "door", Value: "params.state.2", Open: "1"}, `{"params":{"state":[0,1]}}`, nil, errMissing},
		{"key with a dot", Topic{Quantity: "battery", Value: "a.b"}, `{"a.b":55}`, []want{{"battery", 55}}, nil},
		{"key with a dot, deeper", Topic{Quantity: "battery", Value: "x.a.b.c"}, `{"x":{"a.b":{"c":55}}}`, []want{{"battery", 55}}, nil},
		{"plain text", Topic{Quantity: "door", Open: "open"}, " OPEN\n", []want{{"door", 1}}, nil},
		{"plain JSON text", Topic{Quantity: "door", Open: "open"}, `"closed"`, []want{{"door", 0}}, nil},
		{"plain number as float", Topic{Quantity: "door", Open: "1"}, `1.0`, []want{{"door", 1}}, nil},
		{"own words", Topic{Quantity: "door", Open: "auf", Closed: "zu"}, `zu`, []want{{"door", 0}}, nil},
		{"neither", Topic{Quantity: "door", Open: "open"}, `ajar`, nil, errNeither},
		{"neither: an object", Topic{Quantity: "door", Open: "open"}, `{"open":true}`, nil, errNeither},
		{"wrong polarity kind", Topic{Quantity: "door", Value: "contact", Open: "false"}, `{"contact":"open"}`, nil, errNeither},
		{"wmbusmeters", Topic{Quantity: "water.total", Value: "total_m3", Scale: 1000}, `{"media":"water","total_m3":123.529,"timestamp":"2026-03-01T07:59:00Z"}`, []want{{"water.total", 123529}}, nil},
		{"meter, number as text", Topic{Quantity: "water.total", Value: "n"}, `{"n":"41"}`, []want{{"water.total", 41}}, nil},
		{"meter, litres by default", Topic{Quantity: "water.total"}, `41`, []want{{"water.total", 41}}, nil},
		{"meter below zero", Topic{Quantity: "water.total"}, `-41`, nil, errRange},
		{"meter NaN", Topic{Quantity: "water.total"}, `NaN`, nil, errNotNumber},
		{"meter huge", Topic{Quantity: "water.total"}, `1e300`, nil, errRange},
		{"meter beyond float", Topic{Quantity: "water.total"}, `1e999`, nil, errNotNumber},
		{"meter true", Topic{Quantity: "water.total"}, `true`, nil, errNotNumber},
		{"flow", Topic{Quantity: "water.flow", Value: "f"}, `{"f":-3}`, []want{{"water.flow", -3}}, nil},
		{"battery too high", Topic{Quantity: "battery"}, `255`, nil, errRange},
		{"bad battery does not hide the door", Topic{Quantity: "door", Value: "c", Open: "1", Also: []Value{{Quantity: "battery", Value: "b"}}}, `{"c":1,"b":255}`, []want{{"door", 1}}, nil},
		{"somebody", Topic{Quantity: "activity", Value: "occupancy"}, `{"occupancy":true}`, []want{{"activity", 1}}, nil},
		{"nobody is no sign of life", Topic{Quantity: "activity", Value: "occupancy"}, `{"occupancy":false}`, []want{{"alive", 1}}, nil},
		{"button", Topic{Quantity: "activity", Value: "action", Open: "single"}, `{"action":"single"}`, []want{{"activity", 1}}, nil},
		{"activity unknown", Topic{Quantity: "activity"}, `perhaps`, nil, errNeither},
		{"will", Topic{Quantity: "alive", Gone: "offline"}, `offline`, []want{{"gone", 1}}, nil},
		{"birth", Topic{Quantity: "alive", Gone: "offline"}, `online`, []want{{"alive", 1}}, nil},
		{"will in JSON", Topic{Quantity: "alive", Gone: "offline", Value: "state"}, `{"state":"offline"}`, []want{{"gone", 1}}, nil},
		{"will unreadable", Topic{Quantity: "alive", Gone: "offline"}, `{"state":"offline"}`, nil, errNeither},
		{"heartbeat", Topic{Quantity: "alive"}, `{"anything":[1]}`, []want{{"alive", 1}}, nil},
		{"cleared retained message", Topic{Quantity: "alive", Gone: "offline"}, "", nil, errEmpty},
		{"truncated", Topic{Quantity: "door", Value: "contact", Open: "false"}, `{"contact":fal`, nil, errNotJSON},
		{"two documents", Topic{Quantity: "door", Value: "contact", Open: "false"}, `{"contact":false}{}`, nil, errNotJSON},
		{"large", Topic{Quantity: "alive"}, strings.Repeat("x", maxPayload+1), nil, errTooLarge},
	} {
		got, _, err := c.topic.read(message{payload: []byte(c.payload), arrived: arrived})
		var have []want
		for _, r := range got {
			have = append(have, want{r.Quantity, r.Value})
			if !r.At.Equal(arrived) || r.Undated {
				t.Errorf("%s: %+v; want it of now", c.name, r)
			}
		}
		if !slices.Equal(have, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, have, err, c.want, c.err)
		}
	}
}

// What is retained is a state, whatever time it names; what may be old and has no time of its own is a state, too.
func TestTimesAndUndated(t *testing.T) {
	own := time.Date(2026, 3, 1, 7, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		payload       string
		retained, old bool
		at            time.Time
		undated       bool
	}{
		{`{"v":1}`, false, false, arrived, false},
		{`{"v":1}`, false, true, arrived, true},
		{`{"v":1}`, true, false, arrived, true},
		{`{"v":1,"t":"2026-03-01T07:30:00Z"}`, false, false, own, false},
		{`{"v":1,"t":"2026-03-01T15:30:00+08:00"}`, false, true, own, false},
		{`{"v":1,"t":"2026-03-01T07:30:00Z"}`, true, false, own, true},
		{`{"v":1,"t":1772350200}`, false, true, own, false},
		{`{"v":1,"t":"1772350200"}`, false, true, own, false},
		{`{"v":1,"t":1772350200000}`, false, true, own, false},
		{`{"v":1,"t":1772350200.25}`, false, true, own.Add(250 * time.Millisecond), false},
		{`{"v":1,"t":"2026-03-01T07:30:00"}`, false, false, arrived, false}, // no zone
		{`{"v":1,"t":"2026-03-01T07:30:00"}`, false, true, arrived, true},
		{`{"v":1,"t":12}`, false, true, arrived, true}, // a clock never set
		{`{"v":1,"t":0}`, false, true, arrived, true},
		{`{"v":1,"t":-5}`, false, true, arrived, true},
		{`{"v":1,"t":1e300}`, false, true, arrived, true},
		{`{"v":1,"t":"yesterday"}`, false, true, arrived, true},
	} {
		topic := Topic{Quantity: "door", Value: "v", Open: "1", Time: "t"}
		got, _, err := topic.read(message{payload: []byte(c.payload), retained: c.retained, old: c.old, arrived: arrived})
		if err != nil || len(got) != 1 {
			t.Fatalf("%s: %v %v", c.payload, got, err)
		}
		if !got[0].At.Equal(c.at) || got[0].Undated != c.undated || !got[0].Received.Equal(arrived) {
			t.Errorf("%s retained %v old %v: at %v undated %v; want %v %v", c.payload, c.retained, c.old, got[0].At, got[0].Undated, c.at, c.undated)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		parts         []string
		ok            bool
	}{
		{"home/+/door", "home/7/door", []string{"7"}, true},
		{"home/+/door", "home/7/8/door", nil, false},
		{"home/+/door", "home/door", nil, false},
		{"home/+", "home/", []string{""}, true},
		{"+/+", "/x", []string{"", "x"}, true},
		{"home/#", "home", []string{""}, true},
		{"home/#", "home/7/door", []string{"7/door"}, true},
		{"#", "home/7", []string{"home/7"}, true},
		{"#", "$SYS/broker", nil, false},
		{"+/broker", "$SYS/broker", nil, false},
		{"$SYS/+", "$SYS/broker", []string{"broker"}, true},
		{"home/7", "home/7", nil, true},
		{"home/7", "home/7/door", nil, false},
		{"$share/gw/home/+", "home/7", []string{"7"}, true},
	} {
		parts, ok := match(c.filter, c.topic)
		if ok != c.ok || ok && !slices.Equal(parts, c.parts) {
			t.Errorf("%s %s: %q %v; want %q %v", c.filter, c.topic, parts, ok, c.parts, c.ok)
		}
	}
}

func TestPoint(t *testing.T) {
	for _, c := range []struct{ device, filter, topic, want string }{
		{"", "home/+/door", "home/7/door", "home/7/door"},
		{"stillwater/{1}/door", "stillwater/+/availability", "stillwater/7/availability", "stillwater/7/door"},
		{"{2}-{1}", "+/+", "a/b", "b-a"},
		{"{1}", "+/+", "{2}/b", "{2}"}, // what is put in is not looked at again
		{"z/{1}", "z/#", "z/a/b", "z/a/b"},
	} {
		parts, _ := match(c.filter, c.topic)
		if got := (&Topic{Device: c.device}).point(c.topic, parts); got != c.want {
			t.Errorf("%s of %s: %q; want %q", c.device, c.topic, got, c.want)
		}
	}
}

// FuzzRead puts any payload through topics of every quantity: no panic, and nothing that is not a valid reading.
func FuzzRead(f *testing.F) {
	for _, payload := range []string{`{"contact":false,"a":{"b":[1,{"c":"2026-03-01T07:30:00Z"}]}}`, `1e999`, `"open"`, `{"contact":`, `[[[[`, "\x00", `offline`, `{"a":{"b":[null]}}`} {
		f.Add([]byte(payload), "a.b.1.c")
	}
	f.Fuzz(func(t *testing.T, payload []byte, path string) {
		for _, q := range quantities {
			for _, value := range []string{"", "contact", path} {
				topic := Topic{Quantity: q, Value: value, Open: "false", Time: path, Gone: "offline", Also: []Value{{Quantity: "battery", Value: path}}}
				readings, _, err := topic.read(message{payload: payload, arrived: arrived})
				if (len(readings) == 0) != (err != nil) {
					t.Fatalf("%d readings and %v", len(readings), err)
				}
				for _, r := range readings {
					if r.Validate() != nil || math.IsNaN(r.Value) || r.At.Year() > 9999 {
						t.Fatalf("%+v: %v", r, r.Validate())
					}
				}
			}
		}
	})
}

func TestValidate(t *testing.T) {
	whole := func() Config {
		return Config{Name: "lobby", URL: "tcp://127.0.0.1:1883", Topics: []Topic{
			{Filter: "home/+/door", Quantity: "door", Value: "contact", Open: "false", Also: []Value{{Quantity: "battery", Value: "battery"}}},
			{Filter: "home/+/availability", Device: "home/{1}/door", Quantity: "alive", Gone: "offline"},
			{Filter: "meter/#", Quantity: "water.total", Scale: 10},
		}}
	}
	for i, c := range []struct {
		spoil func(*Config)
		field func(*Config) any
	}{
		{func(c *Config) {}, nil},
		{func(c *Config) { c.URL = "tls://host:8883"; c.CAFile = "ca.pem" }, nil},
		{func(c *Config) { c.URL = "wss://host:443/mqtt" }, nil},
		{func(c *Config) { c.Topics[0].Open, c.Topics[0].Closed = "auf", "zu" }, nil},
		{func(c *Config) { c.Topics[0].Filter = "$share/gw/home/+/door" }, nil},
		{func(c *Config) { c.Topics[1].Device = "one"; c.Topics[1].Filter = "one/availability" }, nil},
		{func(c *Config) { c.Name = "a/b" }, func(c *Config) any { return &c.Name }},
		{func(c *Config) { c.URL = "httpx://x" }, func(c *Config) any { return &c.URL }},
		{func(c *Config) { c.URL = "127.0.0.1:1883" }, func(c *Config) any { return &c.URL }},
		{func(c *Config) { c.URL = "tcp://127.0.0.1" }, func(c *Config) any { return &c.URL }},
		{func(c *Config) { c.URL = "tcp://u:secret@127.0.0.1:1883" }, func(c *Config) any { return &c.URL }},
		{func(c *Config) { c.CAFile = "ca.pem" }, func(c *Config) any { return &c.URL }},
		{func(c *Config) { c.URL, c.CertFile = "tls://host:8883", "c" }, func(c *Config) any { return &c.CertFile }},
		{func(c *Config) { c.ClientID = "a b" }, func(c *Config) any { return &c.ClientID }},
		{func(c *Config) { c.Password.Env = "X" }, func(c *Config) any { return &c.Username }},
		{func(c *Config) { c.Topics = nil }, func(c *Config) any { return &c.Topics }},
		{func(c *Config) { c.Topics[0].Filter = "home/#/door" }, func(c *Config) any { return &c.Topics[0].Filter }},
		{func(c *Config) { c.Topics[0].Filter = "home/x+" }, func(c *Config) any { return &c.Topics[0].Filter }},
		{func(c *Config) { c.Topics[0].Filter = "" }, func(c *Config) any { return &c.Topics[0].Filter }},
		{func(c *Config) { c.Topics[0].Quantity = "gone" }, func(c *Config) any { return &c.Topics[0].Quantity }},
		{func(c *Config) { c.Topics[0].Open = "" }, func(c *Config) any { return &c.Topics[0].Open }},
		{func(c *Config) { c.Topics[0].Open = "auf" }, func(c *Config) any { return &c.Topics[0].Closed }},
		{func(c *Config) { c.Topics[0].Closed = "false" }, func(c *Config) any { return &c.Topics[0].Closed }},
		{func(c *Config) { c.Topics[0].Scale = 1 }, func(c *Config) any { return &c.Topics[0].Scale }},
		{func(c *Config) { c.Topics[0].Gone = "x" }, func(c *Config) any { return &c.Topics[0].Gone }},
		{func(c *Config) { c.Topics[1].Device = "home/{2}/door" }, func(c *Config) any { return &c.Topics[1].Device }},
		{func(c *Config) { c.Topics[1].Device = "home/{1" }, func(c *Config) any { return &c.Topics[1].Device }},
		{func(c *Config) { c.Topics[1].Device = "home" }, func(c *Config) any { return &c.Topics[1].Device }},
		{func(c *Config) { c.Topics[0].Also[0].Value = "" }, func(c *Config) any { return &c.Topics[0].Also[0].Value }},
		{func(c *Config) { c.Topics[0].Also[0].Quantity = "batery" }, func(c *Config) any { return &c.Topics[0].Also[0].Quantity }},
		{func(c *Config) { c.Topics[2].Open = "1" }, func(c *Config) any { return &c.Topics[2].Open }},
	} {
		config := whole()
		c.spoil(&config)
		var fields []any
		var problems []string
		config.Validate(func(field any, problem string) { fields, problems = append(fields, field), append(problems, problem) })
		if c.field == nil && len(fields) != 0 || c.field != nil && !slices.Contains(fields, c.field(&config)) {
			t.Errorf("case %d: reported %q", i, problems)
		}
		if strings.Contains(strings.Join(problems, " "), "secret") {
			t.Errorf("case %d shows a password: %q", i, problems)
		}
	}
}

// A backlog is in doubt until the broker has been quiet with nothing left to acknowledge, or for a minute not spent waiting for the pipeline.
func TestBacklog(t *testing.T) {
	zero := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(s float64) time.Time { return zero.Add(time.Duration(s * float64(time.Second))) }
	expect := func(b *backlog, s float64, want bool) {
		t.Helper()
		if got := b.arrive(at(s)); got != want {
			t.Errorf("message after %v s: old %v; want %v", s, got, want)
		}
	}
	b := &backlog{open: true}
	expect(b, -0.5, true) // before the subscription was answered
	b.settle(at(-0.4))
	b.begin(zero, true)
	expect(b, 0.9, true)
	expect(b, 5, true) // quiet, but the first one is still in hand: the broker may be waiting for us
	b.settle(at(5.1))
	b.settle(at(5.2))
	expect(b, 6.1, true)
	b.settle(at(6.1))
	expect(b, 7.2, false)
	expect(b, 7.3, false) // and it stays so

	b = &backlog{open: true}
	b.begin(zero, false) // the broker had kept nothing
	expect(b, 0.1, false)

	b = &backlog{open: true}
	b.begin(zero, true)
	for s := 0.5; s < 60; s += 0.5 { // never quiet
		expect(b, s, true)
		b.settle(at(s))
	}
	expect(b, 60.5, false)

	b = &backlog{open: true}
	b.begin(zero, true)
	b.held = 30 * time.Second
	for s := 0.5; s < 90; s += 0.5 {
		expect(b, s, true)
		b.settle(at(s))
	}
	expect(b, 90.5, false)
}
