package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"stillwater"
	"stillwater/gateway/health"
	"stillwater/gateway/web"
	"stillwater/gateway/words"
)

// Standings gives what the engine says of each home now.
type Standings interface {
	Standings(ctx context.Context) ([]stillwater.Standing, error)
}

// Households finds a home.
type Households interface {
	Household(id stillwater.HouseholdID) (stillwater.Household, bool)
}

// A Query selects incidents, the one opened last first.
type Query struct {
	Household  stillwater.HouseholdID     // empty: of all
	States     []stillwater.IncidentState // empty: any
	Severities []stillwater.Severity      // empty: any
	Since      time.Time                  // opened then or later; zero: ever
	Before     time.Time                  // opened before that moment, or at that moment with a lower ID than BeforeID; zero: from the last
	BeforeID   stillwater.IncidentID
	Limit      int
}

// Incidents is what the store knows of incidents.
type Incidents interface {
	IncidentPage(ctx context.Context, q Query) ([]stillwater.Incident, error)
	Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error)
	IncidentMessages(ctx context.Context, id stillwater.IncidentID) ([]stillwater.Message, error)
}

// Acts takes what people do. Its error is a *incident.Refusal where the incident does not allow it.
type Acts interface {
	Act(ctx context.Context, act stillwater.Act) error
}

// Absences takes what people say of absences.
type Absences interface {
	Away(ctx context.Context, a stillwater.Absence) error
}

// Devices gives how every device is.
type Devices interface {
	Devices(ctx context.Context) ([]health.Device, error)
}

// Health gives what is not well with the gateway.
type Health interface {
	Conditions() []health.Condition
}

// Clock is the event clock.
type Clock interface {
	Now() time.Time
}

// Ledger keeps requests that may come again, each by its name.
type Ledger interface {
	// NoteRequest stores a request unless one of that name is stored, and gives what is stored then. It is kept for a week at least.
	NoteRequest(ctx context.Context, name string, at time.Time, body []byte) ([]byte, error)
	// SettleRequest changes what is stored.
	SettleRequest(ctx context.Context, name string, body []byte) error
}

// Options is what main hands in; all are needed but for those with a default.
type Options struct {
	Config     Config
	Words      *words.Words
	Clock      Clock
	Standings  Standings
	Households Households
	Incidents  Incidents
	Acts       Acts
	Absences   Absences
	Devices    Devices
	Health     Health
	Ledger     Ledger
	Log        *slog.Logger     // default none
	Now        func() time.Time // wall clock, for limits; default time.Now
}

// API answers requests of other programs.
type API struct {
	Options
	*web.Door // of its own address
	keys      []*key
	strangers limiter // requests without a known key, by the address they come from
	document  []byte
	handler   http.Handler
	flying    flights
}

// New makes the interface ready. The secrets of its keys must have been read. It opens nothing.
func New(o Options) (*API, error) {
	if o.Words == nil || o.Clock == nil || o.Standings == nil || o.Households == nil || o.Incidents == nil || o.Acts == nil ||
		o.Absences == nil || o.Devices == nil || o.Health == nil || o.Ledger == nil {
		return nil, errors.New("api: words, clock, standings, households, incidents, acts, absences, devices, health and ledger are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{Options: o, strangers: newLimiter(strangerRate), Door: web.NewDoor()}
	var problems []error
	for _, k := range o.Config.Keys {
		ready, err := k.ready()
		if err != nil {
			problems = append(problems, fmt.Errorf("key %q: %w", k.Name, err))
			continue
		}
		a.keys = append(a.keys, ready)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	var err error
	if a.document, err = Document(); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	a.handler = a.routing()
	return a, nil
}

// ServeHTTP answers requests below /api/v1/.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }
