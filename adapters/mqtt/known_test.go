package mqtt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, base, topic, filter string
		parts                        map[string]string
	}{
		{"{base}/{device...}/availability", "zigbee2mqtt", "zigbee2mqtt/hall/door/availability", "zigbee2mqtt/#", map[string]string{"device": "hall/door"}},
		{"{base}/{device...}/availability", "site/z", "site/z/door/availability", "site/z/#", map[string]string{"device": "door"}},
		{"{base}/{device...}/availability", "zigbee2mqtt", "zigbee2mqtt/availability", "zigbee2mqtt/#", nil},
		{"{base}/tele/{device...}/SENSOR", "", "tele/a/SENSOR", "tele/#", map[string]string{"device": "a"}},
		{"{base}/a/{x}/b/{y}", "", "a/1/b/2", "a/+/b/+", map[string]string{"x": "1", "y": "2"}},
		{"{base}/a/{x}/b", "", "a/1/2/b", "a/+/b", nil},
		{"{base}/a/{x}/b", "", "a/b", "a/+/b", nil},
	} {
		p, err := parsePattern(c.pattern, c.base)
		if err != nil {
			t.Fatal(err)
		}
		parts, ok := p.match(strings.Split(c.topic, "/"))
		if ok != (c.parts != nil) || ok && !mapsEqual(parts, c.parts) || p.filter() != c.filter {
			t.Errorf("%s at %q: %s gives %v, filter %s", c.pattern, c.base, c.topic, parts, p.filter())
		}
	}
	for _, bad := range []string{"a//b", "a/+/b", "a/{}", "{x...}/{y...}", "a/b{c}"} {
		if _, err := parsePattern(bad, ""); err == nil {
			t.Errorf("%q is taken for a pattern", bad)
		}
	}
}

func mapsEqual(a, b map[string]string) bool {
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return len(a) == len(b)
}

// A sum never grows by more than what messages said, whatever comes again, late or not at all, and falls only after a loss.
func TestSums(t *testing.T) {
	at := func(n int) time.Time { return arrived.Add(time.Duration(n) * time.Minute) }
	s := &sums{of: map[string]*sum{}}
	for i, c := range []struct {
		litres float64
		at     int
		count  int64
		total  float64
		ok     bool
	}{
		{50, 1, 1, 0, true},    // in part of the time before: it counts nothing
		{10, 2, 2, 10, true},   //
		{10, 2, 2, 0, false},   // again
		{10, 1, 1, 0, false},   // again, and older
		{5, 3, 3, 15, true},    //
		{900, 5, 5, 0, true},   // 4 is lost
		{7, 6, 6, 7, true},     //
		{-3, 7, 7, 0, false},   // no count
		{1, 8, 7, 8, true},     //
		{1, 9, 0, 0, true},     // it joined anew: what came between is not known
		{2, 10, 1, 2, true},    //
		{2, 11, -1, 4, true},   // no number: nothing can be said of losses
		{2, 12, 100, 6, true},  //
		{2, 12, 101, 0, false}, // the same moment
	} {
		total, ok := s.add("p", c.litres, at(c.at), c.count)
		if total != c.total || ok != c.ok {
			t.Errorf("step %d: %v %v; want %v %v", i, total, ok, c.total, c.ok)
		}
	}
}

// What a device says of itself is told when it changes, and now and then while it does not.
func TestTold(t *testing.T) {
	m := told{}
	same := func(p place, quantity stillwater.Quantity, value float64) bool {
		return m.of(p.point).same(p.at, quantity, value)
	}
	p := place{point: "p", at: arrived}
	if same(p, stillwater.MeterLeak, 0) || !same(p, stillwater.MeterLeak, 0) || same(p, stillwater.MeterLeak, 1) || same(p, stillwater.MeterLeak, 0) {
		t.Error("a change is not told, or the same is told twice")
	}
	p.at = arrived.Add(tellAgain)
	if same(p, stillwater.MeterLeak, 0) {
		t.Error("not told again")
	}
	if q := (place{point: "q", at: p.at}); same(q, stillwater.MeterLeak, 0) {
		t.Error("told of another device")
	}
}

