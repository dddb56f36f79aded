package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stillwater"
)

// Bounds of a page of a list.
const (
	defaultPage = 100
	maxPage     = 500
)

// cursor is where a list goes on. Who asks gets it as one word, and sends it back as it is.
type cursor struct {
	ID string    `json:"i"`           // after this one
	At time.Time `json:"t,omitzero"`  // of incidents: when it was opened
	Of string    `json:"o,omitempty"` // which list
}

func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil { // strings and a time: it cannot
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// list is what the parameters of a list say.
type list struct {
	limit int
	after cursor // zero: from the beginning
}

// listing reads the parameters that all lists have, and refuses those that the list does not know: a filter that is not
// heeded would show more than was asked for.
func (c *call) listing(of string, filters ...string) (l list, err error) {
	query := c.URL.Query()
	known := append([]string{"limit", "cursor"}, filters...)
	for name := range query {
		if !slices.Contains(known, name) {
			return l, problem("bad-request", "There is no parameter %q%s; there are %s.", name, meant(name, known), strings.Join(known, ", "))
		}
	}
	l.limit = defaultPage
	if text := query.Get("limit"); text != "" {
		if l.limit, err = strconv.Atoi(text); err != nil || l.limit < 1 || l.limit > maxPage {
			return l, problem("bad-request", "limit %q is not between 1 and %d.", text, maxPage)
		}
	}
	if text := query.Get("cursor"); text != "" {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || json.Unmarshal(raw, &l.after) != nil || l.after.ID == "" || l.after.Of != of {
			return l, problem("bad-request", "cursor is none that this list gave; send next of the page before as it is, or leave cursor out to begin.")
		}
	}
	return l, nil
}

// choices reads a parameter that can stand several times or hold several values with commas between; each is one of those allowed.
func choices[T ~string](c *call, name string, allowed []T) ([]T, error) {
	var list []T
	for _, text := range c.URL.Query()[name] {
		for _, word := range strings.Split(text, ",") {
			word := T(strings.TrimSpace(word))
			if !slices.Contains(allowed, word) {
				return nil, problem("bad-request", "%s %q is none%s; there are %s.", name, word, meant(word, allowed), joined(allowed))
			}
			list = append(list, word)
		}
	}
	return list, nil
}

// moment reads a parameter with a time; zero where there is none.
func (c *call) moment(name string) (time.Time, error) {
	text := c.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, problem("bad-request", "%s %q is no time; write like 2026-03-01T08:00:00Z.", name, text)
	}
	return t.UTC(), nil
}

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the cursor of the page after; empty: this is the last
}

// seconds is a span as documents give it.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// moment is a time as documents give it; nil: never.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// visible finds a home that the key may see: one of its area, whose consent is on file.
func (a *API) visible(c *call, id stillwater.HouseholdID) (stillwater.Household, bool) {
	h, ok := a.Households.Household(id)
	now := a.Clock.Now()
	return h, ok && within(c.key.area, h.Place) && h.Consent.Covers(now, now)
}

// homeOf finds the home that a request names.
func (a *API) homeOf(c *call) (stillwater.Household, error) {
	h, ok := a.visible(c, stillwater.HouseholdID(c.PathValue("home")))
	if !ok {
		return h, noHome()
	}
	c.found(h.ID)
	return h, nil
}

func noHome() error {
	return problem("not-found", "There is no such home in the area of this key; %s/homes lists those there are.", Base)
}

// decode reads the body of a request, which must be one JSON document of known fields.
func decode(c *call, into any) error {
	kind, _, _ := strings.Cut(c.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return problem("not-json", "Send the body as JSON, with Content-Type: application/json.")
	}
	d := json.NewDecoder(c.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil && d.More() {
		err = fmt.Errorf("more follows the document")
	}
	if err == nil {
		return nil
	}
	if p := asProblem(err); p.Status == codes["too-large"].status {
		return p
	}
	return problem("bad-request", "The body is not the document that %s/openapi.json describes: %v.", Base, err)
}
