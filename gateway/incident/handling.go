package incident

import (
	"time"

	"stillwater"
)

// NotYet is the time to something that has not happened.
const NotYet time.Duration = -1

// Handling is how long people took, from the opening; NotYet where that has not come.
type Handling struct {
	Told         time.Duration // until the first message was written
	Reached      time.Duration // until somebody had one: delivered, or a grace after the provider took it
	Acknowledged time.Duration // until somebody first took it on, by word or by being there
	OnSite       time.Duration
	Closed       time.Duration // until it was closed for the last time
}

// HandlingOf computes how long people took for an incident from what is written of it.
func HandlingOf(i stillwater.Incident) Handling {
	h := Handling{NotYet, NotYet, NotYet, NotYet, NotYet}
	note := func(d *time.Duration, at time.Time) {
		if span := max(0, at.Sub(i.Opened)); !at.IsZero() && (*d == NotYet || span < *d) {
			*d = span
		}
	}
	for _, t := range i.Told {
		if t.Purpose != stillwater.Check {
			note(&h.Told, t.At)
			note(&h.Reached, t.Reached)
		}
	}
	for _, e := range i.Log {
		switch e.What {
		case "acknowledged":
			note(&h.Acknowledged, e.At)
		case "on-site":
			note(&h.Acknowledged, e.At)
			note(&h.OnSite, e.At)
		}
	}
	if !i.IsOpen() {
		note(&h.Closed, i.Closed)
	}
	return h
}
