package platform

import (
	"fmt"
	"sync"
	"time"

	"stillwater"
)

const (
	// unlearned is how often a feed is expected to be heard until it is known: meters by NB-IoT upload once a day.
	unlearned = 24 * time.Hour
	// learning is how long a feed is listened to before its pace is known: over a night and a day.
	learning = 48 * time.Hour
	// leastExpected keeps a lively feed from being called late at every pause.
	leastExpected = 10 * time.Minute
	// missed is how many times nothing has come when a feed is late: one may be late by itself.
	missed = 2
)

// A Watch knows how often a feed is heard, as it was told or as it learns, and says when it is late. That is one thing to be known of the
// feed; that each of its homes cannot be seen follows from it. It is safe for concurrent use.
type Watch struct {
	expect time.Duration // as told; 0: learned

	mu    sync.Mutex // guards everything below
	began time.Time
	last  time.Time    // when something last came, or listening began
	days  [7]quietSpan // the longest time without anything, of each of the last days
}

type quietSpan struct {
	day  int64
	span time.Duration
}

// NewWatch begins to listen. A restart begins anew: what was missed before it is not known here, but each home's silence is.
func NewWatch(expect time.Duration, now time.Time) *Watch {
	return &Watch{expect: expect, began: now, last: now}
}

// Came notes that something came.
func (w *Watch) Came(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	span := now.Sub(w.last)
	w.last = now
	if span > missed*w.usual(now) {
		return // an outage, not a pace
	}
	day := now.Unix() / 86400
	slot := &w.days[((day%7)+7)%7]
	if slot.day != day {
		*slot = quietSpan{day: day}
	}
	slot.span = max(slot.span, span)
}

// usual is how long nothing may come at most on usual days.
func (w *Watch) usual(now time.Time) time.Duration {
	if w.expect > 0 {
		return w.expect
	}
	if now.Sub(w.began) < learning {
		return unlearned
	}
	longest := leastExpected
	for _, d := range w.days {
		longest = max(longest, d.span)
	}
	if longest == leastExpected && w.last.Equal(w.began) {
		return unlearned // nothing has ever come
	}
	return longest
}

// Late says that nothing has come for two of the times in which something does; nil: it is not so.
func (w *Watch) Late(now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	usual, quiet := w.usual(now), now.Sub(w.last)
	if quiet < missed*usual {
		return nil
	}
	return fmt.Errorf("nothing has come for %s; something is expected every %s", stillwater.FormatSpan(quiet.Truncate(time.Minute)), stillwater.FormatSpan(usual.Round(time.Minute)))
}
