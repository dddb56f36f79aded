package api

import (
	"cmp"
	"slices"
	"time"

	"stillwater"
)

// homeDoc is how a home is.
type homeDoc struct {
	ID        stillwater.HouseholdID `json:"id"`
	Name      string                 `json:"name,omitempty"` // shortened; with personal:read
	Place     placeDoc               `json:"place"`
	State     stillwater.HomeState   `json:"state"`
	DataTo    *time.Time             `json:"dataTo,omitempty"` // up to when there is data
	Life      lifeDoc                `json:"life"`
	Still     int64                  `json:"stillSeconds"`
	Usual     int64                  `json:"usualSeconds,omitempty"`
	Question  *time.Time             `json:"questionAt,omitempty"`
	Alert     *time.Time             `json:"alertAt,omitempty"`
	Rule      string                 `json:"alertRule,omitempty"`
	Reduced   bool                   `json:"protectionReduced,omitempty"`
	Doubt     stillwater.Doubt       `json:"doorDoubt,omitempty"`
	Residents int                    `json:"residents,omitempty"`
	Absence   *spanDoc               `json:"absence,omitempty"`
	Cut       *spanDoc               `json:"waterCut,omitempty"`
	Findings  []findingDoc           `json:"findings"`
}

// placeDoc is where a home stands in the grid. Its door is nowhere in the gateway.
type placeDoc struct {
	Street    string `json:"street,omitempty"`
	Community string `json:"community,omitempty"`
	Grid      string `json:"grid,omitempty"`
	Building  string `json:"building,omitempty"`
}

// lifeDoc is the last signs of life by kind.
type lifeDoc struct {
	Water    *time.Time `json:"water,omitempty"`
	Door     *time.Time `json:"door,omitempty"`
	Activity *time.Time `json:"activity,omitempty"`
}

