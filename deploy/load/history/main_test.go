package main

import (
	"errors"
	"testing"
	"time"

	"stillwater/adapters/influx/influxtest"
)

// TestShort is the load run in seconds: every reading is in the database once, and one takes no longer to its commit than without history, as far
// as so short a run on a busy machine can tell.
func TestShort(t *testing.T) {
	err := work(t.Context(), t.TempDir(), load{homes: 200, rate: 500, rounds: 1, span: time.Second, noise: 20 * time.Millisecond})
	if errors.Is(err, influxtest.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
	}
}
