package health

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"stillwater"
	"stillwater/gateway/pipeline"
	"stillwater/rules"
)

// A Trouble is one thing that is wrong with a device.
type Trouble struct {
	Code  string        `json:"code"` // one of the list below; gateway/words has its words
	Since time.Time     `json:"since,omitzero"`
	Times int           `json:"times,omitempty"` // how often of late
	Off   time.Duration `json:"off,omitempty"`   // of a clock: how far
	Value float64       `json:"value,omitempty"` // percent of a battery or of questions, dBm of a signal
}

// The codes of troubles, from those that leave a home unseen to those that can wait.
const (
	Never       = "never"           // nothing has come from it yet
	Silent      = "silent"          // quiet for longer than it should be
	MeterStuck  = "meter-stuck"     // it counts nothing, though somebody stirs
	DoorStuck   = "door-stuck"      // rules find this and the next two
	DoorTurned  = "door-inverted"   // says open when the door is closed
	DoorLoose   = "door-chattering" // opens and closes without end
	Lossy       = "lossy"           // many questions to it stay without a value
	Implausible = "implausible"     // it sends values that no working device gives
	Reversed    = "reversed"        // the counter ran back: fitted the wrong way round, or water flows back
	Swapped     = "swapped"         // another count altogether: another meter, or a wrong address
	Reset       = "reset"           // the counter began anew
	Foreign     = "foreign"         // values of another counter came between: two meters on one address
	ClockAhead  = "clock-ahead"     // its times are in the future, or its zone is wrong
	ClockBehind = "clock-behind"    // what it sends at once is always equally old
	BatteryLow  = "battery-low"     // it says so, or few percent are left
	WeakSignal  = "signal-weak"     // soon messages will be lost
	Leak        = "leak"            // this and the rest are its own alarms
	Reverse     = "reverse"         // water ran backwards
	Empty       = "empty"           // no water in the pipe
	Tamper      = "tamper"          // opened, taken off, or held by a magnet
	Fault       = "fault"           // anything else
)

// codes in the order in which they are worked off.
var codes = []string{
	Never, Silent, MeterStuck, DoorStuck, DoorTurned, DoorLoose, Lossy, Implausible, Reversed, Swapped, Reset, Foreign, ClockAhead, ClockBehind,
	Tamper, Empty, Reverse, Leak, Fault, BatteryLow, WeakSignal,
}

// The measures of trouble.
const (
	lowBattery   = 15                 // percent
	weakSignal   = -115               // dBm: NB-IoT and LoRaWAN lose messages below it, and others were lost long before
	lateTrouble  = 7 * 24 * time.Hour // how long something that happened once is of interest
	behindLeast  = 30 * time.Minute   // what comes never sooner than this has a clock that is behind, or a wrong zone,
	behindSpread = 15 * time.Minute   // if it is always as much: of an upload each reading is of another age
	behindKnown  = 24                 // readings from which that is known
	stuckLeast   = 72 * time.Hour     // without a litre, while somebody stirs
	stuckSettled = 12 * time.Hour     // after she came back from a journey she has had time to wash
)

// Device is how a device is.
type Device struct {
	stillwater.DeviceState
	Kind     stillwater.DeviceKind `json:"kind"`
	Source   string                `json:"source"`
	Signal   float64               `json:"signal,omitempty"` // dBm
	SignalAt time.Time             `json:"signalAt,omitzero"`
	Line     *Line                 `json:"line,omitempty"`     // of what is asked on a bus
	Troubles []Trouble             `json:"troubles,omitempty"` // the worst first
}

// Feed is the bus, broker or platform that a device is heard through.
func (d *Device) Feed() string {
	feed, _, _ := strings.Cut(d.Source, "/")
	return feed
}

// Devices remembers of each device what rules do not: what it says of itself, and what it sent that was not as it should be. It begins anew with
// the gateway. It is safe for concurrent use.
type Devices struct {
	mu        sync.Mutex
	of        map[deviceKey]*record
	seed      maphash.Seed
	unknown   map[uint64]bool // devices of no home, by their source: what it is called is not kept
	strangers map[string]int  // how many of them, by feed
}

// mostUnknown bounds what is remembered of devices that are entered nowhere.
const mostUnknown = 100_000

type deviceKey struct {
	household stillwater.HouseholdID
	device    stillwater.DeviceID
}

// record is what is remembered of a device.
type record struct {
	signal   measure
	said     map[stillwater.Quantity]measure // faults that it tells of; at is when one began
	happened map[string]*happening           // by code
	lag      [2]lag                          // of the latest readings, and of behindKnown before them
}

