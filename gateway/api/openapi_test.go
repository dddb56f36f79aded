package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// strict reads the document as the interface serves it, with each of its objects closed: a member that is not described is a mistake here,
// though programs must put up with it.
func strict(t testing.TB) *openapi3.T {
	t.Helper()
	text, err := Document()
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	closeObjects(tree)
	closed, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(closed)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func closeObjects(node any) {
	switch n := node.(type) {
	case map[string]any:
		if _, has := n["properties"].(map[string]any); has && n["type"] == "object" {
			n["additionalProperties"] = false
		}
		for _, v := range n {
			closeObjects(v)
		}
	case []any:
		for _, v := range n {
			closeObjects(v)
		}
	}
}

// TestDocumentHasTheRoutes wants the document to describe every route, no other, and the scope that each needs.
func TestDocumentHasTheRoutes(t *testing.T) {
	doc := strict(t)
	var described, served []string
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			described = append(described, method+" "+path)
			if operation.Responses.Default() == nil && path != Base+"/openapi.json" {
				t.Errorf("%s %s describes no problem", method, path)
			}
		}
	}
	for _, r := range newTown().api(t).routes() {
		served = append(served, r.method+" "+Base+r.path)
		if item := doc.Paths.Value(Base + r.path); item != nil && item.GetOperation(r.method) != nil {
			if text := item.GetOperation(r.method).Description; !strings.Contains(text, "Needs "+string(r.scope)) && r.scope != "" {
				t.Errorf("%s %s does not say that it needs %s", r.method, r.path, r.scope)
			}
		}
	}
	slices.Sort(described)
	slices.Sort(served)
	if !slices.Equal(described, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(described, "\n"), strings.Join(served, "\n"))
	}
}

// TestDocumentHasTheWords wants each list of the document to hold the words that there are.
func TestDocumentHasTheWords(t *testing.T) {
	doc := strict(t)
	same := func(what string, got []any, want []string) {
		t.Helper()
		var have []string
		for _, w := range got {
			have = append(have, w.(string))
		}
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s: the document has %v, want %v", what, have, want)
		}
	}
	schema := func(name string) *openapi3.Schema { return doc.Components.Schemas[name].Value }
	same("deeds", schema("Deed").Enum, plain(deedNames))
	same("states", schema("HomeState").Enum, plain(homeStates))
	same("severities", schema("Severity").Enum, plain(severities))
	same("states of incidents", schema("IncidentState").Enum, plain(incidentStates))
	same("known", schema("Known").Enum, plain(knowns))
	kinds := append(schema("IncidentEvent").Properties["type"].Value.Enum, schema("HomeEvent").Properties["type"].Value.Enum...)
	same("kinds of event", kinds, plain(EventKinds))
	if len(deeds) != len(deedNames) {
		t.Errorf("%d deeds have a line, %d a name", len(deeds), len(deedNames))
	}
}

// checked checks each request and each answer against the document.
type checked struct {
	t    testing.TB
	api  *API
	doc  *openapi3.T
	bad  bool // requests are not as they should be
	seen map[string]bool
}

func (c *checked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.t.Helper()
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	c.api.ServeHTTP(rec, r)
	path := strings.TrimPrefix(r.Pattern[strings.IndexByte(r.Pattern, '/'):], "")
	item := c.doc.Paths.Value(path)
	if item == nil {
		c.t.Fatalf("%s is not described", path)
	}
	in := &openapi3filter.RequestValidationInput{
		Request:    r.Clone(r.Context()),
		PathParams: map[string]string{"home": r.PathValue("home"), "incident": r.PathValue("incident")},
		Route:      &routers.Route{Spec: c.doc, Path: path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
		Options:    &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true},
	}
	in.Request.Body = io.NopCloser(bytes.NewReader(sent))
	if err := openapi3filter.ValidateRequest(r.Context(), in); (err != nil) != c.bad {
		c.t.Errorf("%s %s: the request: %v", r.Method, r.URL, err)
	}
	out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: rec.status, Header: w.Header(), Options: in.Options}
	out.SetBodyBytes(rec.body.Bytes())
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		c.t.Errorf("%s %s: the answer %d %s: %v", r.Method, r.URL, rec.status, rec.body.Bytes(), err)
	}
	c.seen[r.Method+" "+path] = true
}

