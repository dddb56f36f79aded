package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// shop is a configuration with everything that occurs in one.
type shop struct {
	Name     string             `yaml:"name" doc:"what the shop is called; it stands on every receipt and in every message, so keep it shorter than a line of a telephone"`
	Open     bool               `yaml:"open,omitempty" doc:"whether customers may come in"`
	Doors    int                `yaml:"doors,omitempty" doc:"number of doors; default 1"`
	Port     uint16             `yaml:"port,omitempty" doc:"TCP port of the till"`
	Discount float64            `yaml:"discount,omitempty" doc:"share of the price that is taken off"`
	Poll     time.Duration      `yaml:"poll,omitempty" doc:"how often the till is read; default 30s"`
	Tank     stillwater.Litres  `yaml:"tank,omitempty" doc:"size of the water tank"`
	Founded  time.Time          `yaml:"founded,omitempty" doc:"when it was founded"`
	Password stillwater.Secret  `yaml:"password,omitempty" doc:"password of the till"`
	Tags     []string           `yaml:"tags,omitempty" doc:"words to find it by"`
	Tills    []till             `yaml:"tills,omitempty" doc:"the tills"`
	Alarm    *alarm             `yaml:"alarm,omitempty" doc:"the alarm; without this section there is none"`
	Address  address            `yaml:"address,omitempty" doc:"where it stands"`
	Prices   map[string]float64 `yaml:"prices,omitempty" doc:"price by article"`
	Floors   map[string]till    `yaml:"floors,omitempty" doc:"a till by floor"`
	staff    `yaml:",inline"`
	Staff    `yaml:",inline"`
	_        int // not exported: no setting
	Skipped  int `yaml:"-"`
}

type staff struct{ Nobody string }

// Staff is inlined.
type Staff struct {
	People []string `yaml:"people,omitempty" doc:"who works there"`
}

func (s *Staff) Validate(report func(field any, problem string)) {
	for i := range s.People {
		if s.People[i] == "Eve" {
			report(&s.People[i], "Eve does not work here; remove her")
		}
	}
}

type till struct {
	ID   string        `yaml:"id" doc:"its number"`
	Poll time.Duration `yaml:"poll,omitempty" doc:"how often it is read; default 5s"`
	Keys []key         `yaml:"keys,omitempty" doc:"its keys"`
}

type key struct {
	Code int `yaml:"code"`
}

func (t *till) SetDefaults() { t.Poll = 5 * time.Second }

func (t *till) Validate(report func(field any, problem string)) {
	if t.ID == "" {
		report(&t.ID, "is missing; write the number on the label")
	}
	if t.Poll < time.Second {
		report(&t.Poll, "is too fast; write 1s or more")
	}
	if t.ID == "alone" {
		report(t, "this till stands alone; add another")
	}
}

type alarm struct {
	Number string `yaml:"number" doc:"who is called"`
	After  int    `yaml:"after,omitempty" doc:"how many rings; default 3"`
}

func (a *alarm) SetDefaults() { a.After = 3 }

func (a *alarm) Validate(report func(field any, problem string)) {
	if a.Number == "" {
		report(&a.Number, "is missing; write a telephone number")
	}
}

type address struct {
	Street string `yaml:"street,omitempty" doc:"its street"`
	Number int    `yaml:"number,omitempty" doc:"its number"`
}

func (s *shop) Validate(report func(field any, problem string)) {
	if s.Name == "" {
		report(&s.Name, "is missing; write the name of the shop")
	}
	if s.Alarm != nil && len(s.Tills) == 0 {
		report(s.Alarm, "an alarm without a till guards nothing; add a till")
	}
	local := s.Doors
	if s.Doors > 99 {
		report(&local, "too many doors; write 99 or fewer")
	}
}

// parse reads a text with the name filled in.
func parse(t *testing.T, text string) (*shop, string) {
	t.Helper()
	s := &shop{Name: "default", Doors: 1, Poll: 30 * time.Second}
	_, problems := Parse("f", []byte(text), s)
	return s, problems.String()
}

