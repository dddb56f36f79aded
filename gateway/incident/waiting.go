package incident

import (
	"slices"
	"time"

	"stillwater"
)

// longestQuiet is how far the end of quiet hours can lie ahead; see quietUntil.
const longestQuiet = 48 * time.Hour

// wait holds a message until the contact's quiet hours are over. Of several the latest counts: it is written when it leaves, and says how
// things are then.
func (m *machine) wait(id stillwater.ContactID, w word, f fit) {
	m.waitNoMore(id)
	m.inc.Waiting = append(m.inc.Waiting, stillwater.Waiting{Contact: id, Purpose: w.purpose, Until: f.until, Cause: w.cause})
}

// waitNoMore drops what a contact would be told when quiet hours are over.
func (m *machine) waitNoMore(id stillwater.ContactID) {
	m.inc.Waiting = slices.DeleteFunc(m.inc.Waiting, func(w stillwater.Waiting) bool { return w.Contact == id })
}

// waitingDue is when the first quiet hours are over that a message waits for.
func (m *machine) waitingDue() time.Time {
	var first time.Time
	for _, w := range m.inc.Waiting {
		first = earlier(first, w.Until)
	}
	return first
}

// earlier is the earlier of two moments; zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// quietOver says what had to wait, as far as it is still true.
func (m *machine) quietOver() {
	for _, w := range slices.Clone(m.inc.Waiting) {
		if w.Until.After(m.now) {
			continue
		}
		m.waitNoMore(w.Contact)
		if !m.stillTrue(w) || m.written(w.Contact) {
			continue
		}
		m.log(stillwater.Event{What: "quiet-over", Who: string(w.Contact), Note: w.Cause})
		m.tell(w.Contact, word{
			purpose: w.Purpose, rung: m.inc.Rung - 1, known: true, patient: true, cause: w.Cause,
			beside: w.Cause == "merged" || w.Cause == "split",
		})
	}
}

// stillTrue says whether a message that had to wait is still worth its time.
func (m *machine) stillTrue(w stillwater.Waiting) bool {
	switch w.Cause {
	case "joined":
		return m.inc.State == stillwater.Opened && m.inc.Severity == stillwater.Question && m.goesOn()
	case "ended":
		return m.inc.IsOpen() && !m.goesOn()
	case "outcome-due":
		return m.inc.State == stillwater.Opened && !m.goesOn()
	case "acknowledged", "on-site":
		return m.inc.State == stillwater.Acknowledged || m.inc.State == stillwater.OnSite
	case "merged", "split":
		return m.inc.IsOpen()
	case "closed", "follow-up-due":
		return !m.inc.IsOpen()
	}
	return true
}
