package stillwater

import (
	"log/slog"
	"sync"
	"time"
)

// HouseholdID names a household: short, without meaning, safe for logs.
type HouseholdID string

// DeviceID names a meter or sensor, usually the number on its label. In a household it is unique.
type DeviceID string

// A Household is a consenting home: its residents, devices, contacts, place in the grid and time zone.
type Household struct {
	ID        HouseholdID `json:"id"`
	Name      string      `json:"name"` // of the resident, in full; shortened by gateway/words before it leaves
	Residents int         `json:"residents"`
	TimeZone  string      `json:"timezone"` // IANA name, "Asia/Shanghai"
	Place     Place       `json:"place"`
	Consent   Consent     `json:"consent"`
	Devices   []Device    `json:"devices"`
	Contacts  []Contact   `json:"contacts"`
	Coarse    bool        `json:"coarse,omitempty"` // daily lines give half-days and no times of day
}

// LogValue keeps names and addresses out of logs: a household is logged as its ID.
func (h Household) LogValue() slog.Value { return slog.StringValue(string(h.ID)) }

// Location is the household's time zone; UTC when it is unknown or empty.
func (h Household) Location() *time.Location {
	if loc, ok := zones.Load(h.TimeZone); ok {
		return loc.(*time.Location)
	}
	loc, err := time.LoadLocation(h.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(h.TimeZone, loc)
	return loc
}

// zones are the time zones read so far, by name: time.LoadLocation reads a file each time, and a zone never changes while the program runs.
var zones sync.Map

// A Place is where a home stands in the four levels of the grid, and where its water comes from.
type Place struct {
	Street    string `json:"street,omitempty" yaml:"street,omitempty" doc:"street office (街道)"`
	Community string `json:"community,omitempty" yaml:"community,omitempty" doc:"community (社区)"`
	Grid      string `json:"grid,omitempty" yaml:"grid,omitempty" doc:"grid (网格): the area of one grid worker"`
	Building  string `json:"building,omitempty" yaml:"building,omitempty" doc:"building (楼栋)"`
	Riser     string `json:"riser,omitempty" yaml:"riser,omitempty" doc:"riser (立管): the pipe of the building that its water comes by"`
	Zone      string `json:"zone,omitempty" yaml:"zone,omitempty" doc:"supply zone (供水分区) of the waterworks or the pump house"`
}

// Consent is the resident's permission; nothing of a household is stored, queued or judged without it.
type Consent struct {
	Given     time.Time `json:"given"`              // zero: none on file
	Withdrawn time.Time `json:"withdrawn,omitzero"` // zero: still in force
}

// Covers says whether a record of the moment at may be kept, judged at the moment now.
func (c Consent) Covers(at, now time.Time) bool {
	return !c.Given.IsZero() && !at.Before(c.Given) && (c.Withdrawn.IsZero() || now.Before(c.Withdrawn))
}

// DeviceKind is what a device is for.
type DeviceKind string

// The kinds of device.
const (
	Meter          DeviceKind = "meter"    // a water meter; it covers the home
	DoorContact    DeviceKind = "door"     // the front door; alone it never covers a home
	ActivitySensor DeviceKind = "activity" // any other sign of life; covers where there is no meter
)

// A Device is a meter or sensor of a household.
type Device struct {
	ID     DeviceID   `json:"id"`
	Kind   DeviceKind `json:"kind"`
	Source string     `json:"source"` // feed and point: "cupboard-1/3" (bus, unit), "lobby/home/7/door" (broker, topic)

	// Every is how often the gateway usually hears from it; zero: learned from its readings.
	Every time.Duration `json:"every,omitempty"`
	// Rollover is the first value the counter cannot show, after which it starts at zero; zero: not known.
	Rollover Litres `json:"rollover,omitempty"`
}

// A HomeState is what can be said of a home at a moment.
type HomeState string

// The states of a home.
const (
	Fine        HomeState = "fine"          // 正常
	Still       HomeState = "still"         // 较久无动静
	PerhapsOut  HomeState = "perhaps-out"   // 可能外出
	Blind       HomeState = "blind"         // 数据中断
	ToBeChecked HomeState = "to-be-checked" // 待核实: an incident is open
	Paused      HomeState = "paused"        // 暂停
)

// A Standing is what the engine says of one home at one moment.
type Standing struct {
	Household HouseholdID   `json:"household"`
	State     HomeState     `json:"state"`
	Life      Life          `json:"life"`              // last signs of life
	DataTo    time.Time     `json:"dataTo,omitzero"`   // up to when readings vouch
	Still     time.Duration `json:"still"`             // covered time without a sign of life, up to DataTo
	Usual     time.Duration `json:"usual"`             // the longest stillness of a usual day; zero: not known yet
	Question  time.Time     `json:"question,omitzero"` // when a question would be raised if the stillness went on
	Alert     time.Time     `json:"alert,omitzero"`    // the same for an alert: the time left
	AlertRule string        `json:"alertRule,omitempty"`
	Reduced   bool          `json:"reduced,omitempty"`   // protection is reduced: a leak may be taken for life, or hide it
	Doubt     Doubt         `json:"doubt,omitempty"`     // why the door is not believed
	Findings  []Finding     `json:"findings,omitempty"`  // those that go on
	Residents int           `json:"residents,omitempty"` // of a home of two or more: it cannot be told who stirred
	Absence   *Absence      `json:"absence,omitempty"`   // planned, or under way
	Cut       *Announced    `json:"cut,omitempty"`       // of its water: announced, or under way
}

// A DeviceState is what the engine knows of one device at one moment.
type DeviceState struct {
	Household HouseholdID   `json:"household"`
	Device    DeviceID      `json:"device"`
	Heard     time.Time     `json:"heard,omitzero"` // event clock: when something last came from it; zero: never
	Every     time.Duration `json:"every"`          // how often it usually reports; zero: not known
	Silent    bool          `json:"silent"`         // it has been quiet for longer than it should be, or its source says that it is away
	Battery   float64       `json:"battery"`        // percent
	BatteryAt time.Time     `json:"batteryAt,omitzero"`
}

// Life is the last sign of life by kind, in event time; zero where none was seen.
type Life struct {
	Water    time.Time `json:"water,omitzero"`
	Door     time.Time `json:"door,omitzero"`
	Activity time.Time `json:"activity,omitzero"`
}

// Last is the latest sign of life of any kind.
func (l Life) Last() time.Time {
	last := l.Water
	for _, t := range []time.Time{l.Door, l.Activity} {
		if t.After(last) {
			last = t
		}
	}
	return last
}
