package registry

import (
	"cmp"
	"slices"
	"time"

	"stillwater"
)

// Config is the people and homes that stand in the configuration itself.
type Config struct {
	Contacts   []ContactConfig   `yaml:"contacts,omitempty" doc:"people who are told: residents, family, neighbours and the staff of the grid; each once, however many homes they belong to"`
	Households []HouseholdConfig `yaml:"households,omitempty" doc:"consenting homes; more of them can be imported from tables"`
}

// ContactConfig is one person, or one duty desk, who is told.
type ContactConfig struct {
	ID       stillwater.ContactID `yaml:"id" doc:"short name without meaning, used in households and in logs: letters, digits, \"-\", \"_\" and \".\""`
	Name     string               `yaml:"name" doc:"full name; it is shortened before it leaves the gateway"`
	Role     stillwater.Role      `yaml:"role" doc:"resident (herself), family, neighbour; or of the grid's staff: worker, building-head, grid-head, community, street; says in which list of a household the contact may stand"`
	Phone    stillwater.Phone     `yaml:"phone,omitempty" doc:"number with country code, like +8613800138000; texts and calls go there, and answers from there count. Only who is reached by neither can do without"`
	Language string               `yaml:"language,omitempty" doc:"zh-CN or en: the language of texts; default zh-CN"`
	Remote   bool                 `yaml:"remote,omitempty" doc:"true when this person is not minutes away: \"on my way\" then means \"I am calling her\"; default false"`
	Minutes  int                  `yaml:"minutes,omitempty" doc:"how many minutes this person needs to the home; left out: not known"`
	TimeZone string               `yaml:"timezone,omitempty" doc:"IANA name of the time zone that the quiet hours are kept in; default the home's"`

	Email    string               `yaml:"email,omitempty" doc:"e-mail address"`
	WeCom    string               `yaml:"wecom,omitempty" doc:"the user's ID in the office's WeCom (企业微信)"`
	Webhook  string               `yaml:"webhook,omitempty" doc:"name of a webhook of the configuration, for a duty desk's own program"`
	Channels []stillwater.Channel `yaml:"channels,omitempty" doc:"the ways this person agreed to be reached by, the preferred first: sms, voice, wecom, email, webhook; left out: a text, and a call where a ladder says so"`
	Quiet    []stillwater.Hours   `yaml:"quiet,omitempty" doc:"hours like 22:00-06:00 in which only an urgent alert may disturb; several are allowed"`

	Daily string `yaml:"daily,omitempty" doc:"time of day like 08:30, by the clock of the home: when this person, of the family or a neighbour, wants a line each day on how it began there; left out: none"`

	Agreed    Moment `yaml:"agreed,omitempty" doc:"when this person agreed to be told: a date like 2026-03-01"`
	Withdrawn Moment `yaml:"withdrawn,omitempty" doc:"when this person withdrew that: nothing is sent there any more"`
}

// HouseholdConfig is one home.
type HouseholdConfig struct {
	ID        stillwater.HouseholdID `yaml:"id" doc:"short name without meaning, used in logs and tables: letters, digits, \"-\", \"_\" and \".\"; never changed later"`
	Name      string                 `yaml:"name" doc:"full name of the resident; it is shortened before it leaves the gateway"`
	Residents int                    `yaml:"residents,omitempty" doc:"how many people live there; default 1"`
	TimeZone  string                 `yaml:"timezone,omitempty" doc:"IANA name of the time zone, which says when it is night; default Asia/Shanghai"`
	Privacy   Privacy                `yaml:"privacy,omitempty" doc:"coarse: daily lines tell half-days and no times of day; left out or exact: they may tell when the first use was"`
	Place     stillwater.Place       `yaml:"place,omitempty" doc:"where the home stands in the grid; homes of one building, riser or supply zone are looked at together when the water is cut"`
	Consent   ConsentConfig          `yaml:"consent" doc:"the resident's permission; nothing is recorded outside it"`
	Devices   []DeviceConfig         `yaml:"devices" doc:"its meters and sensors"`
	Resident  stillwater.ContactID   `yaml:"resident,omitempty" doc:"the contact that is the resident herself, where she agreed to be called; left out: she is not asked"`
	Family    []stillwater.ContactID `yaml:"family,omitempty" doc:"contacts of role family or neighbour, in the order they are told"`
	Workers   []stillwater.ContactID `yaml:"workers,omitempty" doc:"contacts of the grid's staff (worker, building-head, grid-head, community, street), in the order they are told"`
	Keys      []stillwater.ContactID `yaml:"keys,omitempty" doc:"which of them hold a key to this home"`
}

// Privacy is how exactly a home may be told of where nothing is the matter.
type Privacy string

// The kinds of privacy; empty is Exact.
const (
	Exact  Privacy = "exact"
	Coarse Privacy = "coarse"
)

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

// defaultZone is where homes and contacts are unless their entries say otherwise.
const defaultZone = "Asia/Shanghai"

// SetDefaults is what a contact is unless its entry says otherwise.
func (c *ContactConfig) SetDefaults() { c.Language = "zh-CN" }

// SetDefaults is what a household is unless its entry says otherwise.
func (h *HouseholdConfig) SetDefaults() {
	h.Residents = 1
	h.TimeZone = defaultZone
}

// Contact is the person as homes know it. A date of its consent is in its own time zone, so that it is the same in every home.
func (c *ContactConfig) Contact() stillwater.Contact {
	zone := zoneOf(c.TimeZone)
	return stillwater.Contact{
		ID: c.ID, Name: c.Name, Role: c.Role, Phone: c.Phone, Language: c.Language, Remote: c.Remote,
		Minutes: c.Minutes, TimeZone: c.TimeZone, Email: c.Email, WeCom: c.WeCom, Webhook: c.Webhook, Channels: c.Channels, Quiet: c.Quiet, Daily: c.Daily,
		Agreed: stillwater.Consent{Given: c.Agreed.In(zone), Withdrawn: c.Withdrawn.In(zone)},
	}
}

// zoneOf is the zone that dates of a contact's consent are in.
func zoneOf(timezone string) *time.Location {
	return stillwater.Household{TimeZone: cmp.Or(timezone, defaultZone)}.Location()
}

// List gives the households with their contacts: the resident herself, then family, then workers, each in the order of its list. It is to be
// asked once Validate has nothing to report.
func (c *Config) List() []stillwater.Household {
	contacts := make(map[stillwater.ContactID]stillwater.Contact, len(c.Contacts))
	for i := range c.Contacts {
		contacts[c.Contacts[i].ID] = c.Contacts[i].Contact()
	}
	list := make([]stillwater.Household, 0, len(c.Households))
	for i := range c.Households {
		list = append(list, c.Households[i].household(contacts))
	}
	return list
}

func (h *HouseholdConfig) household(contacts map[stillwater.ContactID]stillwater.Contact) stillwater.Household {
	home := stillwater.Household{ID: h.ID, Name: h.Name, Residents: h.Residents, TimeZone: h.TimeZone, Place: h.Place, Coarse: h.Privacy == Coarse}
	zone := home.Location()
	home.Consent = stillwater.Consent{Given: h.Consent.Given.In(zone), Withdrawn: h.Consent.Withdrawn.In(zone)}
	for _, d := range h.Devices {
		home.Devices = append(home.Devices, stillwater.Device(d))
	}
	for _, ids := range [][]stillwater.ContactID{{h.Resident}, h.Family, h.Workers} {
		for _, id := range ids {
			if c, ok := contacts[id]; ok {
				c.Key = slices.Contains(h.Keys, id)
				home.Contacts = append(home.Contacts, c)
			}
		}
	}
	return home
}
