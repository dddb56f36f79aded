package public

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"stillwater/gateway/words"
)

//go:embed assets
var assets embed.FS

// The style sheet and the script stand in the page, which is then one request; the policy lets in those two, by their hashes, and nothing
// else from anywhere.
var (
	style  = asset("style.css")
	script = asset("open.js")
	policy = "default-src 'none'; style-src 'sha256-" + hash(style) + "'; script-src 'sha256-" + hash(script) +
		"'; img-src data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

func asset(name string) string {
	content, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(content)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// parseTemplates reads the page once for each language.
func parseTemplates(w *words.Words) (map[string]*template.Template, error) {
	all := map[string]*template.Template{}
	for _, lang := range w.Languages() {
		t, err := template.New("").Funcs(template.FuncMap{
			"t":      func(key string) string { return w.T(lang, key, nil) },
			"style":  func() template.CSS { return template.CSS(style) },
			"script": func() template.JS { return template.JS(script) },
		}).ParseFS(assets, "assets/*.html")
		if err != nil {
			return nil, err
		}
		all[lang] = t
	}
	return all, nil
}

// show answers with the page of a matter.
func (s *Server) show(w http.ResponseWriter, r *http.Request, m matter, status int, notice string) {
	p := s.pageOf(m, s.languageOf(r, m))
	p.Notice = notice
	name := "page"
	if sealed(r) {
		var err error
		if p, err = s.sealPage(p, m); err != nil {
			s.Log.Error("page of a link", "err", err)
			s.problem(w, r, http.StatusInternalServerError, "page.failed")
			return
		}
		name = "sealed"
	}
	s.write(w, status, p.Lang, name, p)
}

// problem says in the visitor's language what is the matter, and nothing of why.
func (s *Server) problem(w http.ResponseWriter, r *http.Request, status int, key string) {
	lang := s.Words.Language(r.URL.Query().Get("lang"), r.Header.Get("Accept-Language"))
	dial, duty := s.Words.DutyPhone(noHome, dutyOf(s.Config), "")
	s.write(w, status, lang, "problem", page{Lang: lang, Notice: s.Words.T(lang, key, nil), Dial: string(dial), Duty: duty})
}

func (s *Server) write(w http.ResponseWriter, status int, lang, name string, p page) {
	var body bytes.Buffer
	if err := s.templates[lang].ExecuteTemplate(&body, name, p); err != nil {
		s.Log.Error("page of a link", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // who has hung up asks again
}

// inner is what stands between the head and the foot of a page.
func (s *Server) inner(p page) (string, error) {
	var body strings.Builder
	err := s.templates[p.Lang].ExecuteTemplate(&body, "inner", p)
	return body.String(), err
}

// button is one button of a page.
type button struct{ Code, Once, Digit, Known, Text, Class string }

// Press is a button of the page, for its template.
func (p page) Press(digit, known, text, class string) button {
	return button{p.Code, p.Once, digit, known, text, class}
}
