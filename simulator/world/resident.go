package world

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/simulator/residents"
)

// A Resident is how somebody lives and what is fitted in her home, as a file tells it. What it leaves out is drawn from the seed,
// within what is usual; the zero Resident says nothing at all.
type Resident struct {
	Name  string `yaml:"name"`
	Title Words  `yaml:"title"`
	Story Words  `yaml:"story"`

	People int  `yaml:"people,omitempty"` // who live there; default 1
	Anyone bool `yaml:"anyone,omitempty"` // habits from a wide range: thrifty, irregular, out for days

	GetsUp      Clock    `yaml:"gets_up,omitempty"`
	GoesToBed   Clock    `yaml:"goes_to_bed,omitempty"`
	GiveOrTake  Span     `yaml:"give_or_take,omitempty"` // of both
	Irregular   Span     `yaml:"irregular,omitempty"`    // by how much whole days come earlier or later
	SleepsIn    Span     `yaml:"sleeps_in,omitempty"`    // later at weekends and on holidays
	NightToilet *float64 `yaml:"night_toilet,omitempty"` // visits in a night, on average
	Naps        Often    `yaml:"naps,omitempty"`
	Shops       Often    `yaml:"shops,omitempty"`
	OutAllDay   Often    `yaml:"out_all_day,omitempty"`
	Lazy        Often    `yaml:"days_in_bed,omitempty"`
	NightsAway  float64  `yaml:"nights_away,omitempty"` // journeys in a week, of one to five nights
	Uses        Much     `yaml:"uses_water,omitempty"`

	GoesOut  []Outing    `yaml:"goes_out,omitempty"`
	Comes    []Visit     `yaml:"comes,omitempty"`
	Chores   []Chore     `yaml:"chores,omitempty"`
	ByItself []Automatic `yaml:"draws_by_itself,omitempty"`
	Holidays []Date      `yaml:"holidays,omitempty"` // public ones: days like a Sunday

	Meter MeterKind `yaml:"meter,omitempty"`
	Door  DoorState `yaml:"door,omitempty"`
}

// An Outing is a habit of going out: she opens the door, is away, and opens it again.
type Outing struct {
	For        string `yaml:"for"` // what a nurse calls it: market, dance
	On         Days   `yaml:"on,omitempty"`
	At         Clock  `yaml:"at"`
	GiveOrTake Span   `yaml:"give_or_take,omitempty"`
	Stays      Span   `yaml:"stays"`
	HowOften   Often  `yaml:"how_often,omitempty"`
}

// A Visit is somebody who comes and goes, using the door and perhaps water. Her going is not the resident's.
type Visit struct {
	Who        string            `yaml:"who"`
	On         Days              `yaml:"on,omitempty"`
	At         Clock             `yaml:"at"`
	GiveOrTake Span              `yaml:"give_or_take,omitempty"`
	Stays      Span              `yaml:"stays"`
	Uses       stillwater.Litres `yaml:"uses,omitempty"`
	HowOften   Often             `yaml:"how_often,omitempty"`
}

// A Chore is a habit that takes much water in a while: cleaning, watering plants.
type Chore struct {
	What       string            `yaml:"what"`
	On         Days              `yaml:"on,omitempty"`
	At         Clock             `yaml:"at"`
	GiveOrTake Span              `yaml:"give_or_take,omitempty"`
	Lasts      Span              `yaml:"lasts"`
	Uses       stillwater.Litres `yaml:"uses"`
	HowOften   Often             `yaml:"how_often,omitempty"`
}

// An Automatic is what draws water without a hand: every so often a little (a cat fountain, a purifier's flush), or a trickle that
// runs all the time or from one hour to another (a tap dripping into a bucket). It goes on while she is out, or lies on the floor.
type Automatic struct {
	What    string            `yaml:"what"`
	Every   Span              `yaml:"every,omitempty"`
	Takes   stillwater.Litres `yaml:"takes,omitempty"`
	PerHour stillwater.Litres `yaml:"per_hour,omitempty"`
	From    Clock             `yaml:"from,omitempty"` // of a trickle; default all day
	To      Clock             `yaml:"to,omitempty"`   // at or before From: of the next day
}

// MeterKind is what water meter is fitted.
type MeterKind struct {
	Step    stillwater.Litres `yaml:"step,omitempty"`    // of its counter; default 1 L
	Every   Span              `yaml:"every,omitempty"`   // between readings; default the city's
	Uploads Clock             `yaml:"uploads,omitempty"` // it sends the day's history once a day, then; empty: each reading at once
}

