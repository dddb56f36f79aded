package api

import (
	"slices"
	"strings"
	"time"

	"stillwater"
)

// incidentDoc is an incident; a list leaves Log and Messages out.
type incidentDoc struct {
	ID        stillwater.IncidentID    `json:"id"`
	Code      string                   `json:"code"`
	Household stillwater.HouseholdID   `json:"household,omitempty"`
	Name      string                   `json:"name,omitempty"` // of the home, shortened; with personal:read
	Group     string                   `json:"group,omitempty"`
	Members   []stillwater.HouseholdID `json:"members,omitempty"` // of a group: those in the key's area, longest silent first
	Kind      stillwater.Kind          `json:"kind"`
	Kinds     []stillwater.Kind        `json:"kinds,omitempty"`
	Severity  stillwater.Severity      `json:"severity"`
	State     stillwater.IncidentState `json:"state"`
	Opened    *time.Time               `json:"opened"`
	Holder    string                   `json:"holder,omitempty"`
	Promise   *time.Time               `json:"promise,omitempty"`
	Handed    stillwater.ContactID     `json:"handedTo,omitempty"`
	Held      *time.Time               `json:"heldUntil,omitempty"`
	Next      *time.Time               `json:"nextStepAt,omitempty"`
	Due       *time.Time               `json:"due,omitempty"`
	Overdue   *time.Time               `json:"overdueSince,omitempty"`
	Closed    *time.Time               `json:"closed,omitempty"`
	Outcome   stillwater.Outcome       `json:"outcome,omitempty"`
	Known     stillwater.Known         `json:"known,omitempty"`
	FollowUp  *time.Time               `json:"followUp,omitempty"`
	Into      stillwater.IncidentID    `json:"into,omitempty"`
	SplitOff  stillwater.IncidentID    `json:"splitOff,omitempty"`
	Findings  []findingDoc             `json:"findings"`
	Log       []lineDoc                `json:"log,omitempty"`
	Messages  []messageDoc             `json:"messages,omitempty"`
}

// lineDoc is a line of a log.
type lineDoc struct {
	At   *time.Time `json:"at"`
	What string     `json:"what"`
	Who  string     `json:"who,omitempty"`
	Note string     `json:"note,omitempty"` // with personal:read
}

// messageDoc is how far a message has come. What it says, and to which number, is nobody's business here.
type messageDoc struct {
	ID       stillwater.MessageID     `json:"id"`
	Contact  stillwater.ContactID     `json:"contact"`
	Rung     int                      `json:"rung"`
	Purpose  stillwater.Purpose       `json:"purpose"`
	Channel  stillwater.Channel       `json:"channel"`
	State    stillwater.DeliveryState `json:"state"`
	Repeat   bool                     `json:"repeat,omitempty"`
	Attempts int                      `json:"attempts"`
	Provider string                   `json:"provider,omitempty"`
	Created  *time.Time               `json:"created"`
	Changed  *time.Time               `json:"changed,omitempty"`
}

var (
	incidentStates = []stillwater.IncidentState{stillwater.Opened, stillwater.Acknowledged, stillwater.OnSite, stillwater.ClosedState}
	severities     = []stillwater.Severity{stillwater.Notice, stillwater.Question, stillwater.Alert, stillwater.Urgent}
)

// mostLooked bounds the incidents that one request reads to find those of the key's area. A page may so be short, or empty, and there
// be more all the same: next says so.
const mostLooked = 2000

// leastRead is how many are read at once.
const leastRead = 200

// incidents lists the incidents of the key's area, the one opened last first.
func (a *API) incidents(c *call) (any, error) {
	l, err := c.listing("incidents", "state", "severity", "since", "household")
	if err != nil {
		return nil, err
	}
	q := Query{Household: stillwater.HouseholdID(c.URL.Query().Get("household")), Before: l.after.At, BeforeID: stillwater.IncidentID(l.after.ID), Limit: max(l.limit+1, leastRead)}
	if q.States, err = choices(c, "state", incidentStates); err != nil {
		return nil, err
	}
	if q.Severities, err = choices(c, "severity", severities); err != nil {
		return nil, err
	}
	if q.Since, err = c.moment("since"); err != nil {
		return nil, err
	}
	if q.Household != "" {
		h, ok := a.visible(c, q.Household)
		if !ok {
			return nil, noHome()
		}
		c.found(h.ID)
	}
	return a.incidentPage(c, q, l.limit)
}

