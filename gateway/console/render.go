package console

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"stillwater"
	"stillwater/gateway/incident"
	"stillwater/gateway/words"
)

// languageCookie remembers the language chosen.
const languageCookie = "lang"

// Problems that a page words itself; any other error is the gateway's.
var (
	errNotFound = errors.New("no such page")
	errBadForm  = errors.New("form not filled in")
)

// view is one page in the making: its language, the moment it shows, and what everything on it is written with.
type view struct {
	c    *Console
	lang string
	now  time.Time
	path string // with the query, without the choice of language
}

func (c *Console) view(r *http.Request) *view {
	wish := r.Header.Get("Accept-Language")
	if k, err := r.Cookie(languageCookie); err == nil {
		wish = k.Value
	}
	query := r.URL.Query()
	if q := query.Get("lang"); q != "" {
		wish = q
	}
	query.Del("lang")
	at := url.URL{Path: r.URL.Path, RawQuery: query.Encode()}
	return &view{c: c, lang: c.Words.Language(wish), now: c.Clock.Now(), path: at.String()}
}

func (v *view) t(key string, pairs ...any) string {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[pairs[i].(string)] = pairs[i+1]
	}
	return v.c.Words.T(v.lang, key, data)
}

func (v *view) word(family, value string) string   { return v.c.Words.Word(v.lang, family, value) }
func (v *view) span(d time.Duration) string        { return v.c.Words.Span(v.lang, d) }
func (v *view) name(h stillwater.Household) string { return v.c.Words.ShortName(v.lang, h) }

func (v *view) moment(t time.Time, loc *time.Location) string {
	return v.c.Words.Moment(v.lang, t, loc, v.now)
}

// away says how far a moment is from now: "in 12 min", "12 min ago".
func (v *view) away(t time.Time) string {
	if t.After(v.now) {
		return v.t("when.in", "Span", v.span(t.Sub(v.now)))
	}
	return v.t("when.ago", "Span", v.span(v.now.Sub(t)))
}

// home finds a household; one that is no longer registered is shown by its number.
func (v *view) home(id stillwater.HouseholdID) stillwater.Household {
	if h, ok := v.c.Households.Household(id); ok {
		return h
	}
	return stillwater.Household{ID: id}
}

// homeOf is the household an incident is about; of a group one that stands for its members.
func (v *view) homeOf(inc stillwater.Incident) stillwater.Household {
	if inc.Group == "" {
		return v.home(inc.Household)
	}
	h, _ := incident.Together(inc.Findings, v.c.Households.Household)
	return h
}

// nameOf is what an incident is about: a home, or a group of them.
func (v *view) nameOf(inc stillwater.Incident, h stillwater.Household) string {
	if inc.Group != "" {
		return v.c.Words.Group(v.lang, inc.Group)
	}
	return v.name(h)
}

// frame is what stands round every page.
type frame struct {
	Lang      string
	Path      string
	Languages []link
	Title     string
	Phones    bool
	Devices   bool
	Demo      *demoBar
	Clock     clockFace
	Body      any
}

// link is a link, or the place one is at.
type link struct {
	Text, URL, Lang string
	Here            bool
}

// clockFace is the event clock; a script may run it between two fetches.
type clockFace struct {
	Text   string // "16:05:30"
	Day    string // "4 Nov"
	Millis int64
	Offset int // of the zone, seconds
	Speed  string
}

// demoBar is the demo's controls.
type demoBar struct {
	Speed     string
	Speeds    []speed
	Scenarios []option
	Homes     []option
}

type speed struct {
	Value, Text string
	Here        bool
}

type option struct{ Value, Text string }

// maxStageHomes bounds the list of homes to stage a scenario at.
const maxStageHomes = 100

func (v *view) frame(body any, title string) frame {
	f := frame{Lang: v.lang, Path: v.path, Title: title, Phones: v.c.Phones != nil, Devices: v.c.Devices != nil, Body: body, Clock: v.clock()}
	for _, lang := range v.c.Words.Languages() {
		at, _ := url.Parse(v.path)
		q := at.Query()
		q.Set("lang", lang)
		at.RawQuery = q.Encode()
		f.Languages = append(f.Languages, link{Text: v.c.Words.T(lang, "language", nil), URL: at.String(), Lang: lang, Here: lang == v.lang})
	}
	if v.c.Demo {
		f.Demo = v.demo()
	}
	return f
}

