package stillwater

import (
	"fmt"
	"time"
)

// MaxAbsence is the longest planned absence: who is away for longer is not watched meanwhile, and somebody must think of her again.
const MaxAbsence = 90 * 24 * time.Hour

// An Absence is what somebody said beforehand, or afterwards: that nobody is in the home from one moment until another. The latest
// word counts: an absence replaces the one before, so it is moved, made shorter and made longer by another, and taken back by one
// with neither From nor Until.
type Absence struct {
	Household HouseholdID `json:"household"`
	From      time.Time   `json:"from,omitzero"`
	Until     time.Time   `json:"until,omitzero"`
	At        time.Time   `json:"at"`            // event clock: when it was said
	Who       string      `json:"who,omitempty"` // a contact's ID, or the place it was entered at
	Why       LifeKind    `json:"why,omitempty"` // a stay that it is of: in hospital, with family; empty: nobody said
}

// Back says whether it takes an absence back: she is there, or never went.
func (a Absence) Back() bool { return a.From.IsZero() && a.Until.IsZero() }

// Holds says whether nobody is expected in the home at the moment.
func (a Absence) Holds(at time.Time) bool {
	return !a.Back() && !at.Before(a.From) && at.Before(a.Until)
}

// Validate refuses what cannot be meant.
func (a Absence) Validate() error {
	switch {
	case a.Household == "":
		return fmt.Errorf("an absence of no household")
	case a.At.IsZero():
		return fmt.Errorf("an absence without the moment at which it was said")
	case a.Back():
		return nil
	case a.From.IsZero() || a.Until.IsZero():
		return fmt.Errorf("an absence needs both ends")
	case !a.From.Before(a.Until):
		return fmt.Errorf("an absence ends after it begins; from %v until %v does not", a.From, a.Until)
	case a.Until.Sub(a.From) > MaxAbsence:
		return fmt.Errorf("an absence of %s is too long; at most 90 days, then enter another", FormatSpan(a.Until.Sub(a.From)))
	}
	return nil
}
