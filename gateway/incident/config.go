package incident

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
)

// Config is whom to tell in which order, and how long to wait for people.
type Config struct {
	Question []Rung   `yaml:"question,omitempty" doc:"whom to ask when a question arises; one rung, because a question is asked once and never climbs; default family"`
	Alert    []Rung   `yaml:"alert,omitempty" doc:"the ladder of an alert, first rung first; default family, then the family by voice with neighbours and the worker, then grid head and building head, community, street"`
	Urgent   []Rung   `yaml:"urgent,omitempty" doc:"the ladder of an urgent alert; default family and worker together, then both by voice with the neighbours, then as for an alert"`
	For      []Ladder `yaml:"for,omitempty" doc:"ladders of their own for kinds of incidents; where one is left out, the one above holds"`

	Repeat time.Duration `yaml:"repeat,omitempty" doc:"how often the last two rungs that have somebody are told again after the last one, until somebody acts; default 15m"`

	ResidentCall string `yaml:"resident_call,omitempty" doc:"when an urgent ladder begins, how she is called who agreed to it: connect rings her and connects her with the worker on duty, else the family; voice says the text; off; default connect"`

	Promise        time.Duration `yaml:"promise,omitempty" doc:"how long 'on my way' holds the ladder; without an outcome it then climbs on; default 45m"`
	RemotePromise  time.Duration `yaml:"remote_promise,omitempty" doc:"the same for a contact who is not minutes away and can only call; default 10m"`
	OnSite         time.Duration `yaml:"on_site,omitempty" doc:"how long 'I am there' holds the ladder; default 2h"`
	OutcomeDue     time.Duration `yaml:"outcome_due,omitempty" doc:"how often those told are reminded to record an outcome once the finding has ended by itself; default 12h"`
	AssumedReopens time.Duration `yaml:"assumed_reopens,omitempty" doc:"after how long an outcome that was only assumed is looked at again; default 2h"`
	Quiet          time.Duration `yaml:"quiet,omitempty" doc:"how long nobody is asked the same question again, nor told again that a finding ended; default 6h"`

	Deadlines Deadlines `yaml:"deadlines,omitempty" doc:"how long an alert may take from opening to closing; past that it is shown as overdue, and the next rung is told once even while somebody is on it; 0 sets none"`
	Photo     []string  `yaml:"photo,omitempty" doc:"kinds and outcomes whose closing needs a picture, like [water, leak]; default none"`

	TellWithin       time.Duration `yaml:"tell_within,omitempty" doc:"a rung whose messages the provider has not taken by then is climbed past, and they are still sent; default 5m"`
	TellWithinUrgent time.Duration `yaml:"tell_within_urgent,omitempty" doc:"the same for an urgent alert; default 2m"`
	Grace            time.Duration `yaml:"grace,omitempty" doc:"how long after the provider's accept a message without a delivery receipt counts as read, and the wait of its rung begins; default 3m"`
	GraceUrgent      time.Duration `yaml:"grace_urgent,omitempty" doc:"the same for an urgent alert; default 1m"`
}

// A Ladder is who is told of incidents of one kind, where that is not as for the others.
type Ladder struct {
	Kind     stillwater.Kind `yaml:"kind" doc:"welfare, water, door or device"`
	Question []Rung          `yaml:"question,omitempty" doc:"whom to ask"`
	Alert    []Rung          `yaml:"alert,omitempty" doc:"the ladder of an alert"`
	Urgent   []Rung          `yaml:"urgent,omitempty" doc:"the ladder of an urgent alert"`
}

// Deadlines are how long alerts of each kind may take.
type Deadlines struct {
	Welfare time.Duration `yaml:"welfare" doc:"how is she; default 2h"`
	Water   time.Duration `yaml:"water" doc:"surge, leak; default 24h"`
	Door    time.Duration `yaml:"door" doc:"the door; default 24h"`
	Device  time.Duration `yaml:"device" doc:"a meter or sensor; default 3d"`
}

// What ResidentCall can be.
const (
	callConnects = "connect"
	callSpeaks   = "voice"
	callOff      = "off"
)

// Defaults is the configuration that holds where nothing else is said.
func Defaults() Config {
	roles := func(r ...stillwater.Role) []stillwater.Role { return r }
	family, neighbour, worker := stillwater.Family, stillwater.Neighbour, stillwater.Worker
	up := func(wait time.Duration) []Rung {
		return []Rung{
			{To: roles(stillwater.BuildingHead, stillwater.GridHead), Wait: wait},
			{To: roles(stillwater.Community), Wait: wait},
			{To: roles(stillwater.Street), Wait: wait},
		}
	}
	return Config{
		Question: []Rung{{To: roles(family)}},
		Alert: append([]Rung{
			{To: roles(family), Wait: 15 * time.Minute},
			{To: roles(family, neighbour, worker), Call: roles(family), Wait: 15 * time.Minute},
		}, up(15*time.Minute)...),
		Urgent: append([]Rung{
			{To: roles(family, worker), Wait: 5 * time.Minute},
			{To: roles(family, neighbour, worker), Call: roles(family, worker), Wait: 5 * time.Minute},
		}, up(5*time.Minute)...),
		Repeat:           15 * time.Minute,
		ResidentCall:     callConnects,
		Promise:          45 * time.Minute,
		RemotePromise:    10 * time.Minute,
		OnSite:           2 * time.Hour,
		OutcomeDue:       12 * time.Hour,
		AssumedReopens:   2 * time.Hour,
		Quiet:            6 * time.Hour,
		Deadlines:        Deadlines{Welfare: 2 * time.Hour, Water: 24 * time.Hour, Door: 24 * time.Hour, Device: 72 * time.Hour},
		TellWithin:       5 * time.Minute,
		TellWithinUrgent: 2 * time.Minute,
		Grace:            3 * time.Minute,
		GraceUrgent:      time.Minute,
	}
}

