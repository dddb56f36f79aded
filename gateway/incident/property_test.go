package incident

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// TestNobodyIsForgotten checks law 2 against random histories: while an incident is open, not taken on and its finding goes
// on, everybody whose turn has come has been told by its time; after the closing nothing leaves but the word that it is
// done; and nobody gets two messages from one step. The oracle knows nothing of the code but what leaves it.
func TestNobodyIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			h.pass(rapid.SampledFrom([]int{0, 0, 1, 2, 5, 16, 16, 50, 50, 130, 400}).Draw(t, "minutes"))
			h.random()
		}
		h.pass(60)
	})
}

// history is an incident under way, as the pipeline would drive it.
type history struct {
	t      *rapid.T
	c      Case
	now    time.Time
	oracle oracle
	codes  map[string]bool
}

func newHistory(t *rapid.T) *history {
	h := &history{t: t, now: midnight, codes: map[string]bool{}}
	h.c.Config = Defaults()
	roles := [][]stillwater.Role{{stillwater.Family}, {stillwater.Worker}, {stillwater.Family, stillwater.Worker}}
	ladder := func(name string) (l []Rung) {
		for range rapid.IntRange(1, 4).Draw(t, name) {
			l = append(l, Rung{rapid.SampledFrom(roles).Draw(t, "to"), time.Duration(rapid.IntRange(1, 30).Draw(t, "wait")) * time.Minute})
		}
		return l
	}
	if rapid.Bool().Draw(t, "own ladders") {
		h.c.Config.Alert, h.c.Config.Urgent = ladder("alert rungs"), ladder("urgent rungs")
	}
	h.c.Household.ID = "h"
	for i, role := range slices.Concat(
		slices.Repeat([]stillwater.Role{stillwater.Family}, rapid.IntRange(0, 2).Draw(t, "family")),
		slices.Repeat([]stillwater.Role{stillwater.Worker}, rapid.IntRange(0, 2).Draw(t, "workers"))) {
		c := stillwater.Contact{ID: stillwater.ContactID(fmt.Sprintf("%s%d", role, i)), Role: role, Phone: "+8613800000000"}
		if rapid.IntRange(0, 9).Draw(t, "no number") == 0 {
			c.Phone = ""
		}
		h.c.Household.Contacts = append(h.c.Household.Contacts, c)
	}
	h.oracle = oracle{t: t, config: h.c.Config, contacts: h.c.Household.Contacts, on: map[string]bool{}}
	return h
}

// pass lets minutes go by; like the pipeline it steps only when Next has come.
func (h *history) pass(minutes int) {
	for range minutes {
		h.now = h.now.Add(time.Minute)
		if next := h.c.Incident.Next; !next.IsZero() && !next.After(h.now) {
			h.step(Input{})
		} else if h.c.Incident.ID != "" {
			h.oracle.after(h.now, Input{}, nil, nil)
		}
	}
}

