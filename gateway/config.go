package main

import (
	"fmt"
	"slices"
	"strings"

	"stillwater"
	"stillwater/adapters/broker"
	"stillwater/adapters/cjt188"
	"stillwater/adapters/influx"
	"stillwater/adapters/modbus"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/pull"
	"stillwater/adapters/push"
	"stillwater/adapters/sms"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/api"
	"stillwater/gateway/calendar"
	"stillwater/gateway/config"
	"stillwater/gateway/console"
	"stillwater/gateway/delivery"
	"stillwater/gateway/drill"
	"stillwater/gateway/duty"
	"stillwater/gateway/expression"
	"stillwater/gateway/incident"
	"stillwater/gateway/public"
	"stillwater/gateway/registry"
	"stillwater/rules"
)

// Config is the configuration file: each package owns its part.
type Config struct {
	Store    sqlite.Config   `yaml:"store" doc:"where everything the gateway must not forget is kept"`
	Console  console.Config  `yaml:"console,omitempty" doc:"the pages for people"`
	Broker   *broker.Config  `yaml:"broker,omitempty" doc:"the built-in MQTT broker; leave it out if you have one"`
	MQTT     []mqtt.Config   `yaml:"mqtt,omitempty" doc:"the brokers that sensors and pulse meters send to, the built-in one too"`
	Modbus   []modbus.Config `yaml:"modbus,omitempty" doc:"the Modbus buses that meters are read from: over TCP, by a serial port, or by a serial server"`
	CJT188   []cjt188.Config `yaml:"cjt188,omitempty" doc:"the lines that China's household meters (CJ/T 188) are read from, by a serial port or a serial server"`
	Push     []push.Config   `yaml:"push,omitempty" doc:"the addresses that platforms of water companies and carriers push to"`
	Pull     []pull.Config   `yaml:"pull,omitempty" doc:"what is fetched from such platforms: an HTTP interface, SFTP, or a folder of files"`
	History  *influx.Config  `yaml:"history,omitempty" doc:"an InfluxDB that keeps readings, findings and incidents for charts; the gateway never waits for it"`
	SMS      SMSConfig       `yaml:"sms,omitempty" doc:"the first way out, for texts: one of twilio and phones"`
	Public   *public.Config  `yaml:"public,omitempty" doc:"how people outside reach the gateway: the links in messages, and what providers call back; without it people answer by text alone"`
	Delivery delivery.Config `yaml:"delivery,omitempty" doc:"how often a text is tried, and when it is given up to the next rung"`
	Ladders  incident.Config `yaml:"ladders,omitempty" doc:"who is told of an incident, in which order, and how long each has"`

	Providers []ProviderConfig `yaml:"providers,omitempty" doc:"more ways out, in order of preference: where one refuses, is over a limit or does not work, the next of its channel is used"`

	Duty duty.Config `yaml:"duty,omitempty" doc:"who of the grid is on duty when, and who stands in; rosters can be imported too"`

	Drills *drill.Config `yaml:"drills,omitempty" doc:"a monthly exercise of the whole way from a meter to the telephones of staff and family; left out: none is held"`

	API *api.Config `yaml:"api,omitempty" doc:"the interface for other programs, below /api/v1/, and who is sent events"`

	RulesConfig     `yaml:",inline"`
	registry.Config `yaml:",inline"`

	Exercise *ExerciseConfig `yaml:"exercise,omitempty" doc:"for exercises with simulated homes ONLY: a clock that runs fast; never with people behind it"`
}

// SMSConfig is the channel of texts.
type SMSConfig struct {
	Twilio *sms.Config `yaml:"twilio,omitempty" doc:"an account at Twilio"`
	Phones bool        `yaml:"phones,omitempty" doc:"true: no message leaves by any channel; the console shows the phones. For trials"`

	CrossBorderConsent string `yaml:"cross_border_consent,omitempty" doc:"when it was decided that messages may leave the country of the people they are about, and by whom, like 2026-03-01, the community committee of Dongpo; without it Twilio is used for numbers of its own country (+1) alone"`
}

// Validate wants one channel at most; that there is one at all, be it in providers, is seen to by Config.
func (c *SMSConfig) Validate(report func(field any, problem string)) {
	if c.Twilio != nil && c.Phones {
		report(&c.Phones, "both twilio and phones are set; take one out, so that it is clear where texts go")
	}
	validateDecision(&c.CrossBorderConsent, report)
}

// RulesConfig is the part of the configuration that a backtest can be given by itself.
type RulesConfig struct {
	Rules   []rules.Rule `yaml:"rules,omitempty" doc:"the rules that are on; without this list the defaults are"`
	Presets []string     `yaml:"presets,omitempty" doc:"rules cities use, switched on as they are: silence-none-in-12h, silence-under-10L-12h, silence-under-10L-24h, surge-1m3-day, surge-500L-hour"`

	Calendar calendar.Config `yaml:"calendar,omitempty" doc:"which days are not like the week says"`
}

