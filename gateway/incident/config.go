package incident

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
)

// Config is whom to tell in which order, and how long to wait for people.
type Config struct {
	Question []Rung `yaml:"question,omitempty" doc:"whom to ask when a question arises; one rung, because a question is asked once and never climbed; default family"`
	Alert    []Rung `yaml:"alert,omitempty" doc:"the ladder of an alert, first rung first; default family, 15 minutes later the worker"`
	Urgent   []Rung `yaml:"urgent,omitempty" doc:"the ladder of an urgent alert; default family and worker together"`

	Repeat time.Duration `yaml:"repeat,omitempty" doc:"how often the last two rungs are told again after the last one, until somebody acts; default 15m"`

	Promise        time.Duration `yaml:"promise,omitempty" doc:"how long 'on my way' holds the ladder; without an outcome it then climbs on; default 45m"`
	RemotePromise  time.Duration `yaml:"remote_promise,omitempty" doc:"the same for a contact who is not minutes away and can only call; default 10m"`
	OnSite         time.Duration `yaml:"on_site,omitempty" doc:"how long 'I am there' holds the ladder; default 2h"`
	OutcomeDue     time.Duration `yaml:"outcome_due,omitempty" doc:"how often those told are reminded to record an outcome once the finding has ended by itself; default 12h"`
	AssumedReopens time.Duration `yaml:"assumed_reopens,omitempty" doc:"after how long an outcome that was only assumed is looked at again; default 2h"`
	Quiet          time.Duration `yaml:"quiet,omitempty" doc:"how long nobody is asked the same question again, nor told again that a finding ended; default 6h"`

	TellWithin       time.Duration `yaml:"tell_within,omitempty" doc:"a rung whose messages the provider has not taken by then is climbed past, and they are still sent; default 5m"`
	TellWithinUrgent time.Duration `yaml:"tell_within_urgent,omitempty" doc:"the same for an urgent alert; default 2m"`
	Grace            time.Duration `yaml:"grace,omitempty" doc:"how long after the provider's accept a message without a delivery receipt counts as read, and the wait of its rung begins; default 3m"`
	GraceUrgent      time.Duration `yaml:"grace_urgent,omitempty" doc:"the same for an urgent alert; default 1m"`
}

// A Rung is one step of a ladder.
type Rung struct {
	To   []stillwater.Role `yaml:"to" doc:"who is told: family, worker, or both"`
	Wait time.Duration     `yaml:"wait,omitempty" doc:"how long they have, once reached, before the next rung is told; a question needs none"`
}

// Defaults is the configuration that holds where nothing else is said.
func Defaults() Config {
	family, worker := stillwater.Family, stillwater.Worker
	return Config{
		Question: []Rung{{To: []stillwater.Role{family}}},
		Alert: []Rung{
			{To: []stillwater.Role{family}, Wait: 15 * time.Minute},
			{To: []stillwater.Role{worker}, Wait: 15 * time.Minute},
		},
		Urgent:           []Rung{{To: []stillwater.Role{family, worker}, Wait: 5 * time.Minute}},
		Repeat:           15 * time.Minute,
		Promise:          45 * time.Minute,
		RemotePromise:    10 * time.Minute,
		OnSite:           2 * time.Hour,
		OutcomeDue:       12 * time.Hour,
		AssumedReopens:   2 * time.Hour,
		Quiet:            6 * time.Hour,
		TellWithin:       5 * time.Minute,
		TellWithinUrgent: 2 * time.Minute,
		Grace:            3 * time.Minute,
		GraceUrgent:      time.Minute,
	}
}

// maxRungs bounds a ladder; more than this is a mistake in the file, not a policy.
const maxRungs = 20

// Validate reports every mistake; field points into c.
func (c *Config) Validate(report func(field any, problem string)) {
	validateLadder(&c.Question, report)
	validateLadder(&c.Alert, report)
	validateLadder(&c.Urgent, report)
	if len(c.Question) > 1 {
		report(&c.Question, fmt.Sprintf("a question is asked once and not climbed, but it has %d rungs; leave one", len(c.Question)))
	}
	for _, ladder := range []*[]Rung{&c.Alert, &c.Urgent} {
		for i := range *ladder {
			within{&(*ladder)[i].Wait, time.Minute, 24 * time.Hour, "15m"}.check(report)
		}
	}
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
}

func validateLadder(ladder *[]Rung, report func(field any, problem string)) {
	switch {
	case len(*ladder) == 0:
		report(ladder, "this ladder has no rung, so nobody would be told; write like - {to: [family], wait: 15m}")
	case len(*ladder) > maxRungs:
		report(ladder, fmt.Sprintf("this ladder has %d rungs; %d is the most", len(*ladder), maxRungs))
	}
	for i := range *ladder {
		rung := &(*ladder)[i]
		if len(rung.To) == 0 {
			report(&rung.To, "this rung tells nobody; write to: [family], [worker] or [family, worker]")
		}
		for j, role := range rung.To {
			if role != stillwater.Family && role != stillwater.Worker {
				report(&rung.To[j], fmt.Sprintf("%q is not somebody who can be told; write family or worker", role))
			}
			if slices.Contains(rung.To[:j], role) {
				report(&rung.To[j], fmt.Sprintf("%q stands twice in this rung; leave one", role))
			}
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

// ladder is the ladder of a severity; a notice has none.
func (c *Config) ladder(s stillwater.Severity) []Rung {
	switch s {
	case stillwater.Urgent:
		return c.Urgent
	case stillwater.Alert:
		return c.Alert
	case stillwater.Question:
		return c.Question
	}
	return nil
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
