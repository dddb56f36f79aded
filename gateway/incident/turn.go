package incident

import (
	"time"

	"stillwater"
)

// Turn says who is told next, and when, if nobody acts until then; nobody: it is closed, or nothing more is due.
func Turn(c Case) ([]stillwater.Contact, time.Time) {
	if !c.Incident.IsOpen() || c.Incident.Next.IsZero() {
		return nil, time.Time{}
	}
	m := &machine{inc: c.Incident, home: c.Household, cfg: c.Config}
	return m.contacts(m.roles(c.Incident.Rung)), c.Incident.Next
}
