package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"stillwater"
	"stillwater/gateway/delivery"
)

// maxNamed is how many contacts a line of check names; of a long list the rest is counted.
const maxNamed = 8

// reach is how somebody can be reached and can answer, as things are set up.
type reach struct {
	channels []stillwater.Channel
	replies  []string
}

func (r reach) String() string {
	words := func(list []string, none string) string {
		if len(list) == 0 {
			return none
		}
		return strings.Join(list, ", ")
	}
	var by []string
	for _, c := range r.channels {
		by = append(by, string(c))
	}
	return "reached by " + words(by, "NOTHING") + "; answers by " + words(r.replies, "NOTHING")
}

// reacher knows the ways out and back.
type reacher struct {
	config *Config
	routes []delivery.Route
	back   map[string]bool // names of the providers by which people answer without a public address
	public bool
}

func (c *Config) reacher() *reacher {
	r := &reacher{config: c, back: map[string]bool{}, public: c.isPublic()}
	for _, p := range c.providers() {
		if k := p.kind(); k != nil {
			r.routes = append(r.routes, p.routes(p.Countries)...) // who may not be used is reported by itself
			r.back[p.Name] = k.answers(p)
		}
	}
	return r
}

// of is how a contact can be reached: what it agreed to, has an address for, and a provider serves.
func (r *reacher) of(c stillwater.Contact) (can reach) {
	for _, by := range stillwater.Channels {
		to := c.AddressOf(by)
		if to == "" || len(c.Channels) > 0 && !slices.Contains(c.Channels, by) {
			continue
		}
		m := stillwater.Message{Channel: by, To: to}
		served, back := false, false
		for i := range r.routes {
			if r.routes[i].Serves(m) {
				served = true
				back = back || r.back[r.routes[i].Name]
			}
		}
		if served {
			can.channels = append(can.channels, by)
		}
		if way := map[stillwater.Channel]string{stillwater.SMS: "text", stillwater.Voice: "key", stillwater.WeCom: "card"}[by]; back && way != "" {
			can.replies = append(can.replies, way)
		}
	}
	if r.public && len(can.channels) > 0 {
		can.replies = append(can.replies, "link")
	}
	return can
}

// validateReach reports homes whose people cannot be told, or cannot answer: their ladders would climb for ever.
func (c *Config) validateReach(report func(field any, problem string)) {
	r := c.reacher()
	homes := c.people()
	for i := range c.Households {
		if i >= len(homes) || len(homes[i].Contacts) == 0 {
			continue // registry says so
		}
		told, answers := false, false
		for _, contact := range homes[i].Contacts {
			can := r.of(contact)
			told = told || len(can.channels) > 0
			answers = answers || len(can.replies) > 0
		}
		switch {
		case !told:
			report(&c.Households[i], fmt.Sprintf("nobody of household %q can be told: no provider serves any channel of its contacts; add a provider for one of them", c.Households[i].ID))
		case !answers:
			report(&c.Households[i], fmt.Sprintf("nobody of household %q can answer, so its ladders would climb for ever; add a provider that takes answers, or set public for links", c.Households[i].ID))
		}
	}
}

// tellReach writes which channels and ways of reply each contact really has, those with the same in one line.
func (c *Config) tellReach(w io.Writer) {
	r := c.reacher()
	with := map[string][]string{}
	seen := map[stillwater.ContactID]bool{}
	for _, h := range c.people() {
		for _, contact := range h.Contacts {
			if !seen[contact.ID] {
				seen[contact.ID] = true
				can := r.of(contact).String()
				with[can] = append(with[can], string(contact.ID))
			}
		}
	}
	for _, can := range sorted(keys(with)) {
		names := with[can]
		fmt.Fprintf(w, "%s: %s%s\n", strings.Join(names[:min(len(names), maxNamed)], ", "), can, among(len(names)-maxNamed))
	}
}

// among says how many are not named.
func among(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" (with %d others)", n)
}

func keys[V any](m map[string]V) map[string]bool {
	set := map[string]bool{}
	for k := range m {
		set[k] = true
	}
	return set
}

// isPublic says whether people can open the links in messages.
func (c *Config) isPublic() bool { return c.Public != nil }
