package mqtt

import (
	"encoding/json"
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// discovery is the format in which senders describe themselves: retained messages say which topics there are and what is in them. It is
// code and not a file of formats, for the senders bring the data.
const discovery = "homeassistant"

// maxEntities bounds what a broker can make us remember and subscribe to.
const maxEntities = 10_000

// A discoverer knows the entities that senders have described.
//
// What one sensor of a door says of its battery is an entity of its own, of the same device. Its values go to the points of the device's
// doors, meters and activity sensors.
type discoverer struct {
	base     string
	config   Format
	entities map[string][]*entity // by the topic that described them
	states   map[string][]*entity // by their topic
	avail    map[string][]*entity // by the topics of their availability
	devices  map[string][]*entity // those that stand for a point, by the device they are part of
}

// An entity is one value that a sender described.
type entity struct {
	point    string
	device   string // "": it stands alone
	quantity stillwater.Quantity
	topic    string
	at       template
	on, off  string
	scale    float64
	avail    []reach
}

// A reach is one topic that says whether an entity's device is there.
type reach struct {
	topic   string
	at      template
	on, off string
}

func newDiscoverer(c Format) *discoverer {
	d := &discoverer{
		base: discovery, config: c, entities: map[string][]*entity{}, states: map[string][]*entity{}, avail: map[string][]*entity{}, devices: map[string][]*entity{},
	}
	if c.Base != nil {
		d.base = strings.Trim(*c.Base, "/")
	}
	return d
}

func (d *discoverer) filters() []string {
	list := []string{d.base + "/+/+/config", d.base + "/+/+/+/config"}
	return append(list, d.topics()...)
}

// descriptions is what to subscribe to before anything is known.
func (d *discoverer) descriptions() []string {
	return []string{d.base + "/+/+/config", d.base + "/+/+/+/config"}
}

// topics is every topic of the entities, in order.
func (d *discoverer) topics() []string {
	seen := map[string]bool{}
	for topic := range d.states {
		seen[topic] = true
	}
	for topic := range d.avail {
		seen[topic] = true
	}
	list := make([]string, 0, len(seen))
	for topic := range seen {
		list = append(list, topic)
	}
	slices.Sort(list)
	return list
}

func (d *discoverer) read(m message, levels []string) result {
	if strings.HasPrefix(m.topic, d.base+"/") && levels[len(levels)-1] == "config" {
		return d.learn(m, levels)
	}
	states, avail := d.states[m.topic], d.avail[m.topic]
	if len(states)+len(avail) == 0 {
		return result{}
	}
	if len(m.payload) > maxPayload {
		return result{known: true, bad: errTooLarge}
	}
	doc, err := parsePayload(m.payload, true)
	if err != nil {
		return result{known: true, bad: err}
	}
	r := result{known: true}
	for _, e := range states {
		d.state(&r, m, e, doc)
	}
	if len(r.readings) > 0 {
		r.bad = nil
	}
	d.availability(&r, m, avail, doc)
	return r
}

// state adds what an entity says.
func (d *discoverer) state(r *result, m message, e *entity, doc any) {
	found, ok := e.at.find(doc)
	if !ok {
		return // a message of another part of the device
	}
	v := item{Quantity: e.quantity, One: []string{e.on}, Zero: []string{e.off}}
	x := &reader{sender: &sender{}, settings: d.config.of(e.point)}
	quantity, value, err := x.judgeEntity(&v, e, jsonfield.Text(found))
	if err != nil {
		r.bad = err
		return
	}
	for _, point := range d.pointsOf(e) {
		add(r, m, point, quantity, value)
	}
}

// judgeEntity makes of a text what it means for an entity.
func (x *reader) judgeEntity(v *item, e *entity, text string) (stillwater.Quantity, float64, error) {
	if e.on == "" {
		v.One, v.Zero = nil, nil
	}
	if e.scale > 0 && x.settings.Scale == 0 {
		x.settings.Scale = stillwater.Litres(e.scale)
	}
	return x.judge(v, text)
}

// main says whether an entity is one that devices of households are named by.
func (e *entity) main() bool {
	return e.quantity != stillwater.Battery && e.quantity != stillwater.Gone && !e.quantity.OfDevice()
}

// pointsOf is whom the value of an entity is of.
func (d *discoverer) pointsOf(e *entity) []string {
	if e.main() || e.device == "" {
		return []string{e.point}
	}
	var points []string
	for _, other := range d.devices[e.device] {
		if !slices.Contains(points, other.point) {
			points = append(points, other.point)
		}
	}
	slices.Sort(points)
	return points
}

// availability adds whether devices are there. One topic of many devices (that of a bridge) can say that they are all away, but not that each
// of them is there.
func (d *discoverer) availability(r *result, m message, list []*entity, doc any) {
	devices := map[string]bool{}
	for _, e := range list {
		devices[cmpOr(e.device, e.point)] = true
	}
	said := map[string]bool{}
	for _, e := range list {
		for _, a := range e.avail {
			found, ok := a.at.find(doc)
			if a.topic != m.topic || !ok || !e.main() || said[e.point] {
				continue
			}
			said[e.point] = true
			switch text := jsonfield.Text(found); {
			case jsonfield.Same(text, a.off):
				add(r, m, e.point, stillwater.Gone, 1)
			case jsonfield.Same(text, a.on) && len(devices) == 1:
				add(r, m, e.point, stillwater.Alive, 1)
			}
		}
	}
}

// add adds a reading to a result.
func add(r *result, m message, point string, quantity stillwater.Quantity, value float64) {
	reading := stillwater.Reading{Source: point, Quantity: quantity, Value: value, At: m.arrived, Received: m.arrived, Undated: m.retained || m.old}
	if reading.Validate() != nil {
		r.bad = errRange
		return
	}
	r.readings = append(r.readings, reading)
}

// learn takes a description. An empty one takes back what it described.
func (d *discoverer) learn(m message, levels []string) result {
	r := result{known: true}
	list, err := d.describe(m, levels)
	if err != nil {
		r.bad = err
		return r
	}
	if len(d.entities) >= maxEntities && d.entities[m.topic] == nil && len(list) > 0 {
		r.bad = errTooMany
		return r
	}
	d.forget(m.topic)
	for _, e := range list {
		r.subscribe = append(r.subscribe, d.remember(m.topic, e)...)
	}
	return r
}

// remember takes an entity in and gives the topics that were not known.
func (d *discoverer) remember(described string, e *entity) (topics []string) {
	note := func(index map[string][]*entity, topic string) {
		if len(d.states[topic])+len(d.avail[topic]) == 0 {
			topics = append(topics, topic)
		}
		index[topic] = append(index[topic], e)
	}
	d.entities[described] = append(d.entities[described], e)
	note(d.states, e.topic)
	for _, a := range e.avail {
		note(d.avail, a.topic)
	}
	if e.main() && e.device != "" {
		d.devices[e.device] = append(d.devices[e.device], e)
	}
	return topics
}

// forget drops what a topic described.
func (d *discoverer) forget(described string) {
	for _, e := range d.entities[described] {
		drop := func(index map[string][]*entity, key string) {
			index[key] = slices.DeleteFunc(index[key], func(other *entity) bool { return other == e })
			if len(index[key]) == 0 {
				delete(index, key)
			}
		}
		drop(d.states, e.topic)
		for _, a := range e.avail {
			drop(d.avail, a.topic)
		}
		drop(d.devices, e.device)
	}
	delete(d.entities, described)
}

// describe reads a description: of one entity, or of a device with all of its entities.
func (d *discoverer) describe(m message, levels []string) ([]*entity, error) {
	if len(strings.TrimSpace(string(m.payload))) == 0 {
		return nil, nil
	}
	if len(m.payload) > maxPayload {
		return nil, errTooLarge
	}
	var doc map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(m.payload)))
	decoder.UseNumber()
	if decoder.Decode(&doc) != nil {
		return nil, errNotJSON
	}
	doc = spellOut(doc)
	inner := levels[strings.Count(d.base, "/")+1 : len(levels)-1] // component, perhaps node, object
	if inner[0] != "device" {
		return one(newEntity(inner[0], strings.Join(inner[1:], "/"), doc, doc))
	}
	components, _ := doc["components"].(map[string]any)
	var list []*entity
	for _, c := range jsonfield.Members(components) {
		part, _ := c.Value.(map[string]any)
		part = spellOut(part)
		platform := jsonfield.Text(part["platform"])
		e, err := newEntity(platform, c.Key, part, doc)
		if err != nil {
			return nil, err
		}
		if e != nil {
			list = append(list, e)
		}
	}
	return list, nil
}

