package console

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"stillwater"
	"stillwater/gateway/words"
)

// states is every state of a home, in the order that people should look at them.
var states = []stillwater.HomeState{stillwater.ToBeChecked, stillwater.Blind, stillwater.Still, stillwater.PerhapsOut, stillwater.Paused, stillwater.Fine}

// maxCards bounds the homes on one page; the counts say how many there are.
const maxCards = 240

// indexBody is the homes at a glance.
type indexBody struct {
	Title      string
	Conditions []conditionLine
	Counts     []countChip
	Incidents  []incidentCard
	Cards      []homeCard
	Hidden     int // homes not shown
	Filter     string
}

func (b indexBody) title() string { return b.Title }

type conditionLine struct{ Title, Severity, Since string }

type countChip struct {
	State string // "" for all
	N     int
	URL   string
	Here  bool
}

// incidentCard is an open incident in short.
type incidentCard struct {
	ID, Code, URL          string
	Severity, Kind, State  string
	Home, Place, HomeURL   string
	Why, Turn, TurnIn      string
	Opened, OpenedAgo      string
	Holder, Outcome, Known string
}

// homeCard is one home in short.
type homeCard struct {
	ID, URL, Name, Place string
	State                string
	Last, LastAgo        string
	DataTo, DataAgo      string
	Usual                string
	Left, LeftAt, Rule   string // before an alert; "" where none is coming
	LeftNote             string // why there is none
	Filled               int    // percent of the way from the last sign of life to the alert
}

func (c *Console) index(v *view, r *http.Request) (any, error) {
	incidents, err := c.Incidents.OpenIncidents(r.Context())
	if err != nil {
		return nil, err
	}
	filter := r.URL.Query().Get("state")
	b := indexBody{Title: v.t("index.title"), Filter: filter, Conditions: v.conditions()}
	b.Incidents = v.incidentCards(incidents)
	standings := slices.Clone(c.Standings.Standings())
	counts := map[stillwater.HomeState]int{}
	for _, s := range standings {
		counts[s.State]++
	}
	b.Counts = append(b.Counts, countChip{N: len(standings), URL: "/", Here: filter == ""})
	for _, s := range states {
		b.Counts = append(b.Counts, countChip{State: string(s), N: counts[s], URL: "/?state=" + string(s), Here: filter == string(s)})
	}
	if filter != "" {
		standings = slices.DeleteFunc(standings, func(s stillwater.Standing) bool { return string(s.State) != filter })
	}
	slices.SortStableFunc(standings, sooner)
	if len(standings) > maxCards {
		b.Hidden = len(standings) - maxCards
		standings = standings[:maxCards]
	}
	for _, s := range standings {
		b.Cards = append(b.Cards, v.homeCard(s))
	}
	return b, nil
}

// sooner orders homes by how soon somebody should look at them.
func sooner(a, b stillwater.Standing) int {
	never := time.Unix(1<<40, 0)
	alert := func(s stillwater.Standing) time.Time {
		if s.Alert.IsZero() {
			return never
		}
		return s.Alert
	}
	return cmp.Or(
		slices.Index(states, a.State)-slices.Index(states, b.State),
		alert(a).Compare(alert(b)),
		cmp.Compare(a.Household, b.Household),
	)
}

func (v *view) conditions() []conditionLine {
	if v.c.Health == nil {
		return nil
	}
	var lines []conditionLine
	for _, k := range v.c.Health.Conditions() {
		title := v.word("condition", k.Code)
		if title == k.Code {
			title = k.Title
		}
		lines = append(lines, conditionLine{title, string(k.Severity), v.moment(k.Since, v.c.Zone)})
	}
	return lines
}

// incidentCards puts the most severe first, then those nobody has taken on, then the oldest.
func (v *view) incidentCards(list []stillwater.Incident) []incidentCard {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b stillwater.Incident) int {
		if a.Severity != b.Severity {
			if a.Severity.Above(b.Severity) {
				return -1
			}
			return 1
		}
		if open := a.State == stillwater.Opened; open != (b.State == stillwater.Opened) {
			if open {
				return -1
			}
			return 1
		}
		return a.Opened.Compare(b.Opened)
	})
	var cards []incidentCard
	for _, inc := range list {
		cards = append(cards, v.incidentCard(inc))
	}
	return cards
}

