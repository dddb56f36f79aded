package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"stillwater/gateway/incident"
	"stillwater/gateway/pipeline"
)

// Problem is an answer that something cannot be done, as RFC 9457 has it.
type Problem struct {
	Type   string `json:"type"`             // urn:stillwater:problem: and a code
	Title  string `json:"title"`            // what, in a few words
	Status int    `json:"status"`           // of HTTP
	Detail string `json:"detail"`           // what, and how to mend it
	Reason string `json:"reason,omitempty"` // of a deed that was refused

	allow string        // of a wrong method
	retry time.Duration // when to try again
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// codes are the problems there are, with the status and the title of each.
var codes = map[string]struct {
	status int
	title  string
}{
	"bad-request":     {http.StatusBadRequest, "The request cannot be understood"},
	"no-key":          {http.StatusUnauthorized, "No key, or none that is known"},
	"scope":           {http.StatusForbidden, "The key may not do this"},
	"not-found":       {http.StatusNotFound, "There is no such thing"},
	"method":          {http.StatusMethodNotAllowed, "Not by this method"},
	"refused":         {http.StatusConflict, "This cannot be done now"},
	"under-way":       {http.StatusConflict, "The same request is being worked on"},
	"too-large":       {http.StatusRequestEntityTooLarge, "The body is too large"},
	"not-json":        {http.StatusUnsupportedMediaType, "The body is not JSON"},
	"key-used":        {http.StatusUnprocessableEntity, "The Idempotency-Key was used for another request"},
	"too-many":        {http.StatusTooManyRequests, "Too many requests"},
	"failed":          {http.StatusInternalServerError, "The gateway failed"},
	"not-now":         {http.StatusServiceUnavailable, "The gateway cannot answer now"},
	"not-acceptable":  {http.StatusNotAcceptable, "Only JSON is served"},
	"idempotency-key": {http.StatusBadRequest, "An Idempotency-Key is needed"},
}

// problem is one of the codes, with its detail.
func problem(code, format string, args ...any) *Problem {
	c := codes[code]
	return &Problem{Type: "urn:stillwater:problem:" + code, Title: c.title, Status: c.status, Detail: fmt.Sprintf(format, args...)}
}

// refused is a deed that cannot be done now.
func refused(reason string) *Problem {
	detail, ok := reasons[incident.Reason(reason)]
	if !ok {
		detail = "The incident does not allow it as it stands; fetch it again and look at its state."
	}
	p := problem("refused", "%s", detail)
	p.Reason = reason
	return p
}

// reasons say why a deed was refused, and what to do.
var reasons = map[incident.Reason]string{
	incident.NoIncident:     "The incident is not open and nothing is due in it any more.",
	incident.AlreadyClosed:  "The incident is closed already; to go on with it, reopen it.",
	incident.NotClosed:      "The incident is not closed, so it can be neither reopened nor followed up.",
	incident.SomebodyThere:  "Somebody is on site already; to take it over, have it handed over first.",
	incident.NeedsOutcome:   "A closing says how it ended: give outcome.",
	incident.NeedsKnown:     "A closing says how its outcome is known: give known as seen, spoken or assumed.",
	incident.NeedsPhoto:     "This kind of incident is closed with a picture, which this interface does not take: close it by the page of its message, or on the console.",
	incident.BadTime:        "The time in until is in the past or too far ahead; give a later or an earlier one.",
	incident.NeedsReason:    "Who holds an incident says why: give note.",
	incident.HoldUrgent:     "An urgent incident is held only while somebody is on site.",
	incident.NobodyThere:    "The contact in to is none of this home, or cannot be told now; name another.",
	incident.NoLadder:       "A question has no next rung; to have somebody sent, use the deed help.",
	incident.TooLate:        "It was closed too long ago to be reopened; a new finding will open a new incident.",
	incident.GoesOnThere:    "It goes on in another incident: see into.",
	incident.NothingDue:     "No visit was promised for it.",
	incident.NotOneMatter:   "Only incidents of one home can be merged.",
	incident.NothingToSplit: "There is no such finding in it, or it is the only one; see findings.",
	incident.UnknownDeed:    "There is no such deed.",
}

// asProblem is what an error means to who asked.
func asProblem(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if r, ok := errors.AsType[*incident.Refusal](err); ok {
		return refused(string(r.Reason))
	}
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return problem("too-large", "The body is larger than %d bytes; leave out what is not in the document.", large.Limit)
	}
	switch {
	case errors.Is(err, pipeline.ErrNoIncident):
		return refused(string(incident.NoIncident))
	case errors.Is(err, pipeline.ErrUnknownHome):
		return problem("not-found", "There is no such home, or its consent is not on file.")
	}
	p := problem("not-now", "The store or a part of the gateway did not answer; try again in a few seconds, with the same Idempotency-Key if there was one.")
	p.retry = 5 * time.Second
	return p
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="stillwater"`)
	}
	if p.retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	body, err := json.Marshal(p)
	if err != nil { // strings and a number: it cannot
		panic(err)
	}
	w.WriteHeader(p.Status)
	w.Write(body) // who asked may have left
}