func (v *view) clock() clockFace {
	local := v.now.In(v.c.Zone)
	_, offset := local.Zone()
	midnight := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, v.c.Zone)
	return clockFace{
		Text: local.Format("15:04:05"), Millis: v.now.UnixMilli(), Offset: offset, Speed: number(v.c.Clock.Speed()),
		Day: v.t("clock.day", "Month", v.word("month", strconv.Itoa(int(midnight.Month()))), "Day", midnight.Day()),
	}
}

func (v *view) demo() *demoBar {
	now := v.c.Clock.Speed()
	bar := &demoBar{Speed: number(now)}
	for _, s := range []float64{1, 60, 600, 3600} {
		bar.Speeds = append(bar.Speeds, speed{Value: number(s), Text: number(s) + "×", Here: s == now})
	}
	if v.c.Stage == nil {
		return bar
	}
	for _, s := range v.c.Stage.Scenarios() {
		title := s.Titles[v.lang]
		if title == "" {
			title = s.Name
		}
		bar.Scenarios = append(bar.Scenarios, option{s.Name, title})
	}
	for i, s := range v.c.Standings.Standings() {
		if i == maxStageHomes {
			break
		}
		bar.Homes = append(bar.Homes, option{string(s.Household), string(s.Household) + " · " + v.name(v.home(s.Household))})
	}
	return bar
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// page answers with a page made by build.
func (c *Console) page(name string, build func(*view, *http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := c.view(r)
		if q := r.URL.Query().Get("lang"); q != "" {
			http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: v.lang, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteStrictMode})
		}
		body, err := build(v, r)
		if err != nil {
			c.problem(w, v, err)
			return
		}
		c.write200(w, v, name, body)
	})
}

func (c *Console) write200(w http.ResponseWriter, v *view, name string, body any) {
	title := ""
	if b, ok := body.(interface{ title() string }); ok {
		title = b.title()
	}
	var page bytes.Buffer
	if err := c.templates[v.lang].ExecuteTemplate(&page, name, v.frame(body, title)); err != nil {
		c.problem(w, v, fmt.Errorf("page %q: %w", name, err))
		return
	}
	send(w, http.StatusOK, page.Bytes())
}

func send(w http.ResponseWriter, status int, page []byte) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page)
}

// problemBody is a page that says what went wrong.
type problemBody struct{ Head, Text, Back string }

func (p problemBody) title() string { return p.Head }

// problem says in the reader's words what went wrong; what only concerns the gateway goes to the log.
func (c *Console) problem(w http.ResponseWriter, v *view, err error) {
	status, p := c.wordProblem(v, err)
	if status == http.StatusInternalServerError {
		c.Log.Error("page", "err", err)
	}
	var page bytes.Buffer
	if err := c.templates[v.lang].ExecuteTemplate(&page, "problem", v.frame(p, p.Head)); err != nil {
		c.Log.Error("page of a problem", "err", err)
		http.Error(w, p.Head, status)
		return
	}
	send(w, status, page.Bytes())
}

func (c *Console) wordProblem(v *view, err error) (int, problemBody) {
	back := v.path
	var tooLong *http.MaxBytesError
	switch {
	case errors.Is(err, errNotFound):
		return http.StatusNotFound, problemBody{v.t("problem.none"), v.t("problem.none.text"), "/"}
	case errors.Is(err, errForeign):
		return http.StatusForbidden, problemBody{v.t("problem.foreign"), v.t("problem.foreign.text"), "/"}
	case errors.Is(err, errBadForm), errors.As(err, &tooLong):
		return http.StatusBadRequest, problemBody{v.t("problem.form"), v.t("problem.form.text"), back}
	}
	if c.Refused != nil {
		if reason, ok := c.Refused(err); ok {
			return http.StatusConflict, problemBody{v.t("problem.refused"), v.word("refusal", reason), back}
		}
	}
	return http.StatusInternalServerError, problemBody{v.t("problem.ours"), v.t("problem.ours.text"), back}
}

// parseTemplates reads the embedded templates, once for each language.
func parseTemplates(w *words.Words) (map[string]*template.Template, error) {
	all := map[string]*template.Template{}
	for _, lang := range w.Languages() {
		t, err := template.New("").Funcs(template.FuncMap{
			"t":         func(key string) string { return w.T(lang, key, nil) },
			"word":      func(family string, value any) string { return w.Word(lang, family, fmt.Sprint(value)) },
			"icon":      icon,
			"phoneKeys": func() []string { return []string{"1", "2", "3", "4", "5"} },
		}).ParseFS(embedded, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("templates: %w", err)
		}
		all[lang] = t
	}
	return all, nil
}
