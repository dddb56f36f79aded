package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/incident"
	"stillwater/gateway/registry"
	"stillwater/simulator/world"
)

// TestStories tells the stories of testdata/stories: who lives there and who is told, what happens, and below "----" which texts
// people get, when and how they begin, and how the incidents stand. Everything between a reading and a provider is the gateway's own: its
// rules, pipeline, ladders, rosters, words, database and courier. Time passes in a bubble, so that a slow machine changes nothing.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/stories/*.txt")
	if err != nil || len(files) < 7 {
		t.Fatalf("stories: %v, %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			told, want, _ := strings.Cut(string(text), "\n----\n")
			synctest.Test(t, func(t *testing.T) {
				s := &story{town: newTown(t)}
				defer s.close()
				s.tell(told)
				if *update {
					if err := os.WriteFile(file, []byte(strings.TrimRight(told, "\n")+"\n----\n"+strings.Join(s.happened(), "\n")+"\n"), 0o644); err != nil {
						t.Fatal(err)
					}
				} else {
					s.compare(want)
				}
				s.lawful()
			})
		})
	}
}

// story is one that is being told.
type story struct {
	*town
	within  time.Duration // how far off the times below the line may be
	started bool
}

// tell plays the lines of a story.
func (s *story) tell(text string) {
	s.t.Helper()
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		var err error
		if at, what, timed := s.moment(line); timed {
			if !s.started {
				s.started = true
				s.open()
			}
			s.until(at)
			err = s.happen(what)
			synctest.Wait()
		} else {
			err = s.set(line)
		}
		if err != nil {
			s.t.Fatalf("line %d: %q: %v", i+1, line, err)
		}
	}
}

// moment reads the time that a line begins with: "02:41 …" or "day 2 02:41 …".
func (s *story) moment(line string) (at time.Time, rest string, ok bool) {
	day := 1
	if n, _ := fmt.Sscanf(line, "day %d ", &day); n == 1 {
		line = strings.SplitN(line, " ", 3)[2]
	}
	clock, rest, _ := strings.Cut(line, " ")
	since, err := time.Parse("15:04", clock)
	if err != nil {
		return time.Time{}, line, false
	}
	first := s.begin.In(storyZone)
	return time.Date(first.Year(), first.Month(), first.Day()+day-1, since.Hour(), since.Minute(), 0, 0, storyZone), rest, true
}

// set takes a line of what is so before the story begins.
func (s *story) set(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "begins":
		s.begin, err = time.ParseInLocation("2006-01-02 15:04", rest, storyZone)
	case "within":
		s.within, err = time.ParseDuration(rest)
	case "learned":
		_, err = fmt.Sscanf(rest, "%d weeks", &s.weeks)
	case "provider":
		s.providers = append(s.providers, &scripted{name: rest, after: 5 * time.Second, dead: map[stillwater.Address]bool{}})
	case "person":
		err = s.enrol(strings.Split(rest, ", "))
	case "ladder":
		severity, rungs, _ := strings.Cut(rest, " ")
		err = s.ladder(severity, strings.Fields(rungs))
	case "home":
		err = s.moveIn(strings.Split(rest, ", "))
	default:
		err = s.habit(word, rest)
	}
	return err
}

// enrol reads "daughter 王梅, family, remote, quiet 22:00-07:00".
func (s *story) enrol(parts []string) error {
	c := registry.ContactConfig{Phone: stillwater.Phone(fmt.Sprintf("+86138001380%02d", len(s.config.Contacts)))}
	c.SetDefaults()
	id, name, _ := strings.Cut(parts[0], " ")
	c.ID, c.Name, c.Role = stillwater.ContactID(id), name, stillwater.Role(parts[1])
	for _, part := range parts[2:] {
		word, rest, _ := strings.Cut(part, " ")
		var h stillwater.Hours
		var err error
		switch word {
		case "remote":
			c.Remote = true
		case "quiet":
			err = h.UnmarshalText([]byte(rest))
			c.Quiet = append(c.Quiet, h)
		case "minutes":
			_, err = fmt.Sscan(rest, &c.Minutes)
		case "duty":
			err = h.UnmarshalText([]byte(rest))
			s.post(c.ID, c.Role, h)
		default:
			err = fmt.Errorf("a person %q", part)
		}
		if err != nil {
			return err
		}
	}
	s.config.Contacts = append(s.config.Contacts, c)
	return nil
}

