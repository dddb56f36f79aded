package incident

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

var update = flag.Bool("update", false, "write what the code does into the scenario files; read the difference before you keep it")

// TestScenarios plays testdata/*.txt: a line an event, "----", and below it what leaves and how the incident stands. The
// minutes between two events pass one by one.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			events, want, found := strings.Cut(string(text), "\n----\n")
			if !found && !*update {
				t.Fatal("no ---- line between events and what is expected")
			}
			events = strings.TrimRight(events, "\n")
			s := newScenario()
			for i, line := range strings.Split(events, "\n") {
				if err := s.play(line); err != nil {
					t.Fatalf("line %d: %v", i+1, err)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(events+"\n----\n"+s.out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if s.out.String() != want {
				t.Errorf("expected\n%s\nhappened\n%s", want, s.out.String())
			}
		})
	}
}

// scenario is a home with a daughter in town, a son far away and a grid worker, and one incident.
type scenario struct {
	home stillwater.Household
	inc  stillwater.Incident
	now  time.Time
	life time.Time
	out  bytes.Buffer

	config   Config
	offDuty  map[string]bool
	channels []stillwater.Channel
}

// midnight is when day 1 of every scenario begins.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newScenario() *scenario {
	return &scenario{config: Defaults(), offDuty: map[string]bool{}, home: stillwater.Household{ID: "h1", Contacts: []stillwater.Contact{
		{ID: "daughter", Role: stillwater.Family, Phone: "+8613800000001", Language: "zh-CN"},
		{ID: "worker", Role: stillwater.Worker, Phone: "+8613800000003", Language: "zh-CN"},
	}}}
}

// play takes one line: "09:15 …", "day 2 09:15 …", a comment or nothing.
func (s *scenario) play(line string) error {
	fields := strings.Fields(line)
	if len(fields) == 0 || fields[0] == "#" {
		return nil
	}
	day := 1
	if fields[0] == "day" {
		if _, err := fmt.Sscanf(fields[1], "%d", &day); err != nil {
			return err
		}
		fields = fields[2:]
	}
	clock, err := time.Parse("15:04", fields[0])
	if err != nil {
		return err
	}
	at := midnight.AddDate(0, 0, day-1).Add(time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute)
	if s.now.IsZero() {
		s.now = at
	}
	for s.now.Before(at) {
		s.now = s.now.Add(time.Minute)
		s.step(Input{})
	}
	return s.happen(fields[1], fields[2:])
}

var verbs = map[string]stillwater.Deed{
	"on-my-way": stillwater.Acknowledge, "arrives": stillwater.ArriveThere, "needs-help": stillwater.CallHelp, "closes": stillwater.Close,
	"hands-over-to": stillwater.HandOver, "escalates": stillwater.Escalate, "holds": stillwater.Hold, "reopens": stillwater.Reopen,
	"made-the-visit": stillwater.FollowedUp,
}

func (s *scenario) happen(who string, what []string) error {
	verb := what[0]
	switch {
	case who == "nothing": // "nothing more happens": the time passes
	case who == "life":
		s.life = s.now
	case who == "ladder":
		return s.ladder(verb, what[1:])
	case who == "channels":
		for _, by := range what {
			s.channels = append(s.channels, stillwater.Channel(by))
		}
	case who == "contact" && what[1] == "joins":
		return s.join(verb, what[2:])
	case who == "contact":
		s.home.Contacts = slices.DeleteFunc(s.home.Contacts, func(c stillwater.Contact) bool { return string(c.ID) == verb })
	case verb == "off-duty" || verb == "on-duty":
		s.offDuty[who] = verb == "off-duty"
	case verb == "opts-out", verb == "withdraws", verb == "quiet":
		return s.changes(who, verb, what[1:])
	case verb == "begins" || verb == "ends":
		s.finding(who, what)
	case verbs[verb] != "":
		return s.act(who, what)
	default:
		return s.receipt(who, stillwater.DeliveryState(verb))
	}
	return nil
}

