package main

import (
	"errors"
	"testing"
	"time"

	"stillwater/adapters/influx/influxtest"
)

// TestShort is the load run in seconds: every reading is in the database once. How long one takes is for the load run itself to judge.
func TestShort(t *testing.T) {
	err := work(t.Context(), t.TempDir(), load{homes: 200, rate: 500, rounds: 1, span: time.Second})
	if errors.Is(err, influxtest.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Error(err)
	}
}
