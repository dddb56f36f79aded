package stillwater

import (
	"fmt"
	"strings"
	"time"
)

// A Quantity is what a reading measures; it fixes the unit of the value.
type Quantity string

// The quantities of recorded readings, and Gone, which only sources say.
const (
	WaterTotal Quantity = "water.total" // litres on a cumulative counter
	WaterFlow  Quantity = "water.flow"  // litres per hour
	Door       Quantity = "door"        // 1 open, 0 closed
	Activity   Quantity = "activity"    // a sign of life seen by some other sensor
	Battery    Quantity = "battery"     // percent
	Alive      Quantity = "alive"       // a heartbeat: the device is there, nothing more
	Gone       Quantity = "gone"        // the source says that the device is away: a broker's Last Will
)

// What devices say of themselves. It is for maintenance: it is no reading of a home, and not for the journal.
const (
	Signal     Quantity = "signal"        // strength at which the device, or its gateway, is received, in dBm
	BatteryLow Quantity = "fault.battery" // 1: the device says that its battery is low; 0: that it is not. So for all faults
	MeterLeak  Quantity = "fault.leak"    // the meter's own leak alarm
	Reverse    Quantity = "fault.reverse" // water runs, or ran, backwards
	Empty      Quantity = "fault.empty"   // no water in the pipe
	Tamper     Quantity = "fault.tamper"  // opened, taken off, or held by a magnet
	Broken     Quantity = "fault.device"  // any other fault that it tells of
)

// OfDevice says whether the quantity is what a device says of itself, and of nothing in the home.
func (q Quantity) OfDevice() bool {
	return q == Signal || strings.HasPrefix(string(q), "fault.")
}

// The values of a door reading.
const (
	Closed = 0.0
	Open   = 1.0
)

// limits are the values a quantity can have; beyond them the device is wrong, not the home.
var limits = map[Quantity]struct{ min, max float64 }{
	WaterTotal: {0, 1e12},
	WaterFlow:  {-1e5, 1e5},
	Door:       {Closed, Open},
	Activity:   {0, 1e9},
	Battery:    {0, 100},
	Alive:      {0, 1e12},
	Gone:       {0, 1},
	Signal:     {-200, 50},
	BatteryLow: {0, 1},
	MeterLeak:  {0, 1},
	Reverse:    {0, 1},
	Empty:      {0, 1},
	Tamper:     {0, 1},
	Broken:     {0, 1},
}

// Instant is the grain of time in the journal: what is finer is cut off before it is judged, so that a restart sees what was seen.
const Instant = time.Microsecond

// A Reading is one value of one quantity from one device.
type Reading struct {
	Source    string      `json:"source,omitempty"` // feed and point it came by; see Device.Source
	Household HouseholdID `json:"household"`
	Device    DeviceID    `json:"device"`
	Quantity  Quantity    `json:"quantity"`
	Value     float64     `json:"value"`
	At        time.Time   `json:"at"`       // event time: when it was true
	Received  time.Time   `json:"received"` // event clock: when the gateway learned of it

	// Undated marks a state that is true but of unknown age (a retained message, or one without a time of its own out of
	// a broker's backlog): it says how things are, never that somebody did something.
	Undated bool `json:"undated,omitempty"`
}

// Validate refuses values no working device gives. The comparison is written so that NaN fails.
func (r Reading) Validate() error {
	l, ok := limits[r.Quantity]
	if !ok {
		return fmt.Errorf("unknown quantity %q", r.Quantity)
	}
	if !(l.min <= r.Value && r.Value <= l.max) {
		return fmt.Errorf("%s %v is not between %v and %v", r.Quantity, r.Value, l.min, l.max)
	}
	if r.At.IsZero() {
		return fmt.Errorf("%s reading without a time", r.Quantity)
	}
	return nil
}