// spanDoc is from when until when.
type spanDoc struct {
	From  *time.Time `json:"from,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// findingDoc is what a rule concluded.
type findingDoc struct {
	Key      string              `json:"key"` // as a split names it
	Rule     string              `json:"rule"`
	Kind     stillwater.Kind     `json:"kind"`
	Severity stillwater.Severity `json:"severity"`
	Device   stillwater.DeviceID `json:"device,omitempty"`
	Began    *time.Time          `json:"began"`
	Ended    *time.Time          `json:"ended,omitempty"`
	Why      string              `json:"why"` // the sentence that people read
}

// homeStates are the states that a list can be asked for.
var homeStates = []stillwater.HomeState{
	stillwater.Fine, stillwater.Still, stillwater.PerhapsOut, stillwater.Blind, stillwater.ToBeChecked, stillwater.Paused,
}

// homes lists the homes of the key's area by their IDs.
func (a *API) homes(c *call) (any, error) {
	l, err := c.listing("homes", "state")
	if err != nil {
		return nil, err
	}
	states, err := choices(c, "state", homeStates)
	if err != nil {
		return nil, err
	}
	standings, err := a.Standings.Standings(c.Context())
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(standings), func(s stillwater.Standing) bool {
		_, ok := a.visible(c, s.Household)
		return !ok || string(s.Household) <= l.after.ID || len(states) > 0 && !slices.Contains(states, s.State)
	})
	slices.SortFunc(all, func(x, y stillwater.Standing) int { return cmp.Compare(x.Household, y.Household) })
	p := page[homeDoc]{Items: []homeDoc{}}
	for _, s := range all[:min(l.limit, len(all))] {
		h, _ := a.visible(c, s.Household)
		p.Items = append(p.Items, a.homeDoc(c, s, h))
	}
	if len(all) > l.limit {
		p.Next = cursor{ID: string(all[l.limit-1].Household), Of: "homes"}.String()
	}
	return p, nil
}

// home is one of them.
func (a *API) home(c *call) (any, error) {
	h, err := a.homeOf(c)
	if err != nil {
		return nil, err
	}
	s, err := a.standing(c, h.ID)
	if err != nil {
		return nil, err
	}
	return a.homeDoc(c, s, h), nil
}

// standing is how one home is.
func (a *API) standing(c *call, id stillwater.HouseholdID) (stillwater.Standing, error) {
	standings, err := a.Standings.Standings(c.Context())
	if err != nil {
		return stillwater.Standing{}, err
	}
	for _, s := range standings {
		if s.Household == id {
			return s, nil
		}
	}
	return stillwater.Standing{}, noHome() // entered a moment ago, or not consented
}

func (a *API) homeDoc(c *call, s stillwater.Standing, h stillwater.Household) homeDoc {
	d := homeDoc{
		ID: h.ID, Place: placeDoc{h.Place.Street, h.Place.Community, h.Place.Grid, h.Place.Building}, State: s.State, DataTo: moment(s.DataTo),
		Life:  lifeDoc{moment(s.Life.Water), moment(s.Life.Door), moment(s.Life.Activity)},
		Still: seconds(s.Still), Usual: seconds(s.Usual), Question: moment(s.Question), Alert: moment(s.Alert), Rule: s.AlertRule,
		Reduced: s.Reduced, Doubt: s.Doubt, Residents: h.Residents, Findings: a.findings(c, s.Findings, h),
	}
	if c.key.may(PersonalRead) {
		d.Name = a.Words.ShortName(c.lang, h)
	}
	if s.Absence != nil {
		d.Absence = &spanDoc{moment(s.Absence.From), moment(s.Absence.Until)}
	}
	if s.Cut != nil {
		d.Cut = &spanDoc{moment(s.Cut.From), moment(s.Cut.To)}
	}
	return d
}

func (a *API) findings(c *call, list []stillwater.Finding, h stillwater.Household) []findingDoc {
	docs := []findingDoc{}
	for _, f := range list {
		docs = append(docs, findingDoc{
			Key: f.Key(), Rule: f.Rule, Kind: f.Kind, Severity: f.Severity, Device: f.Device, Began: moment(f.Began), Ended: moment(f.Ended),
			Why: a.Words.Why(c.lang, f, h),
		})
	}
	return docs
}

// absenceBody is what a planned absence says.
type absenceBody struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
}

// putAbsence enters an absence, which replaces the one before. What stands already is not entered again.
func (a *API) putAbsence(c *call) (any, error) {
	h, err := a.homeOf(c)
	if err != nil {
		return nil, err
	}
	var body absenceBody
	if err := decode(c, &body); err != nil {
		return nil, err
	}
	from, until := body.From.UTC().Truncate(stillwater.Instant), body.Until.UTC().Truncate(stillwater.Instant)
	absence := stillwater.Absence{Household: h.ID, From: from, Until: until, At: a.Clock.Now(), Who: c.who()}
	if err := absence.Validate(); err != nil || absence.Back() {
		return nil, problem("bad-request", "from and until: %v; write both like 2026-03-01T08:00:00Z.", orBoth(err))
	}
	if !absence.Until.After(absence.At) {
		return nil, problem("bad-request", "until is over already; an absence that is over changes nothing.")
	}
	s, err := a.standing(c, h.ID)
	if err != nil {
		return nil, err
	}
	if s.Absence == nil || !s.Absence.From.Equal(from) || !s.Absence.Until.Equal(until) {
		if err := a.Absences.Away(c.Context(), absence); err != nil {
			return nil, err
		}
	}
	return spanDoc{moment(from), moment(until)}, nil
}

// orBoth is the error, or that both ends are missing.
func orBoth(err error) any {
	if err == nil {
		return "an absence needs both ends"
	}
	return err
}

// deleteAbsence takes an absence back: she is there. Where there is none, nothing is done.
func (a *API) deleteAbsence(c *call) (any, error) {
	h, err := a.homeOf(c)
	if err != nil {
		return nil, err
	}
	s, err := a.standing(c, h.ID)
	if err != nil {
		return nil, err
	}
	if s.Absence != nil {
		err = a.Absences.Away(c.Context(), stillwater.Absence{Household: h.ID, At: a.Clock.Now(), Who: c.who()})
	}
	c.empty = err == nil
	return nil, err
}

// who is the key as the doer of a deed.
func (c *call) who() string { return "api:" + c.key.name }
