package console

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// cutForm is the form for a cut of the water that a home shares with others, with what is announced.
type cutForm struct {
	Action, From, Until string
	Groups              []option
	Announced           bool
}

func (v *view) cutForm(s stillwater.Standing, h stillwater.Household) *cutForm {
	if v.c.Cuts == nil {
		return nil
	}
	f := &cutForm{Action: "/homes/" + string(h.ID) + "/cut", From: v.now.In(h.Location()).Format(localTime)}
	for _, id := range v.c.Cuts.WaterOf(h.Place) {
		f.Groups = append(f.Groups, option{Value: id, Text: v.waterName(id, h.Place)})
	}
	if s.Cut != nil {
		f.Announced, f.From, f.Until = true, s.Cut.From.In(h.Location()).Format(localTime), s.Cut.To.In(h.Location()).Format(localTime)
	}
	if len(f.Groups) == 0 {
		return nil // its place is not entered: nobody is known to share its water
	}
	return f
}

// waterName names what homes share: the building, the riser, the zone.
func (v *view) waterName(group string, p stillwater.Place) string {
	switch kind, _, _ := strings.Cut(group, "/"); kind {
	case "building":
		return v.t("cut.of.building", "Name", p.Building)
	case "riser":
		return v.t("cut.of.riser", "Name", p.Riser)
	case "zone":
		return v.t("cut.of.zone", "Name", p.Zone)
	}
	return group
}

// cutLine tells of an announced cut.
func (v *view) cutLine(s stillwater.Standing, h stillwater.Household) []factLine {
	if s.Cut == nil {
		return nil
	}
	loc := h.Location()
	return []factLine{{v.t("fact.cut"), v.t("fact.absence.value", "From", v.moment(s.Cut.From, loc), "Until", v.moment(s.Cut.To, loc)), v.waterName(s.Cut.Group, h.Place)}}
}

// cut announces a cut of the water, or takes it back.
func (c *Console) cut(r *http.Request) (string, error) {
	h, known := c.Households.Household(stillwater.HouseholdID(r.PathValue("id")))
	if !known {
		return "/", errNotFound
	}
	back := "/homes/" + r.PathValue("id")
	a := stillwater.Announced{Group: r.PostForm.Get("group"), Who: desk}
	if !slices.Contains(c.Cuts.WaterOf(h.Place), a.Group) {
		return back, fmt.Errorf("%w: group %q", errBadForm, a.Group)
	}
	switch deed := r.PostForm.Get("deed"); deed {
	case "over":
		a.Over = true
		return back, c.Cuts.Announce(r.Context(), a)
	case "cut":
	default:
		return back, fmt.Errorf("%w: deed %q", errBadForm, deed)
	}
	var err error
	if a.From, err = time.ParseInLocation(localTime, r.PostForm.Get("from"), h.Location()); err != nil {
		return back, fmt.Errorf("%w: from: %w", errBadForm, err)
	}
	if a.To, err = time.ParseInLocation(localTime, r.PostForm.Get("until"), h.Location()); err != nil {
		return back, fmt.Errorf("%w: until: %w", errBadForm, err)
	}
	if err := a.Validate(); err != nil {
		return back, fmt.Errorf("%w: %w", errBadForm, err)
	}
	return back, c.Cuts.Announce(r.Context(), a)
}
