package influx

import (
	"sync"
	"time"

	"stillwater"
)

// item is what waits to be written: a reading, or a finding.
type item struct {
	reading stillwater.Reading
	finding *stillwater.Finding
	queued  time.Time // wall clock
}

// queue is a bounded ring that drops its oldest item when it is full.
type queue struct {
	full chan struct{} // has something when a batch is complete; see ready
	max  int
	size int // of a batch

	mu      sync.Mutex // guards everything below
	items   []item     // grows up to max, then is a ring from first
	first   int
	n       int
	dropped int64
}

func newQueue(max, batch int) *queue {
	return &queue{full: make(chan struct{}, 1), max: max, size: min(batch, max)}
}

func (q *queue) put(i item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == q.max {
		q.first, q.n, q.dropped = (q.first+1)%len(q.items), q.n-1, q.dropped+1
	}
	if q.n == len(q.items) {
		q.grow()
	}
	q.items[(q.first+q.n)%len(q.items)] = i
	q.n++
	if q.n >= q.size {
		select {
		case q.full <- struct{}{}:
		default:
		}
	}
}

// grow needs q.mu. A queue that is seldom long does not hold the memory of a long one.
func (q *queue) grow() {
	bigger := make([]item, min(max(2*len(q.items), 64), q.max))
	for i := range q.n {
		bigger[i] = q.items[(q.first+i)%len(q.items)]
	}
	q.items, q.first = bigger, 0
}

// take removes the oldest items, a batch at most.
func (q *queue) take() []item { return q.takeAtLeast(1) }

// takeWhole removes a batch, or nothing while it is not complete.
func (q *queue) takeWhole() []item { return q.takeAtLeast(q.size) }

func (q *queue) takeAtLeast(least int) []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(q.size, q.n)
	if n < least {
		return nil
	}
	taken := make([]item, n)
	for i := range n {
		at := (q.first + i) % len(q.items)
		taken[i], q.items[at] = q.items[at], item{}
	}
	q.first, q.n = (q.first+n)%len(q.items), q.n-n
	if q.n >= q.size { // the next batch is complete already
		select {
		case q.full <- struct{}{}:
		default:
		}
	}
	return taken
}

// oldest is when the item that waits longest was put; zero when none waits.
func (q *queue) oldest() (at time.Time, n int, dropped int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n > 0 {
		at = q.items[q.first].queued
	}
	return at, q.n, q.dropped
}
