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

	Waiting  []Waiting  `json:"waiting,omitempty"`  // held until somebody's quiet hours are over
	Handed   ContactID  `json:"handed,omitempty"`   // to whom it was handed over, who has not taken it on yet
	Held     time.Time  `json:"held,omitzero"`      // until when a person holds the ladder
	Due      time.Time  `json:"due,omitzero"`       // by when it must be closed; zero: at no fixed time
	Overdue  time.Time  `json:"overdue,omitzero"`   // when it was noted that Due had passed
	FollowUp time.Time  `json:"followUp,omitzero"`  // of a closed one: when the visit is due that was promised
	Reminded time.Time  `json:"reminded,omitzero"`  // when whoever promised it was reminded
	Photo    string     `json:"photo,omitempty"`    // the name of the stored picture that its closing gave
	Kinds    []Kind     `json:"kinds,omitempty"`    // of incidents that were closed into it, beside its own
	Into     IncidentID `json:"into,omitempty"`     // the one that it was closed into
	SplitOff IncidentID `json:"splitOff,omitempty"` // the one that its finding was taken out of, and which keeps all others of its kind
}

// A Waiting is a message to a contact that is held until the contact's quiet hours are over.
type Waiting struct {
	Contact ContactID `json:"contact"`
	Purpose Purpose   `json:"purpose"`
	Until   time.Time `json:"until"`
	Cause   string    `json:"cause"` // the event that it tells of
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
	Beside  bool          `json:"beside,omitempty"` // not of the ladder, which does not wait for it: a hand-over, a merge

	// Reached is from when the wait of its rung counts: delivered, or a grace after the provider's accept, whichever
	// is first. Zero until accepted.
	Reached time.Time `json:"reached,omitzero"`
}

// An Event is a line of an incident's log.
type Event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`          // opened, joined, told, untold, receipt, acknowledged, on-site, promise-lapsed, outcome-due, ended, closed, reopened, help, handed-over, escalated, held, overdue, quiet-over, follow-up-due, followed-up, merged, split
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
	HandOver    Deed = "hand-over"   // to somebody else, who is told; the holder changes when they take it on
	Escalate    Deed = "escalate"    // the next rung, at once
	Hold        Deed = "hold"        // nobody more is told until a time, for a reason
	Reopen      Deed = "reopen"      // it is not settled after all
	FollowedUp  Deed = "follow-up"   // the visit that its closing promised was made
	Merge       Deed = "merge"       // it is one matter with another open incident of the household, and goes on there
	Split       Deed = "split"       // one of its findings is another matter, and gets an incident of its own
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

	To      ContactID  // of a hand-over
	Until   time.Time  // of a hold: its end; of a closing: when somebody visits her again, zero: nobody said so
	Photo   string     // of a closing: the name of a stored picture
	Into    IncidentID // of a merge
	Finding string     // of a split: the Key of the finding
}
