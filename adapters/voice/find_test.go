package voice

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// lost makes an attempt whose answer is lost; the call is made, or not.
func lost(t *testing.T, r *rig, m stillwater.Message, made bool) {
	t.Helper()
	r.lock.Lock()
	r.kept, r.answer = made, func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	r.lock.Unlock()
	_, err := r.Send(t.Context(), m)
	if err == nil || errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) {
		t.Fatalf("a lost answer: %v", err)
	}
	r.lock.Lock()
	r.kept, r.answer = false, nil
	r.lock.Unlock()
}

func (r *rig) mustFind(t *testing.T, code, want string) {
	t.Helper()
	id, found, err := r.Find(t.Context(), hers, code, time.Now().Add(-time.Hour))
	if err != nil || id != want || found != (want != "") {
		t.Errorf("%s: found %v as %q (%v), want %q", code, found, id, err, want)
	}
}

func (r *rig) cannotTell(t *testing.T, code string) {
	t.Helper()
	id, found, err := r.Find(t.Context(), hers, code, time.Now().Add(-time.Hour))
	if err == nil || found || strings.Contains(err.Error(), hers[1:]) {
		t.Errorf("%s: found %v as %q, %v; it cannot be told", code, found, id, err)
	}
}

func TestFindWhatThisProcessDid(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"clocks agree": 0, "Twilio's is ahead": 2 * time.Hour, "Twilio's is behind": -2 * time.Hour} {
		r := newRig(t)
		r.ahead = ahead
		r.add(hers, r.now().Add(-3*time.Hour)) // too long ago to matter
		r.mustFind(t, "A1", "")
		first, _ := r.Send(t.Context(), message("A1"))
		lost(t, r, message("A2"), false)
		r.mustFind(t, "A2", "") // the only call is A1's
		lost(t, r, message("A3"), true)
		r.cannotTell(t, "A3") // it may be A2's, whose attempt is as open
		r.mustFind(t, "A1", first)
		alone := newRig(t)
		alone.ahead = ahead
		alone.add(hers, alone.now().Add(-10*time.Minute)) // before it was tried
		lost(t, alone, message("B1"), true)
		alone.mustFind(t, "B1", alone.rings[1]["sid"].(string))
		if t.Failed() {
			t.Fatal(name)
		}
	}
	r := newRig(t)
	lost(t, r, message("A1"), true)
	made := r.rings[0]["sid"].(string)
	r.mustFind(t, "A1", made)
	r.mustFind(t, "A1", made)
	second, _ := r.Send(t.Context(), message("A2"))
	r.mustFind(t, "A2", second)
	// An attempt that certainly did not leave does not make the unclear one before it clear.
	lost(t, r, message("A3"), true)
	r.answer = func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, 429, 20429); return true }
	r.Send(t.Context(), message("A3"))
	r.answer = nil
	r.mustFind(t, "A3", r.rings[2]["sid"].(string))
	// A call that somebody made by hand before does not count as one that was made for it.
	r.add(hers, time.Now().Add(-10*time.Minute))
	lost(t, r, message("A4"), false)
	r.mustFind(t, "A4", "")
	// Incoming calls, and those of other numbers of the account, are nobody's.
	r.add(hers, time.Now())["direction"] = "inbound"
	r.add(hers, time.Now())["from"] = "+14155550199"
	r.mustFind(t, "A4", "")
}

// After a restart nothing is known of the calls before it: none to the number is certain, any other is not.
func TestFindAfterRestart(t *testing.T) {
	p := newProvider(t)
	before := rigAt(t, p, withCallback)
	after := rigAt(t, p, withCallback)
	after.mustFind(t, "A1", "")
	lost(t, before, message("A1"), true)
	after.cannotTell(t, "A1")
	// Twilio's callback names the code.
	id := p.rings[0]["sid"].(string)
	after.post("old", p.forms[0].Get("StatusCallback"), url.Values{"CallSid": {id}, "CallStatus": {"initiated"}})
	after.mustFind(t, "A1", id)
	after.mustFind(t, "A2", "")
	// A forged one does not.
	lost(t, before, message("A2"), true)
	other := p.rings[1]["sid"].(string)
	after.post("stranger", p.forms[1].Get("StatusCallback"), url.Values{"CallSid": {other}, "CallStatus": {"initiated"}})
	after.cannotTell(t, "A2")
}

func TestFindGoesThroughPages(t *testing.T) {
	r := newRig(t)
	for range 250 {
		r.add(hers, time.Now().Add(-10*time.Minute))
	}
	lost(t, r, message("A1"), false)
	r.mustFind(t, "A1", "")
	restarted := rigAt(t, r.provider)
	restarted.cannotTell(t, "A1")
	for range 100 {
		r.add(hers, time.Now().Add(-10*time.Minute))
	}
	r.cannotTell(t, "A1") // more than are looked at
	r.provider.rings = nil
	r.add(hers, time.Now())["date_created"] = "yesterday"
	r.cannotTell(t, "A1")
	r.answer = func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, 500, 20500); return true }
	r.cannotTell(t, "A1")
	r.answer = nil
	for _, c := range []struct {
		to   stillwater.Address
		code string
	}{{hers, ""}, {"138", "A1"}} {
		if _, _, err := r.Find(t.Context(), c.to, c.code, time.Now()); err == nil {
			t.Errorf("%v was looked for", c)
		}
	}
}

// What is remembered is bounded, and the latest of it is kept.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(noon)
	for n := range 3 * rememberedCalls {
		code := string(rune('A' + n))
		m.tried(code, hers, noon)
		m.known(code, code, noon)
	}
	if len(m.of) > rememberedCalls+1 || len(m.when) > rememberedCalls+1 || len(m.open) != 0 {
		t.Errorf("%d calls, %d moments, %d attempts", len(m.of), len(m.when), len(m.open))
	}
	m.tried("old", hers, noon)
	m.tried("new", hers, noon.Add(remembered+time.Second))
	if len(m.of) != 0 || len(m.open) != 1 {
		t.Errorf("a day later: %d calls, %d attempts", len(m.of), len(m.open))
	}
}
