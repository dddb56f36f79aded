package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"stillwater"
)

// maxNote is how many characters a note may have.
const maxNote = 500

// actBody is a deed as a request says it.
type actBody struct {
	Deed    stillwater.Deed       `json:"deed"`
	Contact stillwater.ContactID  `json:"contact"` // who does it; empty: the program
	Outcome stillwater.Outcome    `json:"outcome"`
	Known   stillwater.Known      `json:"known"`
	Note    string                `json:"note"`
	To      stillwater.ContactID  `json:"to"`
	Until   time.Time             `json:"until"`
	Into    stillwater.IncidentID `json:"into"`
	Finding string                `json:"finding"`
}

// deeds are what can be done, with the line that each leaves in the log.
var deeds = map[stillwater.Deed]string{
	stillwater.Acknowledge: "acknowledged", stillwater.ArriveThere: "on-site", stillwater.Close: "closed", stillwater.CallHelp: "help",
	stillwater.HandOver: "handed-over", stillwater.Escalate: "escalated", stillwater.Hold: "held", stillwater.Reopen: "reopened",
	stillwater.FollowedUp: "followed-up", stillwater.Merge: "merged", stillwater.Split: "split",
}

// deedNames in the order in which answers name them.
var deedNames = []stillwater.Deed{
	stillwater.Acknowledge, stillwater.ArriveThere, stillwater.Close, stillwater.CallHelp, stillwater.HandOver, stillwater.Escalate,
	stillwater.Hold, stillwater.Reopen, stillwater.FollowedUp, stillwater.Merge, stillwater.Split,
}

var knowns = []stillwater.Known{stillwater.Seen, stillwater.Spoken, stillwater.Assumed}

// act does a deed on an incident, once for each Idempotency-Key.
func (a *API) act(c *call) (any, error) {
	i, h, err := a.incidentOf(c, stillwater.IncidentID(c.PathValue("incident")))
	if err != nil {
		return nil, err
	}
	c.about = append(c.about, incidentAttr(i))
	name := c.Header.Get("Idempotency-Key")
	if !idempotencyKey.MatchString(name) {
		return nil, problem("idempotency-key", "Send the header Idempotency-Key with 8 to 128 letters, digits, hyphens and the like, a new one for each deed and the same when it is sent again; a UUID will do.")
	}
	var body actBody
	if err := decode(c, &body); err != nil {
		return nil, err
	}
	act, err := a.asAct(c, body, i, h)
	if err != nil {
		return nil, err
	}
	if err := a.once(c, name, act, i); err != nil {
		return nil, err
	}
	return a.wholeIncident(c, i.ID)
}

var idempotencyKey = regexp.MustCompile(`^[\x21-\x7e]{8,128}$`)

// asAct checks what a request says and makes a deed of it.
func (a *API) asAct(c *call, b actBody, i stillwater.Incident, h stillwater.Household) (stillwater.Act, error) {
	act := stillwater.Act{
		Incident: i.ID, Deed: b.Deed, Who: c.who(), Outcome: b.Outcome, Known: b.Known, Note: strings.TrimSpace(b.Note), To: b.To, Until: b.Until.UTC(),
		Into: b.Into, Finding: b.Finding,
	}
	if b.Until.IsZero() {
		act.Until = time.Time{}
	}
	switch {
	case !slices.Contains(deedNames, b.Deed):
		return act, problem("bad-request", "deed %q is none%s; there are %s.", b.Deed, meant(b.Deed, deedNames), joined(deedNames))
	case b.Outcome != "" && !slices.Contains(stillwater.Outcomes, b.Outcome):
		return act, problem("bad-request", "outcome %q is none%s; there are %s.", b.Outcome, meant(b.Outcome, stillwater.Outcomes), joined(stillwater.Outcomes))
	case b.Known != "" && !slices.Contains(knowns, b.Known):
		return act, problem("bad-request", "known %q is none; there are %s.", b.Known, joined(knowns))
	case utf8.RuneCountInString(act.Note) > maxNote:
		return act, problem("bad-request", "note has more than %d characters; shorten it.", maxNote)
	case i.Group != "" && !a.seesAll(c, i):
		return act, problem("scope", "The incident is of homes outside the area of the key %q, too; only a key whose area has all of them may act on it.", c.key.name)
	}
	if b.Contact != "" {
		n := slices.IndexFunc(h.Contacts, func(k stillwater.Contact) bool { return k.ID == b.Contact })
		if n < 0 {
			return act, problem("bad-request", "contact is none of this home; leave it out, and the deed is done by the program itself.")
		}
		act.Who, act.Remote = string(b.Contact), h.Contacts[n].Remote
	}
	if b.Deed == stillwater.Merge {
		if _, _, err := a.incidentOf(c, b.Into); err != nil {
			return act, err
		}
	}
	return act, nil
}

