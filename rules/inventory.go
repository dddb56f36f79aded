package rules

import (
	"time"

	"stillwater"
)

// Devices is how the devices of a home are at now, in the order of their IDs.
func (e *Engine) Devices(id stillwater.HouseholdID, now time.Time) []stillwater.DeviceState {
	h := e.homes.of(id)
	if h == nil {
		return nil
	}
	list := make([]stillwater.DeviceState, len(h.Devices))
	for i := range h.Devices {
		d := &h.Devices[i]
		list[i] = stillwater.DeviceState{Household: id, Device: d.ID, Heard: d.Heard.time(), Every: d.usual(), Silent: h.silent(d, instantOf(now))}
		if b := d.recentOf(quantityOf(stillwater.Battery)); b != nil {
			list[i].Battery, list[i].BatteryAt = b.Value, b.At.time()
		}
	}
	return list
}
