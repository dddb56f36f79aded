package incident

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"stillwater"
)

// Bounds of what people can ask of an incident.
const (
	maxHold     = 4 * time.Hour        // a ladder that is held longer is a ladder forgotten
	maxFollowUp = 366 * 24 * time.Hour // a visit further ahead is a slip of the pen
	maxPhoto    = 200                  // bytes of the name of a stored picture
)

// Reopenable is how long after its closing an incident can be opened again by hand; later it is a new matter.
const Reopenable = 24 * time.Hour

// hindersClosing is why it cannot be closed as somebody says.
func (m *machine) hindersClosing(a stillwater.Act) Reason {
	asked := func(what string) bool {
		return what == string(m.inc.Kind) || what == string(a.Outcome)
	}
	switch {
	case !slices.Contains(stillwater.Outcomes, a.Outcome):
		return NeedsOutcome
	case a.Known != stillwater.Seen && a.Known != stillwater.Spoken && a.Known != stillwater.Assumed:
		return NeedsKnown
	case !isName(a.Photo) && (a.Photo != "" || slices.ContainsFunc(m.cfg.Photo, asked)):
		return NeedsPhoto
	case !a.Until.IsZero() && (!a.Until.After(m.now) || a.Until.Sub(m.now) > maxFollowUp):
		return BadTime
	}
	return ""
}

// isName says whether a text can be the name of a stored file: it leads nowhere else.
func isName(s string) bool {
	return s != "" && len(s) <= maxPhoto && !strings.HasPrefix(s, ".") && !strings.ContainsAny(s, `/\`) && strings.IndexFunc(s, unicode.IsControl) < 0
}

// hindersHold is why the ladder cannot be held as somebody says. A short hold of an urgent alert is as long as somebody sees to her.
func (m *machine) hindersHold(a stillwater.Act) Reason {
	switch {
	case m.inc.Severity == stillwater.Urgent && m.inc.State != stillwater.OnSite:
		return HoldUrgent
	case strings.TrimSpace(a.Note) == "":
		return NeedsReason
	case !a.Until.After(m.now) || a.Until.Sub(m.now) > maxHold:
		return BadTime
	}
	return ""
}

// hindersHandOver is why it cannot be given to somebody: who is told must be able to take it on.
func (m *machine) hindersHandOver(a stillwater.Act) Reason {
	for _, c := range m.home.Contacts {
		if c.ID == a.To && string(a.To) != m.inc.Holder && m.reach(c, word{purpose: stillwater.Tell}).why == "" {
			return ""
		}
	}
	return NobodyThere
}

// handOver tells somebody that it is theirs now. Until they say so, whoever has it keeps it, and the ladder goes on.
func (m *machine) handOver(a stillwater.Act) {
	m.inc.Handed = a.To
	m.log(stillwater.Event{What: "handed-over", Who: a.Who, Note: string(a.To)})
	m.tell(a.To, word{purpose: stillwater.Tell, rung: m.inc.Rung - 1, beside: true})
}

// hindersReopening is why a closed incident stays closed.
func (m *machine) hindersReopening() Reason {
	switch {
	case m.inc.Into != "":
		return GoesOnThere
	case m.now.Sub(m.inc.Closed) > Reopenable:
		return TooLate
	}
	return ""
}

// reopenByHand opens it because somebody says that it is not settled; then only people end it. The ladder goes on from where it stood, and
// the others who were told hear it first.
func (m *machine) reopenByHand(a stillwater.Act) {
	m.reopen(byHand, a.Who)
	if m.inc.Severity == stillwater.Question {
		m.askAgain()
		return
	}
	m.tellAgain(stillwater.ContactID(a.Who))
}

// setDeadline says by when an alert must be closed. A question that becomes one has its time from then.
func (m *machine) setDeadline() {
	if span := m.cfg.deadline(m.inc.Kind); m.inc.Due.IsZero() && span > 0 && m.inc.Severity.Above(stillwater.Question) {
		m.inc.Due = m.now.Add(span)
	}
}

// overdueAt is when it will have been open for too long; zero: it has no deadline, or that was noted.
func (m *machine) overdueAt() time.Time {
	if !m.inc.IsOpen() || !m.inc.Overdue.IsZero() || !m.inc.Severity.Above(stillwater.Question) {
		return time.Time{}
	}
	return m.unlessHeld(m.inc.Due)
}

// isOverdue notes that it has been open for too long. While a finding goes on the next rung hears of it, even if somebody is on it; unless there
// is none, or this step has told one already.
func (m *machine) isOverdue() {
	m.inc.Overdue = m.now
	m.log(stillwater.Event{What: "overdue"})
	if m.goesOn() && !m.climbed && m.rungLeft() {
		m.climb(climbing{})
	}
}

// rungLeft says whether the ladder has another rung with somebody who can be told.
func (m *machine) rungLeft() bool {
	for rung := m.inc.Rung; rung < len(m.ladder()); rung++ {
		for _, p := range m.places(rung, word{}) {
			if p.fit.why == "" {
				return true
			}
		}
	}
	return false
}

// followUpDue is when whoever promised another visit is reminded of it.
func (m *machine) followUpDue() time.Time {
	if m.inc.IsOpen() || !m.inc.Reminded.IsZero() {
		return time.Time{}
	}
	return m.inc.FollowUp
}

// remindOfVisit tells whoever closed it, and the workers on duty, that the visit is due.
func (m *machine) remindOfVisit() {
	m.inc.Reminded = m.now
	m.log(stillwater.Event{What: "follow-up-due"})
	w := word{purpose: stillwater.Visit, rung: m.inc.Rung - 1, known: true, patient: true, cause: "follow-up-due"}
	m.tell(stillwater.ContactID(m.inc.Holder), w)
	w.known = false
	for _, c := range m.home.Contacts {
		if c.Role == stillwater.Worker && string(c.ID) != m.inc.Holder {
			m.do(c, w, m.reach(c, w))
		}
	}
}

// VisitOverdue says whether a visit that a closing promised should have been made by now.
func VisitOverdue(i stillwater.Incident, now time.Time) bool {
	return !i.IsOpen() && !i.FollowUp.IsZero() && !now.Before(i.FollowUp)
}
