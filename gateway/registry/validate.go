package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stillwater"
)

// The limits of what people enter; beyond them something slipped.
const (
	maxResidents = 20
	maxName      = 60 // characters
	maxID        = 64
	maxEvery     = 31 * 24 * time.Hour
)

// idPattern is what IDs are made of: they stand in logs, addresses of pages, topics and file names.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// checkID says what is wrong with an ID, "" for nothing.
func checkID(id, example string) string {
	switch {
	case id == "":
		return fmt.Sprintf("is missing; write a short name without meaning, like %s", example)
	case !idPattern.MatchString(id):
		return fmt.Sprintf(`%q has characters other than letters, digits, "-", "_" and "."; write like %s`, id, example)
	case len(id) > maxID:
		return fmt.Sprintf("%q is longer than %d characters; write like %s", id, maxID, example)
	}
	return ""
}

func checkName(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "is missing; write the full name"
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Sprintf("is longer than %d characters; write the name alone", maxName)
	case strings.ContainsFunc(name, unicode.IsControl):
		return "has a line break or control character; write the name on one line"
	}
	return ""
}

// say reports a problem unless there is none.
func say(report func(any, string), field any, problem string) {
	if problem != "" {
		report(field, problem)
	}
}

// Validate reports what is wrong with a device by itself.
func (d *DeviceConfig) Validate(report func(field any, problem string)) {
	say(report, &d.ID, checkID(string(d.ID), "WM-20260301"))
	switch d.Kind {
	case stillwater.Meter, stillwater.DoorContact, stillwater.ActivitySensor:
	case "":
		report(&d.Kind, "is missing; write meter, door or activity")
	default:
		report(&d.Kind, fmt.Sprintf("%q is not a kind of device; write meter, door or activity", d.Kind))
	}
	say(report, &d.Source, checkSource(d.Source))
	if d.Every < 0 || d.Every > maxEvery {
		report(&d.Every, fmt.Sprintf("%s is not between 0s and 31d; write like 15m, or leave it out to have it learned", stillwater.FormatSpan(d.Every)))
	}
	if d.Rollover > 0 && (d.Kind == stillwater.DoorContact || d.Kind == stillwater.ActivitySensor) {
		report(&d.Rollover, "only the counter of a meter rolls over; remove it")
	}
}

func checkSource(source string) string {
	feed, point, _ := strings.Cut(source, "/")
	switch {
	case source == "":
		return `is missing; write feed and point, like cupboard-1/3 (bus and unit) or lobby/home/7/door (broker and topic)`
	case feed == "" || point == "":
		return fmt.Sprintf("%q is not a feed and a point; write like cupboard-1/3 (bus and unit) or lobby/home/7/door (broker and topic)", source)
	case strings.ContainsAny(point, "+#"):
		return fmt.Sprintf(`%q has a wildcard, and a device has one topic of its own; write it without "+" and "#"`, source)
	case strings.ContainsFunc(source, unicode.IsControl) || strings.TrimSpace(source) != source:
		return fmt.Sprintf("%q has blanks at its ends or control characters; remove them", source)
	}
	return ""
}

// Validate reports what is wrong with a household by itself.
func (h *HouseholdConfig) Validate(report func(field any, problem string)) {
	say(report, &h.ID, checkID(string(h.ID), "h-0317"))
	say(report, &h.Name, checkName(h.Name))
	if h.Residents < 1 || h.Residents > maxResidents {
		report(&h.Residents, fmt.Sprintf("%d residents; write 1 to %d", h.Residents, maxResidents))
	}
	say(report, &h.TimeZone, checkZone(h.TimeZone))
	if h.Privacy != "" && h.Privacy != Exact && h.Privacy != Coarse {
		report(&h.Privacy, fmt.Sprintf("%q is no kind of privacy; write exact or coarse", h.Privacy))
	}
	if h.Place.Riser != "" && h.Place.Building == "" {
		report(&h.Place.Riser, fmt.Sprintf("riser %q of no building; write the building too, or leave the riser out", h.Place.Riser))
	}
	h.validateConsent(report)
	h.validateDevices(report)
	if len(h.Family)+len(h.Workers) == 0 {
		report(&h.Family, "there is nobody to tell; write at least one contact under family or workers")
	}
}

func (h *HouseholdConfig) validateConsent(report func(field any, problem string)) {
	zone := stillwater.Household{TimeZone: h.TimeZone}.Location() // UTC for one that is not known, which is reported
	given, withdrawn := h.Consent.Given.In(zone), h.Consent.Withdrawn.In(zone)
	switch {
	case given.IsZero():
		report(&h.Consent.Given, "no consent is on file, so nothing of this home would be recorded and nobody told; write the date it was given, like 2026-03-01, or leave the household out until then")
	case !withdrawn.IsZero() && withdrawn.Before(given):
		report(&h.Consent.Withdrawn, "consent was withdrawn before it was given; mend one of the dates")
	}
}

func (h *HouseholdConfig) validateDevices(report func(field any, problem string)) {
	covers, doors, unknown := false, 0, 0
	seen := map[stillwater.DeviceID]bool{}
	for i := range h.Devices {
		d := &h.Devices[i]
		switch d.Kind {
		case stillwater.Meter, stillwater.ActivitySensor:
			covers = true
		case stillwater.DoorContact:
			doors++
		default:
			unknown++ // reported there; it may be the meter
		}
		if seen[d.ID] && d.ID != "" {
			report(&d.ID, fmt.Sprintf("%q is already a device of this household; each has its own", d.ID))
		}
		seen[d.ID] = true
	}
	switch {
	case covers || unknown > 0:
	case doors > 0:
		report(&h.Devices, "a door contact alone never covers a home; add a water meter or an activity sensor")
	default:
		report(&h.Devices, "there is no water meter and no activity sensor, so nothing can be seen; add one")
	}
}

