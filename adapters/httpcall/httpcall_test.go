package httpcall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stillwater"
)

// ask makes one call with a secret in its address.
func ask(t *testing.T, ctx context.Context, c *Caller, address string) (Answer, error) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address+"/send?token=secret0token", strings.NewReader("text"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(ctx, req)
}

// What may be concluded from each failure. Wrong here means that somebody is told twice, or never.
func TestConclusions(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) //nolint:errcheck // only then does the server see that the other side is gone
			<-r.Context().Done()
		},
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"cut short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			fmt.Fprint(w, "{")
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", MaxBody+1)) },
	}
	for name, answer := range answers {
		s := httptest.NewUnstartedServer(answer)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.Start()
		_, err := ask(t, t.Context(), New(200*time.Millisecond), s.URL)
		if err == nil || errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) {
			t.Errorf("%s: %v, want it unclear", name, err)
		}
		checkSilent(t, err)
		s.CloseClientConnections()
		s.Close()
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request got through") }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for name, c := range map[string]struct {
		ctx     context.Context
		address string
	}{"nobody listens": {t.Context(), closed.URL}, "stopped before": {stopped, secure.URL}, "a stranger's certificate": {t.Context(), secure.URL}} {
		_, err := ask(t, c.ctx, New(0), c.address)
		if !errors.Is(err, stillwater.ErrNotSent) {
			t.Errorf("%s: %v, want it not sent", name, err)
		}
		checkSilent(t, err)
	}
}

func checkSilent(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "secret0token") {
		t.Errorf("the error tells what a log must not: %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the text went elsewhere") }))
	defer other.Close()
	s := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer s.Close()
	a, err := ask(t, t.Context(), New(0), s.URL)
	if err != nil || a.Status != 307 || !errors.Is(a.Strange(), stillwater.ErrNotSent) {
		t.Errorf("HTTP %d, %v, %v", a.Status, err, a.Strange())
	}
}

// A connection that was used before and is cut makes net/http ask again by itself, with a GET: that would send a text twice.
func TestNothingIsAskedTwice(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 2 {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		}
	}))
	defer s.Close()
	c := New(0)
	for i := range 2 {
		req, err := http.NewRequest(http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), req)
		if (err != nil) != (i == 1) || errors.Is(err, stillwater.ErrNotSent) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times for two calls", n)
	}
}

func TestStrange(t *testing.T) {
	for _, c := range []struct {
		a                Answer
		notSent, limited bool
	}{
		{Answer{Status: 429}, true, true},
		{Answer{Status: 503, Retry: true}, true, false},
		{Answer{Status: 503}, false, false},
		{Answer{Status: 500}, false, false},
		{Answer{Status: 502}, false, false},
		{Answer{Status: 408}, false, false},
		{Answer{Status: 409}, false, false},
		{Answer{Status: 200}, false, false},
		{Answer{Status: 302}, true, false},
		{Answer{Status: 404}, true, false},
	} {
		err := c.a.Strange()
		if errors.Is(err, stillwater.ErrNotSent) != c.notSent || errors.Is(err, stillwater.ErrLimited) != c.limited || errors.Is(err, stillwater.ErrRefused) {
			t.Errorf("HTTP %d: %v", c.a.Status, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, good := range map[string]bool{
		"https://sms.example.org": true, "https://sms.example.org/v1": true, "http://127.0.0.1:8080": true, "http://localhost": true, "http://[::1]:1": true,
		"http://sms.example.org": false, "ftp://x": false, "sms.example.org": false, "": false, "https://a:b@sms.example.org": false, "https://": false,
	} {
		if _, err := Address(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