// Validate refuses unknown presets and names that stand twice, and compiles the conditions of custom rules on the way: a rule that
// was found right can be used.
func (c *RulesConfig) Validate(report func(field any, problem string)) {
	var known []string
	for _, p := range rules.Presets() {
		known = append(known, p.Name)
	}
	for i, name := range c.Presets {
		if preset(name) == nil {
			report(&c.Presets[i], fmt.Sprintf("%q is no preset; the presets are %s", name, strings.Join(known, ", ")))
		}
	}
	rules.CheckNames(c.Rules, report)
	for i := range c.Rules {
		r := &c.Rules[i]
		if !r.IsCustom() || r.When == "" {
			continue
		}
		condition, err := expression.Compile(r.When)
		if err != nil {
			report(&r.When, err.Error())
		}
		r.Condition = condition
	}
}

// preset is the preset of the name; nil: there is none.
func preset(name string) *rules.Rule {
	for _, p := range rules.Presets() {
		if p.Name == name {
			return &p
		}
	}
	return nil
}

// on is every rule that is on.
func (c *RulesConfig) on() []rules.Rule {
	list := append([]rules.Rule(nil), c.Rules...)
	for _, name := range c.Presets {
		if p := preset(name); p != nil {
			list = append(list, *p)
		}
	}
	return list
}

// days is the calendar that the engines keep; nil where the week alone counts.
func (c *RulesConfig) days() rules.Calendar { return calendar.New(c.Calendar) }

// defaults is the configuration before the file is read.
func defaults() *Config {
	return &Config{
		Store: sqlite.Defaults(), Console: console.Defaults(), Delivery: delivery.Defaults(), Ladders: incident.Defaults(),
		RulesConfig: RulesConfig{Rules: rules.Defaults(), Calendar: calendar.Defaults()},
	}
}

// loadConfig reads and checks a configuration. Only the file itself is opened.
func loadConfig(path string) (*Config, *config.Document, config.Problems) {
	c := defaults()
	doc, problems := config.Load(path, c)
	return c, doc, problems
}

// Validate checks what concerns more than one part: that every device's source is a feed that is read.
func (c *Config) Validate(report func(field any, problem string)) {
	c.validateProviders(report)
	c.validateEvents(report)
	names := map[string]bool{}
	note := func(field any, name string) {
		if name != "" && names[name] {
			report(field, fmt.Sprintf("two feeds are called %q; give each bus, broker and feed a name of its own", name))
		}
		names[name] = true
	}
	for i := range c.Modbus {
		note(&c.Modbus[i].Name, c.Modbus[i].Name)
	}
	for i := range c.CJT188 {
		note(&c.CJT188[i].Name, c.CJT188[i].Name)
	}
	for i := range c.MQTT {
		note(&c.MQTT[i].Name, c.MQTT[i].Name)
	}
	for _, name := range c.platforms() {
		note(name, *name)
	}
	for i := range c.Households {
		for j := range c.Households[i].Devices {
			d := &c.Households[i].Devices[j]
			if problem := c.unread(d.Source); problem != "" {
				report(&d.Source, problem)
			}
		}
	}
}

// unread says why nothing reads a source, "" where something does.
func (c *Config) unread(source string) string {
	name, _, ok := strings.Cut(source, "/")
	if !ok {
		return "" // registry says so
	}
	feeds := map[string]bool{}
	for _, m := range c.MQTT {
		feeds[m.Name] = true
	}
	for _, name := range c.platforms() {
		feeds[*name] = true
	}
	for _, bus := range c.Modbus {
		feeds[bus.Name] = true
		reads := slices.ContainsFunc(bus.Units, func(u modbus.Unit) bool {
			return slices.ContainsFunc(u.Points(), func(point string) bool { return source == bus.Name+"/"+point })
		})
		if bus.Name == name && !reads {
			return fmt.Sprintf("source %q is no unit that the bus reads; add the unit to modbus, or mend the number", source)
		}
	}
	for _, bus := range c.CJT188 {
		feeds[bus.Name] = true
		reads := slices.ContainsFunc(bus.Meters, func(m cjt188.Meter) bool { return source == bus.Name+"/"+m.Source() })
		if bus.Name == name && !reads {
			return fmt.Sprintf("source %q is no meter that the bus reads; add the meter to cjt188, or mend the address", source)
		}
	}
	if !feeds[name] {
		return fmt.Sprintf("source %q begins with %q, which is no bus, no broker and no feed of push or pull; the feeds are %s", source, name, list(feeds))
	}
	return ""
}

// rollOver fills in where the counters of devices begin anew, for those of which only the profile says it.
func (c *Config) rollOver(households []stillwater.Household) {
	ends := map[string]stillwater.Litres{}
	for _, bus := range c.Modbus {
		for _, u := range bus.Units {
			for _, point := range u.Points() {
				ends[bus.Name+"/"+point] = u.Rollover(point)
			}
		}
	}
	for _, h := range households {
		for i := range h.Devices {
			if d := &h.Devices[i]; d.Rollover == 0 {
				d.Rollover = ends[d.Source]
			}
		}
	}
}

// platforms is the names of the feeds that are pushed or fetched.
func (c *Config) platforms() (names []*string) {
	for i := range c.Push {
		for j := range c.Push[i].Feeds {
			names = append(names, &c.Push[i].Feeds[j].Name)
		}
	}
	for i := range c.Pull {
		names = append(names, &c.Pull[i].Name)
	}
	return names
}

// list names what is in a set, in order.
func list(set map[string]bool) string {
	if len(set) == 0 {
		return "none"
	}
	return strings.Join(sorted(set), ", ")
}

// people is the households of the file.
func (c *Config) people() []stillwater.Household { return c.List() }
