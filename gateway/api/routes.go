package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"stillwater"
)

// Base is what every path begins with.
const Base = "/api/v1"

const (
	maxBody  = 64 << 10
	patience = 5 * time.Second // for what a shard must answer
)

// route is one address and what is done there.
type route struct {
	method, path string // below Base
	scope        Scope  // that is needed; empty: no key
	serve        func(*call) (any, error)
}

// routes is every address there is; openapi.yaml describes the same.
func (a *API) routes() []route {
	return []route{
		{"GET", "/openapi.json", "", func(*call) (any, error) { return json.RawMessage(a.document), nil }},
		{"GET", "/homes", HomesRead, a.homes},
		{"GET", "/homes/{home}", HomesRead, a.home},
		{"PUT", "/homes/{home}/absence", AbsencesWrite, a.putAbsence},
		{"DELETE", "/homes/{home}/absence", AbsencesWrite, a.deleteAbsence},
		{"GET", "/incidents", IncidentsRead, a.incidents},
		{"GET", "/incidents/{incident}", IncidentsRead, a.incident},
		{"POST", "/incidents/{incident}/acts", IncidentsAct, a.act},
		{"GET", "/devices", DevicesRead, a.devices},
		{"GET", "/health", HealthRead, a.health},
	}
}

// call is one request of a key.
type call struct {
	*http.Request
	key   *key // nil where none is needed
	lang  string
	about []slog.Attr // what it was about, for the log: IDs of what was found, never what was sent
	again bool        // the answer to a request that came before
	empty bool        // there is nothing to say but that it was done
}

// found notes a home that the call is about.
func (c *call) found(id stillwater.HouseholdID) {
	c.about = append(c.about, slog.String("household", string(id)))
}

// routing is the routes with what they have in common. A path by another method, and any other path, is a problem like all others.
func (a *API) routing() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+Base+r.path, a.serving(r))
		methods[r.path] = append(methods[r.path], r.method)
	}
	for path, allowed := range methods {
		if slices.Contains(allowed, "GET") {
			allowed = append(allowed, "HEAD")
		}
		allow := strings.Join(allowed, ", ")
		mux.HandleFunc(Base+path, func(w http.ResponseWriter, r *http.Request) {
			p := problem("method", "This address takes %s only; see %s/openapi.json.", allow, Base)
			p.allow = allow
			p.write(w)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem("not-found", "There is nothing at this address; all there is stands in %s/openapi.json.", Base).write(w)
	})
	return mux
}

// serving is a route as a handler: it lets in who may, does what is asked, and logs it.
func (a *API) serving(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "private, no-cache")
		h.Set("Vary", "Authorization, Accept-Language")
		c := &call{Request: r, lang: a.Words.Language(r.Header.Get("Accept-Language"))}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		body, err := a.answer(rt, c)
		status := http.StatusOK
		switch {
		case err != nil:
			p := asProblem(err)
			status = p.Status
			if p.Status >= 500 {
				a.Log.Error("api", "route", rt.path, "err", err)
			}
			p.write(w)
		case c.empty:
			status = http.StatusNoContent
			w.WriteHeader(status)
		default:
			status = a.send(w, c, body)
		}
		a.audit(rt, c, status)
	})
}

// answer does what a request asks, if its key may.
func (a *API) answer(rt route, c *call) (body any, err error) {
	if rt.scope != "" {
		if c.key, err = a.keyOf(c.Request); err != nil {
			return nil, err
		}
		if !c.key.may(rt.scope) {
			return nil, problem("scope", "The key %q has not the scope %s; give it to the key in api.keys of the gateway's configuration.", c.key.name, rt.scope)
		}
	}
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	c.Request = c.WithContext(ctx)
	return rt.serve(c)
}

// send writes an answer, or only that it is the one that who asks has already.
func (a *API) send(w http.ResponseWriter, c *call, body any) int {
	text, err := json.Marshal(body)
	if err != nil {
		a.Log.Error("api", "err", err)
		p := problem("failed", "The answer could not be written; the gateway's log says why.")
		p.write(w)
		return p.Status
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Stillwater-Clock", a.Clock.Now().UTC().Format(time.RFC3339))
	if c.again {
		h.Set("Idempotency-Replayed", "true")
	}
	if c.Method == http.MethodGet || c.Method == http.MethodHead {
		sum := sha256.Sum256(text)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		h.Set("ETag", tag)
		if matches(c.Header.Get("If-None-Match"), tag) {
			h.Del("Content-Type")
			w.WriteHeader(http.StatusNotModified)
			return http.StatusNotModified
		}
	}
	w.WriteHeader(http.StatusOK)
	w.Write(text) // who asked may have left
	return http.StatusOK
}

// matches says whether a tag is one of those in a header If-None-Match.
func matches(header, tag string) bool {
	for _, t := range strings.Split(header, ",") {
		t = strings.TrimPrefix(strings.TrimSpace(t), "W/")
		if t == tag || t == "*" {
			return true
		}
	}
	return false
}

// audit logs who asked what: the name of the key, the route and what was found there, nothing that was sent.
func (a *API) audit(rt route, c *call, status int) {
	if rt.scope == "" {
		return
	}
	name := ""
	if c.key != nil {
		name = c.key.name
	}
	attrs := append([]slog.Attr{slog.String("key", name), slog.String("method", rt.method), slog.String("route", rt.path), slog.Int("status", status)}, c.about...)
	a.Log.LogAttrs(c.Context(), slog.LevelInfo, "api request", attrs...)
}