func (s *scenario) finding(rule string, what []string) {
	f := stillwater.Finding{Household: s.home.ID, Kind: stillwater.Welfare, Rule: rule, Began: s.now, Facts: stillwater.Facts{Since: s.now.Add(-time.Hour)}}
	if what[0] == "ends" {
		f.Ended = s.now
	} else {
		f.Severity = stillwater.Severity(what[1])
	}
	if s.inc.ID == "" || !Current(s.inc) {
		if what[0] == "ends" {
			return
		}
		s.inc = New(7, f, s.now)
	}
	s.step(Input{Finding: &f})
}

// act reads "closes helped seen visit-in 48h photo door.jpg", "holds 2h she is asleep", "hands-over-to chen" …
func (s *scenario) act(who string, what []string) error {
	a := stillwater.Act{Incident: s.inc.ID, Deed: verbs[what[0]], Who: who, Remote: slices.Contains(what, "remote")}
	rest := what[1:]
	switch a.Deed {
	case stillwater.Close:
		if len(rest) > 1 {
			a.Outcome, a.Known = stillwater.Outcome(rest[0]), stillwater.Known(rest[1])
		}
		for i := 2; i+1 < len(rest); i += 2 {
			if rest[i] == "photo" {
				a.Photo = rest[i+1]
				continue
			}
			span, err := time.ParseDuration(rest[i+1])
			if err != nil {
				return err
			}
			a.Until = s.now.Add(span)
		}
	case stillwater.Hold:
		span, err := time.ParseDuration(rest[0])
		if err != nil {
			return err
		}
		a.Until, a.Note = s.now.Add(span), strings.Join(rest[1:], " ")
	case stillwater.HandOver:
		a.To = stillwater.ContactID(rest[0])
	}
	s.step(Input{Act: &a})
	return nil
}

// join reads "as neighbour by wecom,sms quiet 22:00-06:00 number-of daughter"; a contact is family unless it says otherwise.
func (s *scenario) join(id string, how []string) error {
	c := stillwater.Contact{ID: stillwater.ContactID(id), Role: stillwater.Family, Language: "zh-CN"}
	c.Phone = stillwater.Phone(fmt.Sprintf("+86138000001%02d", len(s.home.Contacts)))
	c.WeCom, c.Email = id, id+"@example.org"
	for i := 0; i+1 < len(how); i += 2 {
		value := how[i+1]
		switch how[i] {
		case "as":
			c.Role = stillwater.Role(value)
		case "by":
			for _, by := range strings.Split(value, ",") {
				c.Channels = append(c.Channels, stillwater.Channel(by))
			}
		case "quiet":
			if err := s.quiet(&c, value); err != nil {
				return err
			}
		case "number-of":
			j := slices.IndexFunc(s.home.Contacts, func(c stillwater.Contact) bool { return string(c.ID) == value })
			c.Phone = s.home.Contacts[j].Phone
		default:
			return fmt.Errorf("a contact joins how: %q", how[i])
		}
	}
	s.home.Contacts = append(s.home.Contacts, c)
	return nil
}

func (s *scenario) quiet(c *stillwater.Contact, text string) error {
	var h stillwater.Hours
	err := h.UnmarshalText([]byte(text))
	c.Quiet = append(c.Quiet, h)
	return err
}

func (s *scenario) changes(who, verb string, rest []string) error {
	for i := range s.home.Contacts {
		switch c := &s.home.Contacts[i]; {
		case string(c.ID) != who:
		case verb == "opts-out":
			c.OptedOut = s.now
		case verb == "withdraws":
			c.Agreed.Withdrawn = s.now
		default:
			return s.quiet(c, rest[0])
		}
	}
	return nil
}

