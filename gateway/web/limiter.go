package web

import (
	"sync"
	"time"
)

// A Limiter lets each of many visitors do something so often: a number at once, and then one in every so long. It remembers a bounded
// number of them; beyond that it forgets any, who then begins afresh.
type Limiter struct {
	Burst int
	Every time.Duration
	Most  int // visitors remembered

	mu    sync.Mutex           // guards everything below
	until map[string]time.Time // when each will have all of its burst again
}

// Allow says whether a visitor may once more at a moment, and counts it.
func (l *Limiter) Allow(who string, now time.Time) bool { return l.take(who, now, true) }

// May says whether a visitor may, and counts nothing.
func (l *Limiter) May(who string, now time.Time) bool { return l.take(who, now, false) }

func (l *Limiter) take(who string, now time.Time, count bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := l.until[who]
	if until.Before(now) {
		until = now
	}
	until = until.Add(l.Every)
	if until.Sub(now) > time.Duration(l.Burst)*l.Every {
		return false
	}
	if !count {
		return true
	}
	if l.until == nil {
		l.until = map[string]time.Time{}
	}
	if _, known := l.until[who]; !known && len(l.until) >= l.Most {
		l.sweep(now)
	}
	l.until[who] = until
	return true
}

// sweep forgets who has all of its burst again, and if that is nobody, a tenth of all.
func (l *Limiter) sweep(now time.Time) {
	for who, until := range l.until {
		if !until.After(now) {
			delete(l.until, who)
		}
	}
	for who := range l.until {
		if len(l.until) <= l.Most-l.Most/10-1 {
			return
		}
		delete(l.until, who)
	}
}
