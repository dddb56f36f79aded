package web

import (
	"fmt"
	"testing"
	"time"
)

// TestLimiterIsBounded: a limiter remembers so many visitors and no more, and still limits each.
func TestLimiterIsBounded(t *testing.T) {
	l := &Limiter{Burst: 3, Every: time.Minute, Most: 100}
	now := time.Now()
	for n := range 10_000 {
		l.Allow(fmt.Sprint(n), now)
		if len(l.until) > 100 {
			t.Fatalf("%d remembered", len(l.until))
		}
	}
	got := 0
	for range 10 {
		if l.Allow("one", now) {
			got++
		}
	}
	if got != 3 || l.May("one", now) || !l.May("one", now.Add(time.Minute+time.Second)) {
		t.Errorf("%d at once", got)
	}
}
