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

// tell says something to a contact, now or when quiet hours are over, and says whether that can be done; if not, why stands in the log.
// Whoever stands in several roles is told as the first of them that can be.
func (m *machine) tell(id stillwater.ContactID, w word) bool {
	why := ""
	for _, c := range m.home.Contacts {
		if c.ID != id {
			continue
		}
		switch hindered := m.do(c, w, m.reach(c, w)); {
		case hindered == "":
			return true
		case why == "":
			why = hindered
		}
	}
	if why != "" { // else no longer a contact of this home: nothing of it is their business
		m.untold(id, why)
	}
	return false
}

// untold shows that somebody could not be told.
func (m *machine) untold(id stillwater.ContactID, why string) {
	m.log(stillwater.Event{What: "untold", Who: string(id), Note: why})
}

// do says something to a contact as it fits, and gives back why it cannot. One step writes to a person once, and to a number once.
func (m *machine) do(c stillwater.Contact, w word, f fit) (why string) {
	switch {
	case m.written(c.ID):
	case f.why != "":
		return f.why
	case !f.until.IsZero():
		m.wait(c.ID, w, f)
	case !m.rings(f.by, f.to):
		m.write(c, w, f)
	}
	return ""
}

// written says whether this step has written to a contact.
func (m *machine) written(id stillwater.ContactID) bool {
	return slices.ContainsFunc(m.result.Messages, func(s stillwater.Message) bool { return s.Contact == id })
}

// rings says whether this step has written to the same telephone or the same address already: two contacts may share one.
func (m *machine) rings(by stillwater.Channel, to stillwater.Address) bool {
	telephone := func(c stillwater.Channel) bool { return c == stillwater.SMS || c == stillwater.Voice }
	return slices.ContainsFunc(m.result.Messages, func(s stillwater.Message) bool {
		return s.To == to && s.Purpose != stillwater.Check && (s.Channel == by || telephone(s.Channel) && telephone(by))
	})
}

// write puts a message into the result. What was to be said to the same contact when quiet hours are over is said with it.
func (m *machine) write(c stillwater.Contact, w word, f fit) *stillwater.Message {
	n := 1
	if len(m.inc.Told) > 0 {
		n += ordinal(m.inc.Told[len(m.inc.Told)-1].Message)
	}
	msg := stillwater.Message{
		ID: messageID(m.inc.ID, n), Code: messageCode(m.inc.Code, n),
		Incident: m.inc.ID, Household: m.inc.Household, Contact: c.ID,
		Rung: w.rung, Purpose: w.purpose, Severity: m.inc.Severity,
		Channel: f.by, To: f.to, Language: c.Language,
		Created: m.now, State: stillwater.Pending, Changed: m.now,
	}
	m.result.Messages = append(m.result.Messages, msg)
	m.inc.Told = append(m.inc.Told, stillwater.Told{
		Message: msg.ID, Contact: c.ID, Role: c.Role, Rung: w.rung, Purpose: w.purpose, Channel: f.by, At: m.now, State: stillwater.Pending, Beside: w.beside,
	})
	m.log(stillwater.Event{What: "told", Who: string(c.ID), Note: toldNote(w.purpose, msg.Code)})
	m.waitNoMore(c.ID)
	m.trimTold()
	return &m.result.Messages[len(m.result.Messages)-1]
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

// told are the contacts who were told, in the order of the first time. Whom it is about is asked, not told.
func (m *machine) told(which func(stillwater.Told) bool) []stillwater.ContactID {
	var ids []stillwater.ContactID
	for _, t := range m.inc.Told {
		if t.Purpose != stillwater.Check && which(t) && !slices.Contains(ids, t.Contact) {
			ids = append(ids, t.Contact)
		}
	}
	return ids
}

// knowing are those who may know of it: who were told, and who acted on it since the opening.
func (m *machine) knowing() []stillwater.ContactID {
	ids := m.told(reached)
	for _, e := range m.inc.Log {
		acted := e.What == "acknowledged" || e.What == "on-site" || e.What == "help"
		if who := stillwater.ContactID(e.Who); acted && !slices.Contains(ids, who) {
			ids = append(ids, who)
		}
	}
	return ids
}

// lastTold is the latest message to a contact.
func (m *machine) lastTold(id stillwater.ContactID) stillwater.Told {
	for _, t := range slices.Backward(m.inc.Told) {
		if t.Contact == id && t.Purpose != stillwater.Check {
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

// cancel lets messages that have not left never be sent.
func (m *machine) cancel(which func(stillwater.Told) bool) {
	for i := range m.inc.Told {
		if t := &m.inc.Told[i]; t.State == stillwater.Pending && which(*t) {
			t.State = stillwater.Cancelled
			m.result.Cancel = append(m.result.Cancel, t.Message)
		}
	}
}