func one(e *entity, err error) ([]*entity, error) {
	if e == nil || err != nil {
		return nil, err
	}
	return []*entity{e}, nil
}

// newEntity makes an entity of its description; nil: it is none for us. What a device says once for all its entities is in whole.
func newEntity(component, object string, doc, whole map[string]any) (*entity, error) {
	get := func(key string) string {
		v, ok := doc[key]
		if !ok {
			v = whole[key]
		}
		return jsonfield.Text(v)
	}
	quantity, scale := meaning(component, get("device_class"), get("unit_of_measurement"))
	base := cmpOr(jsonfield.Text(doc["~"]), jsonfield.Text(whole["~"]))
	e := &entity{
		point: cmpOr(get("unique_id"), object), device: deviceOf(doc, whole), quantity: quantity, scale: scale,
		topic: inFull(get("state_topic"), base),
	}
	if quantity == "" || e.topic == "" || strings.ContainsAny(e.topic, "+#") {
		return nil, nil
	}
	var err error
	if e.at, err = parseTemplate(get("value_template")); err != nil {
		return nil, err
	}
	if component == "binary_sensor" {
		e.on, e.off = cmpOr(get("payload_on"), "ON"), cmpOr(get("payload_off"), "OFF")
	}
	e.avail, err = availabilities(doc, whole, base)
	return e, err
}

