package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
)

// A line is something that people saw: a text, or a turn of an incident.
type line struct {
	at   time.Time
	text string
}

// turns are the events of incidents that stories show; the texts show the rest.
var turns = strings.Fields("opened untold acknowledged on-site promise-lapsed ended closed reopened overdue held escalated handed-over")

// beginning is how much of a text stands in a story that is written anew.
const beginning = 36

// lines are everything that happened, in order.
func (s *story) lines() (all []line) {
	for _, t := range s.texts() {
		way := map[stillwater.Channel]string{stillwater.SMS: "SMS", stillwater.Voice: "call"}[t.msg.By()]
		if t.by != s.providers[0].name {
			way += " by " + t.by
		}
		all = append(all, line{t.at, way + " → " + string(t.msg.Contact) + " " + t.msg.Text})
	}
	for _, i := range s.incidents() {
		about := cmp.Or(string(i.Household), i.Group)
		for _, e := range i.Log {
			if !slices.Contains(turns, e.What) {
				continue
			}
			text := about + " " + e.What
			if e.Who != "" {
				text += " " + e.Who
			}
			if e.Note != "" {
				text += ": " + e.Note
			}
			all = append(all, line{e.At, text})
		}
	}
	slices.SortStableFunc(all, func(a, b line) int {
		return cmp.Or(a.at.Truncate(time.Minute).Compare(b.at.Truncate(time.Minute)), cmp.Compare(a.text, b.text))
	})
	return all
}

// happened is the lines as a story has them.
func (s *story) happened() (texts []string) {
	for _, l := range s.lines() {
		text := []rune(l.text)
		end := slices.Index(text, '[') // the code
		if at := slices.Index(text, '】'); at >= 0 && (end < 0 || end > at+beginning) {
			end = at + beginning
		}
		if end >= 0 && end < len(text) {
			text = append(text[:end:end], '…')
		}
		texts = append(texts, s.stamp(l.at)+" "+string(text))
	}
	return texts
}

// stamp is how a story writes a time.
func (s *story) stamp(at time.Time) string {
	local, first := at.In(storyZone), s.begin.In(storyZone)
	midnight := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, storyZone)
	text := local.Format("15:04")
	if day := int(local.Sub(midnight).Hours()) / 24; day > 0 {
		text = "day " + string(rune('1'+day)) + " " + text
	}
	return text
}

// compare holds what happened against what the story says: all of it, each within its time, and nothing else.
func (s *story) compare(want string) {
	s.t.Helper()
	if problems := s.unlike(want); len(problems) > 0 {
		s.t.Errorf("%s\nwhat happened:\n%s", strings.Join(problems, "\n"), strings.Join(s.happened(), "\n"))
	}
}

// unlike is what is not as the story says.
func (s *story) unlike(want string) (problems []string) {
	s.t.Helper()
	left := s.lines()
	for text := range strings.Lines(want) {
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		at, begins, ok := s.moment(text)
		if !ok {
			s.t.Fatalf("no time in %q", text)
		}
		i := slices.IndexFunc(left, func(l line) bool {
			off := l.at.Sub(at)
			return off > -s.within && off < s.within+time.Minute && fits(l.text, begins)
		})
		if i < 0 {
			problems = append(problems, "did not happen: "+text)
			continue
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, l := range left {
		problems = append(problems, "happened: "+s.stamp(l.at)+" "+l.text)
	}
	return problems
}

// fits says whether a line is as the story has it: where that ends in "…", it is the beginning.
func fits(text, want string) bool {
	begins, open := strings.CutSuffix(want, "…")
	return text == want || open && strings.HasPrefix(text, begins)
}

// lawful holds the laws against any story: nobody gets a text twice unless it says so, every incident was told to somebody, and no message
// is left that could have been sent.
func (s *story) lawful() {
	s.t.Helper()
	seen := map[string]bool{}
	for _, t := range s.texts() {
		key := string(t.msg.To) + " " + t.msg.Code
		if seen[key] && !t.msg.Repeat {
			s.t.Errorf("twice to %s: %s", t.msg.Contact, t.msg.Text)
		}
		seen[key] = true
	}
	messages, err := s.gateway.store.Messages(context.Background(), sqlite.MessageQuery{Limit: 10_000})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range messages {
		key := string(m.To) + " " + m.Code
		took := m.State == stillwater.Accepted || m.State == stillwater.Delivered
		if took != seen[key] && m.State != stillwater.Failed || m.State == stillwater.Pending || m.State == stillwater.Sending {
			s.t.Errorf("the text to %s is %s, and %v that a provider has it: %s", m.Contact, m.State, seen[key], m.Text)
		}
	}
	for _, i := range s.incidents() {
		if i.Severity != stillwater.Notice && len(i.Told) == 0 {
			s.t.Errorf("nobody was told of %s %s: %+v", i.Household, i.Kind, i.Log)
		}
	}
}