// Validate reports what does not fit between households and contacts.
func (c *Config) Validate(report func(field any, problem string)) {
	contacts := c.validateContacts(report)
	homes := make(map[stillwater.HouseholdID]bool, len(c.Households))
	sources := make(map[string]*DeviceConfig, 2*len(c.Households))
	owners := make(map[string]stillwater.HouseholdID, 2*len(c.Households))
	for i := range c.Households {
		h := &c.Households[i]
		if homes[h.ID] && h.ID != "" {
			report(&h.ID, fmt.Sprintf("%q is already a household; each has its own ID", h.ID))
		}
		homes[h.ID] = true
		for j := range h.Devices {
			d := &h.Devices[j]
			if other, taken := sources[d.Source]; taken && d.Source != "" {
				report(&d.Source, fmt.Sprintf("%q is already the source of device %q of household %q; a device has one household", d.Source, other.ID, owners[d.Source]))
				continue
			}
			sources[d.Source], owners[d.Source] = d, h.ID
		}
		h.validatePeople(contacts, report)
	}
}

// validateContacts reports contacts that are there twice, and gives them by ID.
func (c *Config) validateContacts(report func(field any, problem string)) map[stillwater.ContactID]*ContactConfig {
	contacts := make(map[stillwater.ContactID]*ContactConfig, len(c.Contacts))
	type person struct {
		phone stillwater.Phone
		role  stillwater.Role
	}
	persons := make(map[person]stillwater.ContactID, len(c.Contacts))
	for i := range c.Contacts {
		p := &c.Contacts[i]
		if contacts[p.ID] != nil && p.ID != "" {
			report(&p.ID, fmt.Sprintf("%q is already a contact; each has its own ID", p.ID))
			continue
		}
		contacts[p.ID] = p
		who := person{p.Phone, p.Role}
		if other, taken := persons[who]; taken && p.Phone != "" {
			report(&p.Phone, fmt.Sprintf("the number is already that of contact %q, also of role %s; use one contact in all households", other, p.Role))
			continue
		}
		persons[who] = p.ID
	}
	return contacts
}

// A circle is the people of one home while they are checked.
type circle struct {
	contacts map[stillwater.ContactID]*ContactConfig // everybody there is
	seen     map[stillwater.ContactID]bool
	told     map[stillwater.Phone]stillwater.ContactID
	willing  bool // one of them at least has not withdrawn
	report   func(field any, problem string)
}

// validatePeople reports wrong contacts in the lists of a household.
func (h *HouseholdConfig) validatePeople(contacts map[stillwater.ContactID]*ContactConfig, report func(field any, problem string)) {
	c := circle{contacts, map[stillwater.ContactID]bool{}, map[stillwater.Phone]stillwater.ContactID{}, false, report}
	if h.Resident != "" {
		c.enter(&h.Resident, "resident")
	}
	c.willing = false // she is asked, not told
	for i := range h.Family {
		c.enter(&h.Family[i], "family")
	}
	for i := range h.Workers {
		c.enter(&h.Workers[i], "workers")
	}
	if len(h.Family)+len(h.Workers) > 0 && !c.willing {
		report(&h.Family, "there is nobody left to tell: all contacts under family and workers have withdrawn; add one who agrees")
	}
	for i, id := range h.Keys {
		switch {
		case !c.seen[id] || id == h.Resident:
			report(&h.Keys[i], fmt.Sprintf("%q holds a key, but is nobody who is told of this home; add the contact to family or workers, or mend the name", id))
		case slices.Contains(h.Keys[:i], id):
			report(&h.Keys[i], fmt.Sprintf("contact %q stands here twice; remove one", id))
		}
	}
}

// listOf is the list of a household that contacts of a role stand in; "" for what is no role.
func listOf(role stillwater.Role) string {
	switch {
	case role == stillwater.Resident:
		return "resident"
	case role == stillwater.Family || role == stillwater.Neighbour:
		return "family"
	case role.Staff():
		return "workers"
	}
	return ""
}

// enter checks one entry of a list of the home.
func (c *circle) enter(entry *stillwater.ContactID, list string) {
	p := c.contacts[*entry]
	if p == nil {
		c.willing = true // who that is is not known yet
		c.report(entry, fmt.Sprintf("%q is not a contact; add it to the contacts or mend the name", *entry))
		return
	}
	if own := listOf(p.Role); own != list && own != "" {
		c.report(entry, fmt.Sprintf("contact %q has the role %s; move it to %s, or change the role", p.ID, p.Role, own))
	}
	switch other, twice := c.told[p.Phone]; {
	case c.seen[p.ID]:
		c.report(entry, fmt.Sprintf("contact %q stands here twice; remove one", p.ID))
	case twice && p.Phone != "":
		c.report(entry, fmt.Sprintf("contact %q has the same number as %q, who would be told twice; remove one", p.ID, other))
	}
	c.seen[p.ID], c.told[p.Phone] = true, p.ID
	c.willing = c.willing || p.Withdrawn.IsZero()
}

// validateAll asks everything there is, children first.
func (c *Config) validateAll(report func(field any, problem string)) {
	for i := range c.Contacts {
		c.Contacts[i].Validate(report)
	}
	for i := range c.Households {
		h := &c.Households[i]
		for j := range h.Devices {
			h.Devices[j].Validate(report)
		}
		h.Validate(report)
	}
	c.Validate(report)
}