type measure struct {
	value float64
	at    time.Time
}

// happening is something that happened of late.
type happening struct {
	times       int
	first, last time.Time
	off         time.Duration // the latest
}

// lag is how old some readings were when they came.
type lag struct {
	n           int
	least, most time.Duration
}

// NewDevices remembers nothing yet.
func NewDevices() *Devices {
	return &Devices{of: map[deviceKey]*record{}, seed: maphash.MakeSeed(), unknown: map[uint64]bool{}, strangers: map[string]int{}}
}

// happens is what an outcome of a reading says of its device.
var happens = map[string]string{
	pipeline.Implausible: Implausible, pipeline.Ahead: ClockAhead,
	string(rules.Reversed): Reversed, string(rules.Swapped): Swapped, string(rules.Reset): Reset, string(rules.Foreign): Foreign,
}

// Took notes what became of a reading.
func (d *Devices) Took(r *stillwater.Reading, outcome string) {
	if outcome == pipeline.NoConsent {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Household == "" {
		d.meets(r.Source)
		return
	}
	key := deviceKey{r.Household, r.Device}
	of := d.of[key]
	if of == nil {
		of = &record{}
		d.of[key] = of
	}
	switch code := happens[outcome]; {
	case outcome == pipeline.OfDevice:
		of.says(r)
	case code != "":
		of.happens(code, r)
	case outcome == string(rules.Accepted) && r.At.Before(r.Received) && !r.Undated: // by its own clock
		of.late(r.Received.Sub(r.At))
	}
}

// meets counts a device that is entered nowhere.
func (d *Devices) meets(source string) {
	hash := maphash.String(d.seed, source)
	if d.unknown[hash] || len(d.unknown) >= mostUnknown {
		return
	}
	d.unknown[hash] = true
	feed, _, _ := strings.Cut(source, "/")
	d.strangers[feed]++
}

// Strangers is how many devices of each feed were heard that are entered nowhere. Nothing of them is kept.
func (d *Devices) Strangers() map[string]int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.strangers)
}

func (o *record) says(r *stillwater.Reading) {
	if r.Quantity == stillwater.Signal {
		o.signal = measure{r.Value, r.At}
		return
	}
	if r.Value == 0 {
		delete(o.said, r.Quantity)
		return
	}
	if o.said == nil {
		o.said = map[stillwater.Quantity]measure{}
	}
	if _, known := o.said[r.Quantity]; !known {
		o.said[r.Quantity] = measure{r.Value, r.At}
	}
}

func (o *record) happens(code string, r *stillwater.Reading) {
	if o.happened == nil {
		o.happened = map[string]*happening{}
	}
	h := o.happened[code]
	if h == nil || r.Received.Sub(h.last) > lateTrouble {
		h = &happening{first: r.Received}
		o.happened[code] = h
	}
	h.times, h.last, h.off = h.times+1, r.Received, r.At.Sub(r.Received)
}

func (o *record) late(by time.Duration) {
	l := &o.lag[0]
	if l.n == behindKnown {
		o.lag[1], *l = *l, lag{}
	}
	if l.n == 0 {
		l.least, l.most = by, by
	}
	l.least, l.most = min(l.least, by), max(l.most, by)
	l.n++
}

// behind says whether it shows a clock that is behind.
func (l *lag) behind() bool { return l.least >= behindLeast && l.most-l.least <= behindSpread }

// behind is how far its clock is behind; zero: it is not, or that is not known.
func (o *record) behind() time.Duration {
	if before := &o.lag[1]; before.n == 0 || !before.behind() || o.lag[0].n > 0 && !o.lag[0].behind() {
		return 0
	}
	return o.lag[1].least
}

// faults is what devices tell of themselves, by quantity.
var faults = map[stillwater.Quantity]string{
	stillwater.BatteryLow: BatteryLow, stillwater.MeterLeak: Leak, stillwater.Reverse: Reverse, stillwater.Empty: Empty,
	stillwater.Tamper: Tamper, stillwater.Broken: Fault,
}

// doorFaults is the troubles that rules find.
var doorFaults = map[string]string{
	"device-door-stuck": DoorStuck, "device-door-inverted": DoorTurned, "device-door-chattering": DoorLoose,
}

// Seen is what is known of a device elsewhere: by the registry, by the engine, and by the bus that it is asked on.
type Seen struct {
	stillwater.Device
	State stillwater.DeviceState
	Home  stillwater.Standing
	Line  *Line // nil: it is not asked
}

