package rules

import "stillwater"

// doorAjar finds a door that has stood open for longer than After. Of a contact that has gone silent it says nothing new.
type doorAjar struct{}

func (doorAjar) needs(Rule) map[string]need { return map[string]need{"after": must} }

func (doorAjar) kind() stillwater.Kind { return stillwater.DoorKind }

func (doorAjar) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	for i := range h.Devices {
		d := &h.Devices[i]
		if !d.has(doorOpen) || now.sub(d.DoorSince) < r.After {
			continue
		}
		if h.silent(d, now) && !h.active(r.Name, d.ID) {
			continue
		}
		f := h.facts()
		f.Since, f.Span, f.Limit, f.Night, f.DataTo = d.DoorSince.time(), now.sub(d.DoorSince), r.After, h.night(now), d.Heard.time()
		holds = append(holds, stillwater.Finding{Device: d.ID, Facts: f})
	}
	return holds
}

func (doorAjar) wake(h *home, r *boundRule) instant {
	var first instant
	for i := range h.Devices {
		d := &h.Devices[i]
		if !d.has(doorOpen) || h.active(r.Name, d.ID) {
			continue
		}
		due := d.DoorSince.add(r.After)
		if at := h.silentAt(d); at != 0 && due >= at { // it will be silent by then, or be heard again
			due = at
			if at <= h.Looked {
				continue
			}
		}
		first = sooner(first, due)
	}
	return first
}
