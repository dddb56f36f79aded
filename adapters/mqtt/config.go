package mqtt

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"stillwater"
	"stillwater/adapters/jsonfield"
)

// Config is one broker and the topics that are read from it.
type Config struct {
	Name     string            `yaml:"name" doc:"what the broker is called; devices name their source as this, a slash and the topic, like lobby/home/7/door"`
	URL      string            `yaml:"url" doc:"the broker's address: tcp://127.0.0.1:1883, tls://host:8883, ws://host:80/mqtt or wss://host:443/mqtt"`
	ClientID string            `yaml:"client_id,omitempty" doc:"what the session is called at the broker; two clients with one name throw each other out, and a new name loses what was queued; default stillwater- and the name"`
	Username string            `yaml:"username,omitempty" doc:"user at the broker; default none"`
	Password stillwater.Secret `yaml:"password,omitempty" doc:"where the user's password is kept"`
	CAFile   string            `yaml:"ca_file,omitempty" doc:"path of the certificates (PEM) that the broker's must be signed by; default the system's"`
	CertFile string            `yaml:"cert_file,omitempty" doc:"path of our own certificate (PEM), where the broker asks for one"`
	KeyFile  string            `yaml:"key_file,omitempty" doc:"path of the key of our own certificate (PEM)"`
	Formats  []Format          `yaml:"formats,omitempty" doc:"senders whose messages are known: their topics, fields and devices need not be written out"`
	Topics   []Topic           `yaml:"topics,omitempty" doc:"what else to read, and how"`
}

// Topic is one kind of message.
type Topic struct {
	Filter   string              `yaml:"filter" doc:"topics to read; + stands for one level and # at the end for all that follow, like home/+/door"`
	Device   string              `yaml:"device,omitempty" doc:"what follows the broker's name in the source; {1} is what the first + matched, so that zigbee/+/availability and zigbee/{1} are one device; default the topic itself"`
	Quantity stillwater.Quantity `yaml:"quantity" doc:"what the value is: door, activity, water.total, water.flow, battery or alive"`
	Value    string              `yaml:"value,omitempty" doc:"where in the JSON the value is, like contact or params.state.0; default the payload itself"`
	Open     string              `yaml:"open,omitempty" doc:"door: the value that means open, like false, open or 1, since makers disagree; activity: the value that means somebody was there, default true, on or a number above zero"`
	Closed   string              `yaml:"closed,omitempty" doc:"door: the value that means closed; default the opposite of open"`
	Scale    stillwater.Litres   `yaml:"scale,omitempty" doc:"water: how much one count is, like 10 L or 1 m³; default 1 L"`
	Time     string              `yaml:"time,omitempty" doc:"where in the JSON the device's own time is: RFC 3339 with its zone, or seconds or milliseconds since 1970; default none: the time of arrival"`
	Gone     string              `yaml:"gone,omitempty" doc:"alive: the value of an availability or Last Will topic that means the device is away, like offline; any other means it is there"`
	Also     []Value             `yaml:"also,omitempty" doc:"more values in the same payload, like its battery; they may be missing"`
}

// Value is one more value of a message.
type Value struct {
	Quantity stillwater.Quantity `yaml:"quantity" doc:"what the value is: door, activity, water.total, water.flow, battery or alive"`
	Value    string              `yaml:"value" doc:"where in the JSON the value is"`
	Open     string              `yaml:"open,omitempty" doc:"as for the topic"`
	Closed   string              `yaml:"closed,omitempty" doc:"as for the topic"`
	Scale    stillwater.Litres   `yaml:"scale,omitempty" doc:"as for the topic"`
}

// schemes is every way to a broker and whether it is encrypted.
var schemes = map[string]bool{"tcp": false, "ws": false, "tls": true, "wss": true}

// quantities is what a topic can carry.
var quantities = []stillwater.Quantity{
	stillwater.Door, stillwater.Activity, stillwater.WaterTotal, stillwater.WaterFlow, stillwater.Battery, stillwater.Alive,
}

// opposites is how makers name the two states of a contact.
var opposites = [][2]string{{"true", "false"}, {"1", "0"}, {"open", "closed"}, {"open", "close"}, {"on", "off"}, {"yes", "no"}, {"opened", "closed"}}

// Defaults is a broker with every setting that has a default: there is none that is not made of the name.
func Defaults() Config { return Config{} }

// Validate reports everything that is wrong with the configuration. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	if c.Name == "" || strings.ContainsAny(c.Name, "/ \t\n") {
		report(&c.Name, fmt.Sprintf("%q is not a name for a broker; write a word without spaces or slashes, like lobby", c.Name))
	}
	u, err := url.Parse(c.URL)
	var encrypted, known bool
	if err == nil {
		encrypted, known = schemes[u.Scheme]
	}
	switch {
	case !known || u.Hostname() == "" || u.Port() == "":
		report(&c.URL, fmt.Sprintf("%q is not a broker address; write like tcp://127.0.0.1:1883 or tls://host:8883", withoutUser(u)))
	case u.User != nil:
		report(&c.URL, "the address holds a user; write username and password as settings of their own, so that no log shows them")
	case !encrypted && (c.CAFile != "" || c.CertFile != ""):
		report(&c.URL, fmt.Sprintf("%q is not encrypted, so certificates have no effect; write tls:// or wss://", c.URL))
	}
	if strings.ContainsAny(c.ClientID, " \t\n") {
		report(&c.ClientID, fmt.Sprintf("%q has spaces, which some brokers refuse; write a word", c.ClientID))
	}
	if c.Password.Named() && c.Username == "" {
		report(&c.Username, "a password without a user name is not sent; write username, too")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		report(&c.CertFile, "a certificate and its key go together; give both cert_file and key_file, or neither")
	}
	if len(c.Topics)+len(c.Formats) == 0 {
		report(&c.Topics, "no formats and no topics, so nothing would be read; name at least one, like {format: zigbee2mqtt} in formats, or {filter: home/+/door, quantity: door, open: open} in topics")
	}
	all, err := builtIn()
	if err != nil {
		report(&c.Formats, err.Error()) // a mistake of the program, which its tests find
	}
	for i := range c.Formats {
		c.Formats[i].validate(all, report)
	}
	for i := range c.Topics {
		c.Topics[i].validate(report)
	}
}

