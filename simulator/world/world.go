package world

import (
	"fmt"
	"sync"
	"time"

	"stillwater"
)

// The feeds that the homes' devices are known by in Device.Source: "<feed>/<point>".
const (
	ModbusFeed = "sim-modbus" // the point is a unit
	MQTTFeed   = "sim-mqtt"   // the point is a topic
)

// The devices of a home.
const (
	MeterDevice stillwater.DeviceID = "meter"
	DoorDevice  stillwater.DeviceID = "door"
)

// Limits of a world.
const (
	MaxHomes = 100_000
	// MaxUnits is how many homes can have a Modbus meter: that many unit addresses one Modbus TCP server has. Homes beyond it
	// have MQTT pulse meters.
	MaxUnits = 247

	homesPerBuilding = 8
	buildingsPerGrid = 5
)

// Options say what city it is. The zero value of a field means its default.
type Options struct {
	Homes    int       // default 12
	Seed     uint64    // default 0, a seed like any other
	Start    time.Time // the first moment of the world; required
	TimeZone string    // IANA name; default "Asia/Shanghai"

	// MeterEvery is how often a meter is read or reports; default 15 minutes. It must divide a day.
	MeterEvery time.Duration
	// BeatEvery is how often a door contact says that it is there; default 1 hour.
	BeatEvery time.Duration
	// PulseEvery gives every n-th home an MQTT pulse meter in place of a Modbus meter; default 4, below zero: none.
	PulseEvery int
	// Residents are known of the first homes, one each; the zero Resident is anybody. Homes beyond them are anybody's.
	Residents []Resident
}

// A World is a pretended city. It is safe for concurrent use.
type World struct {
	opts  Options
	loc   *time.Location
	homes []*home
	byID  map[stillwater.HouseholdID]*home

	mu      sync.Mutex // guards everything below
	sealed  time.Time
	staged  []Staged
	outages []span // of the broker
}

// New makes a world.
func New(o Options) (*World, error) {
	o = o.withDefaults()
	loc, err := time.LoadLocation(o.TimeZone)
	switch {
	case err != nil:
		return nil, fmt.Errorf("time zone %q: %w", o.TimeZone, err)
	case o.Start.IsZero():
		return nil, fmt.Errorf("a world needs the moment it starts at")
	case o.Homes < 1 || o.Homes > MaxHomes:
		return nil, fmt.Errorf("%d homes are not between 1 and %d", o.Homes, MaxHomes)
	case o.MeterEvery < time.Second || (24*time.Hour)%o.MeterEvery != 0:
		return nil, fmt.Errorf("a meter every %v does not fit evenly into a day", o.MeterEvery)
	case o.BeatEvery < time.Second || (24*time.Hour)%o.BeatEvery != 0:
		return nil, fmt.Errorf("a heartbeat every %v does not fit evenly into a day", o.BeatEvery)
	}
	for i, r := range o.Residents {
		if err := r.Validate(); err != nil {
			return nil, fmt.Errorf("resident of home %d: %w", i+1, err)
		}
	}
	w := &World{opts: o, loc: loc, byID: make(map[stillwater.HouseholdID]*home, o.Homes)}
	for i := range o.Homes {
		h := newHome(o, loc, i)
		w.homes = append(w.homes, h)
	}
	w.settle()
	return w, nil
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Homes == 0 {
		o.Homes = 12
	}
	if o.TimeZone == "" {
		o.TimeZone = "Asia/Shanghai"
	}
	if o.MeterEvery == 0 {
		o.MeterEvery = 15 * time.Minute
	}
	if o.BeatEvery == 0 {
		o.BeatEvery = time.Hour
	}
	if o.PulseEvery == 0 {
		o.PulseEvery = 4
	}
	o.Start = o.Start.Truncate(time.Second)
	return o
}

// Start is the first moment of the world.
func (w *World) Start() time.Time { return w.opts.Start }

// Location is the time zone its people live in.
func (w *World) Location() *time.Location { return w.loc }

// MeterEvery is how often a meter is read or reports.
func (w *World) MeterEvery() time.Duration { return w.opts.MeterEvery }

// Households is every home as the gateway's register would have it: consent given before Start, devices, contacts, place.
func (w *World) Households() []stillwater.Household {
	all := make([]stillwater.Household, len(w.homes))
	for i, h := range w.homes {
		all[i] = h.copyHousehold()
	}
	return all
}

// Home names the home with that index, counted from zero, beginning again after the last: files may name the seventh home
// of a city that has only five.
func (w *World) Home(index int) stillwater.HouseholdID {
	n := len(w.homes)
	return w.homes[((index%n)+n)%n].household.ID
}

// Seal says that everything up to at has been told to somebody, so that from now on a scenario can begin only after it.
// Whoever plays a world live seals it before asking, and so can stage at any moment without changing what was said.
func (w *World) Seal(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.After(w.sealed) {
		w.sealed = at
	}
}

// home finds a home; nil when there is none of that name.
func (w *World) home(id stillwater.HouseholdID) *home { return w.byID[id] }
