package drill

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// A Result is what became of one drill, or becomes of it.
type Result struct {
	Month  Month
	Opened time.Time
	Closed time.Time // zero: it goes on
	Told   []Told    // by their IDs
}

// Told is one contact in a drill.
type Told struct {
	Contact  stillwater.ContactID
	Channel  stillwater.Channel
	State    stillwater.DeliveryState
	Changed  time.Time // when that state was reached
	Answered time.Time // zero: no answer
	Error    string
}

// Reached says whether it is known that the contact could be told.
func (t Told) Reached() bool { return t.State == stillwater.Delivered || !t.Answered.IsZero() }

// ResultOf is what became of a drill, by its incident and its messages.
func ResultOf(i stillwater.Incident, messages []stillwater.Message) Result {
	r := Result{Month: Month(strings.TrimPrefix(string(i.ID), "drill-")), Opened: i.Opened, Closed: i.Closed}
	for _, m := range messages {
		if m.Purpose == stillwater.Train {
			r.Told = append(r.Told, Told{m.Contact, m.By(), m.State, m.Changed, m.Answered, m.Error})
		}
	}
	slices.SortFunc(r.Told, func(a, b Told) int { return strings.Compare(string(a.Contact), string(b.Contact)) })
	return r
}

// Counts are how many were told, reached and answered.
func (r Result) Counts() (told, reached, answered int) {
	for _, t := range r.Told {
		told++
		if t.Reached() {
			reached++
		}
		if !t.Answered.IsZero() {
			answered++
		}
	}
	return told, reached, answered
}

// Lost are the contacts who can no longer be reached, as of the latest of some drills, the latest first: what was sent there failed, or did not
// arrive in two drills running.
func Lost(results []Result) (lost []Told) {
	if len(results) == 0 {
		return nil
	}
	for _, t := range results[0].Told {
		switch {
		case t.Reached():
		case t.State == stillwater.Failed:
			lost = append(lost, t)
		case !results[0].Closed.IsZero() && len(results) > 1 && unreached(results[1], t.Contact):
			lost = append(lost, t)
		}
	}
	return lost
}

func unreached(r Result, id stillwater.ContactID) bool {
	return slices.ContainsFunc(r.Told, func(t Told) bool { return t.Contact == id && !t.Reached() })
}
