package stillwater

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// ContactID names a person who is told.
type ContactID string

// A Phone is a number in E.164 form, "+8613800138000".
type Phone string

// LogValue hides all but the last two digits, which tell two contacts apart.
func (p Phone) LogValue() slog.Value { return slog.StringValue("…" + string(p[max(0, len(p)-2):])) }

// A Role is what a contact is to a household.
type Role string

// The roles of contacts, from the nearest to the farthest up the grid.
const (
	Resident     Role = "resident" // herself, where she agreed to be called
	Family       Role = "family"
	Neighbour    Role = "neighbour"
	Worker       Role = "worker"        // grid worker (网格员)
	BuildingHead Role = "building-head" // 楼栋长
	GridHead     Role = "grid-head"     // 网格长
	Community    Role = "community"     // the community's duty desk (社区值班)
	Street       Role = "street"        // the street office's duty desk (街道值班)
)

// Roles is every role, in the order of the constants.
var Roles = []Role{Resident, Family, Neighbour, Worker, BuildingHead, GridHead, Community, Street}

// Staff says whether people of the role serve an area of the grid, rather than belong to a home.
func (r Role) Staff() bool {
	return r == Worker || r == BuildingHead || r == GridHead || r == Community || r == Street
}

// A Channel is a way to reach somebody.
type Channel string

// The channels.
const (
	SMS     Channel = "sms"
	Voice   Channel = "voice" // a call that says the text and takes a key
	WeCom   Channel = "wecom" // a card of the office's own WeCom application (企业微信)
	Email   Channel = "email"
	Webhook Channel = "webhook" // a program of the office: a duty desk's screen, a chat robot
)

// Channels is every channel, in the order of the constants.
var Channels = []Channel{SMS, Voice, WeCom, Email, Webhook}

// An Address is where a channel reaches somebody: a telephone number, an e-mail address, a WeCom user, the name of a webhook.
type Address string

// LogValue hides all but the last two characters.
func (a Address) LogValue() slog.Value { return Phone(a).LogValue() }

// A Contact is somebody who is told, and who may answer.
type Contact struct {
	ID       ContactID `json:"id"`
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Phone    Phone     `json:"phone"`
	Language string    `json:"language"`         // "zh-CN" or "en"
	Remote   bool      `json:"remote,omitempty"` // not minutes away: "on my way" means "I am calling her"

	Minutes  int       `json:"minutes,omitempty"`  // how far from the home; 0: not known
	Key      bool      `json:"key,omitempty"`      // holds a key to this home
	TimeZone string    `json:"timezone,omitempty"` // IANA name, of quiet hours; empty: the home's
	Email    string    `json:"email,omitempty"`
	WeCom    string    `json:"wecom,omitempty"`    // the user's ID in the office's WeCom
	Webhook  string    `json:"webhook,omitempty"`  // the name of a webhook in the configuration
	Channels []Channel `json:"channels,omitempty"` // the ways this person agreed to be reached by, the preferred first; empty: SMS, and a call where a ladder says so
	Quiet    []Hours   `json:"quiet,omitempty"`    // when only an urgent alert may disturb
	Agreed   Consent   `json:"agreed,omitzero"`    // this person's own; withdrawn: is not told any more
	OptedOut time.Time `json:"optedOut,omitzero"`  // by answering with a carrier's opt-out word: no text reaches this number until it opts in
	Post     string    `json:"post,omitempty"`     // the desk this person serves by turns; empty: always
	Daily    string    `json:"daily,omitempty"`    // "08:30", by the clock of the home: when this person wants a line on how the day began there; empty: none
}

// LogValue logs a contact as its ID.
func (c Contact) LogValue() slog.Value { return slog.StringValue(string(c.ID)) }

// AddressOf is where a channel reaches the contact; empty: it does not.
func (c Contact) AddressOf(by Channel) Address {
	switch by {
	case SMS, Voice:
		return Address(c.Phone)
	case WeCom:
		return Address(c.WeCom)
	case Email:
		return Address(c.Email)
	case Webhook:
		return Address(c.Webhook)
	}
	return ""
}

// Hours is a span of the day by local time. From 22:00 to 06:00 goes over midnight; a span that ends when it begins is the whole day.
type Hours struct {
	From time.Duration `json:"from"` // since midnight, by the clock on the wall
	To   time.Duration `json:"to"`
}

// Contains says whether the moment lies in the span, by the clock of its time zone.
func (h Hours) Contains(local time.Time) bool {
	clock := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute + time.Duration(local.Second())*time.Second
	if h.From < h.To {
		return h.From <= clock && clock < h.To
	}
	return clock >= h.From || clock < h.To
}

// String is the span as it is written in a configuration: "22:00-06:00".
func (h Hours) String() string {
	write := func(d time.Duration) string { return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60) }
	return write(h.From) + "-" + write(h.To)
}

// UnmarshalText reads "22:00-06:00"; an end of 24:00 is midnight.
func (h *Hours) UnmarshalText(text []byte) error {
	from, to, ok := strings.Cut(strings.TrimSpace(string(text)), "-")
	if ok {
		var err, also error
		h.From, err = clockTime(from)
		h.To, also = clockTime(to)
		ok = err == nil && also == nil && h.From < 24*time.Hour
	}
	if !ok {
		return fmt.Errorf("%q are no hours; write like 22:00-06:00", text)
	}
	return nil
}

