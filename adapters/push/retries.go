package push

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// maxFlights bounds the pushes that wait for their commit, told or not that they shall come again.
	maxFlights = 4096
	// maxCommitted and committedFor bound what is remembered of committed pushes, 150 bytes each: those of a city that pushes each meter by
	// itself. Retries that come later are found by the journal.
	maxCommitted = 1 << 16
	committedFor = 10 * time.Minute
)

// digest tells messages of feeds apart.
type digest = [sha256.Size]byte

func digestOf(feed string, message []byte) digest {
	h := sha256.New()
	h.Write([]byte(feed + "\n"))
	h.Write(message)
	return digest(h.Sum(nil))
}

// A flight is a message on its way to its commit.
type flight struct {
	landed chan struct{} // closed at its end
	ok     bool          // it is committed; valid once landed
}

// retries knows which messages are on their way, and which were committed a short while ago: a platform that did not wait long enough sends
// the same again, and again.
type retries struct {
	mu      sync.Mutex // guards everything below
	flights map[digest]*flight
	at      map[digest]time.Time // of commits
	order   []digest             // of at
}

func newRetries() *retries {
	return &retries{flights: map[digest]*flight{}, at: map[digest]time.Time{}}
}

// begin gives the flight of a message: mine says that the caller is the one to start it. Nil: there are too many.
func (r *retries) begin(d digest, now time.Time) (f *flight, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if when, known := r.at[d]; known && now.Sub(when) < committedFor {
		f = &flight{landed: make(chan struct{}), ok: true}
		close(f.landed)
		return f, false
	}
	if f = r.flights[d]; f != nil {
		return f, false
	}
	if len(r.flights) >= maxFlights {
		return nil, false
	}
	f = &flight{landed: make(chan struct{})}
	r.flights[d] = f
	return f, true
}

// end tells all who wait for the flight. A commit is remembered if its retries need nothing more.
func (r *retries) end(d digest, f *flight, ok, remember bool, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flights[d] != f {
		return // it has ended
	}
	delete(r.flights, d)
	f.ok = ok
	close(f.landed)
	if !ok || !remember {
		return
	}
	if _, known := r.at[d]; !known {
		r.order = append(r.order, d)
	}
	r.at[d] = now
	for len(r.order) > maxCommitted || len(r.order) > 0 && now.Sub(r.at[r.order[0]]) >= committedFor {
		delete(r.at, r.order[0])
		r.order = r.order[1:]
	}
}
