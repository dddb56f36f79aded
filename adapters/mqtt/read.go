package mqtt

import (
	"bytes"
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// A result is what became of a message: readings, whose Source is the point alone, and what is to be said of it.
type result struct {
	known    bool
	readings []stillwater.Reading
	untimed  bool  // the device's own time could not be used
	asks     bool  // a value was left out because the configuration does not say what it means
	bad      error // why there is no reading, or one less

	subscribe []string // further topics that the message names
}

// read makes the readings of a message. It is known if its topic is one of the sender's.
func (s *sender) read(m message, levels []string) result {
	for i := range s.kinds {
		k := &s.kinds[i]
		parts, ok := k.pattern.match(levels)
		if !ok || k.skips(parts) {
			continue
		}
		if k.Ignore {
			return result{known: true}
		}
		r := s.readKind(k, m, parts)
		r.known = true
		return r
	}
	return result{}
}

// skips says whether a part of the topic is one that is no device.
func (k *kind) skips(parts map[string]string) bool {
	for part, values := range k.Skip {
		for _, v := range values {
			stem, all := strings.CutSuffix(v, "*")
			if parts[part] == v || all && strings.HasPrefix(parts[part], stem) {
				return true
			}
		}
	}
	return false
}

func (s *sender) readKind(k *kind, m message, parts map[string]string) result {
	switch {
	case len(m.payload) > maxPayload:
		return result{bad: errTooLarge}
	case len(bytes.TrimSpace(m.payload)) == 0:
		return result{bad: errEmpty}
	}
	doc, err := parsePayload(m.payload, k.Text)
	if err != nil {
		return result{bad: err}
	}
	x := &reader{sender: s, kind: k, message: m, parts: parts, root: doc, readings: make([]stillwater.Reading, 0, 2)}
	p := place{doc: doc, at: m.arrived}
	p.point, _ = x.expand(k.Point, p)
	if p.point == "" {
		return result{bad: errNoPoint}
	}
	x.settings = s.config.of(p.point)
	x.date(&p, k.Time)
	x.blocks(k.Blocks, p)
	x.payload(p)
	if !k.Silent && !x.lived {
		x.device(p, stillwater.Alive)
	}
	return result{readings: x.readings, untimed: x.untimed, asks: x.asks, bad: x.bad}
}

// A reader is one message on its way through the blocks of its kind.
type reader struct {
	*sender
	kind     *kind
	message  message
	parts    map[string]string
	root     any
	settings Point
	readings []stillwater.Reading
	untimed  bool
	asks     bool
	lived    bool // there is a reading of the present that shows the device is there
	saidOf   string
	last     *toldOf // what was said of the point saidOf
	bad      error
}

// A place is where values are looked up, and what holds for them.
type place struct {
	doc     any
	key     string // of the member
	point   string
	at      time.Time
	dated   bool
	history bool
	whole   bool // the format's zeros are left out
}

// payload reads what a device sent through a server: decoded by it, or in bytes.
func (x *reader) payload(p place) {
	if len(x.kind.Inside) == 0 {
		return
	}
	found, ok := jsonfield.At(x.root, x.kind.Payload)
	p.whole = x.kind.Omits
	if !ok {
		if found, ok = x.bytes(x.model()); !ok {
			return
		}
		p.whole = false
	}
	p.doc = found
	for _, name := range x.kind.Inside {
		x.blocks(x.all[name].Blocks, p)
	}
}

// model is the decoder for the device's bytes: as configured, or by a name of the model that the server knows.
func (x *reader) model() decoder {
	if x.settings.Model != "" {
		return decoderOf(x.all, x.settings.Model)
	}
	for _, at := range x.kind.Model {
		if name, ok := jsonfield.At(x.root, at); ok {
			if d := decoderOf(x.all, jsonfield.Text(name)); d != nil {
				return d
			}
		}
	}
	return nil
}

// bytes decodes the message's bytes.
func (x *reader) bytes(decode decoder) (any, bool) {
	text, ok := jsonfield.At(x.root, x.kind.Data)
	if !ok || decode == nil || x.kind.Data == "" {
		return nil, false
	}
	data, err := base64.StdEncoding.DecodeString(jsonfield.Text(text))
	if err != nil {
		x.bad = errNotBytes
		return nil, false
	}
	port, _ := jsonfield.At(x.root, x.kind.Port)
	n, _ := strconv.Atoi(jsonfield.Text(port))
	doc, err := decode(n, data)
	if err != nil {
		x.bad = errNotBytes
		return nil, false
	}
	return doc, true
}

func (x *reader) blocks(list []block, p place) {
	for i := range list {
		x.block(&list[i], p)
	}
}

func (x *reader) block(b *block, p place) {
	if b.Each == "" && !x.holds(b.When, p) { // of the place where the block begins; of each member otherwise
		return
	}
	if b.In != "" {
		inner, ok := jsonfield.At(p.doc, b.In)
		if !ok {
			return
		}
		p.doc = inner
	}
	if b.Each == "" {
		x.member(b, p)
		return
	}
	all, _ := jsonfield.At(p.doc, b.Each)
	if b.Each == "." {
		all = p.doc
	}
	switch all := all.(type) {
	case []any:
		for i, one := range all {
			p.doc, p.key = one, strconv.Itoa(i)
			if x.holds(b.When, p) {
				x.member(b, p)
			}
		}
	default:
		for _, m := range jsonfield.Members(all) { // in order, so that the same message gives the same readings
			p.doc, p.key = m.Value, m.Key
			if strings.HasPrefix(m.Key, b.Keys) && x.holds(b.When, p) {
				x.member(b, p)
			}
		}
	}
}

// member reads the values of one place.
func (x *reader) member(b *block, p place) {
	if b.Bytes != "" {
		doc, ok := x.bytes(decoders[b.Bytes])
		if !ok {
			return
		}
		p.doc, p.whole = doc, false
	}
	if b.Point != "" {
		point, ok := x.expand(b.Point, p)
		if !ok {
			return
		}
		p.point = point
		x.settings = x.sender.config.of(point)
		defer func(was Point) { x.settings = was }(x.settings)
	}
	p.history = p.history || b.History
	if len(b.Time) > 0 || b.History {
		p.dated = false
		if x.date(&p, b.Time); p.history && !p.dated {
			return // of some time in the past: it says nothing that could be used
		}
	}
	for i := range b.Values {
		x.value(&b.Values[i], p)
	}
	x.blocks(b.Blocks, p)
}

// holds says whether all conditions do. Where a server leaves out zeros, what is not there is zero.
func (x *reader) holds(when map[string][]string, p place) bool {
	for at, values := range when {
		found, ok := jsonfield.At(p.doc, at)
		text := jsonfield.Text(found)
		if !ok && p.whole {
			text = "0"
		}
		holds := slices.ContainsFunc(values, func(v string) bool {
			switch v {
			case "*":
				return ok
			case "-":
				return !ok
			}
			return jsonfield.Same(text, v)
		})
		if !holds {
			return false
		}
	}
	return true
}

// date takes the first of the times that can be read.
func (x *reader) date(p *place, times []string) {
	if len(times) == 0 {
		return
	}
	for _, at := range times {
		if found, ok := jsonfield.At(p.doc, at); ok {
			if own, ok := readTimeIn(found, x.zone); ok {
				p.at, p.dated = own, true
				return
			}
		}
	}
	x.untimed = x.untimed || !p.history
	if !p.dated {
		p.at = x.message.arrived
	}
}

// expand fills in {part of the topic}, {key} and {place in the payload}.
func (x *reader) expand(template string, p place) (string, bool) {
	var out strings.Builder
	for rest := template; ; {
		before, after, hole := strings.Cut(rest, "{")
		out.WriteString(before)
		if !hole {
			return out.String(), true
		}
		name, tail, _ := strings.Cut(after, "}")
		text, ok := x.parts[name]
		switch {
		case name == "key":
			text = p.key
		case name == "point":
			text = p.point
		case !ok:
			found, _ := jsonfield.At(p.doc, name)
			text = jsonfield.Text(found)
		}
		if text == "" {
			return "", false
		}
		out.WriteString(text)
		rest = tail
	}
}

// value reads one value. What is missing is no mistake.
func (x *reader) value(v *item, p place) {
	found, ok := find(p.doc, v.At)
	text := jsonfield.Text(found)
	if !ok && p.whole && v.Absent != "" {
		text, ok = v.Absent, true
	}
	if !ok {
		return
	}
	quantity, value, err := x.judge(v, text)
	if err == errAsk {
		x.asks = true
		return
	}
	if err == nil && v.Sum {
		value, ok = x.sums.add(p.point, value, p.at, x.count())
		if !ok {
			return
		}
	}
	switch {
	case err != nil:
	case quantity == stillwater.Gone || quantity == stillwater.Alive:
		x.device(p, quantity)
	case quantity.OfDevice() && !p.history && x.said(p.point).same(p.at, quantity, value):
	case !x.emit(p, quantity, value):
		err = errRange
	}
	if err != nil {
		x.bad = err
	}
}

// said is what was said of the device at a point.
func (x *reader) said(point string) *toldOf {
	if x.saidOf != point || x.last == nil {
		x.saidOf, x.last = point, x.told.of(point)
	}
	return x.last
}

// device says that a device is there, or away, and with it the points of it that the configuration names. That it is there is
// no word on a meter's count, which would be taken to vouch for it.
func (x *reader) device(p place, quantity stillwater.Quantity) {
	x.emit(p, quantity, 1)
	base := p.point + "/"
	for _, named := range x.config.Points {
		counts := named.Scale > 0
		if strings.HasPrefix(named.Point, base) && !strings.HasSuffix(named.Point, "*") && !(counts && quantity == stillwater.Alive) {
			p.point = named.Point
			x.emit(p, quantity, 1)
		}
	}
}

// emit adds a reading; false: no device can mean it.
func (x *reader) emit(p place, quantity stillwater.Quantity, value float64) bool {
	r := stillwater.Reading{
		Source: p.point, Quantity: quantity, Value: value, At: p.at, Received: x.message.arrived,
		Undated: x.message.retained || x.message.old && !p.dated,
	}
	if r.Validate() != nil {
		return false
	}
	x.readings = append(x.readings, r)
	x.lived = x.lived || !p.history && !quantity.OfDevice()
	return true
}

// find is lookup with * in place of the index of a list: the largest number of all.
func find(doc any, at string) (any, bool) {
	list, rest, star := strings.Cut(at, ".*.")
	if !star {
		return jsonfield.At(doc, at)
	}
	found, _ := jsonfield.At(doc, list)
	all, _ := found.([]any)
	var best any
	largest := math.Inf(-1)
	for _, one := range all {
		v, ok := jsonfield.At(one, rest)
		if n, err := strconv.ParseFloat(jsonfield.Text(v), 64); ok && err == nil && n > largest {
			best, largest = v, n
		}
	}
	return best, best != nil
}

// count is the number of the device's message; -1 where it has none.
func (x *reader) count() int64 {
	if x.kind.Count == "" {
		return -1
	}
	v, ok := jsonfield.At(x.root, x.kind.Count)
	if !ok && x.kind.Omits {
		return 0
	}
	n, err := strconv.ParseInt(jsonfield.Text(v), 10, 64)
	if err != nil {
		return -1
	}
	return n
}
