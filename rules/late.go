package rules

import "stillwater"

// readLate takes a reading behind its device: the counter and the door have gone on since. It corrects what is known of the
// time before: when she was last seen, how a draw was spread, what a hole hid. It never takes back a finding, and what it says of an
// older time than is remembered stands in the journal alone.
func (h *home) readLate(r *entry) {
	h.vouchedTo = h.DataTo
	d := h.device(r.Device)
	s := sample{r.at, r.Value}
	if r.Undated {
		d.note(r)
		return
	}
	h.stirred = true
	switch r.Quantity {
	case stillwater.WaterTotal:
		h.correctDraw(d, s)
		d.note(r)
	case stillwater.Door:
		d.note(r)
		h.doorMoved(d, r.at)
	case stillwater.Activity:
		h.fillHole(d, r.at)
		d.note(r)
		h.live(byActivity, r.at, r.at)
	case stillwater.Alive, stillwater.WaterFlow:
		h.fillHole(d, r.at)
		d.note(r)
	default:
		d.note(r)
	}
}

// correctDraw takes a late value of a counter. Between the values around it lies a draw: the late one splits it, and where nothing was
// drawn after it, she was last seen no later than then.
func (h *home) correctDraw(d *device, late sample) {
	before, after := d.recentOf(1).around(late.At)
	known := before.At != 0 && after.At != 0 && before.Value <= late.Value && late.Value <= after.Value && before.Value < after.Value
	if !known || d.Counter == nil || d.Counter.Held != nil {
		return
	}
	ml := int64((after.Value-late.Value)*1000 + 0.5)
	if !h.Draws.split(late.At, after.At, ml) || ml > 0 {
		return
	}
	if h.Life.Water == after.At {
		h.lastSeen(byWater, late.At)
	}
}

// lastSeen moves the last sign of life of a kind back to when it was. Holes since count as they did.
func (h *home) lastSeen(k lifeKind, at instant) {
	was := h.Life.last()
	h.reteach(*h.Life.of(k), at)
	*h.Life.of(k) = at
	if now := max(h.Life.last(), h.Rearmed); now < was && h.StillFrom >= was {
		h.StillFrom -= was - now
	}
}

// fillHole takes a late report of a sensor that only reports events: the reports around it may have been too far apart to vouch for
// the time between, and with it no longer are.
func (h *home) fillHole(d *device, at instant) {
	if d.Kind != h.covering() || at >= h.DataTo {
		return
	}
	before, after := h.reportsAround(at)
	if before == 0 || after == 0 {
		return
	}
	longest := d.eventPatience()
	if after.sub(before) <= longest {
		return // there was no hole
	}
	var filled instant
	for _, part := range []instant{at - before, after - at} {
		if part.sub(0) <= longest {
			filled += part
		}
	}
	h.Covered += filled.sub(0)
	if last := max(h.Life.last(), h.Rearmed); last <= before && h.StillFrom != 0 {
		h.StillFrom = max(h.StillFrom-filled, last)
	}
}

// reportsAround are the reports remembered of covering sensors next before and after a moment; 0: none.
func (h *home) reportsAround(at instant) (before, after instant) {
	covering := h.covering()
	for i := range h.Devices {
		if h.Devices[i].Kind != covering {
			continue
		}
		for j := range h.Devices[i].Recent {
			switch r := &h.Devices[i].Recent[j]; quantities[r.Quantity] {
			case stillwater.Activity, stillwater.Alive, stillwater.WaterFlow:
				b, a := r.around(at)
				before, after = max(before, b.At), sooner(after, a.At)
			}
		}
	}
	return before, after
}