// ladder reads "alert family/15m neighbour+worker:voice/10m": whom, by which channel where it says so, and how long they have.
func (s *story) ladder(severity string, rungs []string) error {
	var ladder []incident.Rung
	for _, text := range rungs {
		var r incident.Rung
		who, wait, _ := strings.Cut(text, "/")
		who, by, named := strings.Cut(who, ":")
		if named {
			r.By = []stillwater.Channel{stillwater.Channel(by)}
		}
		for role := range strings.SplitSeq(who, "+") {
			r.To = append(r.To, stillwater.Role(role))
		}
		var err error
		if r.Wait, err = time.ParseDuration(wait); err != nil {
			return err
		}
		ladder = append(ladder, r)
	}
	if severity == "urgent" {
		s.config.Ladders.Urgent = ladder
	} else {
		s.config.Ladders.Alert = ladder
	}
	return nil
}

// moveIn reads "wang 王秀英, building 7, people daughter neighbour, key neighbour, door".
func (s *story) moveIn(parts []string) error {
	h := &lived{}
	h.SetDefaults()
	id, name, _ := strings.Cut(parts[0], " ")
	h.ID, h.Name, h.litres = stillwater.HouseholdID(id), name, 1000
	_ = h.Consent.Given.UnmarshalText([]byte("2026-03-01")) // it is a date
	h.Devices = []registry.DeviceConfig{{ID: "meter", Kind: stillwater.Meter, Source: world.MQTTFeed + "/" + id + "/meter", Every: storyEvery}}
	for _, part := range parts[1:] {
		word, rest, _ := strings.Cut(part, " ")
		switch word {
		case "building":
			h.Place = stillwater.Place{Street: "湖滨街道", Community: "城东社区", Building: rest}
		case "door":
			h.Devices = append(h.Devices, registry.DeviceConfig{ID: "entry", Kind: stillwater.DoorContact, Source: world.MQTTFeed + "/" + id + "/entry", Every: time.Hour})
		case "key":
			h.Keys = append(h.Keys, stillwater.ContactID(rest))
		case "people":
			for _, who := range strings.Fields(rest) {
				c := s.person(who)
				switch {
				case c == nil:
					return fmt.Errorf("nobody is called %q", who)
				case c.Role.Staff():
					h.Workers = append(h.Workers, c.ID)
				default:
					h.Family = append(h.Family, c.ID)
				}
			}
		default:
			return fmt.Errorf("a home %q", part)
		}
	}
	s.homes = append(s.homes, h)
	return nil
}

// habit reads how homes are lived in: "wang uses water about 06:30 07:20", "wang goes out about 09:20 10:40"; "all" is every home.
func (s *story) habit(who, what string) error {
	var times []time.Duration
	action, about, _ := strings.Cut(what, " about ")
	for _, text := range strings.Fields(about) {
		at, err := time.Parse("15:04", text)
		if err != nil {
			return err
		}
		times = append(times, time.Duration(at.Hour())*time.Hour+time.Duration(at.Minute())*time.Minute)
	}
	for _, h := range s.homes {
		switch {
		case who != "all" && who != string(h.ID):
		case action == "uses water":
			h.draws = append(h.draws, times...)
		case action == "goes out" && len(times) == 2:
			h.outing = [2]time.Duration(times)
		default:
			return fmt.Errorf("a home %q", what)
		}
	}
	return nil
}

