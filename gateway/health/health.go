// Package health knows how the gateway itself is: each of its parts says when it is unwell and when it is well again. It says so
// in the log on changes only, and to whoever asks; it never mends anything.
package health

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Condition is something that is not as it should be with the gateway itself.
type Condition struct {
	Part  string    `json:"part"` // "store", "feed cupboard-1", "sms"
	Error string    `json:"error"`
	Since time.Time `json:"since"` // wall clock
}

// Tracker keeps the conditions. It is safe for concurrent use.
type Tracker struct {
	log *slog.Logger

	mu   sync.Mutex // guards everything below
	open map[string]Condition
	well map[string]bool // said so at least once
}

// New makes a tracker for a gateway that is well.
func New(log *slog.Logger) *Tracker {
	return &Tracker{log: log, open: map[string]Condition{}, well: map[string]bool{}}
}

// Report takes what a part says of itself: an error if it is unwell, nil if it is well.
func (t *Tracker) Report(part string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, was := t.open[part]
	t.well[part] = t.well[part] || err == nil
	switch {
	case err == nil && was:
		delete(t.open, part)
		t.log.Info("well again", "part", part)
	case err != nil && !was:
		t.open[part] = Condition{Part: part, Error: err.Error(), Since: time.Now().UTC()}
		t.log.Warn("unwell", "part", part, "err", err)
	case err != nil:
		c := t.open[part]
		c.Error = err.Error()
		t.open[part] = c
	}
}

// Well says whether a part has said that it is well, and has not said otherwise since.
func (t *Tracker) Well(part string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, ill := t.open[part]
	return t.well[part] && !ill
}

// Conditions is what is not well, by part.
func (t *Tracker) Conditions() []Condition {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Condition, 0, len(t.open))
	for _, c := range t.open {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Condition) int { return strings.Compare(a.Part, b.Part) })
	return list
}