// MarshalText is String.
func (h Hours) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// ParseClock reads a time of day like "08:30", before midnight, as the time since midnight by the clock on the wall.
func ParseClock(text string) (time.Duration, error) {
	text = strings.ReplaceAll(text, "：", ":")
	if strings.Count(text, ":") == 2 {
		text = strings.TrimSuffix(text, ":00") // as spreadsheets write times
	}
	d, err := clockTime(text)
	if err != nil || d >= 24*time.Hour {
		return 0, fmt.Errorf("%q is no time of day; write like 08:30", text)
	}
	return d, nil
}

// clockTime is "7:30" since midnight, up to "24:00".
func clockTime(s string) (time.Duration, error) {
	hours, minutes, ok := strings.Cut(strings.TrimSpace(s), ":")
	h, err := strconv.Atoi(hours)
	m, also := strconv.Atoi(minutes)
	if !ok || err != nil || also != nil || h < 0 || m < 0 || m > 59 || h*60+m > 24*60 || len(minutes) != 2 {
		return 0, fmt.Errorf("%q is no time of day", s)
	}
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute, nil
}

// MessageID names one text to one contact for one step of a ladder.
type MessageID string

// A Purpose is why a message is sent.
type Purpose string

// The purposes of messages.
const (
	Ask    Purpose = "ask"    // a question: is she out, is she with you
	Tell   Purpose = "tell"   // an alert
	Again  Purpose = "again"  // the same alert once more: still nobody, or a promise not kept
	Update Purpose = "update" // a finding ended, or somebody has taken it on
	Done   Purpose = "done"   // closed, with the outcome
	Which  Purpose = "which"  // a reply that fits several open incidents: name the code
	Check  Purpose = "check"  // to the resident herself: is all well
	Visit  Purpose = "visit"  // the visit that a closing promised is due
	Plan   Purpose = "plan"   // of no incident: where is she over the festival, is she still in hospital
	Parted Purpose = "parted" // of no incident, to staff alone: she moved away or died, and nothing is sent any more
	Line   Purpose = "line"   // of no incident: the daily line of who asked for one
	Train  Purpose = "drill"  // of no incident: the monthly exercise
)

// A DeliveryState is how far a message has come.
type DeliveryState string

// The states of a message. Pending and Sending are to be worked on; Accepted may still become Delivered or Failed.
const (
	Pending   DeliveryState = "pending"   // in the outbox
	Sending   DeliveryState = "sending"   // handed over, answer not known: ask before sending again
	Accepted  DeliveryState = "accepted"  // the provider has it
	Delivered DeliveryState = "delivered" // the handset has it
	Failed    DeliveryState = "failed"    // refused or given up: the ladder climbs past
	Cancelled DeliveryState = "cancelled" // its time went by before it was sent
)

// Final says whether nothing more will happen to a message in this state.
func (s DeliveryState) Final() bool { return s == Delivered || s == Failed || s == Cancelled }

// A Message is one text to one contact for one rung, as it stands in the outbox.
type Message struct {
	ID        MessageID   `json:"id"`
	Incident  IncidentID  `json:"incident,omitempty"`
	Household HouseholdID `json:"household"`
	Contact   ContactID   `json:"contact"`
	Rung      int         `json:"rung"`
	Purpose   Purpose     `json:"purpose"`
	Severity  Severity    `json:"severity"`
	Channel   Channel     `json:"channel,omitempty"` // empty: SMS
	To        Address     `json:"to"`
	Language  string      `json:"language"`
	Code      string      `json:"code"` // short and unique; stands in the text, and finds it again at the provider
	Text      string      `json:"text"`
	Connect   Address     `json:"connect,omitempty"` // of a call: the number that who answers is connected to
	Link      string      `json:"link,omitempty"`    // the signed page of this message; stands in the text, too

	// Vars are the short variables of a channel that sends approved templates only (China's SMS), by their names.
	Vars map[string]string `json:"vars,omitempty"`

	Created  time.Time     `json:"created"`           // event clock
	Answered time.Time     `json:"answered,omitzero"` // of an exercise: when its contact answered
	State    DeliveryState `json:"state"`

	// What follows is the courier's.
	Repeat     bool      `json:"repeat,omitempty"` // may have been sent before: the text is marked 重发
	Attempts   int       `json:"attempts,omitempty"`
	Provider   string    `json:"provider,omitempty"`
	ProviderID string    `json:"providerId,omitempty"` // the provider's name for it
	Error      string    `json:"error,omitempty"`      // the last one
	Tried      time.Time `json:"tried,omitzero"`       // wall clock: the last attempt
	Changed    time.Time `json:"changed,omitzero"`     // event clock: when State was reached
}

// By is the channel that the message goes by.
func (m Message) By() Channel {
	if m.Channel == "" {
		return SMS
	}
	return m.Channel
}

// A Reply is what somebody answered: a text that came in, a key pressed in a call, or a button of a signed page or a card.
type Reply struct {
	ID      string    // the provider's name for it; each is acted on once
	From    Phone     // of a text
	Message MessageID // that a key or a button answers: then the answer is its contact's, and From is empty
	Text    string
	At      time.Time // event clock
}

// A Receipt is what became of an attempt to deliver a message.
type Receipt struct {
	Message    MessageID
	State      DeliveryState
	Repeat     bool
	Attempts   int
	Provider   string
	ProviderID string
	Error      string
}

// The answers of a provider that a courier tells apart. Any other error leaves it unclear whether the message left.
var (
	ErrRefused = errors.New("refused by the provider") // trying again is pointless
	ErrNotSent = errors.New("not handed over")         // it certainly did not leave; trying again is safe
	ErrLimited = errors.New("limited by the provider") // with ErrNotSent: too much was sent, and it takes none for a while
	ErrUnable  = errors.New("not by this provider")    // with ErrRefused: for a reason of its own, like its account or template; another may take it
)
