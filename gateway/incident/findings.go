package incident

import (
	"fmt"
	"slices"
	"time"

	"stillwater"
)

// begin lets a finding join. A repetition of one that goes on changes nothing.
func (m *machine) begin(f stillwater.Finding) error {
	if !Opens(f) {
		return nil
	}
	reopened := !m.inc.IsOpen()
	if reopened {
		if !Current(m.inc) {
			return fmt.Errorf("finding %q for incident %q: %w", f.Rule, m.inc.ID, ErrNotCurrent)
		}
		m.reopen(beganAnew, "")
	}
	resumed := len(m.inc.Findings) > 0 && !m.goesOn()
	if !m.join(f) && !reopened {
		return nil
	}
	switch {
	case f.Severity.Above(m.inc.Severity):
		m.inc.State = next[m.inc.State][worse]
		m.startLadder(f.Severity)
	case m.inc.Severity == stillwater.Question:
		m.askAgain()
	case reopened:
		m.tellAgain("")
	case resumed:
		m.resume()
	}
	return nil
}

// join adds a finding, or takes up again the one of the same key, and says whether that changed anything.
func (m *machine) join(f stillwater.Finding) bool {
	what := "joined"
	if len(m.inc.Findings) == 0 {
		what = "opened"
	}
	i := slices.IndexFunc(m.inc.Findings, func(g stillwater.Finding) bool { return g.Key() == f.Key() })
	switch {
	case i < 0:
		m.inc.Findings = append(m.inc.Findings, f)
	case m.inc.Findings[i].Ended.IsZero() && !f.Severity.Above(m.inc.Findings[i].Severity):
		return false
	default:
		m.inc.Findings[i] = f
	}
	m.log(stillwater.Event{What: what, Note: f.Rule + " " + string(f.Severity)})
	return true
}

// end notes that a finding is over. With the last one the ladder holds and those told hear of it once.
func (m *machine) end(f stillwater.Finding) {
	i := slices.IndexFunc(m.inc.Findings, func(g stillwater.Finding) bool { return g.Key() == f.Key() && g.Ended.IsZero() })
	if i < 0 {
		return
	}
	m.inc.Findings[i].Ended, m.inc.Findings[i].Facts.Absent = f.Ended, f.Facts.Absent
	m.log(stillwater.Event{What: "ended", Note: f.Rule})
	if m.goesOn() || !m.inc.IsOpen() {
		return
	}
	m.news("ended", func(id stillwater.ContactID) bool { return !m.saidEnded(id) })
	if m.inc.State == stillwater.Opened && m.inc.Severity != stillwater.Question {
		m.inc.Promise = m.now.Add(m.cfg.OutcomeDue)
	}
}

// saidEnded says whether a contact was told of an ending a short while ago: a finding that flickers is not worth a text each time.
func (m *machine) saidEnded(id stillwater.ContactID) bool {
	return slices.ContainsFunc(m.inc.Told, func(t stillwater.Told) bool {
		return t.Contact == id && m.ofEnding(t) && m.now.Sub(t.At) < m.cfg.Quiet
	})
}

// ofEnding says whether a message was written because the findings had ended.
func (m *machine) ofEnding(t stillwater.Told) bool {
	return t.Purpose == stillwater.Update && m.cause(t) == "ended"
}

// cause is what a message was written for.
func (m *machine) cause(t stillwater.Told) string {
	i := m.causeLine(t)
	switch {
	case i < 0:
		return ""
	case m.inc.Log[i].What == "quiet-over": // it had to wait
		return m.inc.Log[i].Note
	}
	return m.inc.Log[i].What
}

// causeLine is the line of the log that a message was written for: the one before it, and before others written with it.
// It tells apart what two inputs of the same moment wrote.
func (m *machine) causeLine(t stillwater.Told) int {
	line := toldNote(t.Purpose, messageCode(m.inc.Code, ordinal(t.Message)))
	i := slices.IndexFunc(m.inc.Log, func(e stillwater.Event) bool { return e.What == "told" && e.Note == line })
	for i--; i >= 0; i-- {
		if what := m.inc.Log[i].What; what != "told" && what != "untold" {
			return i
		}
	}
	return -1
}

// resume goes on climbing when a finding begins again. Those who believe that it is over are told first, and those whose text was not sent
// because of a promise that was not kept.
func (m *machine) resume() {
	if m.inc.State == stillwater.Opened {
		m.inc.Promise = time.Time{}
	}
	for _, id := range m.told(everybody) {
		if last := m.lastTold(id); last.State == stillwater.Cancelled || m.ofEnding(last) || m.cause(last) == "outcome-due" {
			m.tell(id, word{purpose: stillwater.Again, rung: m.inc.Rung - 1})
		}
	}
}

// askAgain asks a question once more, of those who were not asked for a while.
func (m *machine) askAgain() {
	if m.inc.State != stillwater.Opened {
		return
	}
	w := word{purpose: stillwater.Ask, patient: true, cause: "joined"}
	for _, p := range m.places(0, w) {
		asked := slices.ContainsFunc(m.inc.Told, func(t stillwater.Told) bool {
			return t.Contact == p.contact.ID && t.Purpose == stillwater.Ask && m.now.Sub(t.At) < m.cfg.Quiet
		})
		if asked {
			continue
		}
		if why := m.do(p.contact, w, p.fit); why != "" {
			m.untold(p.contact.ID, why)
		}
	}
}
