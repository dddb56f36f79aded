package incident

import (
	"fmt"
	"slices"

	"stillwater"
)

// A move takes an incident from one state to another: a deed of people, or one of those below.
type move string

// The moves that nobody makes.
const (
	lapse  move = "LAPSE"  // a promise was not kept
	worse  move = "WORSE"  // a finding of a higher severity joined
	reopen move = "REOPEN" // an assumed outcome did not hold, or a finding began before that was known
)

// next lists every legal move. The package comment shows the same table.
var next = map[stillwater.IncidentState]map[move]stillwater.IncidentState{
	stillwater.Opened: {
		move(stillwater.Acknowledge): stillwater.Acknowledged,
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		move(stillwater.HandOver):    stillwater.Opened,
		move(stillwater.Escalate):    stillwater.Opened,
		move(stillwater.Hold):        stillwater.Opened,
		move(stillwater.Merge):       stillwater.ClosedState,
		move(stillwater.Split):       stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.Acknowledged: {
		move(stillwater.Acknowledge): stillwater.Acknowledged,
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		move(stillwater.HandOver):    stillwater.Acknowledged,
		move(stillwater.Escalate):    stillwater.Acknowledged,
		move(stillwater.Hold):        stillwater.Acknowledged,
		move(stillwater.Merge):       stillwater.ClosedState,
		move(stillwater.Split):       stillwater.Acknowledged,
		lapse:                        stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.OnSite: {
		move(stillwater.Acknowledge): stillwater.Acknowledged, // only by whom it was handed over to
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		move(stillwater.HandOver):    stillwater.OnSite,
		move(stillwater.Escalate):    stillwater.OnSite,
		move(stillwater.Hold):        stillwater.OnSite,
		move(stillwater.Merge):       stillwater.ClosedState,
		move(stillwater.Split):       stillwater.OnSite,
		lapse:                        stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.ClosedState: {
		move(stillwater.Reopen):     stillwater.Opened,
		move(stillwater.FollowedUp): stillwater.ClosedState,
		reopen:                      stillwater.Opened,
	},
}

// A Reason is why a deed was refused, for a page to put into words.
type Reason string

// The reasons of a Refusal.
const (
	NoIncident     Reason = "no-incident"      // there is no such incident
	AlreadyClosed  Reason = "already-closed"   // nothing can be done with it any more
	NotClosed      Reason = "not-closed"       // opening again what is open
	SomebodyThere  Reason = "somebody-there"   // on my way, while somebody is on site
	NeedsOutcome   Reason = "needs-outcome"    // closing without saying how it ended
	NeedsKnown     Reason = "needs-known"      // closing without saying how that is known
	NeedsPhoto     Reason = "needs-photo"      // closing without a picture where one is asked for
	BadTime        Reason = "bad-time"         // a hold or a follow-up visit in the past, or too far ahead
	NeedsReason    Reason = "needs-reason"     // a hold without saying why
	HoldUrgent     Reason = "hold-urgent"      // an urgent alert is not held unless somebody is on site
	NobodyThere    Reason = "nobody-there"     // a hand-over to somebody who is no contact, or cannot be told now
	NoLadder       Reason = "no-ladder"        // a question has no next rung; calling for help makes it an alert
	TooLate        Reason = "too-late"         // it was closed too long ago to be opened again
	GoesOnThere    Reason = "goes-on-there"    // it goes on in another incident
	NothingDue     Reason = "nothing-due"      // no visit was promised
	NotOneMatter   Reason = "not-one-matter"   // a merge of incidents that are not of one household
	NothingToSplit Reason = "nothing-to-split" // there is no such finding, or it is the only one
	UnknownDeed    Reason = "unknown-deed"
)

// A Refusal is a deed that the incident does not allow. Nothing has changed.
type Refusal struct {
	Deed   stillwater.Deed
	State  stillwater.IncidentState
	Reason Reason
}

// Error says it in plain English; pages use the fields.
func (r *Refusal) Error() string {
	return fmt.Sprintf("%q on an incident that is %q: %s", r.Deed, r.State, r.Reason)
}

// allowed checks a deed against the table, and that it says what such a deed must.
func (m *machine) allowed(act stillwater.Act) error {
	if reason := m.hinders(act); reason != "" {
		return &Refusal{Deed: act.Deed, State: m.inc.State, Reason: reason}
	}
	return nil
}

// hinders is why a deed cannot be done now; empty: it can.
func (m *machine) hinders(act stillwater.Act) Reason {
	if !slices.Contains(deeds, act.Deed) {
		return UnknownDeed
	}
	if _, ok := next[m.inc.State][move(act.Deed)]; !ok {
		if m.inc.State == stillwater.ClosedState {
			return AlreadyClosed
		}
		return NotClosed
	}
	switch act.Deed {
	case stillwater.Acknowledge:
		if m.inc.State == stillwater.OnSite && (m.inc.Handed == "" || string(m.inc.Handed) != act.Who) {
			return SomebodyThere
		}
	case stillwater.Close:
		return m.hindersClosing(act)
	case stillwater.HandOver:
		return m.hindersHandOver(act)
	case stillwater.Escalate:
		if m.inc.Severity == stillwater.Question {
			return NoLadder
		}
	case stillwater.Hold:
		return m.hindersHold(act)
	case stillwater.Reopen:
		return m.hindersReopening()
	case stillwater.FollowedUp:
		if m.inc.FollowUp.IsZero() {
			return NothingDue
		}
	}
	return ""
}

// deeds are all that people can do.
var deeds = []stillwater.Deed{
	stillwater.Acknowledge, stillwater.ArriveThere, stillwater.Close, stillwater.CallHelp, stillwater.HandOver, stillwater.Escalate,
	stillwater.Hold, stillwater.Reopen, stillwater.FollowedUp, stillwater.Merge, stillwater.Split,
}
