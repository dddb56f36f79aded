package console

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
)

// plain are the deeds that say all by themselves.
var plain = []stillwater.Deed{
	stillwater.Acknowledge, stillwater.ArriveThere, stillwater.CallHelp, stillwater.Escalate, stillwater.Reopen, stillwater.FollowedUp,
}

// readDeed takes out of a form what its deed needs besides a note. Whether it can be done now is the incident's to say.
func readDeed(a *stillwater.Act, form url.Values, home *time.Location) (err error) {
	switch a.Deed {
	case stillwater.Close:
		a.Outcome, a.Known = stillwater.Outcome(form.Get("outcome")), stillwater.Known(form.Get("known"))
		knowns := []stillwater.Known{stillwater.Seen, stillwater.Spoken, stillwater.Assumed}
		if !slices.Contains(stillwater.Outcomes, a.Outcome) || !slices.Contains(knowns, a.Known) {
			return fmt.Errorf("%w: outcome %q known %q", errBadForm, a.Outcome, a.Known)
		}
		a.Until, err = moment(form.Get("visit"), home)
	case stillwater.HandOver:
		a.To = stillwater.ContactID(form.Get("to"))
	case stillwater.Hold:
		a.Until, err = moment(form.Get("until"), home)
	default:
		if !slices.Contains(plain, a.Deed) {
			return fmt.Errorf("%w: deed %q", errBadForm, a.Deed)
		}
	}
	return err
}

// moment reads what a browser gives for a day and time by the clock of the home; zero: it was left empty.
func moment(text string, home *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.ParseInLocation(localTime, text, home)
	if err != nil {
		return at, fmt.Errorf("%w: %w", errBadForm, err)
	}
	return at.UTC(), nil
}

// person is a contact whom an incident can be handed over to.
type person struct{ ID, Name string }

// holdFor is what the form offers as the end of a hold.
const holdFor = time.Hour

// moreDeeds is what can be done with an incident beside taking it on and closing it.
type moreDeeds struct {
	People     []person // to hand it over to
	Until      string   // of a hold
	CanClimb   bool
	CanReopen  bool
	VisitDue   bool // a visit was promised and not noted as made
	Deadline   []factLine
	HandledFor []factLine
}

func (v *view) moreDeeds(inc stillwater.Incident, h stillwater.Household) moreDeeds {
	m := moreDeeds{
		Until:    v.now.Add(holdFor).In(h.Location()).Format(localTime),
		CanClimb: inc.IsOpen() && inc.Severity.Above(stillwater.Question),
		VisitDue: !inc.IsOpen() && !inc.FollowUp.IsZero(),
	}
	m.CanReopen = !inc.IsOpen() && inc.Into == "" && v.now.Sub(inc.Closed) <= incident.Reopenable
	for _, c := range h.Contacts {
		if c.Role != stillwater.Resident && string(c.ID) != inc.Holder && !slices.ContainsFunc(m.People, func(p person) bool { return p.ID == string(c.ID) }) {
			m.People = append(m.People, person{string(c.ID), v.who(string(c.ID), h)})
		}
	}
	m.Deadline, m.HandledFor = v.deadlines(inc, h), v.handling(inc)
	return m
}

// deadlines are the moments that an incident is bound to.
func (v *view) deadlines(inc stillwater.Incident, h stillwater.Household) (lines []factLine) {
	add := func(key string, at time.Time, more string) {
		if !at.IsZero() {
			lines = append(lines, factLine{key, v.moment(at, h.Location()), more})
		}
	}
	if inc.IsOpen() {
		more := v.away(inc.Due)
		if !inc.Overdue.IsZero() {
			more = v.t("incident.overdue")
		}
		add(v.t("incident.due"), inc.Due, more)
		if inc.Held.After(v.now) {
			add(v.t("incident.held"), inc.Held, "")
		}
		return lines
	}
	more := ""
	if incident.VisitOverdue(inc, v.now) {
		more = v.t("incident.overdue")
	}
	add(v.t("incident.visit"), inc.FollowUp, more)
	return lines
}

// handling says how long people took, as it was, not as somebody wrote it.
func (v *view) handling(inc stillwater.Incident) (lines []factLine) {
	took := incident.HandlingOf(inc)
	for _, step := range []struct {
		key  string
		took time.Duration
	}{
		{v.t("incident.took.reached"), took.Reached}, {v.t("incident.took.acknowledged"), took.Acknowledged},
		{v.t("incident.took.on-site"), took.OnSite}, {v.t("incident.took.closed"), took.Closed},
	} {
		if step.took != incident.NotYet {
			lines = append(lines, factLine{step.key, v.span(step.took), ""})
		}
	}
	return lines
}
