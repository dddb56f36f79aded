package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// story is an incident that everything happens to.
func story() stillwater.Incident {
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	return stillwater.Incident{
		ID: "A7", Code: "A7", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Urgent, State: stillwater.ClosedState, Opened: at(0),
		Outcome: stillwater.Helped, Known: stillwater.Seen,
		Log: []stillwater.Event{
			{At: at(0), What: "opened"}, {At: at(0), What: "told", Who: "daughter"}, {At: at(3), What: "acknowledged", Who: "daughter", Note: "李梅 on my way"},
			{At: at(13), What: "promise-lapsed", Who: "daughter"}, {At: at(15), What: "acknowledged", Who: "worker"}, {At: at(20), What: "on-site", Who: "worker"},
			{At: at(30), What: "closed", Who: "worker", Note: "false, assumed: asleep, 13800138000"}, {At: at(150), What: "reopened"},
			{At: at(160), What: "closed", Who: "worker", Note: "helped, seen"},
		},
	}
}

// eventful is a batch with an event of each kind.
func eventful() *stillwater.Batch {
	merged := stillwater.Incident{ID: "A8", Code: "A8", Household: "h1", Kind: stillwater.DoorKind, Severity: stillwater.Alert, State: stillwater.ClosedState, Into: "A7",
		Log: []stillwater.Event{{At: start, What: "opened"}, {At: start.Add(time.Minute), What: "merged", Who: "api:city", Note: "A7"}}}
	split := stillwater.Incident{ID: "A9", Code: "A9", Household: "h1", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened, SplitOff: "A7",
		Log: []stillwater.Event{{At: start.Add(time.Hour), What: "split", Who: "console", Note: "A7"}}}
	group := stillwater.Incident{ID: "G1", Code: "G1", Group: "building/7", Kind: stillwater.Water, Severity: stillwater.Alert, State: stillwater.Opened,
		Findings: []stillwater.Finding{{Group: "building/7", Facts: stillwater.Facts{Members: []stillwater.HouseholdID{"h1", "h3"}}}},
		Log:      []stillwater.Event{{At: start, What: "opened"}}}
	blind := stillwater.Finding{Household: "h2", Device: "88001234", Rule: "device-blind", Kind: stillwater.Equipment, Severity: stillwater.Alert,
		Began: start, Ended: start.Add(2 * time.Hour), Facts: stillwater.Facts{DataTo: start.Add(-24 * time.Hour)}}
	silent := stillwater.Finding{Household: "h2", Device: "88001234", Rule: "device-silent", Kind: stillwater.Equipment, Severity: stillwater.Notice, Began: start}
	return &stillwater.Batch{Incidents: []stillwater.Incident{story(), merged, split, group}, Findings: []stillwater.Finding{blind, silent}}
}

// TestEventsTellTheStory wants the events of an incident in their order, with what each says, and nothing personal.
func TestEventsTellTheStory(t *testing.T) {
	var told []string
	ids := map[string]bool{}
	events := EventsOf(&stillwater.Batch{Incidents: []stillwater.Incident{story()}})
	for _, e := range events {
		told = append(told, strings.TrimSuffix(strings.Join([]string{string(e.Type), string(e.Data.State), e.Data.Who, string(e.Data.Outcome), string(e.Data.Known)}, " "), "  "))
		ids[e.ID] = true
	}
	want := []string{
		"incident.opened open ", "incident.acknowledged acknowledged daughter", "incident.lapsed open daughter", "incident.acknowledged acknowledged worker",
		"incident.on-site on-site worker", "incident.closed closed worker false assumed", "incident.reopened open ", "incident.closed closed worker helped seen",
	}
	for n := range told {
		if n >= len(want) || strings.TrimSpace(told[n]) != strings.TrimSpace(want[n]) {
			t.Errorf("%d: %q", n, told[n])
		}
	}
	if len(told) != len(want) || len(ids) != len(want) {
		t.Errorf("%d events with %d ids, want %d", len(told), len(ids), len(want))
	}
	for id, want := range map[stillwater.IncidentID]string{"A8": "incident.opened incident.closed A7", "A9": "incident.opened ", "G1": "incident.opened "} {
		got, into := "", stillwater.IncidentID("")
		for _, e := range EventsOf(eventful()) {
			if e.Data.Incident == id {
				got, into = got+string(e.Type)+" ", e.Data.Into
			}
		}
		if got+string(into) != want {
			t.Errorf("of %s: %s%s", id, got, into)
		}
	}
	text, err := json.Marshal(EventsOf(eventful()))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"李梅", "13800138000", "asleep", "device-silent"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("events hold %q", secret)
		}
	}
}

// TestEventsKeepTheirIDs makes the events of each beginning of the story, also with a log that was shortened, and wants the same ones.
func TestEventsKeepTheirIDs(t *testing.T) {
	whole := EventsOf(&stillwater.Batch{Incidents: []stillwater.Incident{story()}})
	for n := range story().Log {
		part := story()
		part.Log = part.Log[:n+1]
		part.State, part.Outcome, part.Known = stillwater.Opened, "", ""
		for k, e := range EventsOf(&stillwater.Batch{Incidents: []stillwater.Incident{part}}) {
			got, _ := json.Marshal(e)
			want, _ := json.Marshal(whole[k])
			if string(got) != string(want) {
				t.Errorf("after %d lines: %s, want %s", n+1, got, want)
			}
		}
	}
	short := story()
	short.Log = slices.Delete(short.Log, 1, 3)
	known := map[string]bool{}
	for _, e := range whole {
		known[e.ID] = true
	}
	for _, e := range EventsOf(&stillwater.Batch{Incidents: []stillwater.Incident{short}}) {
		if !known[e.ID] {
			t.Errorf("a shortened log gives another %s", e.Type)
		}
	}
}
