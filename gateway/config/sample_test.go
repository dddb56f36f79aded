package config

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"stillwater"
)

// full is an example of everything, in values that YAML would misread without quotes.
func full() *shop {
	return &shop{
		Name: "no: 1 # \"best\"\nin town", Doors: 2, Port: 502, Discount: 0.25, Poll: 90 * time.Minute, Tank: 1500,
		Founded:  time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Password: stillwater.Secret{File: "secrets/till"},
		Tags:     []string{"true", "a, b", "[x]", "07", ""},
		Tills:    []till{{ID: "1", Poll: 5 * time.Second}, {ID: "2", Poll: time.Minute, Keys: []key{{Code: 4}, {}}}},
		Alarm:    &alarm{Number: "+8613800138000", After: 0},
		Prices:   map[string]float64{"salt": 0.5, "yes": 2},
		Floors:   map[string]till{"1": {ID: "f", Poll: time.Hour}},
		Staff:    Staff{People: []string{"王小明"}},
	}
}

func TestSample(t *testing.T) {
	text, err := Sample(full())
	if err != nil {
		t.Fatal(err)
	}
	want := `# what the shop is called; it stands on every receipt and in every message, so keep it shorter than
# a line of a telephone
name: "no: 1 # \"best\"\nin town"

# whether customers may come in
#open: false

# number of doors; default 1
doors: 2

# TCP port of the till
port: 502

# share of the price that is taken off
discount: 0.25

# how often the till is read; default 30s
poll: 1h30m

# size of the water tank
tank: 1.5 m³

# when it was founded
founded: 2026-03-01

# password of the till
password: {file: secrets/till}

# words to find it by
tags: ["true", 'a, b', '[x]', "07", ""]

# the tills
tills:
  # its number
  - id: "1"
    # how often it is read; default 5s
    #poll: 5s

    # its keys
    #keys:
    #  - code: 0

  - id: "2"
    poll: 1m

    keys:
      - code: 4

      - code: 0

# the alarm; without this section there is none
alarm:
  # who is called
  number: "+8613800138000"
  # how many rings; default 3
  after: 0

# where it stands
#address:
#  # its street
#  street: ""
#  # its number
#  number: 0

# price by article
prices:
  salt: 0.5
  yes: 2

# a till by floor
floors:
  "1":
    # its number
    id: f
    # how often it is read; default 5s
    poll: 1h

    # its keys
    #keys:
    #  - code: 0

# who works there
people: [王小明]
`
	if string(text) != want {
		t.Errorf("sample\n%s", text)
	}
	back := &shop{}
	if _, problems := Parse("sample", text, back); len(problems) > 0 {
		t.Fatal(problems)
	}
	if !reflect.DeepEqual(back, full()) {
		t.Errorf("read back\n%+v, want\n%+v", back, full())
	}
}

// What is switched off becomes valid settings when every sign is taken away.
func TestSampleSwitchedOn(t *testing.T) {
	text, err := Sample(&shop{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var on []string
	for _, l := range strings.Split(string(text), "\n") {
		if sign, rest, off := strings.Cut(l, "#"); off && strings.TrimSpace(sign) == "" && (!strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, "  ")) {
			l = sign + rest
		}
		on = append(on, l)
	}
	s := &shop{}
	_, problems := Parse("sample", []byte(strings.Join(on, "\n")), s)
	for _, p := range problems {
		if !strings.Contains(p.Text, "is missing") { // ids and numbers are for people to fill in
			t.Errorf("%s", p)
		}
	}
	if s.Alarm == nil || s.Alarm.After != 3 || len(s.Tills) != 1 || s.Tills[0].Poll != 5*time.Second || s.Founded.IsZero() {
		t.Errorf("switched on: %+v\n%s", s, strings.Join(on, "\n"))
	}
}

// TestSampleReadsBack holds for any values that what Sample writes Parse reads.
func TestSampleReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~\n\t王é"'#:,{}\[\]&*!|>%@\x60-]{0,12}`)
		s := &shop{
			Name: text.Draw(t, "name"), Open: rapid.Bool().Draw(t, "open"), Doors: rapid.IntRange(-5, 99).Draw(t, "doors"),
			Discount: rapid.Float64().Draw(t, "discount") + 0, // not -0 Poll: time.Duration(rapid.Int64Range(0, 1e18).Draw(t, "poll")),
			Founded:  time.Unix(rapid.Int64Range(0, 1e10).Draw(t, "founded"), 0).UTC(),
			Tags:     rapid.SliceOfN(text, 1, 4).Draw(t, "tags"),
			Prices:   rapid.MapOfN(rapid.StringMatching(`[a-z0-9 :#'"]{1,6}`), rapid.Float64(), 1, 4).Draw(t, "prices"),
		}
		for range rapid.IntRange(1, 3).Draw(t, "tills") {
			s.Tills = append(s.Tills, till{ID: text.Draw(t, "id"), Poll: time.Duration(rapid.Int64Range(0, 1e12).Draw(t, "till"))})
		}
		if rapid.Bool().Draw(t, "alarm") {
			s.Alarm = &alarm{Number: text.Draw(t, "number"), After: rapid.IntRange(0, 5).Draw(t, "after")}
		}
		out, err := Sample(s)
		if err != nil {
			t.Fatal(err)
		}
		back := &shop{}
		doc := newDocument("s", back)
		d := &decoder{doc: doc, expanding: map[*yaml.Node]bool{}}
		if d.root(doc.parse(out)); len(doc.found) > 0 {
			t.Fatalf("%s\n%s", doc.found, out)
		}
		if !reflect.DeepEqual(back, s) {
			t.Fatalf("read back\n%+v, want\n%+v\n%s", back, s, out)
		}
	})
}
