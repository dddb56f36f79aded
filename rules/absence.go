package rules

import (
	"slices"
	"time"

	"stillwater"
)

// absence is a planned absence, and what stirred in the home meanwhile. It begins by the event clock, for people entered it, and is over
// when readings vouch for its end: then stillness counts anew from there, as after a closed incident. None of its hours teach.
//
// Until it is over, stillness is raised by nothing in it. That something stirs is told (absenceUse), once the home was still for
// leftAfter: before that she is leaving late. And by several signs of life she is taken to be back (absenceBack), which ends it.
type absence struct {
	From, Until, Said instant
	Who               string
	Why               string // the kind of stay, empty if nobody said
	Quiet             bool   // the home was still in it: what stirs now is not her leaving
	Over              bool   // nothing is paused any more; what was found in it may go on
	Back              bool   // it is over because she was seen

	First instant // of the signs of life that belong together: the first,
	Last  instant // the last,
	Known instant // event clock: when the last came to be known
	ML    int64   // water of them

	Came  instant // of those that would be hers: the first
	Sign  instant // the last that was counted
	Signs uint8   // how often somebody stirred inside
	Door  bool    // after the door

	hour draw // the water of the hour under way
}

// What is taken for what in an absence.
const (
	leftAfter  = 2 * time.Hour    // still for so long: she has left
	visitEnds  = 12 * time.Hour   // signs further apart are told of anew
	stayEnds   = 6 * time.Hour    // further apart they are not of one stay
	signsApart = 15 * time.Minute // nearer ones are one: a neighbour who waters the plants gives one or two
	signsDoor  = 3                // after the door, that somebody lives there
	signsAlone = 6                // without
	useLeast   = 5_000            // millilitres within an hour that are use: a flush, not a drip
	useDrip    = 1_000            // and for each hour that a meter does not tell apart, what may drip meanwhile
	homeBy     = 12 * time.Hour   // so long before its end, or a quarter of it, any sign is her coming home
)

// absenceUse finds water or the door used while nobody should be there. It is raised once for signs of life that are not further
// apart than visitEnds.
type absenceUse struct{}

func (absenceUse) needs(Rule) map[string]need { return map[string]need{} }

func (absenceUse) kind() stillwater.Kind { return stillwater.Welfare }

func (absenceUse) judge(h *home, _ *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	a := h.Absence
	if a == nil || !a.told(now) {
		return holds
	}
	f := h.facts()
	f.Since, f.Litres, f.Night, f.Stay = a.First.time(), litres(a.ML), h.night(a.First), stillwater.LifeKind(a.Why)
	return append(holds, stillwater.Finding{Facts: f})
}

// absenceBack finds that she seems to be back before the end of her absence, which it then is.
type absenceBack struct{}

func (absenceBack) needs(Rule) map[string]need { return map[string]need{} }

func (absenceBack) kind() stillwater.Kind { return stillwater.Welfare }

func (absenceBack) judge(h *home, _ *boundRule, now instant, holds []stillwater.Finding) []stillwater.Finding {
	a := h.Absence
	if a == nil || !a.Back || !a.told(now) {
		return holds
	}
	f := h.facts()
	f.Since, f.Litres, f.Night, f.Stay = a.Came.time(), litres(a.ML), h.night(a.Came), stillwater.LifeKind(a.Why)
	return append(holds, stillwater.Finding{Facts: f})
}

// told says whether signs of life in the absence are news at now.
func (a *absence) told(now instant) bool {
	return a.First != 0 && a.Known != 0 && now < a.Known.add(visitEnds)
}

// away takes what people said. The latest word counts.
func (e *Engine) away(said *stillwater.Absence) {
	h, at := e.home(said.Household), instantOf(said.At)
	e.now = max(e.now, at)
	old := h.Absence
	underWay := old != nil && !old.Over && old.From <= at
	h.Absence = nil
	if !said.Back() {
		h.Absence = &absence{From: instantOf(said.From), Until: instantOf(said.Until), Said: at, Who: said.Who, Why: string(said.Why)}
	}
	switch a := h.Absence; {
	case underWay && (a == nil || at < a.From): // she is there
		h.countAnew(min(at, old.Until))
	case underWay:
		a.Quiet = old.Quiet
	}
	h.passAbsence()
	h.dirty, h.stirred, h.Looked = true, true, e.now
	e.judge(h, e.now)
}

