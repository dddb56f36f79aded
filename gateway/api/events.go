package api

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// An EventKind is what happened.
type EventKind string

// The kinds of event.
const (
	IncidentOpened       EventKind = "incident.opened"
	IncidentAcknowledged EventKind = "incident.acknowledged"
	IncidentOnSite       EventKind = "incident.on-site"
	IncidentLapsed       EventKind = "incident.lapsed" // a promise was not kept: it is open again
	IncidentClosed       EventKind = "incident.closed"
	IncidentReopened     EventKind = "incident.reopened"
	HomeBlind            EventKind = "home.blind" // nothing has been known of a home for longer than may be
	HomeSeen             EventKind = "home.seen"  // and is again
)

// EventKinds is every kind, in the order of the constants.
var EventKinds = []EventKind{
	IncidentOpened, IncidentAcknowledged, IncidentOnSite, IncidentLapsed, IncidentClosed, IncidentReopened, HomeBlind, HomeSeen,
}

// An Event is what a receiver is sent. It holds no name, no note and no number. openapi.yaml describes it under webhooks.
type Event struct {
	ID   string    `json:"id"` // the same whenever it is sent again
	Type EventKind `json:"type"`
	At   time.Time `json:"timestamp"` // event clock: when it happened
	Data EventData `json:"data"`
}

// EventData is what an event is about.
type EventData struct {
	Incident  stillwater.IncidentID    `json:"incident,omitempty"`
	Code      string                   `json:"code,omitempty"`
	Household stillwater.HouseholdID   `json:"household,omitempty"`
	Group     string                   `json:"group,omitempty"` // of an incident of many homes
	Members   []stillwater.HouseholdID `json:"members,omitempty"`
	Kind      stillwater.Kind          `json:"kind,omitempty"`
	Severity  stillwater.Severity      `json:"severity,omitempty"`
	State     stillwater.IncidentState `json:"state,omitempty"` // after what happened
	Who       string                   `json:"who,omitempty"`   // a contact's ID, console, or api: and the name of a key
	Outcome   stillwater.Outcome       `json:"outcome,omitempty"`
	Known     stillwater.Known         `json:"known,omitempty"`
	Into      stillwater.IncidentID    `json:"into,omitempty"`   // the incident that a closed one goes on in
	Since     *time.Time               `json:"since,omitempty"`  // of a home: since when nothing is known of it
	Device    stillwater.DeviceID      `json:"device,omitempty"` // of a home: what is silent, where that is known
}

// Thread is what an event is about: those of one thread are sent in their order.
func (e Event) Thread() string {
	if e.Data.Incident != "" {
		return "incident/" + string(e.Data.Incident)
	}
	return "home/" + string(e.Data.Household)
}

// milestone is a line of an incident's log that is an event, and the state after it.
type milestone struct {
	kind  EventKind
	state stillwater.IncidentState
}

var milestones = map[string]milestone{
	"opened":         {IncidentOpened, stillwater.Opened},
	"acknowledged":   {IncidentAcknowledged, stillwater.Acknowledged},
	"on-site":        {IncidentOnSite, stillwater.OnSite},
	"promise-lapsed": {IncidentLapsed, stillwater.Opened},
	"closed":         {IncidentClosed, stillwater.ClosedState},
	"reopened":       {IncidentReopened, stillwater.Opened},
}

// EventsOf is what has happened to the incidents and the homes of a batch up to now, in order. The events of what happened earlier are
// among them, with the IDs they had: whoever has sent them leaves them out.
func EventsOf(b *stillwater.Batch) []Event {
	var events []Event
	for _, i := range b.Incidents {
		events = append(events, incidentEvents(i)...)
	}
	for _, f := range b.Findings {
		events = append(events, homeEvents(f)...)
	}
	slices.SortStableFunc(events, func(x, y Event) int { return x.At.Compare(y.At) })
	return events
}

// incidentEvents are the events of an incident's log.
func incidentEvents(i stillwater.Incident) (events []Event) {
	repeats := map[string]int{}
	for n, line := range i.Log {
		m, ok := milestones[line.What]
		switch {
		case line.What == "split" && n == 0 && i.SplitOff != "":
			m, ok = milestones["opened"], true
		case line.What == "merged" && i.Into != "" && !i.IsOpen() && n == lastLine(i.Log, "merged"):
			m, ok = milestones["closed"], true
		}
		if !ok {
			continue
		}
		name := fmt.Sprintf("%s\n%s\n%d\n%s", i.ID, m.kind, line.At.UnixMicro(), line.Who)
		repeats[name]++
		events = append(events, Event{ID: eventID(name, repeats[name]), Type: m.kind, At: line.At.UTC(), Data: incidentData(i, line, m)})
	}
	return events
}

// lastLine is the last line of a kind; -1: there is none.
func lastLine(log []stillwater.Event, what string) int {
	for n := len(log) - 1; n >= 0; n-- {
		if log[n].What == what {
			return n
		}
	}
	return -1
}

// incidentData is what an event says of its incident: who did it and how it ended as the line says, for later lines change the incident.
func incidentData(i stillwater.Incident, line stillwater.Event, m milestone) EventData {
	d := EventData{
		Incident: i.ID, Code: i.Code, Household: i.Household, Group: i.Group, Kind: i.Kind, Severity: i.Severity, State: m.state, Who: line.Who,
	}
	if m.kind == IncidentClosed {
		d.Outcome, d.Known = closing(line.Note)
		if line.What == "merged" {
			d.Outcome, d.Known, d.Into = i.Outcome, i.Known, i.Into
		}
	}
	for _, f := range i.Findings {
		for _, id := range f.Facts.Members {
			if i.Group != "" && !slices.Contains(d.Members, id) {
				d.Members = append(d.Members, id)
			}
		}
	}
	return d
}

// closing reads how an incident ended from the note of its line: "helped, seen: she had forgotten the time".
func closing(note string) (stillwater.Outcome, stillwater.Known) {
	head, _, _ := strings.Cut(note, ":")
	outcome, known, _ := strings.Cut(head, ", ")
	o, k := stillwater.Outcome(outcome), stillwater.Known(known)
	if !slices.Contains(stillwater.Outcomes, o) {
		o = ""
	}
	if !slices.Contains(knowns, k) {
		k = ""
	}
	return o, k
}

// blindRule begins the names of the rules that find a home blind.
const blindRule = "device-blind"

// homeEvents are the events of a finding: that a home is blind, and that it is no more.
func homeEvents(f stillwater.Finding) []Event {
	if f.Household == "" || f.Trial || f.Rule != blindRule && !strings.HasPrefix(f.Rule, blindRule+"-") {
		return nil
	}
	event := func(kind EventKind, at time.Time) Event {
		name := fmt.Sprintf("%s\n%s\n%s\n%d", f.Household, f.Key(), kind, f.Began.UnixMicro())
		since := cmp.Or(f.Facts.DataTo, f.Facts.Since)
		return Event{ID: eventID(name, 1), Type: kind, At: at.UTC(), Data: EventData{
			Household: f.Household, Kind: f.Kind, Severity: f.Severity, Since: moment(since), Device: f.Device,
		}}
	}
	events := []Event{event(HomeBlind, f.Began)}
	if !f.Ended.IsZero() {
		events = append(events, event(HomeSeen, f.Ended))
	}
	return events
}

// eventID names an event by what it is of: the same for each time it is made.
func eventID(name string, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d", name, n))
	return "evt_" + hex.EncodeToString(sum[:12])
}
