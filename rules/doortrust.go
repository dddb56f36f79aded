package rules

import (
	"time"

	"stillwater"
)

// A door contact is believed as long as it behaves like one. One that is stuck, silent or loose must not talk a silence out of its alert:
// while it is not believed the home is judged as if it had none (routine.Blended), nobody is out, and findings say why. One that
// is fitted the wrong way round tells the truth about when the door moves, and is only read the other way round.

// doubt is why the door is not believed. The later ones weigh more. Their numbers are in snapshots.
type doubt uint8

const (
	believed    doubt = iota
	doorUnknown       // it was silent or stuck and is back; where she is shows by the next sign of life in the home
	doorless          // there was a contact and is none
	doorStuck
	doorSilent
	doorLoose
)

// doubts are what findings call them.
var doubts = [...]stillwater.Doubt{doorUnknown: stillwater.DoorUnknown, doorless: stillwater.DoorNone, doorStuck: stillwater.DoorStuck, doorSilent: stillwater.DoorSilent, doorLoose: stillwater.DoorLoose}

// told is the doubt as findings tell it.
func (d doubt) told() stillwater.Doubt {
	if int(d) < len(doubts) {
		return doubts[d]
	}
	return ""
}

// doorTrust is what is known of how a contact behaves.
type doorTrust struct {
	Moved time.Duration // home.Covered when it last moved, or was heard again: the time since is known to be without
	Mean  uint16        // minutes covered between its comings and goings, on average over some
	Gap   uint16        // hours: the longest between two that is usual; it fades over months

	OpenFor  uint32 // seconds it said that the door was open, of late
	ShutFor  uint32 // and closed
	Known    uint8  // how many comings and goings there were; at most 255
	Spells   uint8  // how many times it was open and closed
	Inverted bool   // it says open when the door is closed

	InHour  uint8   // transitions in the hour under way
	Hour    instant // when that began
	Rattled instant // event clock: when there last were more in an hour than people make; 0: it is calm
}

func (t *doorTrust) fields(c *codec) {
	c.time(1, &t.Hour)
	c.time(2, &t.Rattled)
	c.span(3, &t.Moved)
	small(c, 4, &t.Mean)
	small(c, 5, &t.Gap)
	small(c, 6, &t.Known)
	small(c, 7, &t.OpenFor)
	small(c, 8, &t.ShutFor)
	small(c, 9, &t.Spells)
	c.flag(10, &t.Inverted)
	small(c, 11, &t.InHour)
}

// The measures of trust.
const (
	// doorEpisode is how far apart two transitions of the door are one coming or going. Who has forgotten the keys is back sooner, the way to
	// the bin takes longer.
	doorEpisode = 2 * time.Minute

	// Of comings and goings in a row, without any other sign of life, doorBelieved are hers, and of transitions movesBelieved: a loose
	// contact does not talk a silence out of its alert. Who carries things in draws water between, and within two days in any case:
	// of what comes later no more than rowBelieved in a row are.
	doorBelieved  = 6
	movesBelieved = 24
	rowBelieved   = 4
	daysBelieved  = 48 * time.Hour

	rattles   = 60             // transitions in an hour are more than people make
	calmAfter = 48 * time.Hour // and so long it is not believed after the last of them

	stuckLeast = 14 * 24 * time.Hour // without moving at all, of a door that goes often
	stuckMost  = 42 * 24 * time.Hour
	stuckTimes = 3       // as long as the longest that is usual
	oftenMean  = 56 * 60 // minutes between goings: three times a week
	oftenKnown = 12      // goings from which that is known
	gapFades   = 90 * 24 // hours in which the usual longest is forgotten
	meanOf     = 16      // goings that Mean is about

	invertedSpells = 6                // and more tell how it is fitted,
	invertedTime   = 20 * time.Hour   // over so long, a night among it:
	invertedTimes  = 9                // open so many times longer than closed,
	invertedShut   = 15 * time.Minute // and closed no longer than this at a time
	spellsKept     = 20               // spells after which the older half of them fades
)

// passed learns from a transition of the door, from a state that began at since. It says whether it is to be judged otherwise.
func (t *doorTrust) passed(wasOpen bool, since, at instant, now instant, covered time.Duration) (news bool) {
	if at.sub(t.Hour) > time.Hour || at < t.Hour {
		t.Hour, t.InHour = at, 0
	}
	if t.InHour = min(t.InHour+1, 255); t.InHour > rattles {
		news = t.Rattled == 0
		t.Rattled = now
	}
	t.gone(covered)
	seconds := uint32(min(max(at.sub(since), 0), 48*time.Hour) / time.Second)
	if wasOpen {
		t.OpenFor += seconds
	} else {
		t.ShutFor += seconds
	}
	if t.Spells++; t.Spells >= spellsKept {
		t.Spells, t.OpenFor, t.ShutFor = t.Spells/2, t.OpenFor/2, t.ShutFor/2
	}
	return t.turn() || news
}

