package api

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stillwater"
)

func act(a http.Handler, body, name string) *httptest.ResponseRecorder {
	return ask(a, "city", "POST", Base+"/incidents/A1/acts", body, "Idempotency-Key", name)
}

// TestSameKeyDoesTheSameOnce sends a deed several times, refused and done, and wants it done once and answered alike.
func TestSameKeyDoesTheSameOnce(t *testing.T) {
	town := newTown()
	a := town.api(t)
	for n := range 3 {
		w := act(a, `{"deed":"escalate","note":"again"}`, "key-escalate")
		if w.Code != http.StatusOK || (w.Header().Get("Idempotency-Replayed") == "true") != (n > 0) {
			t.Errorf("%d: %d %v %s", n, w.Code, w.Header(), w.Body)
		}
	}
	for range 2 {
		if p := read[Problem](t, act(a, `{"deed":"close"}`, "key-close"), http.StatusConflict); p.Reason != "needs-outcome" {
			t.Errorf("%+v", p)
		}
	}
	if p := read[Problem](t, act(a, `{"deed":"close","outcome":"helped","known":"seen"}`, "key-close"), http.StatusUnprocessableEntity); p.Detail == "" {
		t.Errorf("%+v", p)
	}
	if w := ask(a, "city", "POST", Base+"/incidents/A2/acts", `{"deed":"escalate","note":"again"}`, "Idempotency-Key", "key-escalate"); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("the same on another incident: %d", w.Code)
	}
	if w := ask(a, "north", "POST", Base+"/incidents/A1/acts", `{"deed":"escalate","note":"again"}`, "Idempotency-Key", "key-escalate"); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "" {
		t.Errorf("the same of another program: %d", w.Code)
	}
	if len(town.acts) != 2 {
		t.Errorf("done: %+v", town.acts)
	}
	for name, body := range town.requests {
		for _, word := range []string{"again", "escalate\"", "A1"} {
			if strings.Contains(string(body), word) {
				t.Errorf("stored of %s: %s", name, body)
			}
		}
	}
}

// TestKilledWhileDoing stops the gateway before a deed, and between the deed and the note of it; then the request comes again.
func TestKilledWhileDoing(t *testing.T) {
	for _, after := range []bool{false, true} {
		town := newTown()
		a := town.api(t)
		town.acting = func(act stillwater.Act) error {
			if after { // it is committed, and nobody learns of it
				town.acting = nil
				if err := town.Act(context.Background(), act); err != nil {
					t.Error(err)
				}
			}
			return errors.New("killed")
		}
		if w := act(a, `{"deed":"escalate"}`, "key-killed"); w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		town.acting = nil
		again := town.api(t) // started anew
		for range 2 {
			if w := act(again, `{"deed":"escalate"}`, "key-killed"); w.Code != http.StatusOK {
				t.Errorf("after %v: %d %s", after, w.Code, w.Body)
			}
		}
		if len(town.acts) != 1 {
			t.Errorf("after %v: done %d times", after, len(town.acts))
		}
	}
}

// TestHeldUp lets a shard take longer than anybody waits: the deed is done once, and told to who asks again.
func TestHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		town := newTown()
		a := town.api(t)
		town.acting = func(stillwater.Act) error { time.Sleep(time.Minute); return nil }
		if w := act(a, `{"deed":"escalate"}`, "key-held-up"); w.Code != http.StatusServiceUnavailable {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if p := read[Problem](t, act(a, `{"deed":"escalate"}`, "key-held-up"), http.StatusConflict); p.Type != "urn:stillwater:problem:under-way" {
			t.Errorf("%+v", p)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if w := act(a, `{"deed":"escalate"}`, "key-held-up"); w.Code != http.StatusOK || w.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if len(town.acts) != 1 {
			t.Errorf("done %d times", len(town.acts))
		}
	})
}

// TestAtTheSameTime sends one request by twenty at once.
func TestAtTheSameTime(t *testing.T) {
	town := newTown()
	a := town.api(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if w := act(a, `{"deed":"escalate"}`, "key-at-once"); w.Code != http.StatusOK && w.Code != http.StatusConflict {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
	if len(town.acts) != 1 {
		t.Errorf("done %d times", len(town.acts))
	}
}

// TestWhoDoesIt does a deed by the program, and by a contact.
func TestWhoDoesIt(t *testing.T) {
	town := newTown()
	a := town.api(t)
	act(a, `{"deed":"acknowledge"}`, "key-program")
	act(a, `{"deed":"acknowledge","contact":"daughter"}`, "key-daughter")
	if len(town.acts) != 2 || town.acts[0].Who != "api:city" || town.acts[0].Remote || town.acts[1].Who != "daughter" || !town.acts[1].Remote {
		t.Errorf("%+v", town.acts)
	}
}
