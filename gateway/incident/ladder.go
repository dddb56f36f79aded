package incident

import (
	"slices"
	"time"

	"stillwater"
)

// startLadder begins the ladder of a severity at its foot.
func (m *machine) startLadder(s stillwater.Severity) {
	m.inc.Severity, m.inc.Rung = s, 0
	m.inc.Holder, m.inc.Promise = "", time.Time{}
	m.climb(climbing{})
}

// climbing says how the next rung is told.
type climbing struct {
	broken bool                 // a promise was not kept: everybody is told Again …
	also   stillwater.ContactID // … and so is whoever gave it
}

// climb tells the next rung. One that has nobody who can be told is passed at once; beyond the last rung such a round
// waits for the next one, when there may be somebody.
func (m *machine) climb(how climbing) {
	for last := false; !last; {
		rung := m.inc.Rung
		m.inc.Rung++
		last = m.tellRung(rung, how.broken)
		if !last {
			m.log(stillwater.Event{What: "untold", Note: "nobody to tell"})
			last = rung >= len(m.ladder()) || m.inc.Severity == stillwater.Question
		}
	}
	if how.also != "" {
		m.tell(how.also, stillwater.Again, m.inc.Rung-1)
	}
}

// tellRung tells everybody of a rung and says whether there was anybody.
func (m *machine) tellRung(rung int, again bool) bool {
	purpose := stillwater.Tell
	switch {
	case m.inc.Severity == stillwater.Question:
		purpose = stillwater.Ask
	case rung >= len(m.ladder()) || again:
		purpose = stillwater.Again
	}
	told := false
	for _, c := range m.contacts(m.roles(rung)) {
		told = m.tell(c.ID, purpose, rung) || told
	}
	return told
}

func (m *machine) ladder() []Rung { return m.cfg.ladder(m.inc.Severity) }

// roles are who is told at a rung; those beyond the ladder are its last two together.
func (m *machine) roles(rung int) []stillwater.Role {
	ladder := m.ladder()
	if rung < len(ladder) {
		return ladder[rung].To
	}
	var roles []stillwater.Role
	for _, r := range ladder[max(0, len(ladder)-2):] {
		roles = append(roles, r.To...)
	}
	return roles
}

// contacts are the household's contacts of some roles.
func (m *machine) contacts(roles []stillwater.Role) []stillwater.Contact {
	var found []stillwater.Contact
	for _, c := range m.home.Contacts {
		if slices.Contains(roles, c.Role) {
			found = append(found, c)
		}
	}
	return found
}

// rungDue is when the next rung is told if nobody acts.
func (m *machine) rungDue() time.Time {
	batch := m.batch()
	repeating := m.inc.Rung > len(m.ladder())
	switch {
	case len(batch) == 0 && repeating:
		return m.lastUntold().Add(m.cfg.Repeat)
	case len(batch) == 0 || m.inc.Rung == 0:
		return m.now
	case repeating:
		return batch[0].At.Add(m.cfg.Repeat)
	}
	var reached time.Time
	failed := 0
	for _, t := range batch {
		switch {
		case t.State == stillwater.Failed || t.State == stillwater.Cancelled:
			failed++
		case !t.Reached.IsZero() && (reached.IsZero() || t.Reached.Before(reached)):
			reached = t.Reached
		}
	}
	switch {
	case failed == len(batch):
		return m.now
	case reached.IsZero():
		return batch[0].At.Add(m.cfg.tellWithin(m.inc.Severity))
	}
	return reached.Add(m.ladder()[m.inc.Rung-1].Wait)
}

// batch are the messages the ladder waits for: those of the rung told last, written together.
func (m *machine) batch() []stillwater.Told {
	var batch []stillwater.Told
	for _, t := range slices.Backward(m.inc.Told) {
		if t.Purpose != stillwater.Tell && t.Purpose != stillwater.Again {
			continue
		}
		if t.Rung != m.inc.Rung-1 || len(batch) > 0 && !m.together(t, batch[0]) {
			break
		}
		batch = append(batch, t)
	}
	return batch
}

// together says whether two messages were written by the same step.
func (m *machine) together(a, b stillwater.Told) bool {
	return a.At.Equal(b.At) && m.causeLine(a) == m.causeLine(b)
}

// lastUntold is when a rung had nobody to tell.
func (m *machine) lastUntold() time.Time {
	for _, e := range slices.Backward(m.inc.Log) {
		if e.What == "untold" && e.Who == "" {
			return e.At
		}
	}
	return m.inc.Opened
}

// promiseLapsed is an acknowledgement without an outcome in time. If the finding has ended meanwhile the ladder holds on.
func (m *machine) promiseLapsed() {
	holder := stillwater.ContactID(m.inc.Holder)
	m.log(stillwater.Event{What: "promise-lapsed", Who: m.inc.Holder})
	m.inc.State = next[m.inc.State][lapse]
	m.inc.Holder, m.inc.Promise = "", time.Time{}
	switch {
	case m.inc.Severity == stillwater.Question:
	case m.goesOn():
		m.climb(climbing{broken: true, also: holder})
	default:
		m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
	}
}

// remind asks those told for an outcome, long after the finding ended by itself.
func (m *machine) remind() {
	m.log(stillwater.Event{What: "outcome-due"})
	m.tellAgain()
	m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
}

// tellAgain tells everybody who was told.
func (m *machine) tellAgain() {
	for _, id := range m.told(everybody) {
		m.tell(id, stillwater.Again, m.inc.Rung-1)
	}
}
