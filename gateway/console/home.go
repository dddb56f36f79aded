package console

import (
	"net/http"
	"time"

	"stillwater"
)

// shown is how far back the page of a home looks.
const shown = 48 * time.Hour

// maxRecent bounds the incidents listed of a home.
const maxRecent = 12

// homeBody is one home: how it stands, its last two days, what was found, its devices.
type homeBody struct {
	homeCard
	Title    string
	Facts    []factLine
	Findings []whyLine
	Open     []incidentCard
	Recent   []incidentCard
	Devices  []deviceLine
	Wide     chart
	Narrow   chart
	Scenario []option
	Absence  *absenceForm // nil: absences are not entered here
	Cut      *cutForm     // nil: water cuts are not
	Life     *lifeForm    // nil: life events are not
}

func (b homeBody) title() string { return b.Title }

type factLine struct{ Key, Value, More string }

type deviceLine struct{ ID, Kind, Every, Last string }

func (c *Console) home(v *view, r *http.Request) (any, error) {
	id := stillwater.HouseholdID(r.PathValue("id"))
	h, known := c.Households.Household(id)
	if !known {
		return nil, errNotFound
	}
	s := c.standing(id)
	readings, err := c.Readings.Readings(r.Context(), id, v.now.Add(-shown-lookBack))
	if err != nil {
		return nil, err
	}
	recent, err := c.Incidents.RecentIncidents(r.Context(), id, maxRecent)
	if err != nil {
		return nil, err
	}
	b := homeBody{homeCard: v.homeCard(s), Facts: v.facts(s, h)}
	b.Title = b.Name
	b.Findings = v.whys(s.Findings, h)
	for _, inc := range recent {
		if inc.IsOpen() {
			b.Open = append(b.Open, v.incidentCard(inc))
		} else {
			b.Recent = append(b.Recent, v.incidentCard(inc))
		}
	}
	days := history(readings, s.DataTo, v.now)
	b.Wide, b.Narrow = v.draw(days, h.Location(), wide), v.draw(days, h.Location(), narrow)
	b.Devices = v.devices(h, readings)
	b.Absence, b.Cut, b.Life = v.absenceForm(s, h), v.cutForm(s, h), v.lifeForm(h)
	if b.Life != nil && b.Life.Gone {
		b.Absence = nil
	}
	if bar := v.demo(); c.Demo {
		b.Scenario = bar.Scenarios
	}
	return b, nil
}

// standing finds how a home stands; of one the engine has not heard of nothing is known.
func (c *Console) standing(id stillwater.HouseholdID) stillwater.Standing {
	for _, s := range c.Standings.Standings() {
		if s.Household == id {
			return s
		}
	}
	return stillwater.Standing{Household: id, State: stillwater.Blind}
}

func (v *view) facts(s stillwater.Standing, h stillwater.Household) []factLine {
	loc := h.Location()
	lines := v.circumstances(s, h)
	for _, sign := range []struct {
		key string
		at  time.Time
	}{{v.t("fact.water"), s.Life.Water}, {v.t("fact.door"), s.Life.Door}, {v.t("fact.activity"), s.Life.Activity}} {
		if !sign.at.IsZero() {
			lines = append(lines, factLine{sign.key, v.moment(sign.at, loc), v.away(sign.at)})
		}
	}
	if s.DataTo.IsZero() {
		lines = append(lines, factLine{v.t("fact.data"), v.t("fact.none"), ""})
	} else {
		lines = append(lines, factLine{v.t("fact.data"), v.moment(s.DataTo, loc), v.away(s.DataTo)})
	}
	if s.State != stillwater.Blind {
		lines = append(lines, factLine{v.t("fact.still"), v.span(s.Still), ""})
	}
	usual := v.t("fact.learning")
	if s.Usual > 0 {
		usual = v.span(s.Usual)
	}
	lines = append(lines, factLine{v.t("fact.usual"), usual, ""})
	if s.State == stillwater.Blind || s.State == stillwater.Paused {
		return lines
	}
	if !s.Question.IsZero() && s.Question.After(v.now) {
		lines = append(lines, factLine{v.t("fact.question"), v.moment(s.Question, loc), v.away(s.Question)})
	}
	if !s.Alert.IsZero() && s.Alert.After(v.now) {
		lines = append(lines, factLine{v.t("fact.alert"), v.moment(s.Alert, loc), v.away(s.Alert)})
	}
	return lines
}

func (v *view) devices(h stillwater.Household, readings []stillwater.Reading) []deviceLine {
	last := map[stillwater.DeviceID]time.Time{}
	for _, r := range readings {
		if r.At.After(last[r.Device]) {
			last[r.Device] = r.At
		}
	}
	var lines []deviceLine
	for _, d := range h.Devices {
		line := deviceLine{ID: string(d.ID), Kind: string(d.Kind)}
		if d.Every > 0 {
			line.Every = v.t("device.every", "Span", v.span(d.Every))
		}
		if at := last[d.ID]; !at.IsZero() {
			line.Last = v.moment(at, h.Location()) + " · " + v.away(at)
		}
		lines = append(lines, line)
	}
	return lines
}
