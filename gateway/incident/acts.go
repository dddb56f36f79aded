package incident

import (
	"slices"
	"time"

	"stillwater"
)

// act does what a person did, if the table of moves allows it.
func (m *machine) act(a stillwater.Act) error {
	if refusal := allowed(m.inc.State, a); refusal != nil {
		return refusal
	}
	m.inc.State = next[m.inc.State][move(a.Deed)]
	switch a.Deed {
	case stillwater.Acknowledge:
		hold := m.cfg.Promise
		if a.Remote {
			hold = m.cfg.RemotePromise
		}
		m.takeOn(a, "acknowledged", hold)
	case stillwater.ArriveThere:
		m.takeOn(a, "on-site", m.cfg.OnSite)
	case stillwater.CallHelp:
		m.log(stillwater.Event{What: "help", Who: a.Who, Note: a.Note})
		m.startLadder(stillwater.Urgent)
	case stillwater.Close:
		m.close(a)
	}
	return nil
}

// takeOn lets somebody take the incident on until a time. The others who were told hear of it, unless they know already.
func (m *machine) takeOn(a stillwater.Act, what string, hold time.Duration) {
	known := m.inc.Holder == a.Who && m.lastOf("acknowledged", "on-site") == what
	m.inc.Holder, m.inc.Promise = a.Who, m.now.Add(hold)
	m.log(stillwater.Event{What: what, Who: a.Who, Note: a.Note})
	if known {
		return
	}
	for _, id := range m.told(reached) {
		if string(id) != a.Who {
			m.tell(id, stillwater.Update, m.inc.Rung-1)
		}
	}
}

// close ends it with an outcome. Texts that have not left are not sent any more.
func (m *machine) close(a stillwater.Act) {
	m.inc.Outcome, m.inc.Known, m.inc.Closed = a.Outcome, a.Known, m.now
	m.inc.Holder, m.inc.Promise = a.Who, time.Time{}
	if a.Known == stillwater.Assumed {
		m.inc.Promise = m.now.Add(m.cfg.AssumedReopens)
	}
	m.result.Rearm = true
	m.log(stillwater.Event{What: "closed", Who: a.Who, Note: closingNote(a)})
	for i := range m.inc.Told {
		if t := &m.inc.Told[i]; t.State == stillwater.Pending {
			t.State = stillwater.Cancelled
			m.result.Cancel = append(m.result.Cancel, t.Message)
		}
	}
	for _, id := range m.told(reached) {
		m.tellDone(id)
	}
}

// tellDone tells a contact how it ended, unless they closed it themselves or have been told since.
func (m *machine) tellDone(id stillwater.ContactID) {
	done := slices.ContainsFunc(m.inc.Told, func(t stillwater.Told) bool {
		return t.Contact == id && t.Purpose == stillwater.Done && !t.At.Before(m.inc.Closed)
	})
	if !done && string(id) != m.inc.Holder {
		m.tell(id, stillwater.Done, m.inc.Rung-1)
	}
}

func closingNote(a stillwater.Act) string {
	note := string(a.Outcome) + ", " + string(a.Known)
	if a.Note != "" {
		note += ": " + a.Note
	}
	return note
}

// receipt notes what became of a message. Receipts come late, twice and out of order; only news counts.
func (m *machine) receipt(r stillwater.Receipt) {
	i := slices.IndexFunc(m.inc.Told, func(t stillwater.Told) bool { return t.Message == r.Message })
	if i < 0 || progress(r.State) <= progress(m.inc.Told[i].State) {
		return
	}
	t := &m.inc.Told[i]
	overtaken := t.State == stillwater.Cancelled
	t.State, t.Error = r.State, r.Error
	switch r.State {
	case stillwater.Accepted:
		t.Reached = m.now.Add(m.cfg.grace(m.inc.Severity))
	case stillwater.Delivered:
		if t.Reached.IsZero() || m.now.Before(t.Reached) {
			t.Reached = m.now
		}
	case stillwater.Failed:
		m.log(stillwater.Event{What: "untold", Who: string(t.Contact), Note: r.Error})
		return
	default:
		return
	}
	m.log(stillwater.Event{What: "receipt", Who: string(t.Contact), Note: string(r.State)})
	if overtaken && !m.inc.IsOpen() {
		m.tellDone(t.Contact) // it was on its way when the incident was closed
	}
}

// progress orders the states of a message: a receipt that says less than is known is old. A message given up or cancelled
// may prove to have arrived, but one that arrived is never lost again.
func progress(s stillwater.DeliveryState) int {
	switch s {
	case stillwater.Sending, stillwater.Cancelled:
		return 1
	case stillwater.Accepted:
		return 2
	case stillwater.Failed:
		return 3
	case stillwater.Delivered:
		return 4
	}
	return 0
}