// ladder reads "alert family/15m worker@22:00-06:00/10m family+worker:voice/5m": whom, when, how, and how long each has.
func (s *scenario) ladder(severity string, rungs []string) error {
	var ladder []Rung
	for _, text := range rungs {
		var r Rung
		who, wait, _ := strings.Cut(text, "/")
		who, by, called := strings.Cut(who, ":")
		who, hours, only := strings.Cut(who, "@")
		if called {
			r.By = []stillwater.Channel{stillwater.Channel(by)}
		}
		for _, role := range strings.Split(who, "+") {
			r.To = append(r.To, stillwater.Role(role))
		}
		var err error
		if r.Wait, err = time.ParseDuration(wait); err != nil {
			return err
		}
		if only {
			var h stillwater.Hours
			if err := h.UnmarshalText([]byte(strings.ReplaceAll(hours, ".", ":"))); err != nil {
				return err
			}
			r.Hours = []stillwater.Hours{h}
		}
		ladder = append(ladder, r)
	}
	if severity == "urgent" {
		s.config.Urgent = ladder
	} else {
		s.config.Alert = ladder
	}
	return nil
}

// shown are the events of the log that a scenario prints; messages and states are printed anyway.
var shown = strings.Fields("promise-lapsed reopened outcome-due untold handed-over escalated held overdue quiet-over follow-up-due followed-up")

// receipt is for the latest text to somebody.
func (s *scenario) receipt(who string, state stillwater.DeliveryState) error {
	for _, told := range slices.Backward(s.inc.Told) {
		if string(told.Contact) == who {
			s.step(Input{Receipt: &stillwater.Receipt{Message: told.Message, State: state}})
			return nil
		}
	}
	return fmt.Errorf("%q got no text yet", who)
}

func (s *scenario) step(in Input) {
	if s.inc.ID == "" {
		return
	}
	in.Now, in.Life = s.now, s.life
	before := s.inc
	onDuty := func(c stillwater.Contact, _ time.Time) bool { return !s.offDuty[string(c.ID)] }
	r, err := Step(Case{Incident: s.inc, Household: s.home, Config: s.config, OnDuty: onDuty, Channels: s.channels}, in)
	s.inc = r.Incident
	stamp := s.now.Format("15:04")
	if s.now.Sub(midnight) >= 24*time.Hour {
		stamp = fmt.Sprintf("day %d %s", 1+int(s.now.Sub(midnight).Hours())/24, stamp)
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		fmt.Fprintf(&s.out, "%s refused: %s\n", stamp, refusal.Reason)
	} else if err != nil {
		fmt.Fprintf(&s.out, "%s error: %v\n", stamp, err)
	}
	for _, e := range s.inc.Log[min(len(before.Log), len(s.inc.Log)):] {
		if slices.Contains(shown, e.What) {
			fmt.Fprintln(&s.out, strings.TrimSpace(strings.Join([]string{stamp, e.What, e.Who, e.Note}, " ")))
		}
	}
	for _, id := range r.Cancel {
		fmt.Fprintf(&s.out, "%s not sent any more: %s\n", stamp, id)
	}
	for _, m := range r.Messages {
		fmt.Fprintf(&s.out, "%s %s %-6s → %s (%s, %s)%s\n", stamp, spoken[m.Channel], m.Purpose, m.Contact, m.Severity, m.Code, s.connected(m))
	}
	if before.State != s.inc.State {
		fmt.Fprintf(&s.out, "%s %s\n", stamp, s.inc.State)
	}
}

// spoken is what scenarios call the channels.
var spoken = map[stillwater.Channel]string{
	stillwater.SMS: "SMS", stillwater.Voice: "call", stillwater.WeCom: "card", stillwater.Email: "mail", stillwater.Webhook: "hook",
}

// connected says whom a call connects to.
func (s *scenario) connected(m stillwater.Message) string {
	for _, c := range s.home.Contacts {
		if m.Connect != "" && stillwater.Address(c.Phone) == m.Connect {
			return " and connects " + string(c.ID)
		}
	}
	return ""
}
