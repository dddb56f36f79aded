package webhook

import (
	"time"

	"stillwater"
)

// Event is the body of a post: what the SMS says, and what a program needs to sort it. It holds no name but the shortened one in the text, no
// address and no telephone number. schema.json describes it.
type Event struct {
	Type      string    `json:"type"`      // "message"
	Timestamp time.Time `json:"timestamp"` // event clock: when the message came about; the same for each repeat
	Data      Data      `json:"data"`
}

// Data is one message.
type Data struct {
	ID       string                `json:"id"`   // the webhook-id: the same for each repeat
	Code     string                `json:"code"` // as it stands in the SMS
	Incident stillwater.IncidentID `json:"incident,omitempty"`
	Purpose  stillwater.Purpose    `json:"purpose"`
	Severity stillwater.Severity   `json:"severity"`
	Language string                `json:"language"`
	Text     string                `json:"text"`
	Link     string                `json:"link,omitempty"` // the signed page at which the message is answered
	Repeat   bool                  `json:"repeat"`         // may have been posted before
}

func eventOf(m stillwater.Message) Event {
	return Event{Type: "message", Timestamp: m.Created.UTC(), Data: Data{
		ID: idOf(m), Code: m.Code, Incident: m.Incident, Purpose: m.Purpose, Severity: m.Severity, Language: m.Language, Text: m.Text, Link: m.Link,
		Repeat: m.Repeat,
	}}
}