func TestValues(t *testing.T) {
	s, problems := parse(t, `
name: 007
open: true
doors: 1_000
port: 0x1F
discount: 1e-1
poll: 28 days
tank: 1.5 m³
founded: 2001-02-03T04:05:06+08:00
password: {env: TILL}
tags: [1, true, "x"]
tills:
  - id: a
  - {id: b, poll: 1m}
alarm: {number: +8613800138000}
address:
  number: 7
prices: {bread: 2, salt: 0.5}
floors:
  first: {id: c}
people: [Ann]
`)
	if want := "f:2: too many doors; write 99 or fewer"; problems != want { // a pointer into nothing: the line of the section
		t.Errorf("problems %q, want %q", problems, want)
	}
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.FixedZone("", 8*3600))
	if !s.Founded.Equal(at) {
		t.Errorf("founded %v", s.Founded)
	}
	s.Founded = time.Time{}
	want := &shop{
		Name: "007", Open: true, Doors: 1000, Port: 31, Discount: 0.1, Poll: 28 * 24 * time.Hour, Tank: 1500,
		Password: stillwater.Secret{Env: "TILL"}, Tags: []string{"1", "true", "x"},
		Tills: []till{{ID: "a", Poll: 5 * time.Second}, {ID: "b", Poll: time.Minute}},
		Alarm: &alarm{Number: "+8613800138000", After: 3}, Address: address{Number: 7},
		Prices: map[string]float64{"bread": 2, "salt": 0.5},
		Floors: map[string]till{"first": {ID: "c", Poll: 5 * time.Second}},
		Staff:  Staff{People: []string{"Ann"}},
	}
	if !reflect.DeepEqual(s, want) {
		t.Errorf("read\n%+v, want\n%+v", s, want)
	}
}

func TestDefaultsStay(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "~\n", "doors:\npoll: ~\nname:\n", "\xEF\xBB\xBFdoors: 1\n"} {
		s, problems := parse(t, text)
		if problems != "" || s.Name != "default" || s.Doors != 1 || s.Poll != 30*time.Second {
			t.Errorf("%q: %+v, problems %s", text, s, problems)
		}
	}
}

// A bare "alarm:" is a section whose keys are all commented out; "alarm: null" takes it away.
func TestOptionalSection(t *testing.T) {
	s := &shop{Name: "x"}
	if _, problems := Parse("f", []byte("alarm:\ntills: [{id: a}]\n"), s); problems.String() != "f:1: number: is missing; write a telephone number" || s.Alarm == nil || s.Alarm.After != 3 {
		t.Errorf("bare: %+v, problems %s", s.Alarm, problems)
	}
	s = &shop{Name: "x", Alarm: &alarm{Number: "1"}}
	if _, problems := Parse("f", []byte("alarm: null\n"), s); len(problems) > 0 || s.Alarm != nil {
		t.Errorf("null: %+v, problems %s", s.Alarm, problems)
	}
}

func TestAnchors(t *testing.T) {
	s, problems := parse(t, `
address: &home {street: Long Lane, number: 1}
tills:
  - &one
    id: a
    poll: 9s
  - <<: *one
    id: b
  - *one
  - <<: [{poll: 8s}, *one]
    id: c
name: &n Ann
people: [*n]
`)
	want := []till{{ID: "a", Poll: 9 * time.Second}, {ID: "b", Poll: 9 * time.Second}, {ID: "a", Poll: 9 * time.Second}, {ID: "c", Poll: 8 * time.Second}}
	if problems != "" || !reflect.DeepEqual(s.Tills, want) || s.People[0] != "Ann" {
		t.Errorf("tills %+v people %v, problems %s", s.Tills, s.People, problems)
	}
}