// gone learns how long the door had not moved.
func (t *doorTrust) gone(covered time.Duration) {
	still := max(0, covered-t.Moved)
	t.Moved = covered
	if still < doorEpisode {
		return // with the one before it is one
	}
	minutes := min(still.Minutes(), 1<<16-1)
	if t.Known == 0 {
		t.Mean = uint16(minutes)
	} else {
		t.Mean = uint16(float64(t.Mean) + (minutes-float64(t.Mean))/meanOf)
	}
	t.Known = uint8(min(int(t.Known)+1, 255))
	hours := min(still.Hours(), 1<<16-1)
	t.Gap = uint16(max(hours, float64(t.Gap)*max(0, 1-hours/gapFades)) + 0.5)
}

// turn says whether it shows now that the contact is the wrong way round, or is no longer.
func (t *doorTrust) turn() bool {
	was := t.Inverted
	open, shut := time.Duration(t.OpenFor)*time.Second, time.Duration(t.ShutFor)*time.Second
	switch {
	case t.Inverted:
		t.Inverted = open >= shut
	case t.Spells >= invertedSpells && open+shut >= invertedTime:
		t.Inverted = open > invertedTimes*shut && shut <= invertedShut*time.Duration(t.Spells)/2
	}
	return t.Inverted != was
}

// stuckAfter is how long the contact may be without moving; 0: that cannot be said.
func (t *doorTrust) stuckAfter() time.Duration {
	if t == nil || t.Known < oftenKnown || t.Mean > oftenMean {
		return 0
	}
	return min(max(stuckTimes*time.Duration(t.Gap)*time.Hour, stuckLeast), stuckMost)
}

// doubtOf says whether the contact is to be believed at the moment of the event clock.
func (h *home) doubtOf(d *device, now instant) doubt {
	switch t := d.Trust; {
	case t != nil && t.Rattled != 0 && now.sub(t.Rattled) < calmAfter:
		return doorLoose
	case h.silent(d, now):
		return doorSilent
	case t.stuckAfter() != 0 && h.Covered-t.Moved >= t.stuckAfter():
		return doorStuck
	}
	return believed
}

// weighDoor settles whether the door is believed. It is asked at each reading, before that is taken, so that it does not depend on when a home is
// judged.
func (h *home) weighDoor(now instant) {
	found, doors := believed, 0
	for i := range h.Devices {
		d := &h.Devices[i]
		if d.Kind != doorContact {
			continue
		}
		doors++
		if t := d.Trust; t != nil && t.Rattled != 0 && now.sub(t.Rattled) >= calmAfter {
			t.Rattled = 0
		}
		found = max(found, h.doubtOf(d, now))
	}
	switch {
	case doors == 0 && h.Routine != nil && h.Routine.Outing != nil:
		found = doorless
	case found > doorUnknown:
		h.Unknown = now
	case h.Unknown != 0:
		found = doorUnknown
	}
	if found != h.Doubt {
		h.Doubt, h.stirred = found, true
		h.believe()
	}
}

// believe lets the routine follow whether the door is believed.
func (h *home) believe() {
	if h.Routine != nil && h.rules.per != nil && h.Routine.Blended != (h.Doubt != believed) {
		h.Routine.blend(h.Doubt != believed, *h.rules.per)
	}
}

// blend sets the bounds anew for a home whose door is not believed, or is again. The prices stay: they follow from day to day.
func (r *routine) blend(blended bool, per budget) {
	alert, ask := r.Alert, r.Ask
	r.Blended = blended
	r.settle(0, per)
	r.Alert, r.Ask = alert, ask
}

// readDoor takes the state of the door; a change is a sign of life, unless its moment or what was before is not known.
func (h *home) readDoor(d *device, r *entry, lastReport instant) {
	open, quiet := r.Value == stillwater.Open, r.received.sub(lastReport)
	if d.has(doorSeen) && (d.has(doorOpen) == open || r.Undated && quiet < undatedYields) {
		return // a repeated state, or one that may be older than what the door said just now
	}
	first, hole := !d.has(doorSeen), d.patience() > 0 && quiet > d.eventPatience()
	if d.Trust == nil {
		d.Trust = &doorTrust{Moved: h.coveredAt(r.at)}
	}
	was, since := d.open(), d.DoorSince
	d.set(doorSeen, true)
	d.set(doorOpen, open)
	d.DoorSince = r.at
	h.hasty = h.hasty || d.open()
	if first || hole || r.Undated {
		d.Trust.Moved = h.coveredAt(r.at)
		h.unsettled()
		return
	}
	if d.Trust.passed(!open, since, r.at, r.received, h.coveredAt(r.at)) {
		h.stirred = true
	}
	if h.Doorway == nil {
		h.Doorway = &doorway{}
	}
	h.Doorway.reach(h.civil(r.at))
	if was && !d.open() {
		h.Doorway.closed(r.at.sub(since), h.nightIn(since, r.at))
	}
	h.doorMoved(d, r.at)
}