// withoutUser is the address as it can be shown.
func withoutUser(u *url.URL) string {
	if u == nil {
		return "…"
	}
	return u.Redacted()
}

func (t *Topic) validate(report func(field any, problem string)) {
	if err := checkFilter(t.Filter); err != nil {
		report(&t.Filter, err.Error())
	} else if problem := checkTemplate(t.Device, wildcards(t.Filter)); problem != "" {
		report(&t.Device, problem)
	}
	v := t.own()
	v.validate(func(field any, problem string) { // of the copy: find the same field of the topic
		switch field {
		case &v.Quantity:
			report(&t.Quantity, problem)
		case &v.Open:
			report(&t.Open, problem)
		case &v.Closed:
			report(&t.Closed, problem)
		case &v.Scale:
			report(&t.Scale, problem)
		}
	})
	if t.Gone != "" && t.Quantity != stillwater.Alive {
		report(&t.Gone, fmt.Sprintf("gone says that a device is away, which %s cannot; write quantity: alive", t.Quantity))
	}
	for i := range t.Also {
		also := &t.Also[i]
		also.validate(report)
		if also.Value == "" {
			report(&also.Value, "no place for the value; write where in the JSON it is, like battery")
		}
	}
}

// own is the topic's own value, the first of its payload.
func (t *Topic) own() Value {
	return Value{Quantity: t.Quantity, Value: t.Value, Open: t.Open, Closed: t.Closed, Scale: t.Scale}
}

func (v *Value) validate(report func(field any, problem string)) {
	if !slices.Contains(quantities, v.Quantity) {
		report(&v.Quantity, fmt.Sprintf("%q is not a quantity; write door, activity, water.total, water.flow, battery or alive", v.Quantity))
	}
	water := v.Quantity == stillwater.WaterTotal || v.Quantity == stillwater.WaterFlow
	switch {
	case v.Quantity == stillwater.Door && v.Open == "":
		report(&v.Open, "which value means open? makers disagree; open the door, look at the message and write it, like open: \"false\"")
	case v.Quantity == stillwater.Door && v.Closed == "" && len(opposite(v.Open)) == 0:
		report(&v.Closed, fmt.Sprintf("the opposite of %q is not known; write the value that means closed", v.Open))
	case v.Quantity == stillwater.Door && jsonfield.Same(v.Open, v.Closed):
		report(&v.Closed, fmt.Sprintf("%q cannot mean both open and closed", v.Closed))
	case v.Open != "" && v.Quantity != stillwater.Door && v.Quantity != stillwater.Activity:
		report(&v.Open, fmt.Sprintf("open has no meaning for %s; leave it out", v.Quantity))
	}
	if !(v.Scale >= 0) || v.Scale > 0 && !water {
		report(&v.Scale, "scale is how much water one count is, like 10 L; leave it out for other quantities")
	}
}

// checkFilter says what is wrong with a topic filter.
func checkFilter(filter string) error {
	levels := strings.Split(strings.TrimPrefix(filter, "$share/"), "/")
	for i, level := range levels {
		wild := strings.ContainsAny(level, "+#")
		if filter == "" || wild && len(level) > 1 || level == "#" && i < len(levels)-1 {
			return fmt.Errorf("%q is not a topic filter; + stands for one whole level and # for all levels at the end, like home/+/door", filter)
		}
	}
	if filter == "" || strings.HasPrefix(filter, "$share/") && len(levels) < 2 {
		return fmt.Errorf("%q is not a topic filter; write like home/+/door", filter)
	}
	return nil
}

// wildcards is how many parts of a topic a filter leaves open.
func wildcards(filter string) int { return strings.Count(filter, "+") + strings.Count(filter, "#") }

// checkTemplate says what is wrong with a device template, "" if nothing.
func checkTemplate(template string, holes int) string {
	for rest := template; ; {
		_, after, found := strings.Cut(rest, "{")
		if !found {
			break
		}
		number, tail, closed := strings.Cut(after, "}")
		if n, err := strconv.Atoi(number); !closed || err != nil || n < 1 || n > holes {
			return fmt.Sprintf("%q: {%s} is not one of the %d wildcards of the filter; {1} is what the first + matched", template, number, holes)
		}
		rest = tail
	}
	if template != "" && holes > 0 && !strings.Contains(template, "{") {
		return fmt.Sprintf("%q would make all topics of the filter one device; write {1} for what the first + matched", template)
	}
	return ""
}

// opposite is every value that means the opposite of one, as far as makers agree.
func opposite(value string) []string {
	var others []string
	for _, pair := range opposites {
		for i := range pair {
			if jsonfield.Same(value, pair[i]) {
				others = append(others, pair[1-i])
			}
		}
	}
	return others
}

// clientID is the session's name at the broker.
func (c Config) clientID() string {
	if c.ClientID != "" {
		return c.ClientID
	}
	return "stillwater-" + c.Name
}
