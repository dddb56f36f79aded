package registry

import (
	"time"

	"stillwater"
)

// Config is the people and homes that stand in the configuration itself.
type Config struct {
	Contacts   []ContactConfig   `yaml:"contacts,omitempty" doc:"people who are told: family and grid workers; each once, however many homes they belong to"`
	Households []HouseholdConfig `yaml:"households,omitempty" doc:"consenting homes; more of them can be imported from tables"`
}

// ContactConfig is one person who is told.
type ContactConfig struct {
	ID       stillwater.ContactID `yaml:"id" doc:"short name without meaning, used in households and in logs: letters, digits, \"-\", \"_\" and \".\""`
	Name     string               `yaml:"name" doc:"full name; it is shortened before it leaves the gateway"`
	Role     stillwater.Role      `yaml:"role" doc:"family, or worker for a grid worker; says in which list of a household the contact may stand"`
	Phone    stillwater.Phone     `yaml:"phone" doc:"mobile number with country code, like +8613800138000; texts go there, and answers from there count"`
	Language string               `yaml:"language,omitempty" doc:"zh-CN or en: the language of texts; default zh-CN"`
	Remote   bool                 `yaml:"remote,omitempty" doc:"true when this person is not minutes away: \"on my way\" then means \"I am calling her\"; default false"`
}

// HouseholdConfig is one home.
type HouseholdConfig struct {
	ID        stillwater.HouseholdID `yaml:"id" doc:"short name without meaning, used in logs and tables: letters, digits, \"-\", \"_\" and \".\"; never changed later"`
	Name      string                 `yaml:"name" doc:"full name of the resident; it is shortened before it leaves the gateway"`
	Residents int                    `yaml:"residents,omitempty" doc:"how many people live there; default 1"`
	TimeZone  string                 `yaml:"timezone,omitempty" doc:"IANA name of the time zone, which says when it is night; default Asia/Shanghai"`
	Place     stillwater.Place       `yaml:"place,omitempty" doc:"where the home stands in the grid; homes of one building, riser or supply zone are looked at together when the water is cut"`
	Consent   ConsentConfig          `yaml:"consent" doc:"the resident's permission; nothing is recorded outside it"`
	Devices   []DeviceConfig         `yaml:"devices" doc:"its meters and sensors"`
	Family    []stillwater.ContactID `yaml:"family,omitempty" doc:"contacts of role family, in the order they are told"`
	Workers   []stillwater.ContactID `yaml:"workers,omitempty" doc:"contacts of role worker, in the order they are told"`
}

// ConsentConfig is the resident's permission.
type ConsentConfig struct {
	Given     Moment `yaml:"given" doc:"when it was given: a date like 2026-03-01, from its first minute in the home's time zone, or a time like 2026-03-01T08:00:00+08:00"`
	Withdrawn Moment `yaml:"withdrawn,omitempty" doc:"when it was withdrawn: recording stops then, and what is stored is erased on schedule"`
}

// DeviceConfig is one meter or sensor.
type DeviceConfig struct {
	ID       stillwater.DeviceID   `yaml:"id" doc:"number on its label; in one household each once"`
	Kind     stillwater.DeviceKind `yaml:"kind" doc:"meter (water), door (contact on the front door), or activity (any other sign of life); a home needs a meter or an activity sensor"`
	Source   string                `yaml:"source" doc:"feed and point it speaks under: \"cupboard-1/3\" is unit 3 of the bus cupboard-1, \"lobby/home/7/door\" the topic home/7/door of the broker lobby"`
	Every    time.Duration         `yaml:"every,omitempty" doc:"how often the gateway usually hears from it, which says when the home is blind; left out: learned"`
	Rollover stillwater.Litres     `yaml:"rollover,omitempty" doc:"first value a meter's counter cannot show, after which it starts at zero, like 10000 m³; left out: not known"`
}

// SetDefaults is what a contact is unless its entry says otherwise.
func (c *ContactConfig) SetDefaults() { c.Language = "zh-CN" }

// SetDefaults is what a household is unless its entry says otherwise.
func (h *HouseholdConfig) SetDefaults() {
	h.Residents = 1
	h.TimeZone = "Asia/Shanghai"
}

// List gives the households with their contacts: family first, then workers, each in the order of its list. It is to be asked
// once Validate has nothing to report.
func (c *Config) List() []stillwater.Household {
	contacts := make(map[stillwater.ContactID]stillwater.Contact, len(c.Contacts))
	for _, p := range c.Contacts {
		contacts[p.ID] = stillwater.Contact{ID: p.ID, Name: p.Name, Role: p.Role, Phone: p.Phone, Language: p.Language, Remote: p.Remote}
	}
	list := make([]stillwater.Household, 0, len(c.Households))
	for _, h := range c.Households {
		list = append(list, h.household(contacts))
	}
	return list
}

func (h *HouseholdConfig) household(contacts map[stillwater.ContactID]stillwater.Contact) stillwater.Household {
	home := stillwater.Household{ID: h.ID, Name: h.Name, Residents: h.Residents, TimeZone: h.TimeZone, Place: h.Place}
	zone := home.Location()
	home.Consent = stillwater.Consent{Given: h.Consent.Given.In(zone), Withdrawn: h.Consent.Withdrawn.In(zone)}
	for _, d := range h.Devices {
		home.Devices = append(home.Devices, stillwater.Device(d))
	}
	for _, ids := range [][]stillwater.ContactID{h.Family, h.Workers} {
		for _, id := range ids {
			if c, ok := contacts[id]; ok {
				home.Contacts = append(home.Contacts, c)
			}
		}
	}
	return home
}
