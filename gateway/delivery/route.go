package delivery

import (
	"fmt"
	"strings"
	"time"

	"stillwater"
)

// A Route is one way out: a provider of a channel, whom it may reach, how much it takes, and what that costs. The routes of a channel are
// tried in their order.
type Route struct {
	Name      string // as it is configured; a message remembers it as its Provider
	Channel   stillwater.Channel
	Provider  Provider
	Countries []string      // dialling prefixes without "+" that it serves, like 86; empty: all
	Parallel  int           // messages handed over at once; 0: as Config has it
	Timeout   time.Duration // how long handing one over may take; 0: as Config has it
	Limits    Limits
	Cost      Cost
}

// Limits is how much may go by a route. A message over one goes by the next route, or fails where there is none.
type Limits struct {
	NumberDay int `yaml:"per_number_day,omitempty" doc:"messages to one number within 24 hours; what the carrier would refuse is not tried, and the next in the ladder is told at once; carriers in China take 50; default none, but 50 for template_sms"`
	Minute    int `yaml:"per_minute,omitempty" doc:"messages within a minute, as the provider's contract has it; default none"`
	Hour      int `yaml:"per_hour,omitempty" doc:"messages within an hour; default none"`
	Day       int `yaml:"per_day,omitempty" doc:"messages within 24 hours; default none"`
}

// Validate reports limits that would let nothing through.
func (l *Limits) Validate(report func(field any, problem string)) {
	for _, n := range []*int{&l.NumberDay, &l.Minute, &l.Hour, &l.Day} {
		if *n < 0 {
			report(n, fmt.Sprintf("%d messages are less than none; write like 50, or leave it out for no limit", *n))
		}
	}
}

// Cost is what a message by a route costs.
type Cost struct {
	Price    float64 `yaml:"price,omitempty" doc:"of one message, like 0.045; an SMS costs it once for each of its segments; default none, and nothing is summed up"`
	Currency string  `yaml:"currency,omitempty" doc:"of the price, in three letters like CNY"`
}

// maxPrice is beyond what any message costs: more is a price by the thousand, or in another unit.
const maxPrice = 1000

// Validate reports a price that is none.
func (c *Cost) Validate(report func(field any, problem string)) {
	if !(c.Price >= 0 && c.Price <= maxPrice) { // NaN, too
		report(&c.Price, fmt.Sprintf("%v is not between 0 and %d; write the price of one message, like 0.045", c.Price, maxPrice))
	}
	letters := len(c.Currency) == 3 && strings.Trim(c.Currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
	if c.Price > 0 && !letters {
		report(&c.Currency, fmt.Sprintf("%q is not a currency in three letters; write like CNY", c.Currency))
	}
}

// Serves says whether a message may go by the route, as far as its channel and country are concerned.
func (r *Route) Serves(m stillwater.Message) bool {
	if r.Channel != m.By() {
		return false
	}
	number, ok := strings.CutPrefix(string(m.To), "+")
	if !ok || len(r.Countries) == 0 {
		return true
	}
	for _, prefix := range r.Countries {
		if strings.HasPrefix(number, prefix) {
			return true
		}
	}
	return false
}

// way is a route with its state. Only the goroutine of the dispatcher touches it.
type way struct {
	*Route
	circuit circuit
	calls   map[errand]map[stillwater.MessageID]time.Time // those under way, and when they began
}

func newWay(r Route, c Config) *way {
	if r.Parallel == 0 {
		r.Parallel = c.Parallel
	}
	return &way{
		Route: &r, circuit: circuit{longest: c.MaxBackoff},
		calls: map[errand]map[stillwater.MessageID]time.Time{send: {}, ask: {}, status: {}},
	}
}

// asker is the provider, if it can be asked.
func (w *way) asker() Asker {
	if w == nil {
		return nil
	}
	asker, _ := w.Provider.(Asker)
	return asker
}

// full says whether no more calls of a kind are made for now. Each kind has its own places: that a provider does not take what it
// is handed must not keep it from being asked what it has.
func (w *way) full(kind errand) bool {
	if kind == status {
		return len(w.calls[kind]) > 0
	}
	return len(w.calls[kind]) >= w.Parallel
}

// patience is how long a message waits for a place on its preferred route while all of them are taken. A provider that takes
// longer over one message is as good as hanging, and the next route is used.
const patience = 2 * time.Second

// hangsAt is when the calls that hold the places count as hanging.
func (w *way) hangsAt() time.Time {
	var first time.Time
	for _, began := range w.calls[send] {
		if first.IsZero() || began.Before(first) {
			first = began
		}
	}
	return first.Add(patience)
}
