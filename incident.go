package stillwater

import "time"

// IncidentID names an incident.
type IncidentID string

// An IncidentState is where an incident stands: open → acknowledged → on site → closed.
type IncidentState string

// The states of an incident.
const (
	Opened       IncidentState = "open"
	Acknowledged IncidentState = "acknowledged" // somebody promised to see to it
	OnSite       IncidentState = "on-site"
	ClosedState  IncidentState = "closed"
)

// An Outcome is how an incident ended.
type Outcome string

// The outcomes a closing may record.
const (
	Emergency  Outcome = "emergency"
	Helped     Outcome = "helped"
	FalseAlarm Outcome = "false"
	AwayFrom   Outcome = "away"
	Habit      Outcome = "habit"
	LeakFound  Outcome = "leak"
	DeviceBad  Outcome = "device"
	Drill      Outcome = "drill"
)

// Outcomes is every outcome, in the order pages offer them.
var Outcomes = []Outcome{Helped, Emergency, FalseAlarm, AwayFrom, Habit, LeakFound, DeviceBad, Drill}

// Known is how the outcome is known; an assumed one reopens.
type Known string

// How an outcome can be known.
const (
	Seen    Known = "seen"
	Spoken  Known = "spoken"
	Assumed Known = "assumed"
)

// An Incident is what people must deal with: findings of one kind in one household, and what was done about them.
type Incident struct {
	ID        IncidentID    `json:"id"`
	Code      string        `json:"code"` // short; begins the code of each of its messages
	Household HouseholdID   `json:"household"`
	Group     string        `json:"group,omitempty"` // of an incident of many homes; then Household is empty
	Kind      Kind          `json:"kind"`
	Severity  Severity      `json:"severity"`
	State     IncidentState `json:"state"`
	Opened    time.Time     `json:"opened"` // event clock, as all times here
	Findings  []Finding     `json:"findings"`

	Rung    int       `json:"rung"`             // of the ladder of Severity, that is told next
	Told    []Told    `json:"told,omitempty"`   // who was told, in order
	Next    time.Time `json:"next,omitzero"`    // when Step has something to do without being asked
	Holder  string    `json:"holder,omitempty"` // who has taken it on
	Promise time.Time `json:"promise,omitzero"` // until when an acknowledgement holds
	Outcome Outcome   `json:"outcome,omitempty"`
	Known   Known     `json:"known,omitempty"`
	Closed  time.Time `json:"closed,omitzero"`
	Log     []Event   `json:"log,omitempty"` // what happened, in order
}

// IsOpen says whether people still have to deal with it.
func (i Incident) IsOpen() bool { return i.State != ClosedState }

// Told is one contact told at one rung.
type Told struct {
	Message MessageID     `json:"message"`
	Contact ContactID     `json:"contact"`
	Role    Role          `json:"role"`
	Rung    int           `json:"rung"`
	Purpose Purpose       `json:"purpose"`
	Channel Channel       `json:"channel,omitempty"` // empty: SMS
	At      time.Time     `json:"at"`
	State   DeliveryState `json:"state"`
	Error   string        `json:"error,omitempty"`

	// Reached is from when the wait of its rung counts: delivered, or a grace after the provider's accept, whichever
	// is first. Zero until accepted.
	Reached time.Time `json:"reached,omitzero"`
}

// An Event is a line of an incident's log.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`          // opened, joined, told, untold, receipt, acknowledged, on-site, promise-lapsed, ended, closed, reopened
	Who  string    `json:"who,omitempty"` // a contact's ID, or who pressed on the console
	Note string    `json:"note,omitempty"`
}

// A Deed is what a person can do with an incident.
type Deed string

// The deeds.
const (
	Acknowledge Deed = "acknowledge" // reply 1: on my way
	ArriveThere Deed = "arrive"      // on site
	Close       Deed = "close"       // reply 2 all well, 3 away, 5 false: with an outcome
	CallHelp    Deed = "help"        // reply 4: need help
)

// An Act is a deed of somebody on an incident, from a reply or a page.
type Act struct {
	Incident IncidentID
	Deed     Deed
	Who      string // a contact's ID, or who pressed on the console
	Remote   bool   // the doer is not minutes away
	Outcome  Outcome
	Known    Known
	Note     string
}
