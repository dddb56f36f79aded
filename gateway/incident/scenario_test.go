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
}

// midnight is when day 1 of every scenario begins.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newScenario() *scenario {
	return &scenario{home: stillwater.Household{ID: "h1", Contacts: []stillwater.Contact{
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

var deeds = map[string]stillwater.Deed{
	"on-my-way": stillwater.Acknowledge, "arrives": stillwater.ArriveThere, "needs-help": stillwater.CallHelp, "closes": stillwater.Close,
}

func (s *scenario) happen(who string, what []string) error {
	if who == "nothing" { // "nothing more happens": the time passes
		return nil
	}
	verb := what[0]
	switch {
	case who == "life":
		s.life = s.now
	case who == "contact" && what[1] == "joins":
		s.home.Contacts = append(s.home.Contacts, stillwater.Contact{ID: stillwater.ContactID(verb), Role: stillwater.Family, Phone: "+8613800000002"})
	case who == "contact":
		i := slices.IndexFunc(s.home.Contacts, func(c stillwater.Contact) bool { return string(c.ID) == verb })
		s.home.Contacts = slices.Delete(s.home.Contacts, i, i+1)
	case verb == "begins" || verb == "ends":
		f := stillwater.Finding{Household: s.home.ID, Kind: stillwater.Welfare, Rule: who, Began: s.now, Facts: stillwater.Facts{Since: s.now.Add(-time.Hour)}}
		if verb == "ends" {
			f.Ended = s.now
		} else {
			f.Severity = stillwater.Severity(what[1])
		}
		if s.inc.ID == "" || !Current(s.inc) {
			s.inc = New(7, f, s.now)
		}
		s.step(Input{Finding: &f})
	case deeds[verb] != "":
		act := stillwater.Act{Incident: s.inc.ID, Deed: deeds[verb], Who: who, Remote: slices.Contains(what, "remote")}
		if verb == "closes" && len(what) > 2 {
			act.Outcome, act.Known = stillwater.Outcome(what[1]), stillwater.Known(what[2])
		}
		s.step(Input{Act: &act})
	default:
		return s.receipt(who, stillwater.DeliveryState(verb))
	}
	return nil
}

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
	r, err := Step(Case{Incident: s.inc, Household: s.home, Config: Defaults()}, in)
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
		if e.What == "promise-lapsed" || e.What == "reopened" || e.What == "outcome-due" || e.What == "untold" {
			fmt.Fprintln(&s.out, strings.TrimSpace(strings.Join([]string{stamp, e.What, e.Who, e.Note}, " ")))
		}
	}
	for _, id := range r.Cancel {
		fmt.Fprintf(&s.out, "%s not sent any more: %s\n", stamp, id)
	}
	for _, m := range r.Messages {
		fmt.Fprintf(&s.out, "%s SMS %-6s → %s (%s, %s)\n", stamp, m.Purpose, m.Contact, m.Severity, m.Code)
	}
	if before.State != s.inc.State {
		fmt.Fprintf(&s.out, "%s %s\n", stamp, s.inc.State)
	}
}
