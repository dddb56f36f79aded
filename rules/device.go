package rules

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"stillwater"
)

// device is the engine's memory of one device.
type device struct {
	ID      stillwater.DeviceID   `json:"id"`
	Kind    stillwater.DeviceKind `json:"kind,omitempty"` // learned from its quantities where no registry says it
	Heard   time.Time             `json:"heard,omitzero"` // event clock: when the gateway last heard of it
	Report  time.Time             `json:"report,omitzero"`
	Rate    cadence               `json:"rate"`             // of arrivals
	Beats   bool                  `json:"beats,omitempty"`  // it sends heartbeats, so that its silence means something
	Gone    bool                  `json:"gone,omitempty"`   // its source said that it is away
	Recent  []recent              `json:"recent,omitempty"` // by quantity
	Counter counter               `json:"counter"`
	Vouched time.Time             `json:"vouched,omitzero"` // up to when its readings vouch

	Door *doorState `json:"door,omitempty"`

	known stillwater.Device // what the registry says
}

// recent are the latest readings of one quantity. They tell a reading that comes twice, as brokers send what was not
// acknowledged, from one that comes late.
type recent struct {
	Quantity stillwater.Quantity `json:"q"`
	Samples  samples             `json:"s"` // by time, the newest last; at most remembered
}

// remembered is how many readings of a quantity are remembered. Whether an older one came before is for the journal to say.
const remembered = 8

// sample is one value with its time.
type sample struct {
	At    time.Time
	Value float64
}

// samples are written as plain numbers, for every home has many: microseconds since 1970 and value, in turn.
type samples []sample

// MarshalJSON writes them. A float64 holds microseconds exactly until the year 2255.
func (s samples) MarshalJSON() ([]byte, error) {
	flat := make([]float64, 0, 2*len(s))
	for _, v := range s {
		flat = append(flat, float64(v.At.UnixMicro()), v.Value)
	}
	return json.Marshal(flat)
}

// UnmarshalJSON reads them back.
func (s *samples) UnmarshalJSON(data []byte) error {
	var flat []float64
	if err := json.Unmarshal(data, &flat); err != nil {
		return err
	}
	if len(flat)%2 != 0 {
		return errors.New("readings remembered: a time without a value")
	}
	*s = make(samples, 0, len(flat)/2)
	for i := 0; i < len(flat); i += 2 {
		*s = append(*s, sample{time.UnixMicro(int64(flat[i])).UTC(), flat[i+1]})
	}
	return nil
}

// doorState is how the door stands, since when.
type doorState struct {
	Open  bool      `json:"open"`
	Since time.Time `json:"since"`
}

// blindAfter is how many missed reports make a device silent, with a quarter of an interval to spare.
const blindAfter = 2.25

// leastSilence keeps a device with a short interval from being called silent at once.
const leastSilence = 10 * time.Minute

// usual is how often the device reports: as the registry says, or as learned; zero: not known.
func (d *device) usual() time.Duration {
	if d.known.Every > 0 {
		return d.known.Every
	}
	return d.Rate.usual()
}

// patience is how long the device may be quiet before its silence means something; zero: that cannot be said, for it
// reports only events and sends no heartbeat.
func (d *device) patience() time.Duration {
	usual := d.usual()
	periodic := d.Kind == stillwater.Meter || d.Beats || d.known.Every > 0
	if usual == 0 || !periodic {
		return 0
	}
	return max(time.Duration(blindAfter*float64(usual)), leastSilence)
}

// silentAt is when the device will have been quiet for longer than it should be, if nothing comes from it; zero: that cannot be
// said. A time in which the gateway did not listen does not count.
func (h *home) silentAt(d *device) time.Time {
	p, since := d.patience(), later(d.Heard, h.Listening)
	if p == 0 || since.IsZero() {
		return time.Time{}
	}
	return since.Add(p)
}

// unheard says whether nothing has come from the device for longer than it should, whatever the reason: then it does not show how
// the home is. Whether the device is to be called silent is another question; see home.silent.
func (d *device) unheard(now time.Time) bool {
	p := d.patience()
	return d.Gone || p != 0 && !now.Before(d.Heard.Add(p))
}

// silent says whether at now the device is quiet for longer than it should be, or its source says that it is away.
func (h *home) silent(d *device, now time.Time) bool {
	at := h.silentAt(d)
	return d.Gone || (!at.IsZero() && !now.Before(at))
}

// hear notes that something came from the device. What is of unknown age tells how things stand, not that it spoke now.
func (d *device) hear(r *stillwater.Reading) {
	if r.Quantity == stillwater.Gone {
		d.Gone = r.Value != 0
		return
	}
	d.Gone = false
	if !r.Undated {
		d.pace(r)
	}
	switch r.Quantity {
	case stillwater.WaterTotal, stillwater.WaterFlow:
		d.Kind = stillwater.Meter
	case stillwater.Door:
		d.Kind = stillwater.DoorContact
	case stillwater.Activity:
		d.Kind = stillwater.ActivitySensor
	}
}

// pace learns how often the device reports. Where there are heartbeats they alone set the pace.
func (d *device) pace(r *stillwater.Reading) {
	if r.Quantity == stillwater.Alive {
		d.Beats = true
	}
	if r.Quantity == stillwater.Alive || !d.Beats {
		switch age := r.Received.Sub(r.At); {
		case !d.Report.IsZero():
			d.Rate.add(r.Received.Sub(d.Report))
		case age > time.Hour: // it sends its history, about that often
			d.Rate.add(age)
		}
		d.Report = r.Received
	}
	d.Heard = later(d.Heard, r.Received)
}

// recentOf are the latest readings of the quantity, nil if there were none.
func (d *device) recentOf(q stillwater.Quantity) *recent {
	for i := range d.Recent {
		if d.Recent[i].Quantity == q {
			return &d.Recent[i]
		}
	}
	return nil
}

// check says whether a reading is new, late, or nothing that can be told from what is known.
func (r *recent) check(v sample) Outcome {
	if r == nil || v.At.After(r.Samples[len(r.Samples)-1].At) {
		return Accepted
	}
	if slices.ContainsFunc(r.Samples, func(s sample) bool { return s.At.Equal(v.At) && s.Value == v.Value }) {
		return Duplicate
	}
	if slices.ContainsFunc(r.Samples, func(s sample) bool { return s.At.Equal(v.At) }) {
		return OutOfOrder
	}
	return Late
}

// note remembers the reading.
func (d *device) note(r *stillwater.Reading) {
	known := d.recentOf(r.Quantity)
	if known == nil {
		d.Recent = append(d.Recent, recent{Quantity: r.Quantity})
		known = &d.Recent[len(d.Recent)-1]
	}
	i := len(known.Samples)
	for i > 0 && known.Samples[i-1].At.After(r.At) {
		i--
	}
	known.Samples = slices.Insert(known.Samples, i, sample{At: r.At, Value: r.Value})
	if len(known.Samples) > remembered {
		known.Samples = slices.Delete(known.Samples, 0, 1)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
