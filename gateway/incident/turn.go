package incident

import (
	"slices"
	"time"

	"stillwater"
)

// Turn says who is told next, and when, if nobody acts until then; nobody: it is closed, or nothing more is due.
func Turn(c Case) ([]stillwater.Contact, time.Time) {
	m := newMachine(c, Input{Now: c.Incident.Next})
	due := m.turnDue()
	switch {
	case !m.inc.IsOpen() || due.IsZero() || m.inc.Severity == stillwater.Question:
		return nil, time.Time{}
	case m.goesOn():
		m.now = due
		return m.nextUp(), due
	case m.inc.State != stillwater.Opened: // the finding has ended: a promise that lapses tells nobody
		return nil, time.Time{}
	}
	var reminded []stillwater.Contact
	told := m.told(everybody)
	for _, contact := range m.home.Contacts {
		if slices.Contains(told, contact.ID) {
			reminded = append(reminded, contact)
		}
	}
	return reminded, due
}

// nextUp are those of the next rung that has anybody who can be told.
func (m *machine) nextUp() (up []stillwater.Contact) {
	for rung := min(m.inc.Rung, len(m.ladder())); rung <= len(m.ladder()); rung++ {
		for _, p := range m.places(rung, word{}) {
			if p.fit.why == "" && !slices.ContainsFunc(up, func(c stillwater.Contact) bool { return c.ID == p.contact.ID }) {
				up = append(up, p.contact)
			}
		}
		if len(up) > 0 {
			return up
		}
	}
	return nil
}
