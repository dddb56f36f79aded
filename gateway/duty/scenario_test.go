package duty

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/calendar"
	"stillwater/gateway/config"
)

var update = flag.Bool("update", false, "write what the code does into the roster files; read the difference before you keep it")

// A paper is the upper part of a roster file: the roster as it stands in a configuration, and the home it is asked of.
type paper struct {
	Config   `yaml:",inline"`
	Zone     string            `yaml:"zone"`
	Holidays calendar.Holidays `yaml:"holidays"`
	Home     []member          `yaml:"home"`
	Place    stillwater.Place  `yaml:"place"`
	Nobody   []string          `yaml:"nobody"` // named, but no contact
}

type member struct {
	ID   stillwater.ContactID `yaml:"id"`
	Role stillwater.Role      `yaml:"role"`
}

// TestRosters reads testdata/*.txt: a roster, "----", and questions with their answers: "2026-03-02 07:59 chen worker" is who may be told then, and
// "gaps 2026-03-02 7" the gaps of seven days.
func TestRosters(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rosters: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			roster, asked, found := strings.Cut(string(text), "\n----\n")
			if !found {
				t.Fatal("no ---- line between roster and questions")
			}
			got, err := answer(file, roster, asked)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(file, []byte(roster+"\n----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != asked {
				t.Errorf("expected\n%s\nhappened\n%s", asked, got)
			}
		})
	}
}

func answer(file, roster, asked string) (string, error) {
	p := paper{Zone: "Asia/Shanghai", Holidays: calendar.None}
	if _, problems := config.Parse(file, []byte(roster), &p); len(problems) > 0 {
		return "", fmt.Errorf("%s", problems)
	}
	r, home := p.roster()
	var out strings.Builder
	for _, line := range strings.Split(strings.TrimRight(asked, "\n"), "\n") {
		fields := strings.Fields(line)
		var err error
		switch {
		case len(fields) == 0 || fields[0] == "#":
			fmt.Fprintln(&out, line)
		case fields[0] == "gaps":
			err = tellGaps(&out, r, home, fields)
		case fields[0] != "gap":
			err = tellOnDuty(&out, r, home, fields)
		}
		if err != nil {
			return "", fmt.Errorf("%q: %w", line, err)
		}
	}
	return out.String(), nil
}

// roster makes the roster with everybody whom it names as a contact, and the home with those who serve it.
func (p *paper) roster() (*Roster, stillwater.Household) {
	home := stillwater.Household{ID: "h1", TimeZone: p.Zone, Place: p.Place}
	for _, m := range p.Home {
		home.Contacts = append(home.Contacts, stillwater.Contact{ID: m.ID, Role: m.Role, Phone: number(m.ID)})
	}
	known := map[stillwater.ContactID]bool{"": true}
	for _, id := range p.Nobody {
		known[stillwater.ContactID(id)] = true
	}
	var contacts []stillwater.Contact
	add := func(ids ...stillwater.ContactID) {
		for _, id := range ids {
			if !known[id] {
				contacts = append(contacts, stillwater.Contact{ID: id, Name: string(id), Phone: number(id)})
			}
			known[id] = true
		}
	}
	for _, m := range p.Home {
		add(m.ID)
	}
	for _, post := range p.Posts {
		add(post.Desk)
		for _, s := range post.Shifts {
			add(s.Who...)
		}
	}
	for _, s := range p.StandIns {
		add(s.For, s.By)
	}
	c := calendar.Config{Holidays: p.Holidays}
	r := New(p.Config, contacts, Calendar{Days: calendar.Working(c), Spring: calendar.Spring(c)})
	return r, r.Attach([]stillwater.Household{home})[0]
}

// number makes a telephone number for an ID, each its own.
func number(id stillwater.ContactID) stillwater.Phone { return stillwater.Phone("+86-" + id) }

// tellOnDuty answers "2026-03-02 07:59 …"; a moment that comes twice is named with its offset, "2026-10-25 02:30 +02:00 …".
func tellOnDuty(out *strings.Builder, r *Roster, home stillwater.Household, fields []string) error {
	if len(fields) < 2 {
		return fmt.Errorf("write date and time")
	}
	asked, layout := fields[0]+" "+fields[1], "2006-01-02 15:04"
	if len(fields) > 2 && strings.ContainsAny(fields[2][:1], "+-") {
		asked, layout = asked+" "+fields[2], layout+" -07:00"
	}
	at, err := time.ParseInLocation(layout, asked, home.Location())
	if err != nil {
		return err
	}
	var told []string
	for _, c := range home.Contacts {
		if r.OnDuty(home, c, at) {
			told = append(told, fmt.Sprintf("%s (%s)", c.ID, c.Role))
		}
	}
	if told == nil {
		told = []string{"nobody"}
	}
	fmt.Fprintf(out, "%s  %s\n", asked, strings.Join(told, ", "))
	return nil
}

// tellGaps answers "gaps 2026-03-02 7".
func tellGaps(out *strings.Builder, r *Roster, home stillwater.Household, fields []string) error {
	from, err := time.ParseInLocation(time.DateOnly, fields[1], home.Location())
	if err != nil {
		return err
	}
	days := 0
	if _, err := fmt.Sscan(fields[2], &days); err != nil {
		return err
	}
	fmt.Fprintln(out, strings.Join(fields, " "))
	for _, gap := range r.Gaps([]stillwater.Household{home}, stillwater.Place{}, from, from.AddDate(0, 0, days)) {
		const layout = "Mon 2006-01-02 15:04 -07:00"
		fmt.Fprintf(out, "gap %s: %s to %s\n", gap.Post, gap.From.In(home.Location()).Format(layout), gap.To.In(home.Location()).Format(layout))
	}
	return nil
}
