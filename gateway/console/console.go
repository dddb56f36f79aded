// Package console is the pages of the gateway: homes at a glance, what people must deal with and why, one home's last two
// days, the phones of the demo, and the state of health for machines. Pages are made on the server and work without
// JavaScript; a small script only keeps them fresh.
//
// It promises that fetching anything changes nothing, that a change is only taken from one of its own pages, that names are
// shortened and addresses left out, and that no page asks any other host for anything. A page that has lost the gateway
// says so: what is shown is then old.
//
// It decides nothing: people's deeds go to Acts as they are. There is no sign-in yet, so it listens on this machine only and
// answers no request that names another host.
package console

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"time"

	"stillwater"
	"stillwater/gateway/web"
	"stillwater/gateway/words"
)

// Config is what can be set.
type Config struct {
	Listen string `yaml:"listen,omitempty" doc:"address and port of the pages; only this machine's own (127.0.0.1, [::1] or localhost), for there is no sign-in yet; default 127.0.0.1:8080"`
}

// Defaults is the configuration of a gateway whose file says nothing.
func Defaults() Config { return Config{Listen: "127.0.0.1:8080"} }

// Validate reports what is wrong.
func (c *Config) Validate(report func(field any, problem string)) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "" {
		report(&c.Listen, fmt.Sprintf("%q is not an address to listen on; write like 127.0.0.1:8080", c.Listen))
		return
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		report(&c.Listen, fmt.Sprintf("%q is not a port; write a number from 1 to 65535, like 127.0.0.1:8080", port))
	}
	if !loopback(host) {
		report(&c.Listen, fmt.Sprintf("%q can be reached from other machines, and the console has no sign-in yet; write 127.0.0.1:%s and reach it from elsewhere through an SSH tunnel", c.Listen, port))
	}
}

// Standings gives what the engine says of each home now.
type Standings interface {
	Standings() []stillwater.Standing
}

// Households finds a home.
type Households interface {
	Household(id stillwater.HouseholdID) (stillwater.Household, bool)
}

// Incidents is what the store knows of incidents.
type Incidents interface {
	OpenIncidents(ctx context.Context) ([]stillwater.Incident, error)
	Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error)
	RecentIncidents(ctx context.Context, household stillwater.HouseholdID, limit int) ([]stillwater.Incident, error)
	IncidentMessages(ctx context.Context, id stillwater.IncidentID) ([]stillwater.Message, error)
}

// Readings gives a home's readings since a moment, in order of event time.
type Readings interface {
	Readings(ctx context.Context, household stillwater.HouseholdID, since time.Time) ([]stillwater.Reading, error)
}

// Acts takes what people do.
type Acts interface {
	Act(ctx context.Context, act stillwater.Act) error
}

// Absences takes what people say of absences.
type Absences interface {
	Away(ctx context.Context, a stillwater.Absence) error
}

// Cuts takes what people say of water that is cut off.
type Cuts interface {
	// WaterOf names what a home shares its water with, as Announce takes it.
	WaterOf(p stillwater.Place) []string
	Announce(ctx context.Context, a stillwater.Announced) error
}

// Turns says whose turn it is in an open incident: who is told next, and when.
type Turns interface {
	Turn(inc stillwater.Incident, h stillwater.Household) (who []stillwater.Contact, at time.Time)
}

// Clock is the event clock.
type Clock interface {
	Now() time.Time
	Speed() float64
	SetSpeed(speed float64)
}

// A Text is an SMS on a phone of the demo.
type Text struct {
	Phone stillwater.Phone
	From  bool // written on the phone; else received
	Body  string
	At    time.Time // event clock
}

// Phones is the pretended phones.
type Phones interface {
	// Texts gives the latest texts, oldest first.
	Texts(limit int) []Text
	// Write sends a text from a phone to the gateway.
	Write(ctx context.Context, from stillwater.Phone, body string) error
}

// A Scenario is something that can be staged at a home of the demo.
type Scenario struct {
	Name   string
	Titles map[string]string // by language
}

// Stage makes things happen at the homes of the demo.
type Stage interface {
	Scenarios() []Scenario
	Stage(ctx context.Context, scenario string, household stillwater.HouseholdID) error
}

// A Condition is something wrong with the gateway itself.
type Condition struct {
	Code     string              `json:"code"`
	Title    string              `json:"title"`
	Severity stillwater.Severity `json:"severity"` // alert and urgent make the gateway unhealthy
	Since    time.Time           `json:"since"`
}

// Health gives the conditions that hold now.
type Health interface {
	Conditions() []Condition
}

// Options is what main hands in. Those marked optional may be nil.
type Options struct {
	Config     Config
	Words      *words.Words
	Standings  Standings
	Households Households
	Incidents  Incidents
	Readings   Readings
	Acts       Acts
	Clock      Clock

	Absences Absences                             // optional: without it absences can be seen, not entered
	Cuts     Cuts                                 // optional: the same of water cuts
	Lives    Lives                                // optional: the same of life events
	Turns    Turns                                // optional: without it pages say when, not who
	Phones   Phones                               // optional: the page of the phones
	Devices  Devices                              // optional: the page of maintenance
	API      http.Handler                         // optional: /api/v1/, which asks for keys of its own
	Stage    Stage                                // optional: the demo's scenarios
	Health   Health                               // optional: without it the gateway is healthy while it answers
	Metrics  http.Handler                         // optional: /metrics
	Refused  func(error) (reason string, ok bool) // optional: whether an error of Act is a refusal, and its reason for the catalogue's refusal.…
	Demo     bool                                 // the bar with the event clock and its speed
	Zone     *time.Location                       // of the clock on pages about no home; default time.Local
	Log      *slog.Logger
}

// Console is the pages.
type Console struct {
	Options
	*web.Door
	templates map[string]*template.Template // by language
	handler   http.Handler
}

// New makes the pages ready. It opens nothing.
func New(o Options) (*Console, error) {
	if o.Words == nil || o.Standings == nil || o.Households == nil || o.Incidents == nil || o.Readings == nil || o.Acts == nil || o.Clock == nil {
		return nil, errors.New("console: words, standings, households, incidents, readings, acts and clock are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	c := &Console{Options: o, Door: web.NewDoor()}
	var err error
	if c.templates, err = parseTemplates(o.Words); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if c.handler, err = c.routes(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	return c, nil
}

// Handler is all pages, for tests and for whoever listens otherwise.
func (c *Console) Handler() http.Handler { return c.handler }

// Limits of the server. A request is small and a page is made at once, so whatever takes longer is not one of ours.
const (
	maxBody      = 8 << 10
	readTime     = 10 * time.Second
	writeTime    = 20 * time.Second
	shutdownTime = 2 * time.Second
)

// Run serves the pages until ctx is done. It is called once.
func (c *Console) Run(ctx context.Context) error {
	door := web.Options{Name: "console", Listen: c.Config.Listen, Read: readTime, Write: writeTime, Shutdown: shutdownTime, Log: c.Log}
	return c.Serve(ctx, door, c.handler)
}