// incidentPage looks through the incidents of a query until there are enough that the key may see.
func (a *API) incidentPage(c *call, q Query, limit int) (any, error) {
	p := page[incidentDoc]{Items: []incidentDoc{}}
	for looked := 0; ; {
		found, err := a.Incidents.IncidentPage(c.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, i := range found {
			if h, ok := a.sees(c, i); ok {
				if len(p.Items) == limit {
					p.Next = after(q)
					return p, nil
				}
				p.Items = append(p.Items, a.incidentDoc(c, i, h))
			}
			q.Before, q.BeforeID = i.Opened, i.ID
		}
		looked += len(found)
		if len(found) < q.Limit {
			return p, nil
		}
		if looked >= mostLooked {
			p.Next = after(q)
			return p, nil
		}
	}
}

// after is the cursor of what a query has come to.
func after(q Query) string {
	return cursor{ID: string(q.BeforeID), At: q.Before.UTC(), Of: "incidents"}.String()
}

// sees says whether the key may see an incident, and gives its home. One of many homes is seen by a key in whose area one of them is.
func (a *API) sees(c *call, i stillwater.Incident) (stillwater.Household, bool) {
	if i.Group != "" {
		return stillwater.Household{}, c.key.everywhere() || len(a.members(c, i)) > 0
	}
	return a.visible(c, i.Household)
}

// members are the homes of a group's incident that the key may see.
func (a *API) members(c *call, i stillwater.Incident) (seen []stillwater.HouseholdID) {
	for _, f := range i.Findings {
		for _, id := range f.Facts.Members {
			if _, ok := a.visible(c, id); ok && !slices.Contains(seen, id) {
				seen = append(seen, id)
			}
		}
	}
	return seen
}

// incidentOf finds the incident that a request names.
func (a *API) incidentOf(c *call, id stillwater.IncidentID) (stillwater.Incident, stillwater.Household, error) {
	i, ok, err := a.Incidents.Incident(c.Context(), id)
	if err != nil {
		return i, stillwater.Household{}, err
	}
	h, sees := a.sees(c, i)
	if !ok || !sees {
		return i, h, problem("not-found", "There is no such incident in the area of this key; %s/incidents lists those there are.", Base)
	}
	return i, h, nil
}

// incident is one of them, whole.
func (a *API) incident(c *call) (any, error) {
	return a.wholeIncident(c, stillwater.IncidentID(c.PathValue("incident")))
}

// wholeIncident is an incident with its log and what became of its messages.
func (a *API) wholeIncident(c *call, id stillwater.IncidentID) (any, error) {
	i, h, err := a.incidentOf(c, id)
	if err != nil {
		return nil, err
	}
	c.about = append(c.about, incidentAttr(i))
	messages, err := a.Incidents.IncidentMessages(c.Context(), i.ID)
	if err != nil {
		return nil, err
	}
	d := a.incidentDoc(c, i, h)
	for _, e := range i.Log {
		d.Log = append(d.Log, a.lineDoc(c, e))
	}
	slices.SortFunc(messages, func(x, y stillwater.Message) int {
		if n := x.Created.Compare(y.Created); n != 0 {
			return n
		}
		return strings.Compare(string(x.ID), string(y.ID))
	})
	for _, m := range messages {
		d.Messages = append(d.Messages, messageDoc{
			ID: m.ID, Contact: m.Contact, Rung: m.Rung, Purpose: m.Purpose, Channel: m.By(), State: m.State, Repeat: m.Repeat, Attempts: m.Attempts,
			Provider: m.Provider, Created: moment(m.Created), Changed: moment(m.Changed),
		})
	}
	return d, nil
}

// lineDoc is a line of a log, its note only for a key that may read what people wrote.
func (a *API) lineDoc(c *call, e stillwater.Event) lineDoc {
	d := lineDoc{At: moment(e.At), What: e.What, Who: e.Who}
	if c.key.may(PersonalRead) {
		d.Note = e.Note
	}
	return d
}

func (a *API) incidentDoc(c *call, i stillwater.Incident, h stillwater.Household) incidentDoc {
	d := incidentDoc{
		ID: i.ID, Code: i.Code, Household: i.Household, Group: i.Group, Kind: i.Kind, Kinds: i.Kinds, Severity: i.Severity, State: i.State,
		Opened: moment(i.Opened), Holder: i.Holder, Promise: moment(i.Promise), Handed: i.Handed, Held: moment(i.Held), Next: moment(i.Next),
		Due: moment(i.Due), Overdue: moment(i.Overdue), Closed: moment(i.Closed), Outcome: i.Outcome, Known: i.Known, FollowUp: moment(i.FollowUp),
		Into: i.Into, SplitOff: i.SplitOff, Findings: a.findings(c, i.Findings, h),
	}
	if i.Group != "" {
		d.Members = a.members(c, i)
	} else if c.key.may(PersonalRead) {
		d.Name = a.Words.ShortName(c.lang, h)
	}
	return d
}
