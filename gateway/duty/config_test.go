package duty

import (
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/config"
)

// TestMistakes holds what is said of each mistake.
func TestMistakes(t *testing.T) {
	_, problems := config.Parse("duty.yaml", []byte(`posts:
  - {name: grid 3, role: worker, area: {riser: "2"}, shifts: [{who: [a]}]}
  - {name: Grid-3, role: family, shifts: [{who: [a, a, ""]}]}
  - {role: worker}
  - name: stand-in
    shifts:
      - {days: [mon-fri]}
      - {who: [a], days: [funday], hours: [8-18], from: 2026-02-30}
      - {who: [a], from: 2026-03-02, to: 2026-03-01, handover: 5h}
stand_ins:
  - {for: a, by: a, from: 2026-03-01}
  - {by: b}
  - {for: a, by: b, from: 2026-03-02, to: 2026-03-01}
  - {for: a, by: b, from: 2026-03-02 18:00, to: 2026-03-05}
  - {for: b, by: a, from: 2026-03-05 17:00}
  - {for: b, by: a, from: 2026-01-01, to: 2026-01-02}
`), &Config{})
	want := `duty.yaml:2: area: a post serves streets, communities, grids and buildings; take riser and zone out
duty.yaml:3: who: "a" stands twice in this shift; leave one
duty.yaml:3: who: is empty; write the ID of a contact
duty.yaml:3: role: "family" is no role of a post; write worker, building-head, grid-head, community or street
duty.yaml:3: name: "Grid-3" is already a post; give each a name of its own
duty.yaml:4: name: is missing; write what the post is called, like grid 3
duty.yaml:5: name: "stand-in" means something else; call the post otherwise
duty.yaml:5: role: is missing; write worker, building-head, grid-head, community or street
duty.yaml:7: who: this shift has nobody; write the contacts on duty, or the desk of the post
duty.yaml:8: hours: "8-18" are no hours; write like 22:00-06:00
duty.yaml:8: from: "2026-02-30" is no date; write like 2026-02-16
duty.yaml:8: days: "funday" are no days; write like mon-fri, sat, workdays (adjusted weekends worked, holidays off), weekends, holidays or restdays
duty.yaml:9: to: 2026-03-01 is before 2026-03-02; put the earlier day into from
duty.yaml:9: handover: 5h is not whole minutes between 0s and 4h; write like 15m
duty.yaml:11: by: "a" cannot stand in for who is the same; write somebody else, or leave it out
duty.yaml:12: for: is missing; write the contact who is away
duty.yaml:12: from: is missing; write the first day away, like 2026-02-16
duty.yaml:13: to: is not after from; put the earlier moment into from
duty.yaml:15: by: "a" is away at the same time, and "b" stands in there; write somebody who is there`
	if got := clean(problems.String()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// clean drops how entries of lists are called.
func clean(text string) string {
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		if at := strings.Index(line, "entry "); at >= 0 {
			if of := strings.Index(line, " of "); of > at {
				line = line[:at] + line[of+4:]
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// What is written reads back, in YAML and in the document of imported rosters.
func TestSample(t *testing.T) {
	c := Config{
		Posts: []Post{{Name: "网格三", Role: stillwater.Worker, Area: stillwater.Place{Grid: "3"}, Desk: "desk", Shifts: []Shift{
			{Who: []stillwater.ContactID{"a"}, Days: []Days{"workdays"}, Hours: []stillwater.Hours{{From: 8 * time.Hour, To: 24 * time.Hour}}, From: 20500, To: 20501, Handover: 15 * time.Minute},
		}}},
		StandIns: []StandIn{{For: "a", By: "b", From: Moment{date: 20500}, To: Moment{date: 20501, clock: 18 * time.Hour, timed: true}, Why: "leave"}},
	}
	if _, err := config.Sample(&c); err != nil {
		t.Error(err)
	}
	if _, err := config.Sample(&Config{}); err != nil {
		t.Error(err)
	}
}