// meaning is what an entity's class is to us; "": nothing.
func meaning(component, class, unit string) (stillwater.Quantity, float64) {
	switch component + " " + class {
	case "binary_sensor door", "binary_sensor opening", "binary_sensor window", "binary_sensor garage_door":
		return stillwater.Door, 0
	case "binary_sensor moving", "binary_sensor motion", "binary_sensor occupancy", "binary_sensor presence", "binary_sensor vibration":
		return stillwater.Activity, 0
	case "binary_sensor battery":
		return stillwater.BatteryLow, 0
	case "binary_sensor tamper":
		return stillwater.Tamper, 0
	case "binary_sensor moisture":
		return stillwater.MeterLeak, 0
	case "binary_sensor problem":
		return stillwater.Broken, 0
	case "sensor battery":
		if unit == "%" {
			return stillwater.Battery, 0
		}
	case "sensor signal_strength":
		if unit == "dBm" {
			return stillwater.Signal, 0
		}
	case "sensor water":
		if litres := units[unit]; litres > 0 {
			return stillwater.WaterTotal, litres
		}
	case "sensor volume_flow_rate":
		if litres := rates[unit]; litres > 0 {
			return stillwater.WaterFlow, litres
		}
	}
	return "", 0
}

// units and rates are what Home Assistant writes for volumes and flows, in litres and litres an hour.
var (
	units = map[string]float64{"L": 1, "mL": 0.001, "m³": 1000, "gal": 3.785411784, "ft³": 28.316846592, "CCF": 2831.6846592}
	rates = map[string]float64{"L/h": 1, "L/min": 60, "L/s": 3600, "m³/h": 1000, "m³/min": 60_000, "mL/s": 3.6, "gal/min": 60 * 3.785411784}
)

// deviceOf is what the entities of one device have in common.
func deviceOf(doc, whole map[string]any) string {
	for _, d := range []map[string]any{doc, whole} {
		device, _ := d["device"].(map[string]any)
		device = spellOut(device)
		switch ids := device["identifiers"].(type) {
		case string:
			return ids
		case []any:
			if len(ids) > 0 {
				return jsonfield.Text(ids[0])
			}
		}
	}
	return ""
}