// passAbsence ends an absence when readings vouch for its end. It is called where coverage advances.
func (h *home) passAbsence() {
	if a := h.Absence; a != nil && !a.Over && h.DataTo >= a.Until {
		a.Over = true
		h.countAnew(a.Until)
		if h.WholeFrom > a.Until { // what a hole hides after it does not count
			h.StillFrom = max(h.StillFrom, h.WholeFrom)
		}
	}
}

// countAnew lets stillness count from a moment. What lies before it does not teach.
func (h *home) countAnew(from instant) {
	h.Rearmed = max(h.Rearmed, from)
	if h.StillFrom != 0 {
		h.StillFrom = max(h.StillFrom, from)
	}
	h.stirred = true
}

// paused says whether an absence keeps stillness from being raised at now: readings that come later than its end may still be of it.
func (h *home) paused(now instant) bool {
	a := h.Absence
	return a != nil && !a.Over && now >= a.From
}

// absent says whether nobody should be in the home at now.
func (h *home) absent(now instant) bool { return h.paused(now) && now < h.Absence.Until }

// dueOf is the detector's due as the absence leaves it: what would fall due in it counts from its end.
func (h *home) dueOf(r *boundRule, as stillnessDetector) instant {
	due := as.due(h, r)
	if a := h.Absence; due == 0 || a == nil || a.Over || due < a.From && h.DataTo < a.From {
		return due
	}
	return h.dueAfter(r, as)
}

// dueAfter is when the rule is due if the home stays still beyond the end of the absence: the detector is asked of a home in which it is
// over.
func (h *home) dueAfter(r *boundRule, as stillnessDetector) instant {
	then := *h
	then.Absence = nil
	then.countAnew(h.Absence.Until)
	return as.due(&then, r)
}

// severity is the rule's: that a home is blind in which nobody is, is for maintenance alone.
func (h *home) severity(r *boundRule, now instant) stillwater.Severity {
	if _, blind := r.detector.(deviceBlind); blind && h.absent(now) {
		return stillwater.Notice
	}
	return r.Severity
}

// blindSince puts off when a home is blind for too long: after an absence she has been unseen only from its end.
func (h *home) blindSince(due, now instant, after time.Duration) instant {
	if a := h.Absence; a != nil && !a.Over && (now >= a.Until || due >= a.Until) {
		return max(due, a.Until.add(after))
	}
	return due
}

// absentIn is how much of a time lies in the absence.
func (h *home) absentIn(from, to instant) time.Duration {
	a := h.Absence
	if a == nil || a.Over {
		return 0
	}
	return max(0, min(to, a.Until).sub(max(from, a.From)))
}

// wakeAbsence is when the absence next changes something by the event clock; 0: not.
func (h *home) wakeAbsence() (at instant) {
	a := h.Absence
	if a == nil {
		return 0
	}
	moments := [...]instant{a.From, a.Until, 0}
	if a.Known != 0 {
		moments[2] = a.Known.add(visitEnds)
	}
	for _, m := range moments {
		if m > h.Looked {
			at = sooner(at, m)
		}
	}
	return at
}

// heard notes when the latest sign of life in the absence came to be known.
func (h *home) heard(now instant) {
	if a := h.Absence; a != nil && a.Last != 0 && a.Known == 0 {
		a.Known = now
	}
}

// forgetAbsence forgets an absence of which nothing is left to say, after a judgement.
func (h *home) forgetAbsence(now instant) {
	if a := h.Absence; a != nil && a.Over && !a.told(now) {
		h.Absence = nil
	}
}

// stirs takes a sign of life before the home's memory has it, and says whether the stillness that it ends lay in the absence.
func (h *home) stirs(k lifeKind, from, at instant) bool {
	a := h.Absence
	if a == nil || a.Over || at < a.From || h.Life.last() >= a.Until {
		return false
	}
	if at >= a.Until {
		return true
	}
	a.Quiet = a.Quiet || from.sub(h.Life.last()) >= leftAfter
	switch {
	case !a.Quiet:
	case k == byDoor && h.comesHome(at):
	case k == byDoor:
		if a.saw(at); !a.Door || at.sub(a.Came) > doorEpisode { // whoever was in may have gone
			a.Came, a.Sign, a.Signs, a.Door = at, 0, 0, true
		}
		h.stirred = true
	case k == byActivity || from == at: // of a flow only that it runs is known
		h.inside(at)
	}
	return true
}

