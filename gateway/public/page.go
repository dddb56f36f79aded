package public

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/links"
	"stillwater/gateway/words"
)

// readable is how long the page of a closed incident says how it ended.
const readable = 24 * time.Hour

// errGone says that there is no page for a code: it is none, or what it was of is over, or its reader may not be told any more.
var errGone = errors.New("no such link")

// matter is what the page of a code is about.
type matter struct {
	code    string
	message stillwater.Message
	inc     stillwater.Incident
	home    stillwater.Household
	reader  stillwater.Contact
	lead    stillwater.Finding
	until   time.Time // it may be answered by
	now     time.Time // event clock
}

// find finds what a code is of.
func (s *Server) find(ctx context.Context, code string) (m matter, err error) {
	if !links.Shaped(code) {
		return m, errGone
	}
	var ok bool
	m.code, m.now = code, s.Clock.Now()
	if m.message, ok, err = s.Store.Linked(ctx, code); err != nil || !ok {
		return m, gone(err)
	}
	if m.until, err = s.Links.Check(code, m.message.ID); err != nil {
		return m, errGone
	}
	if m.inc, ok, err = s.Store.Incident(ctx, m.message.Incident); err != nil || !ok {
		return m, gone(err)
	}
	if !s.home(&m) || !m.inc.IsOpen() && s.wall(m.now.Sub(m.inc.Closed)) > readable {
		return m, errGone
	}
	m.lead, _ = words.Lead(m.inc)
	return m, nil
}

func gone(err error) error {
	if err == nil {
		return errGone
	}
	return err
}

// wall is how long a span of the event clock takes by the real one.
func (s *Server) wall(d time.Duration) time.Duration {
	return time.Duration(float64(d) / max(1, s.Clock.Speed()))
}

// home finds the home and the reader among its people; false: there is no home, it did not consent, or the reader is none of them.
func (s *Server) home(m *matter) (ok bool) {
	if m.inc.Group != "" {
		m.home, ok = incident.Together(m.inc.Findings, s.Households.Household)
	} else if m.home, ok = s.Households.Household(m.inc.Household); ok {
		ok = m.home.Consent.Covers(m.now, m.now)
	}
	if !ok {
		return false
	}
	for _, c := range m.home.Contacts {
		if c.ID == m.message.Contact && (c.Agreed.Withdrawn.IsZero() || m.now.Before(c.Agreed.Withdrawn)) {
			m.reader = c
			return true
		}
	}
	return false
}

// mayAnswer says whether the page has buttons.
func (s *Server) mayAnswer(m matter) bool { return m.inc.IsOpen() && s.Wall().Before(m.until) }

// page is what the template shows.
type page struct {
	Lang, Code, TextCode, Action  string
	Languages                     []language
	Head, Why                     string
	Urgent                        bool
	Standing                      string // who has taken it on
	Taken                         bool
	Help                          string // help was asked for
	Closed, Assumed               bool
	Old                           bool // it can be read, and not answered any more
	Answer                        bool
	Self, Remote                  bool // the reader is the resident; she calls rather than goes
	Mine                          bool // the reader has taken it on
	Once                          string
	FirstDay, LastDay             string // of an absence
	Dial, Duty                    string
	Notice                        string
	Sealed, Script, Style, Prompt string
}

type language struct {
	Text, Lang string
	Here       bool
}

// open shows the page of a code. It changes nothing.
func (s *Server) open(w http.ResponseWriter, r *http.Request) {
	m, ok := s.admit(w, r)
	if !ok {
		return
	}
	s.Audit(m.look("opened"))
	s.show(w, r, m, http.StatusOK, "")
}

func (m matter) look(what string) Look {
	return Look{m.message.ID, m.inc.ID, m.message.Household, m.message.Contact, what}
}

// admit finds what the code of a request is of, within the limits; false: the request is answered.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) (matter, bool) {
	visitor, now, code := s.visitor(r), s.Wall(), r.PathValue("code")
	if !s.visits.Allow(visitor, now) || !s.misses.May(visitor, now) || links.Shaped(code) && !s.uses.Allow(code, now) {
		w.Header().Set("Retry-After", "60")
		s.problem(w, r, http.StatusTooManyRequests, "page.busy")
		return matter{}, false
	}
	m, err := s.find(r.Context(), code)
	switch {
	case errors.Is(err, errGone):
		s.misses.Allow(visitor, now)
		s.problem(w, r, http.StatusNotFound, "page.gone")
	case err != nil:
		s.Log.Error("page of a link", "err", err)
		s.problem(w, r, http.StatusServiceUnavailable, "page.failed")
	}
	return m, err == nil
}

