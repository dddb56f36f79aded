package public

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"stillwater"
	"stillwater/gateway/pipeline"
)

// What a form says is one of these, and nothing else of it is looked at.
var (
	onceShape = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
	knowns    = map[string]string{"": "", "seen": " seen", "spoken": " spoken"}
)

// errDate says that the day of an absence is none that can be meant.
var errDate = errors.New("no day of an absence")

// errForm says that a form is not one of ours.
var errForm = errors.New("no form of this page")

// press does what a button says, and shows the page anew.
func (s *Server) press(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if !ownPage(r, s.Config.Base()) {
		s.problem(w, r, http.StatusForbidden, "page.foreign")
		return
	}
	m, ok := s.admit(w, r)
	if !ok {
		return
	}
	form, err := s.form(r, m)
	var text string
	if err == nil {
		text, err = say(form, m)
	}
	switch {
	case errors.Is(err, errDate):
		s.show(w, r, m, http.StatusUnprocessableEntity, s.Words.T(s.languageOf(r, m), "page.date", nil))
		return
	case err != nil:
		s.problem(w, r, http.StatusBadRequest, "page.form")
		return
	}
	if s.mayAnswer(m) && s.offers(m, text) {
		if err := s.answer(r.Context(), m, text, form.Get("once")); err != nil {
			s.Log.Error("answer by link", "incident", m.inc.ID, "err", err)
			s.show(w, r, m, http.StatusServiceUnavailable, s.Words.T(s.languageOf(r, m), "page.failed", nil))
			return
		}
	}
	w.Header().Set("Location", m.code+query(r)) // relative: a proxy or a relay may have taken something off the path
	w.WriteHeader(http.StatusSeeOther)
}

// query keeps the choice of language.
func query(r *http.Request) string {
	if lang := r.URL.Query().Get("lang"); lang != "" {
		return "?" + url.Values{"lang": {lang}}.Encode()
	}
	return ""
}

// form is what was pressed, opened if the browser sealed it. The code must stand in the body, too.
func (s *Server) form(r *http.Request, m matter) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	form := r.PostForm
	if box := form.Get("sealed"); box != "" {
		opened, err := s.unseal(box, m)
		if err != nil {
			return nil, err
		}
		form = opened
	}
	if form.Get("code") != m.code || !onceShape.MatchString(form.Get("once")) {
		return nil, errForm
	}
	return form, nil
}

// say is a form as a text would say it.
func say(form url.Values, m matter) (string, error) {
	known, ok := knowns[form.Get("known")]
	digit := form.Get("digit")
	switch {
	case !ok || len(digit) != 1 || digit < "1" || digit > "5" || known != "" && digit != "2":
		return "", errForm
	case digit != "3":
		return digit + known, nil
	}
	loc := m.home.Location()
	day, err := time.ParseInLocation(time.DateOnly, form.Get("until"), loc)
	now := m.now.In(loc)
	if err != nil || !day.After(now) || day.After(now.AddDate(0, 0, 89)) {
		return "", errDate
	}
	return "3 until " + day.Format(time.DateOnly), nil
}

// offers says whether the reader's page has the button: of a resident that she is well or needs help, and no other.
func (s *Server) offers(m matter, text string) bool {
	return m.reader.Role != stillwater.Resident || text[0] == '2' || text[0] == '4'
}

// answer hands what was pressed to whoever acts on it. Pressed twice on one page it has one ID, and is acted on once.
func (s *Server) answer(ctx context.Context, m matter, text, once string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pressTime) // who presses and closes the page has pressed
	defer cancel()
	s.Audit(m.look("pressed " + text[:1]))
	err := s.Reply(ctx, stillwater.Reply{
		ID: fmt.Sprintf("%s%s/%s/%s", pipeline.PageReply, m.message.ID, text, once), Message: m.message.ID, Text: text, At: m.now,
	})
	if errors.Is(err, pipeline.ErrUnderWay) {
		return nil
	}
	return err
}