// wrongInputs is what people get wrong, and every word they are told.
var wrongInputs = []struct{ name, text, want string }{
	{"unknown key", "naem: x\n", `f:1: unknown key "naem"; did you mean "name"? Known here: ` + known},
	{"unknown key, another way of writing", "Poll: 3s\n", `f:1: unknown key "Poll"; did you mean "poll"? Known here: ` + known},
	{"key of another section", "street: Long Lane\n", `f:1: unknown key "street"; it belongs under "address": check the indentation. Known here: ` + known},
	{"key of the top", "address:\n  discount: 1\n", `f:2: unknown key "discount"; it belongs at the top level: check the indentation. Known here: street, number`},
	{"key nobody knows", "address: {zebra: 1}\n", `f:1: unknown key "zebra". Known here: street, number`},
	{"key twice", "name: a\ndoors: 2\nname: b\n", `f:3: key "name" is written twice, first in line 1; remove one`},
	{"key that is a list", "[a]: 1\n", `f:1: a key is one word, followed by a colon`},
	{"empty key", "'': 1\n", `f:1: a key is one word, followed by a colon`},

	{"section is a list", "address:\n  - street: x\n", `f:2: address: this is one section, not a list; remove the "- " before its keys`},
	{"section is a word", "address: x\n", `f:1: address: this is a section; write its keys below it, indented, each like key: value`},
	{"list of sections is a section", "tills:\n  id: a\n", `f:2: tills: this is a list; begin each entry with "- " on a line of its own`},
	{"list is a word", "tags: x\n", `f:1: tags: this is a list; write it like [a, b]`},
	{"list entry is a word", "tills:\n  - a\n", `f:2: entry 1 of tills: this is a section; write its keys below it, indented, each like key: value`},
	{"empty list entry", "tags:\n  - a\n  -\n", `f:3: entry 2 of tags: is empty; fill it in or remove the "-"`},
	{"value is a section", "doors: {a: 1}\n", `f:1: doors: one value belongs here, not a section`},
	{"value is a list", "doors: [1]\n", `f:1: doors: one value belongs here, not a list`},
	{"map is a list", "prices: [1]\n", `f:1: prices: this is a section; write its keys below it, indented, each like key: value`},
	{"document is a list", "- name: x\n", `f:1: this is one section, not a list; remove the "- " before its keys`},
	{"document is a word", "hello\n", `f:1: this is a section; write its keys below it, indented, each like key: value`},

	{"not a whole number", "doors: two\n", `f:1: doors: "two" is not a whole number; write like 3`},
	{"fraction", "doors: 1.5\n", `f:1: doors: "1.5" is not a whole number; write like 3`},
	{"too large", "port: 70000\n", `f:1: port: 70000 is out of range; write 0 to 65535`},
	{"too large by far", "doors: 99999999999999999999\n", `f:1: doors: 99999999999999999999 is out of range; write -9223372036854775808 to 9223372036854775807`},
	{"below zero", "port: -1\n", `f:1: port: "-1" is below zero; write zero or more`},
	{"octal or not", "doors: 010\n", `f:1: doors: "010" begins with a zero, which some read as octal; write 10`},
	{"yes", "open: yes\n", `f:1: open: "yes" is neither true nor false; write one of them`},
	{"not a number", "discount: .nan\n", `f:1: discount: ".nan" is not a number; write like 0.5`},
	{"no unit", "poll: 30\n", `f:1: poll: "30" has no unit; write like 30m, 30h or 30d`},
	{"no duration", "poll: soon\n", `f:1: poll: "soon" is not a duration; write like 90s, 30m, 12h or 2d`},
	{"volume without unit", "tank: 10\n", `f:1: tank: "10" has no unit; write like 10 L or 10 m³`},
	{"no time", "founded: 1.3.2026\n", `f:1: founded: "1.3.2026" is not a time; write like 2026-03-01 or 2026-03-01T08:00:00+08:00`},
	{"no such day", "founded: 2026-02-30\n", `f:1: founded: "2026-02-30" is not a time; write like 2026-03-01 or 2026-03-01T08:00:00+08:00`},
	{"wrong map value", "prices:\n  bread: 1\n  salt: much\n", `f:3: salt: "much" is not a number; write like 0.5`},
	{"tag", "name: !secret x\n", `f:1: name: a value that begins with "!" is a tag, and none is known; put the value in quotes`},

	{"plain secret", "password: hunter2\n", `f:1: a secret does not belong in this file: write password: {env: NAME} or {file: PATH}`},
	{"secret in a list", "password: [hunter2]\n", `f:1: a secret does not belong in this file: write password: {env: NAME} or {file: PATH}`},
	{"secret as a key", "password: {hunter2}\n", `f:1: password: a secret is kept in an environment variable or in a file, and has no other keys: write password: {env: NAME} or {file: PATH}`},
	{"secret as the name", "password: {env: hunter-2}\n", `f:1: password: env is the name of an environment variable, of letters, digits and _, and never the secret itself`},
	{"secret in two places", "password: {env: A, file: b}\n", `f:1: password: a secret is kept in one place, env or file; remove one`},
	{"secret nowhere", "password: {}\n", `f:1: password: where the secret is kept is missing: write password: {env: NAME} or {file: PATH}`},
	{"secret that looks like an alias", "password: *hunter2\n", `f:1: a value that begins with "*" refers to an anchor, and none of that name is set; put the value in quotes if it is meant as it stands`},
	{"secret that looks like a tag", "password: !hunter2\n", `f:1: a secret does not belong in this file: write password: {env: NAME} or {file: PATH}`},

	{"validation", "tills:\n  - id: a\n    poll: 1ms\n", `f:3: poll: is too fast; write 1s or more`},
	{"validation of an absent key", "tills:\n  - poll: 2s\n", `f:2: id: is missing; write the number on the label`},
	{"validation of a whole entry", "tills:\n  - id: b\n  - id: alone\n", `f:3: this till stands alone; add another`},
	{"validation of a whole section", "\nalarm: {number: 1}\n", `f:2: alarm: an alarm without a till guards nothing; add a till`},
	{"validation of an absent key at the top", "doors: 2\nname: ''\n", `f:2: name: is missing; write the name of the shop`},
	{"validation in an inlined struct", "people:\n  - Ann\n  - Eve\n", `f:3: entry 2 of people: Eve does not work here; remove her`},
	{"validation in a map", "floors:\n  first: {id: a}\n  second:\n    poll: 2s\n", `f:3: id: is missing; write the number on the label`},
	{"an unread value is not validated", "tills:\n  - id: [a]\n", `f:2: id: one value belongs here, not a list`},
	{"nor is an unread section", "alarm: 5\ntills: 3\n", "f:1: alarm: this is a section; write its keys below it, indented, each like key: value\nf:2: tills: this is a list; begin each entry with \"- \" on a line of its own"},
	{"sorted, and all of them", "doors: x\nalarm: {}\nport: y\ntills: [{}]\n", `f:1: doors: "x" is not a whole number; write like 3
f:2: number: is missing; write a telephone number
f:3: port: "y" is not a whole number; write like 3
f:4: id: is missing; write the number on the label`},

	{"tab", "address:\n\tstreet: x\n", `f:2: a tab stands here; indent with spaces`},
	{"colon in a value", "doors: 1\nname: a: b\n", `f:2: a colon stands where none can be: perhaps the line above lacks its ":", this line is indented too far, or a value with ": " in it lacks its quotes`},
	{"quote not closed", "name: \"a\ndoors: 1\n", `f:1: a quote that was opened above is not closed`},
	{"list not closed", "doors: 1\n\ntags: [a, b\n", `f:3: a list that begins with "[" is not closed; add the missing "]" or ","`},
	{"key without a colon", "address:\n  street: x\n  number\n", `f:3: a key without its ":" stands here; write like key: value`},
	{"indentation", "address:\n    street: x\n  number: 1\n", `f:3: the indentation does not fit the lines above; keys of one section begin in the same column`},
	{"several broken sections", "doors: [\naddress:\n  number: x\n\nname: %a\n", `f:1: a value is missing, or a list or section that begins with "[" or "{" is not closed
f:3: number: "x" is not a whole number; write like 3
f:5: a value cannot begin with this character; put it in quotes`},
	{"a broken section is not missed by others", "tills:\n  - id: a: b\nalarm: {number: 1}\ndoors: 100\n", `f:2: a colon stands where none can be: perhaps the line above lacks its ":", this line is indented too far, or a value with ": " in it lacks its quotes`},
	{"control character", "doors: 1\nname: a\x01b\n", `f:2: a control character stands here; remove it`},
	{"not UTF-8", "doors: 1\nname: \xcd\xf5\n", `f:2: this is not UTF-8 text; save the file as UTF-8`},
	{"two documents", "doors: 1\n---\ndoors: 2\n", `f:2: a second document begins here; keep one, without "---" between`},
	{"anchor in itself", "tags: &a [*a]\n", `f:1: entry 1 of tags: an anchor contains itself; write the value out`},
	{"anchor merged into itself", "address: &a\n  <<: *a\n", `f:2: an anchor contains itself; write the keys out`},
	{"merge of a word", "address:\n  <<: x\n", "f:2: \"<<\" takes the name of an anchored section; write like <<: *name"},
}