// Judge says how a device is at now.
func (d *Devices) Judge(seen Seen, now time.Time) Device {
	device, state, home := seen.Device, seen.State, seen.Home
	found := Device{DeviceState: state, Kind: device.Kind, Source: device.Source, Line: seen.Line}
	add := func(t Trouble) { found.Troubles = append(found.Troubles, t) }
	switch {
	case state.Heard.IsZero():
		add(Trouble{Code: Never})
	case state.Silent:
		add(Trouble{Code: Silent, Since: state.Heard})
	case device.Kind == stillwater.Meter && meterStuck(home):
		add(Trouble{Code: MeterStuck, Since: home.Life.Water})
	}
	if seen.Line.lossy() {
		add(Trouble{Code: Lossy, Value: seen.Line.Failed()})
	}
	for _, f := range home.Findings {
		if code := doorFaults[f.Rule]; code != "" && f.Device == device.ID {
			add(Trouble{Code: code, Since: f.Facts.Since})
		}
	}
	if !state.BatteryAt.IsZero() && state.Battery <= lowBattery {
		add(Trouble{Code: BatteryLow, Since: state.BatteryAt, Value: state.Battery})
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if of := d.of[deviceKey{home.Household, device.ID}]; of != nil {
		found.Signal, found.SignalAt = of.signal.value, of.signal.at
		of.troubles(now, add)
	}
	slices.SortStableFunc(found.Troubles, func(a, b Trouble) int { return cmp.Compare(slices.Index(codes, a.Code), slices.Index(codes, b.Code)) })
	found.Troubles = slices.CompactFunc(found.Troubles, func(a, b Trouble) bool { return a.Code == b.Code })
	return found
}

// troubles adds what is wrong by what is remembered.
func (o *record) troubles(now time.Time, add func(Trouble)) {
	if !o.signal.at.IsZero() && o.signal.value <= weakSignal {
		add(Trouble{Code: WeakSignal, Since: o.signal.at, Value: o.signal.value})
	}
	for q, m := range o.said {
		add(Trouble{Code: cmp.Or(faults[q], Fault), Since: m.at})
	}
	for code, h := range o.happened {
		if now.Sub(h.last) > lateTrouble {
			continue
		}
		t := Trouble{Code: code, Since: h.first, Times: h.times}
		if code == ClockAhead {
			t.Off = h.off
		}
		add(t)
	}
	if by := o.behind(); by > 0 {
		add(Trouble{Code: ClockBehind, Off: by})
	}
}

// meterStuck says whether somebody stirs in a home, and the meter, which is heard, counts nothing for days.
func meterStuck(home stillwater.Standing) bool {
	stirred := home.Life.Door
	if home.Life.Activity.After(stirred) {
		stirred = home.Life.Activity
	}
	return home.Absence == nil && home.Cut == nil && !home.Life.Water.IsZero() &&
		stirred.Sub(home.Life.Water) >= stuckLeast && home.DataTo.Sub(stirred) >= stuckSettled
}

// A Feed is a bus, a broker or a platform that is away, and how many devices nothing is heard of for that.
type Feed struct {
	Condition
	Name   string `json:"name"`
	Behind int    `json:"behind"`
}

// Work is the maintenance list: the feeds that are away, and the devices with troubles, the worst first. That a device behind such a feed is
// silent is the feed's trouble.
func Work(devices []Device, conditions []Condition) (feeds []Feed, work []Device) {
	for _, c := range conditions {
		if name, ok := strings.CutPrefix(c.Part, "feed "); ok {
			feeds = append(feeds, Feed{Condition: c, Name: name})
		}
	}
	for _, d := range devices {
		at := slices.IndexFunc(feeds, func(f Feed) bool { return f.Name == d.Feed() })
		if at >= 0 && slices.ContainsFunc(d.Troubles, unheard) {
			feeds[at].Behind++
			d.Troubles = slices.DeleteFunc(slices.Clone(d.Troubles), unheard)
		}
		if len(d.Troubles) > 0 {
			work = append(work, d)
		}
	}
	slices.SortStableFunc(work, func(a, b Device) int {
		return cmp.Or(cmp.Compare(slices.Index(codes, a.Troubles[0].Code), slices.Index(codes, b.Troubles[0].Code)), a.Troubles[0].Since.Compare(b.Troubles[0].Since))
	})
	return feeds, work
}

// unheard says whether the trouble is that nothing is heard.
func unheard(t Trouble) bool { return t.Code == Never || t.Code == Silent }
