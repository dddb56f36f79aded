package duty

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"stillwater"
)

// Config is who serves which part of the grid, and when.
type Config struct {
	Posts    []Post    `yaml:"posts,omitempty" doc:"the desks of the grid that serve by turns: the worker of a grid, a building head, the duty rooms of community and street office"`
	StandIns []StandIn `yaml:"stand_ins,omitempty" doc:"who is away, and who stands in: on every post and in every home"`
}

// Post is a desk of the grid, or the area of one person.
type Post struct {
	Name   string               `yaml:"name" json:"name" doc:"what the post is called, each differently: grid 3, 城东社区值班室; a table with a roster names it so"`
	Role   stillwater.Role      `yaml:"role" json:"role" doc:"what those on duty are to the homes: worker, building-head, grid-head, community or street; ladders name it"`
	Area   stillwater.Place     `yaml:"area,omitempty" json:"area,omitzero" doc:"the homes it serves: street, community, grid, building; a part left out means all below, so without any it serves every home"`
	Desk   stillwater.ContactID `yaml:"desk,omitempty" json:"desk,omitempty" doc:"the contact that stands for the desk itself, such as the telephone of the duty room: told while anybody is on duty there, or always when there are no shifts"`
	Shifts []Shift              `yaml:"shifts,omitempty" json:"shifts,omitempty" doc:"who is on duty when; shifts add up, those of imported rosters too"`
}

// Shift is a stay on duty that comes again.
type Shift struct {
	Who      []stillwater.ContactID `yaml:"who,omitempty" json:"who,omitempty" doc:"the contacts on duty, in the order they are told; only the shift of a post with a desk may have none"`
	Days     []Days                 `yaml:"days,omitempty" json:"days,omitempty" doc:"the days it begins on: mon … sun or a span like mon-fri, by the week alone; workdays (adjusted weekends are worked, public holidays are not), weekends, holidays, restdays (both), by the calendar; left out: each day"`
	Hours    []stillwater.Hours     `yaml:"hours,omitempty" json:"hours,omitempty" doc:"from when to when by the clock of the home, like 08:00-18:00; 18:00-08:00 goes over midnight and 08:00-08:00 to the next morning; several: each; left out: the whole day"`
	From     Date                   `yaml:"from,omitempty" json:"from,omitzero" doc:"the first day it begins on, for a roster by date; left out: since ever"`
	To       Date                   `yaml:"to,omitempty" json:"to,omitzero" doc:"the last day it begins on; left out: until further notice"`
	Handover time.Duration          `yaml:"handover,omitempty" json:"handover,omitempty" doc:"how long who leaves stays on duty beside who comes; it fills no hole where nobody comes; default 0s"`
}

// StandIn is that somebody is away.
type StandIn struct {
	For  stillwater.ContactID `yaml:"for" doc:"the contact who is away: not told during that time, at any post, of any home"`
	By   stillwater.ContactID `yaml:"by,omitempty" doc:"the contact who is told instead, whenever the other one would have been; left out: nobody"`
	From Moment               `yaml:"from" doc:"from when: a date like 2026-02-16, or with a time, 2026-02-16 18:00, by the clock of the home"`
	To   Moment               `yaml:"to,omitempty" doc:"until when; a date without a time is included; left out: until this entry is removed"`
	Why  string               `yaml:"why,omitempty" doc:"a word for the roster, like leave; nothing about health"`
}

// The limits of what people enter; beyond them something slipped.
const (
	maxName     = 60 // characters
	maxHandover = 4 * time.Hour
	maxWho      = 50
)

// StandInPost is the Contact.Post of who stands in for somebody that belongs to a home by no post.
const StandInPost = "stand-in"

// Validate reports every mistake; field points into c.
func (c *Config) Validate(report func(field any, problem string)) {
	seen := map[string]bool{}
	for i := range c.Posts {
		p := &c.Posts[i]
		if key := plainName(p.Name); key != "" && seen[key] {
			report(&p.Name, fmt.Sprintf("%q is already a post; give each a name of its own", p.Name))
		} else {
			seen[key] = true
		}
	}
	for i := range c.StandIns {
		c.validateRound(i, report)
	}
}

