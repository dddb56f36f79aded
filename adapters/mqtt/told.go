package mqtt

import (
	"slices"
	"time"

	"stillwater"
)

const (
	// tellAgain is how long what a device says of itself need not be said again while it stays the same.
	tellAgain = 10 * time.Minute
	// maxTold bounds the memory for it.
	maxTold = 100_000
)

// told is what was last said of devices: most of them write in each message that nothing is wrong with them, and maintenance need not hear it
// each time. Strengths of signals differ by a little each time, and count as the same within tellAgain.
type told map[string]*toldOf

type toldOf struct {
	at     time.Time
	values [len(flags)]int8 // -1: not said
}

// flags is what is remembered, by its place.
var flags = [...]stillwater.Quantity{
	stillwater.Signal, stillwater.BatteryLow, stillwater.MeterLeak, stillwater.Reverse, stillwater.Empty, stillwater.Tamper, stillwater.Broken,
}

// of is what was said of the device at a point; nil: no more are remembered.
func (t told) of(point string) *toldOf {
	of := t[point]
	if of == nil && len(t) < maxTold {
		of = &toldOf{}
		t[point] = of
	}
	return of
}

// same says whether the value was said of the device a short while ago, and remembers it.
func (of *toldOf) same(at time.Time, quantity stillwater.Quantity, value float64) bool {
	if of == nil {
		return false
	}
	if since := at.Sub(of.at); since >= tellAgain || since < -tellAgain {
		*of = toldOf{at: at}
		for i := range of.values {
			of.values[i] = -1
		}
	}
	i := slices.Index(flags[:], quantity)
	v := int8(1)
	if quantity != stillwater.Signal {
		v = int8(value)
	}
	if i < 0 || of.values[i] == v {
		return i >= 0
	}
	of.values[i] = v
	return false
}
