package incident

import (
	"fmt"

	"stillwater"
)

// A move takes an incident from one state to another: a deed of people, or one of those below.
type move string

// The moves that nobody makes.
const (
	lapse  move = "LAPSE"  // a promise was not kept
	worse  move = "WORSE"  // a finding of a higher severity joined
	reopen move = "REOPEN" // an assumed outcome did not hold
)

// next lists every legal move. The package comment shows the same table.
var next = map[stillwater.IncidentState]map[move]stillwater.IncidentState{
	stillwater.Opened: {
		move(stillwater.Acknowledge): stillwater.Acknowledged,
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.Acknowledged: {
		move(stillwater.Acknowledge): stillwater.Acknowledged,
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		lapse:                        stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.OnSite: {
		move(stillwater.ArriveThere): stillwater.OnSite,
		move(stillwater.Close):       stillwater.ClosedState,
		move(stillwater.CallHelp):    stillwater.Opened,
		lapse:                        stillwater.Opened,
		worse:                        stillwater.Opened,
	},
	stillwater.ClosedState: {
		reopen: stillwater.Opened,
	},
}

// A Reason is why a deed was refused, for a page to put into words.
type Reason string

// The reasons of a Refusal.
const (
	NoIncident    Reason = "no-incident"    // there is no such incident
	AlreadyClosed Reason = "already-closed" // nothing can be done with it any more
	SomebodyThere Reason = "somebody-there" // on my way, while somebody is on site
	NeedsOutcome  Reason = "needs-outcome"  // closing without saying how it ended
	NeedsKnown    Reason = "needs-known"    // closing without saying how that is known
	UnknownDeed   Reason = "unknown-deed"
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

// allowed checks a deed against the table, and that a closing says what a closing must.
func allowed(state stillwater.IncidentState, act stillwater.Act) *Refusal {
	refusal := func(r Reason) *Refusal { return &Refusal{Deed: act.Deed, State: state, Reason: r} }
	switch act.Deed {
	case stillwater.Acknowledge, stillwater.ArriveThere, stillwater.Close, stillwater.CallHelp:
	default:
		return refusal(UnknownDeed)
	}
	if _, ok := next[state][move(act.Deed)]; !ok {
		if state == stillwater.ClosedState {
			return refusal(AlreadyClosed)
		}
		return refusal(SomebodyThere)
	}
	if act.Deed != stillwater.Close {
		return nil
	}
	if !validOutcome(act.Outcome) {
		return refusal(NeedsOutcome)
	}
	if act.Known != stillwater.Seen && act.Known != stillwater.Spoken && act.Known != stillwater.Assumed {
		return refusal(NeedsKnown)
	}
	return nil
}

func validOutcome(o stillwater.Outcome) bool {
	for _, known := range stillwater.Outcomes {
		if o == known {
			return true
		}
	}
	return false
}
