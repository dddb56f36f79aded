package stillwater

import "time"

// A Severity says who is to know of a finding.
type Severity string

// The severities, from least to most.
const (
	Notice   Severity = "notice"   // for the digest and maintenance
	Question Severity = "question" // asked of the family or the resident; nobody is sent
	Alert    Severity = "alert"
	Urgent   Severity = "urgent"
)

// severityRank orders severities; an unknown one ranks 0.
var severityRank = map[Severity]int{Notice: 1, Question: 2, Alert: 3, Urgent: 4}

// Valid says whether it is one of the four.
func (s Severity) Valid() bool { return severityRank[s] > 0 }

// Above says whether s is more severe than t.
func (s Severity) Above(t Severity) bool { return severityRank[s] > severityRank[t] }

// A Kind groups findings: a household has at most one open incident of each.
type Kind string

// The kinds of finding and incident.
const (
	Welfare   Kind = "welfare" // how is she
	Water     Kind = "water"   // surge, leak
	DoorKind  Kind = "door"    // door left open
	Equipment Kind = "device"  // meter or sensor
)

// A Finding is what a rule concluded about a household. It begins, and with Ended set it is over.
// Household, Group, Rule and Device name it while it goes on.
type Finding struct {
	Household HouseholdID `json:"household"`
	Group     string      `json:"group,omitempty"`  // of what befell many homes together; then Household is empty
	Device    DeviceID    `json:"device,omitempty"` // of a device finding
	Rule      string      `json:"rule"`             // begins with its detector's name
	Kind      Kind        `json:"kind"`
	Severity  Severity    `json:"severity"`
	Trial     bool        `json:"trial,omitempty"` // counted, told to nobody
	Began     time.Time   `json:"began"`           // event clock: when it was raised
	Ended     time.Time   `json:"ended,omitzero"`
	Facts     Facts       `json:"facts"`
}

// Key names a finding among those that go on in a household.
func (f Finding) Key() string { return f.Rule + "/" + string(f.Device) + f.Group }

// Moved is when the finding last changed: when it ended, or while it goes on when it began.
func (f Finding) Moved() time.Time {
	if f.Ended.IsZero() {
		return f.Began
	}
	return f.Ended
}

// A Trend is how her weeks have changed. Which pair is set says what of.
type Trend struct {
	NightBefore float64       `json:"nightBefore,omitempty"` // uses a night that were usual
	NightNow    float64       `json:"nightNow,omitempty"`    // and are now
	UseBefore   Litres        `json:"useBefore,omitempty"`   // a day
	UseNow      Litres        `json:"useNow,omitempty"`
	FirstBefore time.Duration `json:"firstBefore,omitempty"` // the first use of a day, on the local clock from midnight
	FirstNow    time.Duration `json:"firstNow,omitempty"`
	Weeks       int           `json:"weeks,omitempty"` // for how long
	Seen        bool          `json:"seen,omitempty"`  // by activity sensors: there is no meter
}

// A Doubt is why the door of a home is not believed: then the home is judged as if it had no door contact. Empty: it is, or there is none.
type Doubt string

// The doubts.
const (
	DoorUnknown Doubt = "unknown" // it was silent or stuck and is back; where she is shows by the next sign of life in the home
	DoorNone    Doubt = "none"    // there was a contact and is none
	DoorStuck   Doubt = "stuck"   // it has not moved for far longer than ever
	DoorSilent  Doubt = "silent"  // nothing is heard of it
	DoorLoose   Doubt = "loose"   // it moves more often than people make a door move
)

// Facts are the typed reasons of a finding; which are set depends on the detector. Sentences are made of them in gateway/words.
type Facts struct {
	Since     time.Time     `json:"since,omitzero"`      // when what it is about began: the last sign of life, the door's opening, the last report
	Span      time.Duration `json:"span,omitempty"`      // how long it had lasted when it was raised
	Limit     time.Duration `json:"limit,omitempty"`     // how long the rule allows, or the window it looks at
	Usual     time.Duration `json:"usual,omitempty"`     // the longest of a usual day of this home; of a door that stands open or unmoved, the longest that is usual; zero: not known yet
	Within    time.Duration `json:"within,omitempty"`    // nine in ten of the stillnesses that began about this hour here were over by then; zero: too few are known
	Unseen    time.Duration `json:"unseen,omitempty"`    // how much of the time since Since nothing is known of; Span is without it
	Every     time.Duration `json:"every,omitempty"`     // how often what covers the home usually reports, or the finding's device; zero: not known yet
	Litres    Litres        `json:"litres,omitempty"`    // used in the window, or by the draw
	Bound     Litres        `json:"bound,omitempty"`     // what the rule allows in the window
	DataTo    time.Time     `json:"dataTo,omitzero"`     // up to when there is data
	Life      Life          `json:"life"`                // last signs of life by kind
	Rate      float64       `json:"rate,omitempty"`      // of stillness: how many times a year one from this hour can be expected to outlast Limit; of a night exit: how often a year the door goes about this hour; of an unusual night: how often it goes in a usual one; of a learned surge: its budget
	Night     bool          `json:"night,omitempty"`     // local night, 22 to 6
	Count     int           `json:"count,omitempty"`     // of a door: how often it went
	Doubt     Doubt         `json:"doubt,omitempty"`     // why the door is not believed
	Doorless  bool          `json:"doorless,omitempty"`  // the home has no door contact: whether she is out cannot be told
	Stay      LifeKind      `json:"stay,omitempty"`      // of life in a home from which she is away: where she stays, if somebody said so
	Absent    bool          `json:"absent,omitempty"`    // it ended because nobody is in, as people said, and not by a sign of life
	Residents int           `json:"residents,omitempty"` // of a home of two or more: what a finding is about cannot be told apart by person
	Step      Litres        `json:"step,omitempty"`      // the meter's resolution: less than this does not show; zero: not known yet
	Base      Litres        `json:"base,omitempty"`      // litres an hour of a leak that goes on beside her life, and is not taken for it
	Reduced   bool          `json:"reduced,omitempty"`   // protection is reduced: a leak may be taken for life, or hide it
	Trend     *Trend        `json:"trend,omitempty"`     // of a trend: what has changed in her weeks

	Members []HouseholdID `json:"members,omitempty"` // of a group's finding: the homes it is about, longest silent first
	Homes   int           `json:"homes,omitempty"`   // of a group's finding: how many homes of the group could be seen, or were waited for
}
