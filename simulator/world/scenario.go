package world

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/simulator/scenarios"
)

// A Scenario is something that goes wrong, as a file tells it.
type Scenario struct {
	Name  string  `yaml:"name"`
	Title Words   `yaml:"title"`
	Story Words   `yaml:"story"`
	Who   Who     `yaml:"who"`
	Lives string  `yaml:"lives,omitempty"` // the resident who lives there from the world's start; empty: anybody
	When  When    `yaml:"when"`
	What  []Step  `yaml:"what"`
	Truth []Truth `yaml:"truth"`
}

// Words are a sentence in both languages.
type Words struct {
	Zh string `yaml:"zh"`
	En string `yaml:"en"`
}

// Who is the home it happens in, if nobody says otherwise: by its place in the list, or by what is fitted there.
type Who struct {
	Home int    `yaml:"home,omitempty"` // 1 is the first
	Tag  string `yaml:"tag,omitempty"`  // modbus-meter or mqtt-meter: the first home that has one
}

// When is the moment it happens at, if nobody says otherwise.
type When struct {
	Day  int    `yaml:"day"`  // 0 is the world's first
	Time string `yaml:"time"` // local, like 06:40
}

// A Step is one event of a scenario.
type Step struct {
	Event     Event             `yaml:"event"`
	After     Span              `yaml:"after,omitempty"` // since the scenario's beginning
	Lasts     Span              `yaml:"lasts"`
	PerMinute stillwater.Litres `yaml:"per_minute,omitempty"` // of a leak
	People    int               `yaml:"people,omitempty"`     // of guests
	Planned   bool              `yaml:"planned,omitempty"`    // of goes-out: entered beforehand as an absence
}

// A Truth is what a gateway should make of it: a finding of a kind, not before the earliest and by the latest moment after
// the beginning; or none of that kind, as long as the scenario lasts and a day more. Within leaves out those that are not of the scenario
// alone: of what began before it, or is found after it, something else may be the reason.
type Truth struct {
	Kind     stillwater.Kind     `yaml:"kind"`
	None     bool                `yaml:"none,omitempty"`
	Within   bool                `yaml:"within,omitempty"` // with none
	Earliest Span                `yaml:"earliest,omitempty"`
	Latest   Span                `yaml:"latest,omitempty"`
	Severity stillwater.Severity `yaml:"severity,omitempty"` // at least; none: with this severity or more. Default alert
}

// A Span is a duration written as people write it: 36h, 10 min, 3 days.
type Span time.Duration

// UnmarshalText reads a span.
func (s *Span) UnmarshalText(text []byte) error {
	d, err := stillwater.ParseSpan(string(text))
	*s = Span(d)
	return err
}

// MarshalText writes a span.
func (s Span) MarshalText() ([]byte, error) {
	return []byte(stillwater.FormatSpan(time.Duration(s))), nil
}

// Duration is the span as the standard library has it.
func (s Span) Duration() time.Duration { return time.Duration(s) }

// Scenarios are those that come with the simulator, by name.
func Scenarios() ([]Scenario, error) { return every(scenarios.Files(), LoadScenario) }

// FindScenario is the scenario of that name among those that come with the simulator.
func FindScenario(name string) (Scenario, error) {
	all, err := Scenarios()
	if err != nil {
		return Scenario{}, err
	}
	known := make([]string, 0, len(all))
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	return Scenario{}, fmt.Errorf("no scenario is named %q; there are %s", name, strings.Join(known, ", "))
}

// LoadScenario reads a scenario from a file. It must be named like the file, so that a list of files is a list of scenarios.
func LoadScenario(files fs.FS, name string) (Scenario, error) {
	s, err := readNamed(files, "scenario", name, func(s *Scenario) string { return s.Name })
	if err != nil {
		return Scenario{}, err
	}
	if err := s.Validate(); err != nil {
		return Scenario{}, fmt.Errorf("scenario %s: %w", name, err)
	}
	return s, nil
}

// Validate says what is wrong with a scenario.
func (s Scenario) Validate() error {
	if s.Title.Zh == "" || s.Title.En == "" || s.Story.Zh == "" || s.Story.En == "" {
		return fmt.Errorf("title and story are to be told in zh and en")
	}
	if _, _, err := s.When.clock(); err != nil {
		return err
	}
	if !slices.Contains([]string{"", "modbus-meter", "mqtt-meter"}, s.Who.Tag) {
		return fmt.Errorf("who: tag %q is none of modbus-meter, mqtt-meter", s.Who.Tag)
	}
	if s.Lives != "" {
		if _, err := FindResident(s.Lives); err != nil {
			return fmt.Errorf("lives: %w", err)
		}
	}
	if len(s.What) == 0 || len(s.Truth) == 0 {
		return fmt.Errorf("it says nothing under what or under truth")
	}
	for i, step := range s.What {
		if err := step.validate(); err != nil {
			return fmt.Errorf("what, step %d: %w", i+1, err)
		}
	}
	for i, t := range s.Truth {
		if err := t.validate(); err != nil {
			return fmt.Errorf("truth, line %d: %w", i+1, err)
		}
	}
	return nil
}

func (s Step) validate() error {
	events := []Event{Fall, TapRuns, PipeBursts, DoorStays, GoesOut, MeterDies, BrokerDown, WaterCut, OneFalls, Guests, Ill, DoorSticks, DoorDies, Ordinary}
	leak := s.Event == TapRuns || s.Event == PipeBursts
	switch {
	case !slices.Contains(events, s.Event):
		return fmt.Errorf("event %q is none of %v", s.Event, events)
	case s.Lasts <= 0 || s.After < 0:
		return fmt.Errorf("event %q lasts %v; it needs a time above zero", s.Event, s.Lasts.Duration())
	case leak != (s.PerMinute > 0):
		return fmt.Errorf("event %q with per_minute %v; running water has a rate, and nothing else has", s.Event, s.PerMinute)
	case (s.Event == Guests) != (s.People > 0) || s.People > 20:
		return fmt.Errorf("event %q with %d people; guests are counted, from 1 to 20, and nothing else is", s.Event, s.People)
	case s.Planned && s.Event != GoesOut:
		return fmt.Errorf("event %q is planned; only goes-out can be", s.Event)
	}
	return nil
}

func (t Truth) validate() error {
	kinds := []stillwater.Kind{stillwater.Welfare, stillwater.Water, stillwater.DoorKind, stillwater.Equipment}
	switch {
	case !slices.Contains(kinds, t.Kind):
		return fmt.Errorf("kind %q is none of %v", t.Kind, kinds)
	case t.Severity != "" && !t.Severity.Valid():
		return fmt.Errorf("severity %q is not known", t.Severity)
	case t.None && (t.Earliest != 0 || t.Latest != 0):
		return fmt.Errorf("what is none has no earliest and latest")
	case !t.None && t.Within:
		return fmt.Errorf("truth %q: within goes with none alone", t.Kind)
	case !t.None && t.Latest <= t.Earliest:
		return fmt.Errorf("latest %v is not after earliest %v", t.Latest.Duration(), t.Earliest.Duration())
	}
	return nil
}

// clock is the hour and minute of a local time.
func (w When) clock() (hour, minute int, err error) {
	t, err := time.Parse("15:04", w.Time)
	if err != nil {
		return 0, 0, fmt.Errorf("when: time %q is not like 06:40", w.Time)
	}
	if w.Day < 0 {
		return 0, 0, fmt.Errorf("when: day %d is before the first", w.Day)
	}
	return t.Hour(), t.Minute(), nil
}
