package stillwater

import (
	"errors"
	"log/slog"
	"time"
)

// ContactID names a person who is told.
type ContactID string

// A Phone is a number in E.164 form, "+8613800138000".
type Phone string

// LogValue hides all but the last two digits, which tell two contacts apart.
func (p Phone) LogValue() slog.Value { return slog.StringValue("…" + string(p[max(0, len(p)-2):])) }

// A Role is what a contact is to a household.
type Role string

// The roles of contacts.
const (
	Family Role = "family"
	Worker Role = "worker" // grid worker (网格员)
)

// A Contact is somebody who is told, and who may answer.
type Contact struct {
	ID       ContactID `json:"id"`
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Phone    Phone     `json:"phone"`
	Language string    `json:"language"`         // "zh-CN" or "en"
	Remote   bool      `json:"remote,omitempty"` // not minutes away: "on my way" means "I am calling her"
}

// LogValue logs a contact as its ID.
func (c Contact) LogValue() slog.Value { return slog.StringValue(string(c.ID)) }

// MessageID names one text to one contact for one step of a ladder.
type MessageID string

// A Purpose is why a message is sent.
type Purpose string

// The purposes of messages.
const (
	Ask    Purpose = "ask"    // a question: is she out, is she with you
	Tell   Purpose = "tell"   // an alert
	Again  Purpose = "again"  // the same alert once more: still nobody, or a promise not kept
	Update Purpose = "update" // a finding ended, or somebody has taken it on
	Done   Purpose = "done"   // closed, with the outcome
	Which  Purpose = "which"  // a reply that fits several open incidents: name the code
)

// A DeliveryState is how far a message has come.
type DeliveryState string

// The states of a message. Pending and Sending are to be worked on; Accepted may still become Delivered or Failed.
const (
	Pending   DeliveryState = "pending"   // in the outbox
	Sending   DeliveryState = "sending"   // handed over, answer not known: ask before sending again
	Accepted  DeliveryState = "accepted"  // the provider has it
	Delivered DeliveryState = "delivered" // the handset has it
	Failed    DeliveryState = "failed"    // refused or given up: the ladder climbs past
	Cancelled DeliveryState = "cancelled" // its time went by before it was sent
)

// Final says whether nothing more will happen to a message in this state.
func (s DeliveryState) Final() bool { return s == Delivered || s == Failed || s == Cancelled }

// A Message is one text to one contact for one rung, as it stands in the outbox.
type Message struct {
	ID        MessageID     `json:"id"`
	Incident  IncidentID    `json:"incident,omitempty"`
	Household HouseholdID   `json:"household"`
	Contact   ContactID     `json:"contact"`
	Rung      int           `json:"rung"`
	Purpose   Purpose       `json:"purpose"`
	Severity  Severity      `json:"severity"`
	To        Phone         `json:"to"`
	Language  string        `json:"language"`
	Code      string        `json:"code"` // short and unique; stands in the text, and finds it again at the provider
	Text      string        `json:"text"`
	Created   time.Time     `json:"created"` // event clock
	State     DeliveryState `json:"state"`

	// What follows is the courier's.
	Repeat     bool      `json:"repeat,omitempty"` // may have been sent before: the text is marked 重发
	Attempts   int       `json:"attempts,omitempty"`
	Provider   string    `json:"provider,omitempty"`
	ProviderID string    `json:"providerId,omitempty"` // the provider's name for it
	Error      string    `json:"error,omitempty"`      // the last one
	Tried      time.Time `json:"tried,omitzero"`       // wall clock: the last attempt
	Changed    time.Time `json:"changed,omitzero"`     // event clock: when State was reached
}

// A Reply is a text that came in.
type Reply struct {
	ID   string // the provider's name for it; each is acted on once
	From Phone
	Text string
	At   time.Time // event clock
}

// A Receipt is what became of an attempt to deliver a message.
type Receipt struct {
	Message    MessageID
	State      DeliveryState
	Repeat     bool
	Attempts   int
	Provider   string
	ProviderID string
	Error      string
}

// The answers of a provider that a courier tells apart. Any other error leaves it unclear whether the message left.
var (
	ErrRefused = errors.New("refused by the provider") // trying again is pointless
	ErrNotSent = errors.New("not handed over")         // it certainly did not leave; trying again is safe
)
