package rules

import (
	"math"

	"stillwater"
)

// gate says whether a judgement of the home could find anything new, so that most readings need none. It only ever decides whether
// to judge; what is found is judge's alone. It is made anew by each judgement, and is no part of memory. What it cannot see coming
// stirs the home (see home.stirred).
type gate struct {
	nextDue  instant // the coverage at which the first rule is due if the stillness goes on; 0: none is
	roomLeft int64   // millilitres that may be drawn before the first rule is due by them
}

// settle makes the gate anew after a judgement.
func (h *home) settle() {
	h.stirred = h.ended
	h.roomLeft = h.room()
	h.nextDue = 0
	for _, r := range h.rules.stillness {
		if due := h.dueOf(r.boundRule, r.as); due > h.DataTo { // what was due by then was found
			h.nextDue = sooner(h.nextDue, due)
		}
	}
}

// room is how much may be drawn before the first rule is due by it.
func (h *home) room() int64 {
	room := int64(math.MaxInt64)
	for _, r := range h.rules.water {
		room = min(room, r.as.room(h, r.boundRule))
	}
	return room
}

// toJudge says whether the home must be judged at a reading.
func (e *Engine) toJudge(h *home) bool {
	return h.stirred || h.watched || h.rules.eager || e.always ||
		h.roomLeft < 0 && h.isFull() ||
		h.nextDue != 0 && h.DataTo >= h.nextDue && h.isDue()
}

// wakes says whether the home is to be woken within the minute, for the queue keeps whole minutes. What it has for it may have been put off
// by readings since: that is asked for well before, while all of the home is in the processor's caches, so that it need not be woken
// to find it out. It must be asked before the home counts as looked at.
func (e *Engine) wakes(h *home, now instant) bool {
	if !h.hasty && (h.wakeAt == 0 || now < h.renewAt) {
		return false
	}
	h.hasty = false
	e.schedule(h)
	return h.wakeAt != 0 && now >= h.wakeAt-minute
}

// isFull says whether a rule may be due by what was drawn. What has left its window since makes room again.
func (h *home) isFull() bool {
	h.roomLeft = h.room()
	return h.roomLeft < 0
}

// isDue says whether a rule is due by stillness that was not found yet. Signs of life since may have put it off: then it is not.
func (h *home) isDue() bool {
	var next instant
	for _, r := range h.rules.stillness {
		switch due := h.dueOf(r.boundRule, r.as); {
		case due == 0:
		case due > h.DataTo:
			next = sooner(next, due)
		case !h.active(r.Name, ""):
			return true
		}
	}
	h.nextDue = next
	return false
}

// judge judges the home in full.
func (e *Engine) judge(h *home, now instant) {
	h.Awaits = false
	e.compare(h, now, false)
	h.forgetAbsence(now)
	h.settle()
	e.schedule(h)
}

// compare compares what holds in the home at now with what held before, and files what began and ended. Within history only what is
// of water begins.
func (e *Engine) compare(h *home, now instant, history bool) {
	e.holds = e.holds[:0]
	h.watched, h.ended = false, false
	for i := range h.rules.all {
		r := &h.rules.all[i]
		if e.judgeRule(h, r, now) && !r.still {
			h.watched = true
		}
	}
	if h.Active != nil {
		e.endings(h, now)
	}
	for i := range e.holds {
		f := &e.holds[i]
		if begins := !history || f.Kind == stillwater.Water; begins && !h.active(f.Rule, f.Device) && !e.shared(h, f, now) {
			h.setGoingOn(append(h.goingOn(), *f))
			e.found = append(e.found, *f)
		}
	}
}

// endings files what no longer holds.
func (e *Engine) endings(h *home, now instant) {
	all := h.goingOn()
	kept := all[:0]
	for i := range all {
		if old := &all[i]; e.held(old) {
			kept = append(kept, *old)
		} else {
			old.Ended = now.time()
			old.Facts.Absent = h.paused(now) && h.rules.pauses(old.Rule)
			e.found = append(e.found, *old)
		}
	}
	if h.ended = len(kept) < len(all); h.ended {
		clear(all[len(kept):])
		h.setGoingOn(kept)
	}
}

// held says whether the finding still holds.
func (e *Engine) held(old *stillwater.Finding) bool {
	for i := range e.holds {
		if f := &e.holds[i]; f.Rule == old.Rule && f.Device == old.Device && f.Severity == old.Severity {
			return true
		}
	}
	return false
}

// judgeRule adds what the rule finds in the home to holds, and says whether it found anything.
func (e *Engine) judgeRule(h *home, r *boundRule, now instant) bool {
	n := len(e.holds)
	if r.paused && h.paused(now) {
		return false
	}
	e.holds = r.detector.judge(h, r, now, e.holds)
	for i := n; i < len(e.holds); i++ {
		f := &e.holds[i]
		if r.still {
			f.Facts.Residents = h.together()
		}
		f.Household, f.Rule, f.Kind, f.Severity, f.Trial, f.Began = h.id, r.Name, r.kind, h.severity(r, now), r.Trial, now.time()
	}
	return len(e.holds) > n
}

// goingOn are the findings that go on in the home.
func (m *memory) goingOn() []stillwater.Finding {
	if m.Active == nil {
		return nil
	}
	return *m.Active
}

// setGoingOn makes them those.
func (m *memory) setGoingOn(all []stillwater.Finding) {
	switch {
	case len(all) == 0:
		m.Active = nil // of most homes
	case m.Active == nil:
		m.Active = &all
	default:
		*m.Active = all
	}
}

// finding is the rule's finding that goes on, of the device or (with "") of the home; nil: there is none.
func (h *home) finding(rule string, device stillwater.DeviceID) *stillwater.Finding {
	for i := range h.goingOn() {
		if f := &(*h.Active)[i]; f.Rule == rule && f.Device == device {
			return f
		}
	}
	return nil
}

// active says whether the finding goes on.
func (h *home) active(rule string, device stillwater.DeviceID) bool {
	return h.finding(rule, device) != nil
}
