package sms

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// mockOf serves Twilio's own OpenAPI document by prism, which checks every request against it and answers with the
// document's examples. Nobody here wrote either.
func mockOf(t *testing.T) (address string) {
	t.Helper()
	prism := os.Getenv("STILLWATER_PRISM")
	if prism == "" {
		prism, _ = exec.LookPath("prism")
	}
	shared := os.Getenv("STILLWATER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	document := filepath.Join(shared, "peers", "twilio_api_v2010.json")
	if prism == "" {
		t.Skip("left out: needs prism (make test installs it)")
	}
	if _, err := os.Stat(document); err != nil {
		t.Skip("left out: needs twilio_api_v2010.json (STILLWATER_SHARED names the folder it is in)")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, prism, "mock", "-h", "127.0.0.1", "-p", port, document)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); cmd.Wait() })
	watch := time.AfterFunc(time.Minute, cancel)
	defer watch.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "Prism is listening") {
			go io.Copy(io.Discard, out) // until it is stopped
			return checked(t, "http://127.0.0.1:"+port)
		}
	}
	t.Fatal("prism did not come up")
	return ""
}

// checked puts itself before the mock and reports each request that it found to be against the document. (The mock can
// refuse them itself, but then refuses its own examples too.)
func checked(t *testing.T, mock string) string {
	target, err := url.Parse(mock)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		if text := r.Header.Get("sl-violations"); text != "" {
			var violations []struct {
				Location []string
				Message  string
			}
			if err := json.Unmarshal([]byte(text), &violations); err != nil {
				t.Errorf("violations %q: %v", text, err)
			}
			for _, v := range violations {
				if len(v.Location) > 0 && v.Location[0] == "request" {
					t.Errorf("%s %s is against the document: %v %s", r.Request.Method, r.Request.URL, v.Location, v.Message)
				}
			}
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAgainstTwiliosOwnDocument(t *testing.T) {
	address := mockOf(t)
	token := stillwater.Secret{Env: "TWILIO_TOKEN"}
	token.Set("secret0token")
	at := func(change func(*Config)) *Twilio {
		cfg := Config{Account: account, Token: token, From: ours, BaseURL: address}
		change(&cfg)
		tw, err := NewTwilio(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tw.Close)
		return tw
	}
	byNumber := at(func(*Config) {})
	byService := at(func(c *Config) { c.From, c.MessagingService = "", service })
	ctx := t.Context()
	for name, tw := range map[string]*Twilio{"number": byNumber, "service": byService} {
		id, err := tw.Send(ctx, text("A1-1"))
		if err != nil || !isSID(id, "SM") {
			t.Errorf("send by %s: %q, %v", name, id, err)
		}
	}
	state, detail, err := byNumber.Status(ctx, "SM"+strings.Repeat("a", 32))
	if err != nil || state == "" {
		t.Errorf("status %q (%s), %v", state, detail, err)
	}
	// The document's example of a list has the bodies "testing" (out) and "look mom I have media!" (in), of 2019-05-24.
	example := time.Date(2019, 5, 24, 17, 44, 46, 0, time.UTC)
	id, found, err := byNumber.Find(ctx, hers, "testing", example)
	if err != nil || !found || !isSID(id, "SM") {
		t.Errorf("find: %v as %q, %v", found, id, err)
	}
	if _, found, err = byNumber.Find(ctx, hers, "A1-1", time.Now()); found || err != nil {
		t.Errorf("find what is not there: %v, %v", found, err)
	}
	// Its next page is always itself, so a list that goes on for ever must end with an error.
	if _, err := byService.Replies(ctx, example); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxPages*pageSize)) {
		t.Errorf("replies of a list without an end: %v", err)
	}
	if replies, err := byService.Replies(ctx, time.Now()); err != nil || len(replies) != 0 {
		t.Errorf("replies since now: %d, %v", len(replies), err)
	}
	// What the document forbids is refused by the mock, not by Twilio: somebody in between.
	stranger := at(func(c *Config) { c.BaseURL += "/elsewhere" })
	if _, err := stranger.Send(ctx, text("A1-1")); !errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("a wrong address: %v", err)
	}
}