// DoorState is what door contact is fitted.
type DoorState string

// The door contacts there are; empty is one that works.
const (
	DoorMissing  DoorState = "missing"  // none is fitted
	DoorStuck    DoorState = "stuck"    // it says that it is there, and closed, and nothing else
	DoorInverted DoorState = "inverted" // it says open for closed and closed for open
)

// Residents are those that come with the simulator, by name.
func Residents() ([]Resident, error) { return every(residents.Files(), LoadResident) }

// FindResident is the resident of that name among those that come with the simulator.
func FindResident(name string) (Resident, error) {
	r, err := LoadResident(residents.Files(), name+".yaml")
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	all, err := Residents()
	if err != nil {
		return Resident{}, err
	}
	known := make([]string, 0, len(all))
	for _, r := range all {
		known = append(known, r.Name)
	}
	return Resident{}, fmt.Errorf("no resident is named %q; there are %s", name, strings.Join(known, ", "))
}

// LoadResident reads a resident from a file, which must be named like her.
func LoadResident(files fs.FS, name string) (Resident, error) {
	r, err := readNamed(files, "resident", name, func(r *Resident) string { return r.Name })
	if err != nil {
		return Resident{}, err
	}
	if r.Title.Zh == "" || r.Title.En == "" || r.Story.Zh == "" || r.Story.En == "" {
		return Resident{}, fmt.Errorf("resident %s: title and story are to be told in zh and en", name)
	}
	if err := r.Validate(); err != nil {
		return Resident{}, fmt.Errorf("resident %s: %w", name, err)
	}
	return r, nil
}

// Validate says what is wrong with a resident. Clocks, days and words of frequency are checked as they are read.
func (r Resident) Validate() error {
	switch {
	case r.People < 0 || r.People > 6:
		return fmt.Errorf("people: %d are not between 1 and 6", r.People)
	case r.NightsAway < 0 || r.NightsAway > 1:
		return fmt.Errorf("nights_away: %v journeys in a week; write 0 to 1", r.NightsAway)
	case !slices.Contains([]DoorState{"", DoorMissing, DoorStuck, DoorInverted}, r.Door):
		return fmt.Errorf("door: %q is none of missing, stuck, inverted", r.Door)
	}
	for _, o := range r.GoesOut {
		if o.Stays <= 0 || o.At == "" {
			return fmt.Errorf("goes_out for %q needs at and stays", o.For)
		}
	}
	for _, v := range r.Comes {
		if v.Stays <= 0 || v.At == "" || v.Uses < 0 {
			return fmt.Errorf("comes: %q needs at and stays, and uses water or none", v.Who)
		}
	}
	for _, c := range r.Chores {
		if c.Lasts <= 0 || c.At == "" || c.Uses <= 0 {
			return fmt.Errorf("chores: %q needs at, lasts and uses", c.What)
		}
	}
	for _, a := range r.ByItself {
		if err := a.validate(); err != nil {
			return err
		}
	}
	return r.Meter.validate()
}

func (a Automatic) validate() error {
	rhythm, trickle := a.Every > 0 && a.Takes > 0, a.PerHour > 0
	switch {
	case rhythm == trickle:
		return fmt.Errorf("draws_by_itself: %q needs either every and takes, or per_hour", a.What)
	case rhythm && a.Every.Duration() < time.Minute:
		return fmt.Errorf("draws_by_itself: %q every %v; a minute is the least", a.What, a.Every.Duration())
	case (a.From == "") != (a.To == ""), rhythm && a.From != "":
		return fmt.Errorf("draws_by_itself: %q needs both from and to, and only with per_hour", a.What)
	}
	return nil
}

func (m MeterKind) validate() error {
	every := m.Every.Duration()
	switch {
	case m.Step < 0 || m.Step != stillwater.Litres(int(m.Step)):
		return fmt.Errorf("meter: a step of %v; write whole litres", m.Step)
	case every != 0 && (every < time.Second || (24*time.Hour)%every != 0):
		return fmt.Errorf("meter: every %v does not fit evenly into a day", every)
	}
	return nil
}

// Neighbourhood is who lives in a city that shows what there is: anybody in the first nine homes, in which most scenarios are at home,
// and then those whom the scenarios of the tenth to the twelfth are about.
func Neighbourhood() ([]Resident, error) {
	all := make([]Resident, 9, 12)
	for _, name := range []string{"daily-carer", "cat-fountain", "cleaning-day"} {
		r, err := FindResident(name)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}