type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }
func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// TestAnswersAreAsDescribed checks real requests and answers, right and wrong ones, against the document by an OpenAPI library.
func TestAnswersAreAsDescribed(t *testing.T) {
	town := newTown()
	c := &checked{t: t, api: town.api(t), doc: strict(t), seen: map[string]bool{}}
	town.group("G1", "h1", "h3")
	get := func(key, path string) { t.Helper(); ask(c, key, "GET", Base+path, "") }
	get("", "/openapi.json")
	for _, key := range []string{"city", "north", "names"} {
		for _, path := range []string{"/homes", "/homes?state=fine,still&limit=1", "/homes/h2", "/homes/h3", "/incidents", "/incidents?state=open&severity=alert,urgent&since=2026-03-01T00:00:00Z&limit=2", "/incidents/A1", "/incidents/G1", "/incidents/A3"} {
			get(key, path)
		}
	}
	get("city", "/devices?trouble=true")
	get("city", "/devices")
	get("city", "/health")
	get("names", "/health") // forbidden
	get("", "/homes")       // nobody
	ask(c, "city", "GET", Base+"/homes", "", "If-None-Match", ask(c, "city", "GET", Base+"/homes", "").Header().Get("ETag"))
	ask(c, "city", "PUT", Base+"/homes/h1/absence", `{"from":"2026-03-05T08:00:00+08:00","until":"2026-03-08T08:00:00+08:00"}`)
	get("city", "/homes/h1")
	ask(c, "city", "DELETE", Base+"/homes/h1/absence", "")
	post := func(id, body, key string) {
		ask(c, "city", "POST", Base+"/incidents/"+id+"/acts", body, "Idempotency-Key", key)
	}
	post("A1", `{"deed":"acknowledge","contact":"worker","note":"on my way"}`, "11111111")
	post("A1", `{"deed":"acknowledge","contact":"worker","note":"on my way"}`, "11111111")
	post("A1", `{"deed":"close"}`, "22222222")
	post("A1", `{"deed":"close","outcome":"helped","known":"seen","until":"2026-03-09T08:00:00Z"}`, "33333333")
	post("A1", `{"deed":"acknowledge"}`, "44444444")
	get("names", "/incidents/A1")
	town.broken = errStore
	get("city", "/homes")
	town.broken = nil
	c.bad = true
	get("city", "/homes?state=dead")
	get("city", "/incidents?limit=0")
	get("city", "/incidents?since=yesterday")
	post("A2", `{"deed":"acknowlege"}`, "55555555")
	post("A2", `{"deed":"close","outcome":"helped","known":"seen","until":7}`, "66666666")
	post("A2", `{"deed":"acknowledge"}`, "short")
	ask(c, "city", "PUT", Base+"/homes/h1/absence", `{"from":"2026-03-05T08:00:00+08:00"}`)
	for _, r := range c.api.routes() {
		if !c.seen[r.method+" "+Base+r.path] {
			t.Errorf("%s %s was not tried", r.method, r.path)
		}
	}
}

// TestEventsAreAsDescribed checks events against the document's webhooks.
func TestEventsAreAsDescribed(t *testing.T) {
	doc := strict(t)
	seen := map[EventKind]bool{}
	for _, e := range EventsOf(eventful()) {
		seen[e.Type] = true
		hook, _, _ := strings.Cut(string(e.Type), ".")
		schema := doc.Webhooks[hook].Post.RequestBody.Value.Content["application/json"].Schema.Value
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		if err := schema.VisitJSON(value, openapi3.EnableJSONSchema2020()); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, k := range EventKinds {
		if !seen[k] {
			t.Errorf("no %s was tried", k)
		}
	}
}
