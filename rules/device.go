package rules

import (
	"time"

	"stillwater"
)

// device is the engine's memory of one device.
type device struct {
	ID      stillwater.DeviceID   `json:"id"`
	Kind    stillwater.DeviceKind `json:"kind,omitempty"` // learned from its quantities where no registry says it
	Heard   time.Time             `json:"heard,omitzero"` // event clock: when the gateway last heard of it
	Report  time.Time             `json:"report,omitzero"`
	Rate    cadence               `json:"rate"`            // of arrivals
	Beats   bool                  `json:"beats,omitempty"` // it sends heartbeats, so that its silence means something
	Gone    bool                  `json:"gone,omitempty"`  // its source said that it is away
	Latest  []sample              `json:"latest"`          // the last reading of each quantity
	Counter counter               `json:"counter"`
	Vouched time.Time             `json:"vouched,omitzero"` // up to when its readings vouch

	Door *doorState `json:"door,omitempty"`

	known stillwater.Device // what the registry says
}

// sample is one value with its time.
type sample struct {
	Quantity stillwater.Quantity `json:"q"`
	Value    float64             `json:"v"`
	At       time.Time           `json:"at"`
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

// silent says whether at now the device is quiet for longer than it should be, or its source says that it is away.
func (h *home) silent(d *device, now time.Time) bool {
	at := h.silentAt(d)
	return d.Gone || (!at.IsZero() && !now.Before(at))
}

// hear notes that something came from the device.
func (d *device) hear(r *stillwater.Reading) {
	if r.Quantity == stillwater.Gone {
		d.Gone = r.Value != 0
		return
	}
	if r.Quantity == stillwater.Alive {
		d.Beats = true
	}
	if !d.Heard.IsZero() && (r.Quantity == stillwater.Alive || !d.Beats) { // where there are heartbeats they alone set the pace
		d.Rate.add(r.Received.Sub(d.Report))
	}
	if r.Quantity == stillwater.Alive || !d.Beats {
		d.Report = r.Received
	}
	d.Heard = later(d.Heard, r.Received)
	d.Gone = false
	switch r.Quantity {
	case stillwater.WaterTotal, stillwater.WaterFlow:
		d.Kind = stillwater.Meter
	case stillwater.Door:
		d.Kind = stillwater.DoorContact
	case stillwater.Activity:
		d.Kind = stillwater.ActivitySensor
	}
}

// sampleOf is the last reading of the quantity, nil if there was none.
func (d *device) sampleOf(q stillwater.Quantity) *sample {
	for i := range d.Latest {
		if d.Latest[i].Quantity == q {
			return &d.Latest[i]
		}
	}
	return nil
}

// note remembers the reading as the last of its quantity.
func (d *device) note(r *stillwater.Reading) {
	s := sample{Quantity: r.Quantity, Value: r.Value, At: r.At}
	if old := d.sampleOf(r.Quantity); old == nil {
		d.Latest = append(d.Latest, s)
	} else if r.At.After(old.At) {
		*old = s
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