// drewAway takes a draw, of which the home's memory has the sign of life already.
func (h *home) drewAway(w draw) {
	a := h.Absence
	if a == nil || a.Over || w.From < a.From || w.To >= a.Until {
		return
	}
	if w.To.sub(a.hour.From) > time.Hour {
		a.hour = draw{From: w.From}
	}
	a.hour.To, a.hour.ML = w.To, a.hour.ML+w.ML
	if enough := useLeast + int64(useDrip*a.hour.span().Hours()); !a.Quiet || a.hour.ML < enough {
		return
	}
	if h.inside(w.To); a.Last != w.To {
		return // it was not of those to tell
	}
	if a.ML == 0 {
		a.ML = a.hour.ML - w.ML
	}
	a.ML += w.ML
}

// comesHome ends the absence by a sign of life near its end: she was to come home about then, and there is nothing to tell.
func (h *home) comesHome(at instant) bool {
	a := h.Absence
	if at < a.Until.add(-min(homeBy, a.Until.sub(a.From)/4)) {
		return false
	}
	a.Over = true
	h.countAnew(at)
	return true
}

// saw adds a sign of life to those that belong together.
func (a *absence) saw(at instant) {
	apart := at.sub(a.Last)
	if a.Last == 0 || apart > visitEnds {
		a.First, a.ML = at, 0
	}
	if a.Last == 0 || apart > stayEnds {
		a.Came, a.Sign, a.Signs, a.Door = at, 0, 0, false
	}
	a.Last, a.Known = max(a.Last, at), 0
}

// inside takes a sign that somebody is inside. After several she is back.
func (h *home) inside(at instant) {
	if h.comesHome(at) {
		return
	}
	a := h.Absence
	a.saw(at)
	h.stirred = true
	if a.Sign != 0 && at.sub(a.Sign) < signsApart {
		return
	}
	a.Sign, a.Signs = at, a.Signs+1
	if a.Signs >= signsAlone || a.Door && a.Signs >= signsDoor {
		a.Over, a.Back = true, true
		h.countAnew(at)
	}
}

// plannedAbsence is the absence for people; nil: there is none any more.
func (h *home) plannedAbsence(now instant) *stillwater.Absence {
	a := h.Absence
	if a == nil || a.Over || now >= a.Until {
		return nil
	}
	return &stillwater.Absence{Household: h.id, From: a.From.time(), Until: a.Until.time(), At: a.Said.time(), Who: a.Who, Why: stillwater.LifeKind(a.Why)}
}

func (a *absence) fields(c *codec) {
	c.time(1, &a.From)
	c.time(2, &a.Until)
	c.time(3, &a.Said)
	text(c, 4, &a.Who)
	c.flag(5, &a.Quiet)
	c.flag(6, &a.Over)
	c.flag(7, &a.Back)
	c.time(8, &a.First)
	c.time(9, &a.Last)
	c.time(10, &a.Known)
	c.int64(11, &a.ML)
	c.time(12, &a.Came)
	c.time(13, &a.Sign)
	small(c, 14, &a.Signs)
	c.flag(15, &a.Door)
	c.part(16, &a.hour)
	text(c, 17, &a.Why)
}

// pausedToo says whether a rule that is none of stillness is paused by an absence all the same: a condition about how she is.
func pausedToo(r *boundRule) bool {
	p, ok := r.detector.(interface{ pausedByAbsence() bool })
	return ok && p.pausedByAbsence() && r.kind == stillwater.Welfare
}

func (*custom) pausedByAbsence() bool { return true }

// pauses says whether an absence pauses the rule of the name.
func (s *ruleset) pauses(name string) bool {
	return slices.ContainsFunc(s.all, func(r boundRule) bool { return r.Name == name && r.paused })
}