// validateRound refuses two who stand in for each other at once: then neither is there.
func (c *Config) validateRound(i int, report func(field any, problem string)) {
	a := &c.StandIns[i]
	for _, b := range c.StandIns[:i] {
		if a.By != "" && a.For == b.By && a.By == b.For && a.meets(b) {
			report(&a.By, fmt.Sprintf("%q is away at the same time, and %q stands in there; write somebody who is there", a.By, a.For))
		}
	}
}

// meets says whether two times have a moment in common.
func (s StandIn) meets(other StandIn) bool {
	before := func(a, b StandIn) bool { return !a.To.IsZero() && !b.From.begin().before(a.To.end()) }
	return !before(s, other) && !before(other, s)
}

// Validate reports what is wrong with a post by itself.
func (p *Post) Validate(report func(field any, problem string)) {
	switch {
	case strings.TrimSpace(p.Name) == "":
		report(&p.Name, "is missing; write what the post is called, like grid 3")
	case utf8.RuneCountInString(p.Name) > maxName:
		report(&p.Name, fmt.Sprintf("is longer than %d characters; write the name alone", maxName))
	case p.Name == StandInPost:
		report(&p.Name, fmt.Sprintf("%q means something else; call the post otherwise", p.Name))
	}
	switch {
	case p.Role == "":
		report(&p.Role, "is missing; write "+staffRoles())
	case !p.Role.Staff():
		report(&p.Role, fmt.Sprintf("%q is no role of a post; write %s", p.Role, staffRoles()))
	}
	if p.Area.Riser != "" || p.Area.Zone != "" {
		report(&p.Area, "a post serves streets, communities, grids and buildings; take riser and zone out")
	}
	for i := range p.Shifts {
		if s := &p.Shifts[i]; len(s.Who) == 0 && p.Desk == "" {
			report(&s.Who, "this shift has nobody; write the contacts on duty, or the desk of the post")
		}
	}
}

// staffRoles is the roles of posts, for people.
func staffRoles() string {
	var names []string
	for _, r := range stillwater.Roles {
		if r.Staff() {
			names = append(names, string(r))
		}
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// Validate reports what is wrong with a shift by itself.
func (s *Shift) Validate(report func(field any, problem string)) {
	for i := range s.Days {
		if _, problem := s.Days[i].parse(); problem != "" {
			report(&s.Days[i], problem)
		}
	}
	for i, id := range s.Who {
		switch {
		case id == "":
			report(&s.Who[i], "is empty; write the ID of a contact")
		case slices.Contains(s.Who[:i], id):
			report(&s.Who[i], fmt.Sprintf("%q stands twice in this shift; leave one", id))
		}
	}
	if len(s.Who) > maxWho {
		report(&s.Who, fmt.Sprintf("%d people on one shift; %d is the most", len(s.Who), maxWho))
	}
	if !s.From.IsZero() && !s.To.IsZero() && s.To < s.From {
		report(&s.To, fmt.Sprintf("%s is before %s; put the earlier day into from", s.To, s.From))
	}
	if s.Handover < 0 || s.Handover > maxHandover || s.Handover%time.Minute != 0 {
		report(&s.Handover, fmt.Sprintf("%s is not whole minutes between 0s and 4h; write like 15m", stillwater.FormatSpan(s.Handover)))
	}
}

// Validate reports what is wrong with an entry by itself.
func (s *StandIn) Validate(report func(field any, problem string)) {
	switch {
	case s.For == "":
		report(&s.For, "is missing; write the contact who is away")
	case s.For == s.By:
		report(&s.By, fmt.Sprintf("%q cannot stand in for who is the same; write somebody else, or leave it out", s.By))
	}
	switch {
	case s.From.IsZero():
		report(&s.From, "is missing; write the first day away, like 2026-02-16")
	case !s.To.IsZero() && !s.From.begin().before(s.To.end()):
		report(&s.To, "is not after from; put the earlier moment into from")
	}
	if utf8.RuneCountInString(s.Why) > maxName {
		report(&s.Why, fmt.Sprintf("is longer than %d characters; a word is enough", maxName))
	}
}

// plainName is a name as it is compared: without case, blanks and marks.
func plainName(name string) string {
	return strings.NewReplacer(" ", "", "_", "", "-", "", "\u3000", "").Replace(strings.ToLower(strings.TrimSpace(name)))
}