const known = "name, open, doors, port, discount, poll, tank, founded, password, tags, tills, alarm, address, prices, floors, people"

func TestWrongInputs(t *testing.T) {
	for _, c := range wrongInputs {
		t.Run(c.name, func(t *testing.T) {
			_, problems := parse(t, c.text)
			if problems != c.want {
				t.Errorf("%q says\n%s\nwant\n%s", c.text, problems, c.want)
			}
			if strings.Contains(problems, "hunter") {
				t.Errorf("the secret is told")
			}
		})
	}
}

// A few lines of aliases can stand for billions of values; reading them must end.
func TestAliasBomb(t *testing.T) {
	text := "people: &a [x, x, x, x, x, x, x, x, x, x]\n"
	type nested struct {
		People [][][][][][][][]string `yaml:"people"`
	}
	for _, name := range []string{"b", "c", "d", "e", "f", "g", "h"} {
		prev := string(name[0] - 1)
		text += name + ": &" + name + " [" + strings.TrimSuffix(strings.Repeat("*"+prev+", ", 20), ", ") + "]\n"
	}
	_, problems := Parse("f", []byte(strings.Replace(text, "people: &a", "a: &a", 1)+"people: *h\n"), &nested{})
	if !strings.Contains(problems.String(), "aliases multiply") {
		t.Errorf("problems %.300s", problems)
	}
}

