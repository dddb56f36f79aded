package incident

import (
	"slices"
	"time"

	"stillwater"
)

// Turn says who is told next, and when, if nobody acts until then; nobody: it is closed, or nothing more is due.
func Turn(c Case) ([]stillwater.Contact, time.Time) {
	m := &machine{inc: c.Incident, home: c.Household, cfg: c.Config}
	switch {
	case !m.inc.IsOpen() || m.inc.Next.IsZero() || m.inc.Severity == stillwater.Question:
		return nil, time.Time{}
	case m.goesOn():
		return m.contacts(m.roles(m.inc.Rung)), m.inc.Next
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
	return reminded, m.inc.Next
}