// happen takes what happens now, to somebody or by somebody.
func (s *story) happen(what string) error {
	who, does, _ := strings.Cut(what, " ")
	if h := s.home(who); h != nil {
		return s.befalls(h, does)
	}
	if c := s.person(who); c != nil {
		return s.acts(c, does)
	}
	name, rest, _ := strings.Cut(does, " ")
	switch who {
	case "provider":
		if p := s.provider(name); p != nil {
			return p.change(rest)
		}
		return fmt.Errorf("no provider is called %q", name)
	case "building":
		s.dry[name] = rest == "has no water"
		return nil
	case "nothing":
		return nil
	}
	return fmt.Errorf("nobody is called %q", who)
}

// befalls is what happens in a home.
func (s *story) befalls(h *lived, what string) error {
	switch what {
	case "falls":
		h.still = true
	case "is up again":
		h.still = false
	case "goes out of the door":
		h.still = true
		s.door(h)
	case "comes home":
		h.still = false
		s.door(h)
	default:
		return fmt.Errorf("a home that %q", what)
	}
	return nil
}

// acts is what a person does: "presses 1" in the last call, "writes 2 Q7K", "says wang is away until day 3 18:00", "loses the number".
func (s *story) acts(c *registry.ContactConfig, does string) error {
	verb, rest, _ := strings.Cut(does, " ")
	s.answers++
	r := stillwater.Reply{ID: fmt.Sprintf("answer-%d", s.answers), Text: rest, At: s.clock.Now()}
	switch verb {
	case "presses":
		m, ok := s.lastCall(c.ID)
		if !ok {
			return fmt.Errorf("%s was not called", c.ID)
		}
		r.Message = m.ID
		return s.gateway.Reply(context.Background(), r)
	case "writes":
		answer, about, named := strings.Cut(rest, " about ")
		r.From, r.Text = c.Phone, answer
		if named {
			r.Text += " " + s.code(c.ID, about)
		}
		s.lastBy(c.ID).writes(r)
		return nil
	case "says":
		home, until, _ := strings.Cut(rest, " is away until ")
		at, _, ok := s.moment(until)
		if !ok || s.home(home) == nil {
			return fmt.Errorf("somebody says %q", rest)
		}
		return s.gateway.pipeline.Away(context.Background(), stillwater.Absence{Household: stillwater.HouseholdID(home), From: s.clock.Now(), Until: at, Who: string(c.ID)})
	case "loses":
		for _, p := range s.providers {
			p.dies(c.Phone)
		}
		return nil
	}
	return fmt.Errorf("somebody who %q", does)
}

// lastCall is the last call to somebody.
func (s *story) lastCall(who stillwater.ContactID) (stillwater.Message, bool) {
	for _, t := range slices.Backward(s.texts()) {
		if t.msg.Contact == who && t.msg.By() == stillwater.Voice {
			return t.msg, true
		}
	}
	return stillwater.Message{}, false
}

// code is that of the last text to somebody about a home or building.
func (s *story) code(who stillwater.ContactID, about string) string {
	for _, t := range slices.Backward(s.texts()) {
		i, _, err := s.gateway.store.Incident(context.Background(), t.msg.Incident)
		if err != nil {
			s.t.Fatal(err)
		}
		if t.msg.Contact == who && (string(i.Household) == about || strings.HasSuffix(i.Group, "/"+about)) {
			return t.msg.Code
		}
	}
	return ""
}

// lastBy is the provider that somebody's last text came by, to whose number an answer goes.
func (s *story) lastBy(who stillwater.ContactID) *scripted {
	for _, t := range slices.Backward(s.texts()) {
		if t.msg.Contact == who {
			return s.provider(t.by)
		}
	}
	return s.providers[0]
}

// incidents are all that there ever were.
func (s *story) incidents() []stillwater.Incident {
	s.t.Helper()
	all, err := s.gateway.store.Incidents(context.Background(), sqlite.IncidentQuery{Limit: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}
