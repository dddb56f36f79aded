package incident

import (
	"slices"

	"stillwater"
)

// Limits of what an incident remembers; a ladder that repeats for weeks would grow without end.
const (
	maxTold = 500
	maxLog  = 500
)

// tell writes one message to one contact and says whether that contact can be told at all. One step tells a contact once.
func (m *machine) tell(id stillwater.ContactID, p stillwater.Purpose, rung int) bool {
	i := slices.IndexFunc(m.home.Contacts, func(c stillwater.Contact) bool { return c.ID == id })
	if i < 0 {
		return false // no longer a contact of this home: nothing of it is their business
	}
	c := m.home.Contacts[i]
	if c.Phone == "" {
		m.log(stillwater.Event{What: "untold", Who: string(id), Note: "no number"})
		return false
	}
	if slices.ContainsFunc(m.result.Messages, func(s stillwater.Message) bool { return s.Contact == id }) {
		return true
	}
	n := 1
	if len(m.inc.Told) > 0 {
		n += ordinal(m.inc.Told[len(m.inc.Told)-1].Message)
	}
	msg := stillwater.Message{
		ID: messageID(m.inc.ID, n), Code: messageCode(m.inc.Code, n),
		Incident: m.inc.ID, Household: m.inc.Household, Contact: id,
		Rung: rung, Purpose: p, Severity: m.inc.Severity,
		To: stillwater.Address(c.Phone), Language: c.Language,
		Created: m.now, State: stillwater.Pending, Changed: m.now,
	}
	m.result.Messages = append(m.result.Messages, msg)
	m.inc.Told = append(m.inc.Told, stillwater.Told{
		Message: msg.ID, Contact: id, Role: c.Role, Rung: rung, Purpose: p, At: m.now, State: stillwater.Pending,
	})
	m.log(stillwater.Event{What: "told", Who: string(id), Note: toldNote(p, msg.Code)})
	m.trimTold()
	return true
}

// toldNote is how the log names a message.
func toldNote(p stillwater.Purpose, code string) string { return string(p) + " " + code }

// trimTold drops the oldest repeat. The first word to each contact stays, and so does the latest.
func (m *machine) trimTold() {
	if len(m.inc.Told) <= maxTold {
		return
	}
	i := slices.IndexFunc(m.inc.Told, func(t stillwater.Told) bool { return t.Purpose == stillwater.Again || t.Purpose == stillwater.Update })
	if i < 0 || i > len(m.inc.Told)/2 {
		i = 0
	}
	m.inc.Told = slices.Delete(m.inc.Told, i, i+1)
}

// log adds a line; the oldest that repetition makes go first.
func (m *machine) log(e stillwater.Event) {
	e.At = m.now
	m.inc.Log = append(m.inc.Log, e)
	if len(m.inc.Log) <= maxLog {
		return
	}
	i := slices.IndexFunc(m.inc.Log, func(e stillwater.Event) bool {
		return e.What == "told" || e.What == "untold" || e.What == "receipt"
	})
	if i < 0 || i > len(m.inc.Log)/2 {
		i = 1 // "opened" stays
	}
	m.inc.Log = slices.Delete(m.inc.Log, i, i+1)
}

// everybody and reached are whom told finds: all who were written to, or those who may know of it.
func everybody(stillwater.Told) bool { return true }

func reached(t stillwater.Told) bool {
	return t.State != stillwater.Failed && t.State != stillwater.Cancelled
}

// told are the contacts who were told, in the order of the first time.
func (m *machine) told(which func(stillwater.Told) bool) []stillwater.ContactID {
	var ids []stillwater.ContactID
	for _, t := range m.inc.Told {
		if which(t) && !slices.Contains(ids, t.Contact) {
			ids = append(ids, t.Contact)
		}
	}
	return ids
}

// lastTold is the latest message to a contact.
func (m *machine) lastTold(id stillwater.ContactID) stillwater.Told {
	for _, t := range slices.Backward(m.inc.Told) {
		if t.Contact == id {
			return t
		}
	}
	return stillwater.Told{}
}

// lastOf is the latest event among those named.
func (m *machine) lastOf(names ...string) string {
	for _, e := range slices.Backward(m.inc.Log) {
		if slices.Contains(names, e.What) {
			return e.What
		}
	}
	return ""
}
