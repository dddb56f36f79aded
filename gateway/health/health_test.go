package health

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTracker follows parts that become unwell and well again: what is open, since when, and one line in the log for each change.
func TestTracker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := New(slog.New(slog.NewTextHandler(&log, nil)))
		if got := h.Conditions(); got == nil || len(got) != 0 {
			t.Errorf("a new gateway has %v", got)
		}
		h.Report("store", nil) // well all along: not worth a word
		began := time.Now().UTC()
		h.Report("store", errors.New("disk full"))
		h.Report("feed cupboard-1", errors.New("no route"))
		time.Sleep(time.Hour)
		h.Report("store", errors.New("disk gone"))
		got := h.Conditions()
		want := []Condition{{"feed cupboard-1", "no route", began}, {"store", "disk gone", began}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("conditions %v, want %v", got, want)
		}
		h.Report("store", nil)
		h.Report("store", nil)
		if got := h.Conditions(); len(got) != 1 || got[0].Part != "feed cupboard-1" {
			t.Errorf("conditions %v", got)
		}
		if lines := strings.Count(log.String(), "\n"); lines != 3 {
			t.Errorf("%d lines in the log, want one for each change:\n%s", lines, log.String())
		}
		h.Report("store", errors.New("disk full again"))
		if got := h.Conditions()[1]; !got.Since.Equal(time.Now().UTC()) {
			t.Errorf("unwell again since %v", got.Since)
		}
	})
}

// TestTogether lets many parts report at once; the race detector watches.
func TestTogether(t *testing.T) {
	h := New(slog.New(slog.DiscardHandler))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 200 {
				h.Report(fmt.Sprint(i), errors.New("unwell"))
				h.Conditions()
				if i%2 == 0 {
					h.Report(fmt.Sprint(i), nil)
				}
			}
		})
	}
	all.Wait()
	if n := len(h.Conditions()); n != 4 {
		t.Errorf("%d conditions, want 4", n)
	}
}