// languageOf is the reader's, unless the page was asked for in another.
func (s *Server) languageOf(r *http.Request, m matter) string {
	if wish := r.URL.Query().Get("lang"); wish != "" {
		return s.Words.Language(wish)
	}
	return s.Words.Language(m.reader.Language, m.message.Language, r.Header.Get("Accept-Language"))
}

// pageOf is the page of a matter.
func (s *Server) pageOf(m matter, lang string) page {
	loc := m.home.Location()
	day := func(n int) string { return m.now.In(loc).AddDate(0, 0, n).Format(time.DateOnly) }
	dial, duty := s.Words.DutyPhone(m.home, stillwater.Phone(s.Config.DutyPhone), m.reader.ID)
	p := page{
		Lang: lang, Code: m.code, TextCode: m.message.Code, Urgent: m.inc.Severity == stillwater.Urgent && m.inc.IsOpen(),
		Head: s.Words.Head(lang, m.message, m.inc, m.home, m.now), Why: s.Words.Why(lang, m.lead, m.home),
		Taken: m.inc.State == stillwater.Acknowledged || m.inc.State == stillwater.OnSite, Closed: !m.inc.IsOpen(), Answer: s.mayAnswer(m),
		Self: m.reader.Role == stillwater.Resident, Remote: m.reader.Remote, Mine: m.inc.Holder == string(m.reader.ID),
		Once: m.once(), FirstDay: day(1), LastDay: day(89), Dial: string(dial), Duty: duty,
	}
	p.Old, p.Assumed = !p.Closed && !p.Answer, p.Closed && m.inc.Known == stillwater.Assumed
	if len(m.inc.Findings) == 0 {
		p.Why = ""
	}
	p.Standing, p.Help = s.standing(m, p, lang)
	for _, l := range s.Words.Languages() {
		p.Languages = append(p.Languages, language{s.Words.T(l, "language", nil), l, l == lang})
	}
	return p
}

// standing says who has taken it on, or how it ended; and when help was asked for, if it was and nobody has come since.
func (s *Server) standing(m matter, p page, lang string) (standing, help string) {
	moment := func(t time.Time) string { return s.Words.Moment(lang, t, m.home.Location(), m.now) }
	data := map[string]any{"Who": s.Words.Holder(lang, m.inc, m.home), "At": moment(last(m.inc, "acknowledged", "on-site").At)}
	if e := last(m.inc, "help", "acknowledged", "on-site", "closed"); e.What == "help" {
		help = s.Words.T(lang, "page.help", map[string]any{"At": moment(e.At)})
	}
	switch {
	case p.Closed:
		data["Outcome"], data["Known"], data["At"] = s.Words.Word(lang, "outcome", string(m.inc.Outcome)), "", moment(m.inc.Closed)
		if m.inc.Known != "" {
			data["Known"] = s.Words.T(lang, "sms.known", map[string]any{"Known": s.Words.Word(lang, "known", string(m.inc.Known))})
		}
		return s.Words.T(lang, "page.closed", data), ""
	case m.inc.State == stillwater.OnSite && p.Mine:
		return s.Words.T(lang, "page.there.you", data), help
	case m.inc.State == stillwater.OnSite:
		return s.Words.T(lang, "page.there", data), help
	case p.Taken && p.Mine:
		return s.Words.T(lang, "page.held.you", data), help
	case p.Taken:
		return s.Words.T(lang, "page.held", data), help
	}
	return s.Words.T(lang, "page.nobody", nil), help
}

// last is the latest event of an incident among those named.
func last(inc stillwater.Incident, names ...string) (e stillwater.Event) {
	for i := len(inc.Log) - 1; i >= 0; i-- {
		for _, name := range names {
			if inc.Log[i].What == name {
				return inc.Log[i]
			}
		}
	}
	return e
}

// once names how things stood when the page was made: what is pressed twice on one page is done once, and the same button of a later page
// is news. It tells nothing: it is a hash.
func (m matter) once() string {
	h := fnv.New64a()
	fmt.Fprint(h, m.code, m.inc.State, m.inc.Holder, m.inc.Promise.UnixNano(), m.inc.Rung, len(m.inc.Log))
	return strconv.FormatUint(h.Sum64(), 36)
}