func availabilities(doc, whole map[string]any, base string) (list []reach, err error) {
	for _, d := range []map[string]any{doc, whole} {
		if topic := jsonfield.Text(d["availability_topic"]); topic != "" {
			return oneAvailability(nil, d, topic, jsonfield.Text(d["availability_template"]), base)
		}
		if all, ok := d["availability"].([]any); ok {
			for _, one := range all {
				a, _ := one.(map[string]any)
				a = spellOut(a)
				if list, err = oneAvailability(list, a, jsonfield.Text(a["topic"]), jsonfield.Text(a["value_template"]), base); err != nil {
					return nil, err
				}
			}
			return list, nil
		}
	}
	return nil, nil
}

func oneAvailability(list []reach, d map[string]any, topic, at, base string) ([]reach, error) {
	where, err := parseTemplate(at)
	if topic = inFull(topic, base); topic == "" || strings.ContainsAny(topic, "+#") || err != nil {
		return list, err
	}
	return append(list, reach{
		topic: topic, at: where, on: cmpOr(jsonfield.Text(d["payload_available"]), "online"), off: cmpOr(jsonfield.Text(d["payload_not_available"]), "offline"),
	}), nil
}

// inFull puts the base in place of ~ at the beginning or end of a topic.
func inFull(topic, base string) string {
	if rest, ok := strings.CutPrefix(topic, "~"); ok {
		return base + rest
	}
	if rest, ok := strings.CutSuffix(topic, "~"); ok {
		return rest + base
	}
	return topic
}

// short is the short forms that descriptions may be written in, of what we read.
var short = map[string]string{
	"avty": "availability", "avty_t": "availability_topic", "avty_tpl": "availability_template", "cmps": "components", "dev": "device", "dev_cla": "device_class",
	"ids": "identifiers", "p": "platform", "pl_avail": "payload_available", "pl_not_avail": "payload_not_available", "pl_off": "payload_off",
	"pl_on": "payload_on", "stat_t": "state_topic", "t": "topic", "uniq_id": "unique_id", "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}

// spellOut writes the short forms out.
func spellOut(doc map[string]any) map[string]any {
	full := make(map[string]any, len(doc))
	for key, v := range doc {
		full[cmpOr(short[key], key)] = v
	}
	return full
}

// A template is where the value is in a payload. Home Assistant's are a language; those that only name a place are understood.
type template struct{ path []string }

// parseTemplate reads {{ value_json.a['b'].c | float }}, {{ value }} or nothing. Filters that do not change what a value means are passed over.
func parseTemplate(text string) (template, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return template{}, nil
	}
	inner, opened := strings.CutPrefix(text, "{{")
	inner, closed := strings.CutSuffix(inner, "}}")
	parts := strings.Split(inner, "|")
	for _, filter := range parts[1:] {
		name, _, _ := strings.Cut(strings.TrimSpace(filter), "(")
		if !slices.Contains([]string{"float", "int", "string", "lower", "upper", "round", "trim", "default"}, name) {
			return template{}, errTemplate
		}
	}
	place := strings.TrimSpace(parts[0])
	if !opened || !closed {
		return template{}, errTemplate
	}
	if place == "value" {
		return template{}, nil
	}
	rest, ok := strings.CutPrefix(place, "value_json")
	if !ok {
		return template{}, errTemplate
	}
	path, err := parsePath(rest)
	return template{path}, err
}

// parsePath reads .a['b']["c"][0].
func parsePath(rest string) (path []string, err error) {
	for rest != "" {
		var key string
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[") + 1
			if end == 0 {
				end = len(rest)
			}
			key, rest = rest[1:end], rest[end:]
		case rest[0] == '[':
			inside, after, ok := strings.Cut(rest[1:], "]")
			if !ok {
				return nil, errTemplate
			}
			key, rest = strings.Trim(inside, `'"`), after
		default:
			return nil, errTemplate
		}
		if key == "" || strings.ContainsAny(key, " ()+*/<>=") {
			return nil, errTemplate
		}
		path = append(path, key)
	}
	return path, nil
}

// find follows the template.
func (t template) find(doc any) (any, bool) {
	for _, key := range t.path {
		var ok bool
		if list, is := doc.([]any); is {
			doc, ok = jsonfield.At(list, key)
		} else {
			doc, ok = jsonfield.Get(doc, key)
		}
		if !ok {
			return nil, false
		}
	}
	return doc, doc != nil
}