func TestFormatsValidate(t *testing.T) {
	base := "a/+"
	for _, c := range []struct {
		format   Format
		problems int
	}{
		{Format{Format: "zigbee2mqtt"}, 0}, {Format{Format: "homeassistant"}, 0}, {Format{Format: "tasmota", Zone: "Asia/Shanghai"}, 0},
		{Format{Format: "tts", Points: []Point{{Point: "a", Model: "EM300-MCS-868M"}}}, 0},
		{Format{Format: "zigbee"}, 1}, {Format{Format: "milesight"}, 1}, {Format{Format: "shelly", Base: &base}, 1}, {Format{Format: "tasmota", Zone: "Shanghai"}, 1}, {Format{Format: "tasmota", Zone: "Local"}, 1},
		{Format{Format: "shelly", Points: []Point{{}}}, 1}, {Format{Format: "shelly", Points: []Point{{Point: "a*b"}}}, 1},
		{Format{Format: "shelly", Points: []Point{{Point: "a", Quantity: "door"}}}, 1}, {Format{Format: "shelly", Points: []Point{{Point: "a", Quantity: "water.total"}}}, 1},
		{Format{Format: "shelly", Points: []Point{{Point: "a", Quantity: "rain"}}}, 1}, {Format{Format: "shelly", Points: []Point{{Point: "a", Open: "auf"}}}, 1},
		{Format{Format: "tts", Points: []Point{{Point: "a", Model: "lamp"}}}, 1}, {Format{Format: "tts", Points: []Point{{Point: "a", Scale: -1}}}, 1},
	} {
		var problems []string
		config := Config{Name: "b", URL: "tcp://h:1", Formats: []Format{c.format}}
		config.Validate(func(_ any, problem string) { problems = append(problems, problem) })
		if len(problems) != c.problems {
			t.Errorf("%+v: reported %q; want %d", c.format, problems, c.problems)
		}
	}
}

// Bytes of any kind are read or refused, and give no value that no device can mean.
func FuzzBytes(f *testing.F) {
	for _, text := range []string{"\x01\x75\x5c\x03\x67\x34\x01\x04\x68\x65\x06\x00\x01", "\x20\xce\x9e\x74\x46\x63\x10\x01\x5d\x01", "\x8b\x88\x01\x00\x25\x00\x01\x00\x00\x00", "\x05\xe1\x00\x00\x00\x00\x00\x00\x80\x7f"} {
		f.Add(2, []byte(text))
	}
	f.Fuzz(func(t *testing.T, port int, data []byte) {
		for name, decode := range decoders {
			doc, err := decode(port, data)
			if err == nil && doc == nil {
				t.Errorf("%s: neither a document nor an error", name)
			}
		}
	})
}

// A contact's records of history and a counter's have different lengths; several of either kind are told apart.
func TestMilesightHistory(t *testing.T) {
	contact := "\x20\xce\x9e\x74\x46\x63\x10\x01\x5d\x01"
	counter := "\x20\xce\x9e\x74\x46\x63\x10\x01\x5d\x02\x00\x00\x01\x00\x00"
	for text, want := range map[string][]string{
		contact: {"magnet_status"}, contact + contact + contact: {"magnet_status", "magnet_status", "magnet_status"},
		counter: {"pulse"}, counter + counter: {"pulse", "pulse"}, "\x01\x75\x5c" + contact: {"magnet_status"},
	} {
		doc, err := milesight(85, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		list, _ := doc["history"].([]any)
		for _, one := range list {
			for _, m := range jsonfield.Members(one) {
				if m.Key != "timestamp" {
					got = append(got, m.Key)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%x: %v; want %v", text, got, want)
		}
	}
}

// What the broker kept of an entity while the gateway was away is read after a restart, though it comes before the description.
func TestDiscoveryAfterRestart(t *testing.T) {
	eachBroker(t, func(t *testing.T, p peer) {
		s := newSensor(t, p.url, nil)
		s.keep("homeassistant/binary_sensor/d/config", `{"state_topic":"door","device_class":"door","unique_id":"front"}`)
		c := Config{Name: "lobby", URL: p.url, Formats: []Format{{Format: discovery}}}
		r := run(t, c, nil)
		r.connected()
		s.say("door", "ON")
		if got := r.one(); got.Source != "lobby/front" || got.Quantity != stillwater.Door || got.Value != stillwater.Open {
			t.Errorf("%+v", got)
		}
		r.stop()
		s.say("door", "OFF")
		r = run(t, c, nil)
		if got := r.one(); got.Source != "lobby/front" || got.Value != stillwater.Closed || !got.Undated {
			t.Errorf("%+v; want what came meanwhile, undated", got)
		}
		r.connected()
		s.keep("homeassistant/binary_sensor/e/config", `{"state_topic":"other","device_class":"door","unique_id":"back"}`)
		for end := time.Now().Add(patient); ; { // until the new topic is subscribed to
			s.say("other", "ON")
			select {
			case g := <-r.got:
				g.done()
				if got := g.readings[0]; got.Source != "lobby/back" || got.Value != stillwater.Open {
					t.Errorf("%+v", got)
				}
				return
			case <-time.After(100 * time.Millisecond):
			}
			if time.Now().After(end) {
				t.Fatal("a sensor that describes itself later is not read")
			}
		}
	})
}