// coveredAt is home.Covered as it will be at a moment not before DataTo if readings vouch on.
func (h *home) coveredAt(at instant) time.Duration {
	if h.DataTo == 0 {
		return h.Covered
	}
	return h.Covered + max(0, at.sub(h.DataTo))
}

// doorMoved takes a transition of a door as a sign of life, as far as it is to be believed.
func (h *home) doorMoved(d *device, at instant) {
	if d.Trust != nil && d.Trust.Rattled != 0 || h.unlikely() {
		h.unsettled()
		return
	}
	h.live(byDoor, at, at)
	if h.unlikely() { // and so were those before
		h.takeBack()
	}
}

// unlikely says whether the door went in a row, without any other sign of life, more often than people make it go.
func (m *memory) unlikely() bool { return m.InRow > doorBelieved || m.Moves > movesBelieved }

// takeBack takes back that the door was a sign of life since the last other one: it is as if there had been no contact.
func (h *home) takeBack() {
	if h.Life.Door > h.DoorBefore {
		h.lastSeen(byDoor, h.DoorBefore)
	}
	h.stirred = true
}

// went counts a transition of the door at a moment. It must be called before the home's memory has it.
func (h *home) went(at instant) {
	if h.InRow == 0 {
		h.DoorBefore, h.Moves = h.Life.Door, 0
	}
	h.Moves = min(h.Moves+1, 255)
	if h.InRow != 0 && at.sub(h.Life.Door) <= doorEpisode {
		return
	}
	h.InRow = min(h.InRow+1, 255)
	if other := max(h.Life.Water, h.Life.Activity); h.InRow > rowBelieved && other != 0 && h.DataTo.sub(other) > daysBelieved {
		h.InRow = max(h.InRow, doorBelieved+1)
	}
	if h.Goings++; h.Goings == 0 {
		h.Goings = 2 // the parity is what counts
	}
	h.GoneAt = at
	if h.Doorway != nil {
		h.Doorway.went(h.hour(at), h.civil(at.add(-nightShift)))
		h.stirred = h.stirred || h.Doorway.odd()
	}
}

// wasIn takes a sign of life in the home, at a moment not before from: it makes her be in, unless she may have gone since.
func (h *home) wasIn(from instant) {
	h.InRow, h.Moves = 0, 0
	if from < h.Life.Door {
		return
	}
	if h.Goings%2 == 1 && h.Doorway != nil {
		h.Doorway.called(h.civil(from.add(-eveningAt)))
	}
	h.Goings = 0
	if from >= h.Unknown {
		h.Unknown = 0
	}
}

// gone says whether she may have gone: the door was the last sign of life, and went an odd number of times since she was known to be in. A
// contact knows no direction; but who went and came again is in.
func (h *home) gone() bool {
	return h.Goings%2 == 1 && !h.unlikely() && h.rules.away && h.Doubt != doorLoose
}

// out says whether she may be out, as far as the door is believed. Away asks after all who may have gone; a silence is put off for those only who
// may be out.
func (h *home) out() bool { return h.Doubt == believed && h.gone() }

// doorFault finds a contact that behaves as none should. That one is silent is deviceSilent's to find.
type doorFault struct{ fault doorFaultKind }

type doorFaultKind uint8

const (
	faultStuck doorFaultKind = iota
	faultInverted
	faultLoose
)

func (doorFault) needs(Rule) map[string]need { return map[string]need{} }

func (doorFault) kind() stillwater.Kind { return stillwater.Equipment }

func (f doorFault) judge(h *home, r *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	for i := range h.Devices {
		d := &h.Devices[i]
		if d.Kind != doorContact || d.Trust == nil || !f.holds(h, d, now) {
			continue
		}
		facts := h.facts()
		facts.Since, facts.DataTo, facts.Usual = d.DoorSince.time(), d.Heard.time(), time.Duration(d.Trust.Gap)*time.Hour
		if f.fault == faultLoose {
			facts.Since = d.Trust.Hour.time()
		}
		facts.Span = now.sub(instantOf(facts.Since))
		holds = append(holds, stillwater.Finding{Device: d.ID, Facts: facts})
	}
	return holds
}

// holds says whether the contact has the fault.
func (f doorFault) holds(h *home, d *device, now instant) bool {
	switch f.fault {
	case faultInverted:
		return d.Trust.Inverted
	case faultLoose:
		return d.Trust.Rattled != 0
	}
	return h.Doubt == doorStuck && h.doubtOf(d, now) == doorStuck
}