// seesAll says whether all homes of a group's incident are in the key's area.
func (a *API) seesAll(c *call, i stillwater.Incident) bool {
	seen := a.members(c, i)
	for _, f := range i.Findings {
		for _, id := range f.Facts.Members {
			if !slices.Contains(seen, id) && !c.key.everywhere() {
				return false
			}
		}
	}
	return true
}

// noted is what is stored of a request: nothing of what it said.
type noted struct {
	Print  string `json:"print"`            // of method, path and body: that it is the same request
	Lines  int    `json:"lines"`            // of the incident's log that told of such a deed by the same before it was done
	Done   bool   `json:"done,omitempty"`   // what became of it is known
	Reason string `json:"reason,omitempty"` // that it was refused for
}

// once does a deed unless a request of the same name did it, and says what became of it then.
func (a *API) once(c *call, name string, act stillwater.Act, i stillwater.Incident) error {
	name = c.key.name + "/" + name
	if !a.flying.take(name) {
		p := problem("under-way", "A request with this Idempotency-Key is being worked on; send it again in a second to learn what became of it.")
		p.retry = time.Second
		return p
	}
	before, err := a.note(c, name, noted{Print: printOf(act), Lines: lines(i, act)})
	switch {
	case err != nil:
	case before.Print != printOf(act):
		err = problem("key-used", "The Idempotency-Key was sent before with another deed; make a new one for each deed.")
	case before.Done:
		c.again, err = true, before.answer()
	case lines(i, act) > before.Lines: // the gateway was stopped between doing it and noting that
		c.again, err = true, a.settle(name, before, "")
	default:
		return a.do(c, name, before, act)
	}
	a.flying.drop(name)
	return err
}

// actPatience is how long a deed may wait for its shard. Nobody waits for it as long: who asks again is told that it is under way.
const actPatience = 10 * time.Minute

// do does a deed, and goes on with it when who asked has left: a shard that is held up may do it later, and only then is known what became
// of it. Until then its name is taken, so that it is never done twice.
func (a *API) do(c *call, name string, n noted, act stillwater.Act) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), actPatience)
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := a.Acts.Act(ctx, act)
		if ctx.Err() != nil {
			a.Log.Error("api: a deed waited for too long; whether it was done shows in its incident", "incident", act.Incident, "err", err)
			done <- err
			return // and its name stays taken
		}
		done <- a.settled(name, n, err)
		a.flying.drop(name)
	}()
	select {
	case err := <-done:
		return err
	case <-c.Context().Done():
		return c.Context().Err()
	}
}

// settled notes what a deed came to. Of an error that is no refusal nothing is noted: nothing was done.
func (a *API) settled(name string, n noted, err error) error {
	if err == nil {
		return a.settle(name, n, "")
	}
	if p := asProblem(err); p.Reason != "" {
		return a.settle(name, n, p.Reason)
	}
	return err
}

// note stores a request unless it is known, and gives what is stored then.
func (a *API) note(c *call, name string, fresh noted) (before noted, err error) {
	body, err := json.Marshal(fresh)
	if err != nil {
		return before, err
	}
	stored, err := a.Ledger.NoteRequest(c.Context(), name, a.Now(), body)
	if err == nil {
		err = json.Unmarshal(stored, &before)
	}
	if err != nil {
		return before, fmt.Errorf("request of key %q: %w", c.key.name, err)
	}
	return before, nil
}

// settle notes what became of a request, and gives it as an answer. That it could not be noted costs nothing: the log of the incident
// tells it as well.
func (a *API) settle(name string, n noted, reason string) error {
	n.Done, n.Reason = true, reason
	body, err := json.Marshal(n)
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		err = a.Ledger.SettleRequest(ctx, name, body)
	}
	if err != nil {
		a.Log.Warn("api: what became of a request was not noted", "err", err)
	}
	return n.answer()
}

// answer is what became of a request.
func (n noted) answer() error {
	if n.Reason == "" {
		return nil
	}
	return refused(n.Reason)
}

// printOf tells one deed from another.
func printOf(act stillwater.Act) string {
	text, err := json.Marshal(act)
	if err != nil { // strings and a time: it cannot
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// lines counts the lines of a log that such a deed by the same doer leaves.
func lines(i stillwater.Incident, act stillwater.Act) (n int) {
	for _, e := range i.Log {
		if e.What == deeds[act.Deed] && e.Who == act.Who {
			n++
		}
	}
	return n
}

// flights are the names of requests that are being worked on.
type flights struct {
	mu    sync.Mutex
	names map[string]bool
}

func (f *flights) take(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names == nil {
		f.names = map[string]bool{}
	}
	if f.names[name] {
		return false
	}
	f.names[name] = true
	return true
}

func (f *flights) drop(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.names, name)
}
