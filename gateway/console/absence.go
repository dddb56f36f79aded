package console

import (
	"fmt"
	"net/http"
	"time"

	"stillwater"
)

// localTime is how a browser writes a moment without a zone: it is the home's.
const localTime = "2006-01-02T15:04"

// absenceForm is the form for an absence, with what is planned.
type absenceForm struct {
	Action, From, Until string
	Planned             bool
}

func (v *view) absenceForm(s stillwater.Standing, h stillwater.Household) *absenceForm {
	if v.c.Absences == nil {
		return nil
	}
	from, until := v.now, time.Time{}
	if s.Absence != nil {
		from, until = s.Absence.From, s.Absence.Until
	}
	f := &absenceForm{Action: "/homes/" + string(h.ID) + "/absence", From: from.In(h.Location()).Format(localTime), Planned: s.Absence != nil}
	if !until.IsZero() {
		f.Until = until.In(h.Location()).Format(localTime)
	}
	return f
}

// circumstances are what is known of a home beside what its devices say.
func (v *view) circumstances(s stillwater.Standing, h stillwater.Household) (lines []factLine) {
	loc := h.Location()
	if a := s.Absence; a != nil {
		more := v.t("fact.absence.who", "Who", v.who(a.Who, h), "At", v.moment(a.At, loc))
		lines = append(lines, factLine{v.t("fact.absence"), v.t("fact.absence.value", "From", v.moment(a.From, loc), "Until", v.moment(a.Until, loc)), more})
	}
	lines = append(lines, v.lifeLines(h)...)
	if s.Residents > 1 {
		lines = append(lines, factLine{v.t("fact.residents"), v.t("fact.residents.value", "N", s.Residents), ""})
	}
	return append(lines, v.cutLine(s, h)...)
}

// absent enters an absence, or takes it back.
func (c *Console) absent(r *http.Request) (string, error) {
	id := stillwater.HouseholdID(r.PathValue("id"))
	h, known := c.Households.Household(id)
	if !known {
		return "/", errNotFound
	}
	back := "/homes/" + r.PathValue("id")
	a := stillwater.Absence{Household: id, At: c.Clock.Now(), Who: desk}
	switch deed := r.PostForm.Get("deed"); deed {
	case "back":
		return back, c.Absences.Away(r.Context(), a)
	case "away":
	default:
		return back, fmt.Errorf("%w: deed %q", errBadForm, deed)
	}
	var err error
	if a.Until, err = time.ParseInLocation(localTime, r.PostForm.Get("until"), h.Location()); err != nil {
		return back, fmt.Errorf("%w: until: %w", errBadForm, err)
	}
	a.From = a.At
	if from := r.PostForm.Get("from"); from != "" {
		if a.From, err = time.ParseInLocation(localTime, from, h.Location()); err != nil {
			return back, fmt.Errorf("%w: from: %w", errBadForm, err)
		}
	}
	if err := a.Validate(); err != nil {
		return back, fmt.Errorf("%w: %w", errBadForm, err)
	}
	return back, c.Absences.Away(r.Context(), a)
}
