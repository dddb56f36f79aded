package incident

import (
	"slices"
	"time"

	"stillwater"
)

// act does what a person did, if the table of moves allows it.
func (m *machine) act(a stillwater.Act) error {
	if refusal := m.allowed(a); refusal != nil {
		return refusal
	}
	was := m.inc.State
	m.inc.State = next[was][move(a.Deed)]
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
	case stillwater.HandOver:
		m.handOver(a)
	case stillwater.Escalate:
		m.log(stillwater.Event{What: "escalated", Who: a.Who, Note: a.Note})
		m.climb(climbing{})
	case stillwater.Hold:
		m.inc.Held = a.Until
		m.log(stillwater.Event{What: "held", Who: a.Who, Note: a.Note})
	case stillwater.Reopen:
		m.inc.State = was
		m.reopenByHand(a)
	case stillwater.FollowedUp:
		m.inc.FollowUp = time.Time{}
		m.log(stillwater.Event{What: "followed-up", Who: a.Who, Note: a.Note})
	default: // of two incidents: see Merge and SplitOff
		m.inc.State = was
		return &Refusal{Deed: a.Deed, State: was, Reason: UnknownDeed}
	}
	return nil
}

// takeOn lets somebody take the incident on until a time. Calls for somebody that have not left are not sent any more; the others who were told
// hear of it, unless they know already.
func (m *machine) takeOn(a stillwater.Act, what string, hold time.Duration) {
	known := m.inc.Holder == a.Who && m.lastOf("acknowledged", "on-site") == what
	m.inc.Holder, m.inc.Handed = a.Who, ""
	m.inc.Promise, m.inc.Held = m.now.Add(hold), time.Time{}
	m.log(stillwater.Event{What: what, Who: a.Who, Note: a.Note})
	m.cancel(func(t stillwater.Told) bool { return calls(t.Purpose) })
	if !known {
		m.news(what, func(id stillwater.ContactID) bool { return string(id) != a.Who })
	}
}

// calls says whether a message looks for somebody to take it on.
func calls(p stillwater.Purpose) bool {
	return p == stillwater.Ask || p == stillwater.Tell || p == stillwater.Again || p == stillwater.Check
}

// close ends it with an outcome. Texts that have not left are not sent any more.
func (m *machine) close(a stillwater.Act) {
	m.inc.Outcome, m.inc.Known, m.inc.Closed = a.Outcome, a.Known, m.now
	m.inc.FollowUp, m.inc.Reminded, m.inc.Photo = a.Until, time.Time{}, a.Photo
	m.letGo(a.Who)
	if a.Known == stillwater.Assumed {
		m.inc.Promise = m.now.Add(m.cfg.AssumedReopens)
	}
	m.result.Rearm = true
	m.log(stillwater.Event{What: "closed", Who: a.Who, Note: closingNote(a)})
	for _, id := range m.knowing() {
		m.tellDone(id)
	}
}

// letGo lets go of everything that an open incident waits for.
func (m *machine) letGo(who string) {
	m.inc.Holder, m.inc.Handed, m.inc.Promise, m.inc.Held = who, "", time.Time{}, time.Time{}
	m.inc.Waiting = nil
	m.cancel(everybody)
}

// tellDone tells a contact how it ended, unless they closed it themselves.
func (m *machine) tellDone(id stillwater.ContactID) {
	if string(id) != m.inc.Holder {
		m.tell(id, word{purpose: stillwater.Done, rung: m.inc.Rung - 1, known: true, patient: true, cause: "closed"})
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
	if overtaken && t.Purpose != stillwater.Check {
		m.tellOvertaken(t.Contact)
	}
}

// tellOvertaken is for somebody whose text was on its way when the incident was closed, or taken on.
func (m *machine) tellOvertaken(id stillwater.ContactID) {
	switch {
	case m.inc.State == stillwater.ClosedState && m.inc.Into == "":
		if m.lastTold(id).Purpose != stillwater.Done {
			m.tellDone(id)
		}
	case m.inc.State != stillwater.Opened && m.inc.IsOpen() && string(id) != m.inc.Holder:
		m.tell(id, word{purpose: stillwater.Update, rung: m.inc.Rung - 1, known: true, patient: true, cause: m.lastOf("acknowledged", "on-site")})
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
