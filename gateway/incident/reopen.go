package incident

import (
	"slices"
	"time"

	"stillwater"
)

// lookAgain decides whether an outcome that was only assumed holds. What the closing itself ended, because stillness counts
// anew since, begins again with the reopening: nobody was seen or heard.
func (m *machine) lookAgain() {
	m.inc.Promise = time.Time{}
	var unsettled bool
	for i := range m.inc.Findings {
		f := &m.inc.Findings[i]
		if m.endedByClosing(*f) && !m.heardSince(*f) {
			f.Began, f.Ended = m.now, time.Time{}
		}
		unsettled = unsettled || f.Ended.IsZero()
	}
	if !unsettled {
		return
	}
	m.reopen(wasAssumed, "")
	if m.inc.Severity == stillwater.Question {
		m.askAgain()
		return
	}
	m.tellAgain("")
}

// endedByClosing says whether a finding ended because its incident was closed; rules judge at whole minutes.
func (m *machine) endedByClosing(f stillwater.Finding) bool {
	return f.Kind == stillwater.Welfare && !f.Ended.Before(m.inc.Closed) && f.Ended.Sub(m.inc.Closed) <= time.Minute
}

// heardSince says whether she gave a sign of life after what a finding is about began.
func (m *machine) heardSince(f stillwater.Finding) bool {
	since := f.Facts.Since
	if since.IsZero() {
		since = f.Began
	}
	return m.life.After(since)
}

// Why an incident reopened, as its log says it.
const (
	wasAssumed = "the outcome was assumed"
	beganAnew  = "a finding began"
	byHand     = "by hand"
)

// heard ends findings that began again with a reopening, at the first sign of life: the rules, for whom they ended with the
// closing, will not.
func (m *machine) heard() {
	for _, f := range slices.Clone(m.inc.Findings) {
		revived := slices.ContainsFunc(m.inc.Log, func(e stillwater.Event) bool {
			return e.What == "reopened" && e.Note == wasAssumed && e.At.Equal(f.Began)
		})
		if revived && f.Ended.IsZero() && m.heardSince(f) {
			f.Ended = m.life
			m.end(f)
		}
	}
}

// reopen opens a closed incident again; the ladder goes on from where it stood.
func (m *machine) reopen(why, who string) {
	m.inc.State = next[m.inc.State][reopen]
	m.inc.Outcome, m.inc.Known, m.inc.Closed, m.inc.Photo = "", "", time.Time{}, ""
	m.inc.Holder, m.inc.Promise, m.inc.Waiting = "", time.Time{}, nil
	m.inc.FollowUp, m.inc.Reminded = time.Time{}, time.Time{}
	m.inc.Due, m.inc.Overdue = time.Time{}, time.Time{}
	m.setDeadline()
	m.log(stillwater.Event{What: "reopened", Who: who, Note: why})
}