// A struct that another inlines reports once, though its method is the other's too; and one whose YAML is broken not at all.
func TestInlinedAndBroken(t *testing.T) {
	type kiosk struct {
		Staff `yaml:",inline"`
		Till  till `yaml:"till"`
	}
	for text, want := range map[string]string{
		"people: [Eve]\ntill: {id: a, poll: 2s}\n": "f:1: entry 1 of people: Eve does not work here; remove her",
		"people: [Ann]\ntill:\n  id: 'a\n":         "f:3: a quote that was opened above is not closed",
		"people: [Ann]\ntill: 5\n":                 "f:2: till: this is a section; write its keys below it, indented, each like key: value",
	} {
		if _, problems := Parse("f", []byte(text), &kiosk{}); problems.String() != want {
			t.Errorf("%q says\n%s\nwant\n%s", text, problems, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	_, problems := Load(filepath.Join(dir, "absent.yaml"), &shop{Name: "x"})
	if len(problems) != 1 || !strings.HasSuffix(problems.String(), "absent.yaml: there is no such file; check the path") {
		t.Errorf("absent: %s", problems)
	}
	if _, problems = Load(dir, &shop{Name: "x"}); !strings.HasSuffix(problems.String(), "is a folder; name the file in it") {
		t.Errorf("folder: %s", problems)
	}
	path := filepath.Join(dir, "a.yaml")
	if err := os.WriteFile(path, []byte("name: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shop{}
	doc, problems := Load(path, s)
	if len(problems) > 0 || s.Name != "here" {
		t.Errorf("read %+v, problems %s", s, problems)
	}
	if got := doc.Problem(&s.Name, "another shop has it"); got.String() != path+":1: name: another shop has it" {
		t.Errorf("later problem %q", got)
	}
}

func TestResolveSecrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", "s3cret\r\n")
	write("empty", "\n")
	t.Setenv("TILL_TOKEN", "from the environment\n")
	t.Setenv("TILL_EMPTY", "")
	var safes struct {
		Safes []struct {
			Key stillwater.Secret `yaml:"key"`
		} `yaml:"safes"`
		Vault map[string]stillwater.Secret `yaml:"vault"`
	}
	write("c.yaml", `safes:
  - key: {file: token}
  - key: {env: TILL_TOKEN}
  - key:
      file: absent
  - key: {file: empty}
  - key: {env: TILL_ABSENT}
  - key: {env: TILL_EMPTY}
vault:
  deep: {file: token}
`)
	doc, problems := Load(filepath.Join(dir, "c.yaml"), &safes)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	got := strings.ReplaceAll(doc.ResolveSecrets().String(), dir+"/", "")
	want := `c.yaml:4: key: the secret's file "absent": there is no such file; check the path
c.yaml:6: key: the secret's file "empty" is empty; put the secret into it
c.yaml:7: key: the environment variable TILL_ABSENT is not set; set it for the service
c.yaml:8: key: the environment variable TILL_EMPTY is empty; put the secret into it`
	if got != want {
		t.Errorf("problems\n%s\nwant\n%s", got, want)
	}
	if a, b, c := safes.Safes[0].Key.Reveal(), safes.Safes[1].Key.Reveal(), safes.Vault["deep"]; a != "s3cret" || b != "from the environment" || c.Reveal() != "s3cret" {
		t.Errorf("revealed %q %q %q", a, b, c.Reveal())
	}
}

// FuzzParse holds that no file, however broken, stops the program or is silently taken for nothing.
func FuzzParse(f *testing.F) {
	for _, c := range wrongInputs {
		f.Add([]byte(c.text))
	}
	f.Add([]byte("a: &x [*x]\n? {b: *x}\n: <<\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &shop{Name: "default"}
		doc, problems := Parse("f", data, s)
		lines := 1 + strings.Count(string(data), "\n") + strings.Count(string(data), "\r") + // YAML has five
			strings.Count(string(data), "\u0085") + strings.Count(string(data), "\u2028") + strings.Count(string(data), "\u2029")
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines+1 || p.Text == "" {
				t.Errorf("%q: problem in line %d: %q", data, p.Line, p.Text)
			}
		}
		if len(problems) == 0 {
			if _, err := Sample(s); err != nil && !strings.Contains(err.Error(), "reads back") {
				t.Errorf("%q: %v", data, err)
			}
		}
		_ = doc
	})
}