// Validate reports every mistake; field points into c.
func (c *Config) Validate(report func(field any, problem string)) {
	(&Ladder{Question: c.Question}).validateQuestion(&c.Question, true, report)
	validateLadder(&c.Alert, true, report)
	validateLadder(&c.Urgent, true, report)
	for i := range c.For {
		c.For[i].validate(report)
		if slices.ContainsFunc(c.For[:i], func(l Ladder) bool { return l.Kind == c.For[i].Kind }) {
			report(&c.For[i].Kind, fmt.Sprintf("%q has two entries; write its ladders into one", c.For[i].Kind))
		}
	}
	c.validateSpans(report)
	if c.ResidentCall != callConnects && c.ResidentCall != callSpeaks && c.ResidentCall != callOff {
		report(&c.ResidentCall, fmt.Sprintf("%q is no way to call her; write connect, voice or off", c.ResidentCall))
	}
	for i, what := range c.Photo {
		if !slices.Contains(kinds, stillwater.Kind(what)) && !slices.Contains(stillwater.Outcomes, stillwater.Outcome(what)) {
			report(&c.Photo[i], fmt.Sprintf("%q is neither a kind nor an outcome; write like water or leak", what))
		}
	}
}

func (c *Config) validateSpans(report func(field any, problem string)) {
	for _, w := range []within{
		{&c.Repeat, time.Minute, 24 * time.Hour, "15m"},
		{&c.Promise, time.Minute, 24 * time.Hour, "45m"},
		{&c.RemotePromise, time.Minute, 24 * time.Hour, "10m"},
		{&c.OnSite, time.Minute, 24 * time.Hour, "2h"},
		{&c.OutcomeDue, time.Hour, 7 * 24 * time.Hour, "12h"},
		{&c.AssumedReopens, time.Minute, 48 * time.Hour, "2h"},
		{&c.Quiet, time.Minute, 7 * 24 * time.Hour, "6h"},
		{&c.TellWithin, 30 * time.Second, time.Hour, "5m"},
		{&c.TellWithinUrgent, 30 * time.Second, time.Hour, "2m"},
		{&c.Grace, time.Second, time.Hour, "3m"},
		{&c.GraceUrgent, time.Second, time.Hour, "1m"},
	} {
		w.check(report)
	}
	d := &c.Deadlines
	for _, span := range []*time.Duration{&d.Welfare, &d.Water, &d.Door, &d.Device} {
		if *span != 0 {
			within{span, 10 * time.Minute, 90 * 24 * time.Hour, "2h"}.check(report)
		}
	}
}

// within is a duration and what it may be.
type within struct {
	value    *time.Duration
	min, max time.Duration
	example  string
}

func (w within) check(report func(field any, problem string)) {
	if *w.value < w.min || *w.value > w.max {
		report(w.value, fmt.Sprintf("%s is not between %s and %s; write like %s",
			stillwater.FormatSpan(*w.value), stillwater.FormatSpan(w.min), stillwater.FormatSpan(w.max), w.example))
	}
}

// kinds are those that ladders and deadlines can be for.
var kinds = []stillwater.Kind{stillwater.Welfare, stillwater.Water, stillwater.DoorKind, stillwater.Equipment}

// ladder is the ladder of a kind and severity; a notice has none.
func (c *Config) ladder(k stillwater.Kind, s stillwater.Severity) []Rung {
	own := Ladder{}
	if i := slices.IndexFunc(c.For, func(l Ladder) bool { return l.Kind == k }); i >= 0 {
		own = c.For[i]
	}
	first := func(own, all []Rung) []Rung {
		if len(own) > 0 {
			return own
		}
		return all
	}
	switch s {
	case stillwater.Urgent:
		return first(own.Urgent, c.Urgent)
	case stillwater.Alert:
		return first(own.Alert, c.Alert)
	case stillwater.Question:
		return first(own.Question, c.Question)
	}
	return nil
}

// deadline is how long an alert of a kind may take; zero: as long as it does.
func (c *Config) deadline(k stillwater.Kind) time.Duration {
	switch k {
	case stillwater.Water:
		return c.Deadlines.Water
	case stillwater.DoorKind:
		return c.Deadlines.Door
	case stillwater.Equipment:
		return c.Deadlines.Device
	}
	return c.Deadlines.Welfare
}

func (c *Config) tellWithin(s stillwater.Severity) time.Duration {
	if s == stillwater.Urgent {
		return c.TellWithinUrgent
	}
	return c.TellWithin
}

func (c *Config) grace(s stillwater.Severity) time.Duration {
	if s == stillwater.Urgent {
		return c.GraceUrgent
	}
	return c.Grace
}