func (v *view) incidentCard(inc stillwater.Incident) incidentCard {
	h := v.homeOf(inc)
	card := incidentCard{
		ID: string(inc.ID), Code: inc.Code, URL: "/incidents/" + string(inc.ID), HomeURL: "/homes/" + string(inc.Household),
		Severity: string(inc.Severity), Kind: string(inc.Kind), State: string(inc.State),
		Home: v.nameOf(inc, h), Place: place(h), Opened: v.moment(inc.Opened, h.Location()), OpenedAgo: v.away(inc.Opened),
		Outcome: string(inc.Outcome), Known: string(inc.Known),
	}
	if inc.Group != "" {
		card.HomeURL = card.URL // of many homes: they stand in its reasons
	}
	if inc.Holder != "" {
		card.Holder = v.who(inc.Holder, h)
	}
	if lead, ok := words.Lead(inc); ok {
		card.Why = v.c.Words.Why(v.lang, lead, h)
	}
	card.Turn, card.TurnIn = v.turn(inc, h)
	return card
}

// turn says whose turn it is and when that changes.
func (v *view) turn(inc stillwater.Incident, h stillwater.Household) (text, in string) {
	switch {
	case !inc.IsOpen():
		return "", ""
	case inc.State != stillwater.Opened && !inc.Promise.IsZero():
		return v.t("turn."+string(inc.State), "Who", v.who(inc.Holder, h), "At", v.moment(inc.Promise, h.Location())), v.away(inc.Promise)
	case inc.State != stillwater.Opened:
		return v.t("turn.held", "Who", v.who(inc.Holder, h)), ""
	}
	at, names := inc.Next, ""
	if v.c.Turns != nil {
		who, when := v.c.Turns.Turn(inc, h)
		names, at = v.people(who), when
	}
	switch {
	case at.IsZero():
		return v.t("turn.waiting"), ""
	case names == "":
		return v.t("turn.next", "At", v.moment(at, h.Location())), v.away(at)
	}
	return v.t("turn.who", "Who", names, "At", v.moment(at, h.Location())), v.away(at)
}

// people lists contacts as they may be shown.
func (v *view) people(who []stillwater.Contact) string {
	list := ""
	for i, c := range who {
		if i > 0 {
			list += v.t("turn.comma")
		}
		list += v.c.Words.Person(v.lang, c)
	}
	return list
}

// who is a contact's ID, or somebody at the console, in words.
func (v *view) who(id string, h stillwater.Household) string {
	for _, c := range h.Contacts {
		if string(c.ID) == id {
			return v.c.Words.Person(v.lang, c)
		}
	}
	if id == desk {
		return v.t("desk")
	}
	return id
}

// place is where a home stands, without the street: enough to tell two homes apart.
func place(h stillwater.Household) string {
	switch {
	case h.Place.Grid != "" && h.Place.Building != "":
		return h.Place.Grid + " · " + h.Place.Building
	case h.Place.Building != "":
		return h.Place.Building
	}
	return h.Place.Grid
}

func (v *view) homeCard(s stillwater.Standing) homeCard {
	h := v.home(s.Household)
	loc := h.Location()
	card := homeCard{ID: string(s.Household), URL: "/homes/" + string(s.Household), Name: v.name(h), Place: place(h), State: string(s.State)}
	if last := s.Life.Last(); !last.IsZero() {
		card.Last, card.LastAgo = v.moment(last, loc), v.away(last)
	}
	if !s.DataTo.IsZero() {
		card.DataTo, card.DataAgo = v.moment(s.DataTo, loc), v.away(s.DataTo)
	}
	if s.Usual > 0 {
		card.Usual = v.span(s.Usual)
	}
	switch {
	case s.State == stillwater.Blind:
		card.LeftNote = v.t("card.blind")
	case s.State == stillwater.ToBeChecked:
		card.LeftNote = v.t("card.open")
	case s.State == stillwater.Paused && s.Absence != nil:
		card.LeftNote = v.t("card.absent", "Until", v.moment(s.Absence.Until, loc))
	case s.State == stillwater.Paused:
		card.LeftNote = v.t("card.paused")
	case s.Alert.IsZero():
		card.LeftNote = v.t("card.none")
	default:
		card.Left, card.LeftAt, card.Rule = v.span(max(0, s.Alert.Sub(v.now))), v.moment(s.Alert, loc), s.AlertRule
		card.Filled = filled(s.Life.Last(), v.now, s.Alert)
	}
	return card
}

// filled is how much of the way from a start to an end has gone by, in percent.
func filled(start, now, end time.Time) int {
	if start.IsZero() || !end.After(start) {
		return 0
	}
	return int(min(100, max(0, 100*now.Sub(start)/end.Sub(start))))
}
