package console

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"stillwater"
)

// desk is who does what is pressed on the console. There is no sign-in yet, so it cannot be said who sat there.
const desk = "console"

// Bounds of what people write.
const (
	maxNote = 500 // characters
	maxSMS  = 500
)

var errForeign = errors.New("not from a page of this console")

// change answers a form: it is refused unless it comes from one of our pages, done, and leads back to a page.
func (c *Console) change(do func(r *http.Request) (back string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := c.view(r)
		if !sameOrigin(r) {
			c.problem(w, v, errForeign)
			return
		}
		if err := r.ParseForm(); err != nil {
			c.problem(w, v, fmt.Errorf("%w: %w", errBadForm, err))
			return
		}
		back, err := do(r)
		v.path = back
		if err != nil {
			c.problem(w, v, err)
			return
		}
		http.Redirect(w, r, back, http.StatusSeeOther)
	})
}

// backTo is the page that a form names to return to; only one of ours.
func backTo(r *http.Request) string {
	back := r.PostForm.Get("back")
	if !strings.HasPrefix(back, "/") || strings.HasPrefix(back, "//") || strings.ContainsAny(back, "\\\r\n\t") {
		return "/"
	}
	return back
}

// act does a deed on an incident.
func (c *Console) act(r *http.Request) (string, error) {
	id := stillwater.IncidentID(r.PathValue("id"))
	back := "/incidents/" + r.PathValue("id")
	form := r.PostForm
	a := stillwater.Act{Incident: id, Deed: stillwater.Deed(form.Get("deed")), Who: desk, Note: strings.TrimSpace(form.Get("note"))}
	if utf8.RuneCountInString(a.Note) > maxNote || !utf8.ValidString(a.Note) {
		return back, fmt.Errorf("%w: note", errBadForm)
	}
	inc, ok, err := c.Incidents.Incident(r.Context(), id)
	if err != nil || !ok {
		return "/", errors.Join(err, ifNot(ok, errNotFound))
	}
	if err := readDeed(&a, form, c.view(r).homeOf(inc).Location()); err != nil {
		return back, err
	}
	return back, c.Acts.Act(r.Context(), a)
}

func ifNot(ok bool, err error) error {
	if ok {
		return nil
	}
	return err
}

// maxSpeed is an hour a second; beyond it nobody can follow.
const maxSpeed = 3600

// setSpeed lets the event clock of the demo run faster or slower.
func (c *Console) setSpeed(r *http.Request) (string, error) {
	s, err := strconv.ParseFloat(r.PostForm.Get("speed"), 64)
	if err != nil || math.IsNaN(s) || s < 1 || s > maxSpeed {
		return backTo(r), fmt.Errorf("%w: speed %q", errBadForm, r.PostForm.Get("speed"))
	}
	c.Clock.SetSpeed(s)
	return backTo(r), nil
}

// stage lets a scenario happen at a home.
func (c *Console) stage(r *http.Request) (string, error) {
	name, id := r.PostForm.Get("scenario"), stillwater.HouseholdID(r.PostForm.Get("household"))
	if !slices.ContainsFunc(c.Stage.Scenarios(), func(s Scenario) bool { return s.Name == name }) {
		return backTo(r), fmt.Errorf("%w: scenario %q", errBadForm, name)
	}
	if _, ok := c.Households.Household(id); !ok {
		return backTo(r), errNotFound
	}
	return backTo(r), c.Stage.Stage(r.Context(), name, id)
}

// write sends a text from one of the pretended phones.
func (c *Console) write(r *http.Request) (string, error) {
	from, body := stillwater.Phone(r.PostForm.Get("phone")), strings.TrimSpace(r.PostForm.Get("text"))
	back := "/phones#" + phoneID(from)
	if body == "" || utf8.RuneCountInString(body) > maxSMS || !utf8.ValidString(body) || !strings.HasPrefix(string(from), "+") {
		return "/phones", fmt.Errorf("%w: text", errBadForm)
	}
	return back, c.Phones.Write(r.Context(), from, body)
}
