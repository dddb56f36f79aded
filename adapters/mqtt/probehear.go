package mqtt

import (
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// A Hearing is what was heard on a broker, sorted.
type Hearing struct {
	Messages int
	Devices  []*Device // whose format is known, in order of format and point
	leaves   map[string]*leaf
	order    []*leaf
	knowing  []*knower
	all      map[string]*format
	found    map[string]*Device
	tried    map[string]int // messages of a topic that were looked at for a format elsewhere
}

// A Device is one point of a known format, and what it said.
type Device struct {
	Format   string
	Base     *string // where its topics begin, if not as usual
	Point    string
	Topic    string // of its last message
	Live     int    // messages that came as they were sent
	Retained int    // messages that the broker had kept
	Values   map[stillwater.Quantity]float64
	Changes  int // of its door

	count  *float64 // what it counts, where only the configuration can say how much one is
	inputs []input  // states of which only the configuration can say what they mean
}

// An input is a state whose meaning is not known: value is what it would be if open meant open.
type input struct {
	open  string
	value float64
}

// A knower is a format at one place in the tree of topics.
type knower struct {
	format Format
	plain  known
	counts known            // the same, told that one count is 1 L
	doors  map[string]known // the same, told that inputs are doors, by the word for open
}

// openWords are the words that inputs have for open, whichever way they are wired.
var openWords = []string{"true", "on", "1", "open"}

// marks are what messages of formats hold whose topics could be anybody's: without one of them a message elsewhere than at the usual place is not
// taken for theirs.
var marks = map[string][]string{"zigbee2mqtt": {"linkquality", "last_seen"}, "enocean": {"_RSSI_", "_DATE_"}, "wmbusmeters": {"meter"}}

// hear sorts messages. It is a pure function of them.
func hear(messages []message) (*Hearing, error) {
	all, err := builtIn()
	if err != nil {
		return nil, err
	}
	h := &Hearing{Messages: len(messages), leaves: map[string]*leaf{}, all: all, found: map[string]*Device{}, tried: map[string]int{}}
	for _, name := range formatNames(all) {
		if name == discovery {
			continue
		}
		if err := h.know(Format{Format: name}); err != nil {
			return nil, err
		}
	}
	described := newDiscoverer(Format{Format: discovery})
	for _, m := range messages { // what senders say of themselves comes in any order with what they say
		described.read(m, strings.Split(m.topic, "/"))
	}
	for _, m := range messages {
		h.take(m, described)
	}
	slices.SortFunc(h.Devices, func(a, b *Device) int {
		return strings.Compare(a.Format+"\n"+a.Point, b.Format+"\n"+b.Point)
	})
	return h, nil
}

// know adds a format at one place.
func (h *Hearing) know(f Format) error {
	k := &knower{format: f, doors: map[string]known{}}
	told := func(p Point) (known, error) {
		c := f
		if p.Point != "" {
			c.Points = []Point{p}
		}
		return newSender(h.all, c, &sums{of: map[string]*sum{}})
	}
	var err error
	if k.plain, err = told(Point{}); err != nil {
		return err
	}
	if k.counts, err = told(Point{Point: "*", Scale: 1}); err != nil {
		return err
	}
	for _, word := range openWords {
		if k.doors[word], err = told(Point{Point: "*", Quantity: stillwater.Door, Open: word}); err != nil {
			return err
		}
	}
	h.knowing = append(h.knowing, k)
	return nil
}

// take sorts one message: it is of a known format at its usual place, or at another, or described by its sender, or of nobody known.
func (h *Hearing) take(m message, described *discoverer) {
	levels := strings.Split(m.topic, "/")
	for _, k := range h.knowing {
		if r := k.plain.read(m, levels); r.known {
			if !h.note(k, m, levels, r) {
				h.leaf(m) // it is at the place of a format, and yet says nothing
			}
			return
		}
	}
	if r := described.read(m, levels); r.known {
		h.readings(&knower{format: described.config}, m, r.readings)
		return
	}
	if k := h.elsewhere(m, levels); k != nil {
		h.note(k, m, levels, k.plain.read(m, levels))
		return
	}
	h.leaf(m)
}

// maxTries is how many messages of a topic are tried as another format's: the first may be a partial one.
const maxTries = 3

// elsewhere finds a format whose topics begin otherwise than usual.
func (h *Hearing) elsewhere(m message, levels []string) *knower {
	if h.tried[m.topic]++; h.tried[m.topic] > maxTries {
		return nil
	}
	for _, usual := range []bool{true, false} { // a base that ends as usual is likelier
		for n := 1; n <= min(3, len(levels)-1); n++ {
			base := strings.Join(levels[:n], "/")
			for _, name := range formatNames(h.all) {
				if name == discovery || usual && h.all[name].Base != levels[n-1] || !marked(name, m) {
					continue
				}
				if k := h.tryBase(name, base, m, levels); k != nil {
					return k
				}
			}
		}
	}
	return nil
}

// tryBase takes in a format at a place if a message says something by it there.
func (h *Hearing) tryBase(name, base string, m message, levels []string) *knower {
	f := Format{Format: name, Base: &base}
	bad := strings.ContainsAny(base, "+#{} ")
	s, err := newSender(h.all, f, &sums{of: map[string]*sum{}})
	if bad || err != nil || !slices.ContainsFunc(s.read(m, levels).readings, useful) || h.know(f) != nil {
		return nil
	}
	return h.knowing[len(h.knowing)-1]
}

// marked says whether a message may be of a format at a place that is not its usual one.
func marked(name string, m message) bool {
	need, open := marks[name]
	if !open {
		return true
	}
	doc, err := parsePayload(m.payload, false)
	return err == nil && slices.ContainsFunc(need, func(key string) bool { _, ok := jsonfield.At(doc, key); return ok })
}

// useful says whether a reading is of a home.
func useful(r stillwater.Reading) bool {
	return r.Quantity == stillwater.Door || r.Quantity == stillwater.Activity || r.Quantity == stillwater.WaterTotal || r.Quantity == stillwater.WaterFlow
}

// note adds what a message of a known format says, also where the configuration would have to say what it means.
func (h *Hearing) note(k *knower, m message, levels []string, r result) bool {
	h.readings(k, m, r.readings)
	if !r.asks {
		return len(r.readings) > 0 || r.bad == nil
	}
	plain := map[string]bool{}
	for _, reading := range r.readings {
		plain[reading.Source+"\n"+string(reading.Quantity)] = true
	}
	for _, reading := range k.counts.read(m, levels).readings {
		if reading.Quantity == stillwater.WaterTotal && !plain[reading.Source+"\n"+string(reading.Quantity)] {
			h.device(k, m, reading.Source).count = new(reading.Value)
		}
	}
	seen := map[string]bool{}
	for _, word := range openWords {
		for _, reading := range k.doors[word].read(m, levels).readings {
			if reading.Quantity == stillwater.Door && !plain[reading.Source+"\n"+string(reading.Quantity)] && !seen[reading.Source] {
				seen[reading.Source] = true
				h.device(k, m, reading.Source).input(word, reading.Value)
			}
		}
	}
	return true
}

// input notes a state of unknown meaning.
func (d *Device) input(word string, value float64) {
	if n := len(d.inputs); n == 0 || d.inputs[n-1].value != value {
		if n > 0 {
			d.Changes++
		}
		d.inputs = append(d.inputs, input{word, value})
	}
}

// readings notes what a message says for certain.
func (h *Hearing) readings(k *knower, m message, list []stillwater.Reading) {
	counted := map[string]bool{}
	for _, r := range list {
		d := h.device(k, m, r.Source)
		if !counted[r.Source] && m.retained {
			d.Retained++
		} else if !counted[r.Source] {
			d.Live++
		}
		counted[r.Source] = true
		if was, before := d.Values[r.Quantity]; before && r.Quantity == stillwater.Door && was != r.Value {
			d.Changes++
		}
		d.Values[r.Quantity] = r.Value
	}
}

// device is the device of a point.
func (h *Hearing) device(k *knower, m message, point string) *Device {
	key := k.format.Format + "\n" + point
	if k.format.Base != nil {
		key += "\n" + *k.format.Base
	}
	d := h.found[key]
	if d == nil {
		d = &Device{Format: k.format.Format, Base: k.format.Base, Point: point, Values: map[stillwater.Quantity]float64{}}
		h.found[key] = d
		h.Devices = append(h.Devices, d)
	}
	d.Topic = m.topic
	return d
}

// Looks says in a word what a device is.
func (d *Device) Looks() string {
	_, door := d.Values[stillwater.Door]
	_, total := d.Values[stillwater.WaterTotal]
	_, flow := d.Values[stillwater.WaterFlow]
	_, activity := d.Values[stillwater.Activity]
	switch {
	case total || flow:
		return "water meter"
	case door:
		return "door contact"
	case activity:
		return "sensor of activity"
	case d.count != nil:
		return "counter; how much one count is, the configuration must say"
	case len(d.inputs) > 0:
		return "input; which state means open, the configuration must say"
	}
	return "nothing that the gateway uses"
}