// random lets one thing happen.
func (h *history) random() {
	switch pick := rapid.IntRange(0, 9).Draw(h.t, "event"); {
	case pick < 3:
		f := stillwater.Finding{Household: "h", Kind: stillwater.Water, Rule: rapid.SampledFrom([]string{"a", "b"}).Draw(h.t, "rule"), Began: h.now}
		f.Severity = rapid.SampledFrom([]stillwater.Severity{stillwater.Question, stillwater.Alert, stillwater.Alert, stillwater.Urgent}).Draw(h.t, "severity")
		if h.c.Incident.ID == "" || !Current(h.c.Incident) {
			h.c.Incident = New(int64(len(h.codes)), f, h.now)
			h.oracle = oracle{t: h.t, config: h.c.Config, contacts: h.c.Household.Contacts, on: map[string]bool{}}
		}
		h.step(Input{Finding: &f})
	case h.c.Incident.ID == "":
	case pick < 5:
		f := stillwater.Finding{Household: "h", Kind: stillwater.Water, Rule: rapid.SampledFrom([]string{"a", "b"}).Draw(h.t, "rule"), Ended: h.now}
		h.step(Input{Finding: &f})
	case pick < 8 && len(h.c.Incident.Told) > 0:
		n := rapid.IntRange(max(0, len(h.c.Incident.Told)-4), len(h.c.Incident.Told)-1).Draw(h.t, "message")
		state := rapid.SampledFrom([]stillwater.DeliveryState{stillwater.Accepted, stillwater.Delivered, stillwater.Failed}).Draw(h.t, "receipt")
		h.step(Input{Receipt: &stillwater.Receipt{Message: h.c.Incident.Told[n].Message, State: state}})
	default:
		act := stillwater.Act{Incident: h.c.Incident.ID, Who: "desk", Outcome: stillwater.Helped}
		act.Deed = rapid.SampledFrom([]stillwater.Deed{stillwater.Acknowledge, stillwater.Acknowledge, stillwater.ArriveThere, stillwater.CallHelp, stillwater.Close}).Draw(h.t, "deed")
		act.Known = rapid.SampledFrom([]stillwater.Known{stillwater.Seen, stillwater.Assumed}).Draw(h.t, "known")
		act.Remote = rapid.Bool().Draw(h.t, "remote")
		if cs := h.c.Household.Contacts; len(cs) > 0 && rapid.Bool().Draw(h.t, "by a contact") {
			act.Who = string(rapid.SampledFrom(cs).Draw(h.t, "who").ID)
		}
		h.step(Input{Act: &act})
	}
}

// step steps, and checks what holds for every step.
func (h *history) step(in Input) {
	in.Now = h.now
	before := copied(h.c.Incident)
	r, err := Step(h.c, in)
	if !reflect.DeepEqual(h.c.Incident, before) {
		h.t.Fatal("Step wrote to the incident it was given")
	}
	h.t.Logf("%s %s → %v %v", h.now.Format("2 15:04"), describe(in), err, letters2(r.Messages))
	told := map[stillwater.ContactID]bool{}
	for _, m := range r.Messages {
		if told[m.Contact] {
			h.t.Fatalf("two messages to %s from one step", m.Contact)
		}
		if h.codes[m.Code] || h.codes[string(m.ID)] {
			h.t.Fatalf("code %s or ID %s was used before", m.Code, m.ID)
		}
		told[m.Contact], h.codes[m.Code], h.codes[string(m.ID)] = true, true, true
	}
	if r.Changed == reflect.DeepEqual(r.Incident, before) {
		h.t.Fatalf("Changed is %v", r.Changed)
	}
	h.c.Incident = r.Incident
	h.oracle.after(h.now, in, r.Messages, err)
	if in.Act == nil {
		again, err2 := Step(h.c, in)
		if again.Changed || len(again.Messages) > 0 || (err == nil) != (err2 == nil) {
			h.t.Fatalf("the same input once more: %v, %v", letters2(again.Messages), err2)
		}
	}
}

func copied(i stillwater.Incident) stillwater.Incident {
	i.Findings, i.Told, i.Log = slices.Clone(i.Findings), slices.Clone(i.Told), slices.Clone(i.Log)
	return i
}

func describe(in Input) string {
	switch {
	case in.Finding != nil && in.Finding.Ended.IsZero():
		return fmt.Sprintf("%s begins %s", in.Finding.Rule, in.Finding.Severity)
	case in.Finding != nil:
		return in.Finding.Rule + " ends"
	case in.Act != nil:
		return fmt.Sprintf("%s: %s %s", in.Act.Who, in.Act.Deed, in.Act.Known)
	case in.Receipt != nil:
		return fmt.Sprintf("%s %s", in.Receipt.Message, in.Receipt.State)
	}
	return "tick"
}

func letters2(ms []stillwater.Message) (out []string) {
	for _, m := range ms {
		out = append(out, fmt.Sprintf("%s %s→%s", m.ID, m.Purpose, m.Contact))
	}
	return out
}
