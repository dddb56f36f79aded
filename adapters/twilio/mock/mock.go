// Package mock serves Twilio's own OpenAPI document, for tests of the adapters that speak to Twilio.
package mock

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Serve serves Twilio's own OpenAPI document by prism, which checks every request against it and answers with the
// document's examples. Nobody here wrote either.
func Serve(t *testing.T) (address string) {
	t.Helper()
	prism := os.Getenv("STILLWATER_PRISM")
	if prism == "" {
		prism, _ = exec.LookPath("prism")
	}
	shared := os.Getenv("STILLWATER_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared") // beside the repository, as seen from an adapter
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
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		events(t, r)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// events checks and takes out a form's StatusCallbackEvent, a list: prism reads no list that is written as the document, by OpenAPI's
// default, and Twilio's own libraries have it, once for each value.
func events(t *testing.T, r *http.Request) {
	if r.Method != http.MethodPost {
		return
	}
	body, _ := io.ReadAll(r.Body)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	for _, event := range form["StatusCallbackEvent"] {
		if !slices.Contains([]string{"initiated", "ringing", "answered", "completed"}, event) {
			t.Errorf("%s %s is against the document: StatusCallbackEvent %q", r.Method, r.URL, event)
		}
	}
	form.Del("StatusCallbackEvent")
	text := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
}
