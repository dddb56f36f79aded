package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"stillwater"
)

// Lives takes what people say of the life of homes, and says what came of it.
type Lives interface {
	Life(ctx context.Context, e stillwater.LifeEvent) error
	LifeOf(id stillwater.HouseholdID) stillwater.Circumstances
}

// lifeForm is what can be said of the life of a home, with what was.
type lifeForm struct {
	Action, Sure string
	Stays        []lifeStay
	Stay         bool
	Carers       []option
	Away         []option // carers who are away
	Gone         bool
	Undo         string // says until when it can be taken back; "": it cannot
}

// lifeStay is a button for a stay; Now says that she is there already.
type lifeStay struct {
	Value string
	Now   bool
}

func (v *view) lifeForm(h stillwater.Household) *lifeForm {
	if v.c.Lives == nil {
		return nil
	}
	c := v.c.Lives.LifeOf(h.ID)
	f := &lifeForm{Action: "/homes/" + string(h.ID) + "/life", Sure: "/homes/" + string(h.ID) + "/sure", Stay: c.Stay != nil, Gone: c.Gone != nil}
	for _, kind := range []stillwater.LifeKind{stillwater.InHospital, stillwater.WithFamily} {
		f.Stays = append(f.Stays, lifeStay{string(kind), c.Stay != nil && c.Stay.Kind == kind})
	}
	for _, contact := range h.Contacts {
		if contact.Role != stillwater.Resident {
			f.Carers = append(f.Carers, option{string(contact.ID), v.c.Words.Person(v.lang, contact)})
		}
	}
	for _, e := range c.Carers {
		f.Away = append(f.Away, option{string(e.Contact), v.who(string(e.Contact), h)})
	}
	if c.Gone != nil {
		if until := c.Gone.At.Add(stillwater.UndoWithin); until.After(v.now) {
			f.Undo = v.t("life.undo.help", "Until", v.moment(until, h.Location()))
		}
	}
	return f
}

// lifeLines are what is known of the life of a home.
func (v *view) lifeLines(h stillwater.Household) (lines []factLine) {
	if v.c.Lives == nil {
		return nil
	}
	c, loc := v.c.Lives.LifeOf(h.ID), h.Location()
	said := func(e stillwater.LifeEvent) string {
		return v.t("fact.absence.who", "Who", v.who(e.Who, h), "At", v.moment(e.At, loc))
	}
	if e := c.Gone; e != nil {
		lines = append(lines, factLine{v.word("fact.life", string(e.Kind)), v.t("fact.life.stopped", "At", v.moment(e.At, loc)), said(*e)})
	}
	if e := c.Stay; e != nil {
		value := v.t("fact.life.until", "Until", v.moment(e.Until, loc))
		if e.Reviewed {
			value = v.t("fact.life.reviewed", "Until", v.moment(e.Until, loc))
		}
		lines = append(lines, factLine{v.word("fact.life", string(e.Kind)), value, said(*e)})
	}
	for _, e := range c.Carers {
		value := v.t("fact.life.carer.value", "Who", v.who(string(e.Contact), h), "Until", v.moment(e.Until, loc))
		lines = append(lines, factLine{v.t("fact.life.carer"), value, v.t("fact.life.carer.more")})
	}
	for _, q := range c.Asked {
		key := "fact.asked.stay"
		if q.Kind == stillwater.AskedFestival {
			key = "fact.asked.festival"
		}
		value := v.c.Words.T(v.lang, key, map[string]any{"Who": v.who(string(q.Contact), h)})
		lines = append(lines, factLine{v.t("fact.asked"), value, v.t("fact.asked.more", "At", v.moment(q.At, loc))})
	}
	return lines
}

// sureBody is the page that asks a second time, before a home is not watched any more.
type sureBody struct {
	Head, Then, Kind, Yes string
	Action, Back          string
}

func (b sureBody) title() string { return b.Head }

// sure asks once more. It changes nothing.
func (c *Console) sure(v *view, r *http.Request) (any, error) {
	h, known := c.Households.Household(stillwater.HouseholdID(r.PathValue("id")))
	if !known {
		return nil, errNotFound
	}
	kind := stillwater.LifeKind(r.URL.Query().Get("kind"))
	if !kind.Ends() {
		return nil, fmt.Errorf("%w: kind %q", errBadForm, kind)
	}
	home := "/homes/" + string(h.ID)
	return sureBody{
		Head: v.c.Words.T(v.lang, "life.sure."+string(kind), map[string]any{"Name": v.name(h)}), Then: v.t("life.sure.then", "Days", int(stillwater.UndoWithin.Hours()/24)),
		Kind: string(kind), Yes: v.word("life.sure.yes", string(kind)), Action: home + "/life", Back: home,
	}, nil
}

// live takes what a form says of the life of a home.
func (c *Console) live(r *http.Request) (string, error) {
	id, form := stillwater.HouseholdID(r.PathValue("id")), r.PostForm
	h, known := c.Households.Household(id)
	if !known {
		return "/", errNotFound
	}
	back := "/homes/" + r.PathValue("id")
	e := stillwater.LifeEvent{Household: id, Kind: stillwater.LifeKind(form.Get("kind")), At: c.Clock.Now(), Who: desk}
	if e.Kind.Ends() && form.Get("sure") != "yes" { // the buttons of the home's page lead to the question first
		return back, fmt.Errorf("%w: %s was not confirmed", errBadForm, e.Kind)
	}
	if e.Kind == stillwater.CarerAway || e.Kind == stillwater.CarerBack {
		e.Contact = stillwater.ContactID(form.Get("contact"))
	}
	if until := form.Get("until"); until != "" && (e.Kind.Stays() || e.Kind == stillwater.CarerAway) {
		var err error
		if e.Until, err = time.ParseInLocation(localTime, until, h.Location()); err != nil {
			return back, fmt.Errorf("%w: until: %w", errBadForm, err)
		}
	}
	if err := e.Validate(); err != nil {
		return back, fmt.Errorf("%w: %w", errBadForm, err)
	}
	return back, c.Lives.Life(r.Context(), e)
}
