package push

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

const (
	token  = "5ec78dbca0db5a7e49b603fe"
	aesKey = "AAlvB3jc2dlPq2nF"
)

// today is when the tests take place, by both clocks.
var today = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

type fixed struct{ now time.Time }

func (f *fixed) Now() time.Time { return f.now }

func secret(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "TEST"}
	s.Set(value)
	return s
}

// A rig is a server that runs, and what it emitted.
type rig struct {
	t      *testing.T
	server *Server
	base   string
	client *http.Client
	log    *bytes.Buffer // read once the server has stopped
	stop   func()

	mu       sync.Mutex // guards everything below
	emitted  [][]stillwater.Reading
	dones    []func()
	hold     bool // nothing is committed until commit is called
	rejected map[string]int
	told     []string
}

// newRig starts a server of the feeds.
func newRig(t *testing.T, change func(*Options), feeds ...Feed) *rig {
	t.Helper()
	r := &rig{t: t, log: &bytes.Buffer{}, rejected: map[string]int{}}
	c := Defaults()
	c.Listen, c.Feeds = "127.0.0.1:0", feeds
	o := Options{
		Config: c, Clock: &fixed{today}, Log: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Reject: func(_, reason string) { r.mu.Lock(); r.rejected[reason]++; r.mu.Unlock() },
		Health: func(feed string, err error) {
			r.mu.Lock()
			r.told = append(r.told, fmt.Sprintf("%s: %v", feed, err))
			r.mu.Unlock()
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	r.server.now = func() time.Time { return today }
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.server.Run(ctx, r.emit) }()
	select {
	case address := <-r.server.bound:
		r.base = "http://" + address
	case err := <-ended:
		cancel()
		t.Fatal(err)
	}
	transport := &http.Transport{}
	r.client = &http.Client{Timeout: 20 * time.Second, Transport: transport}
	r.stop = sync.OnceFunc(func() {
		transport.CloseIdleConnections()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
	})
	t.Cleanup(r.stop)
	return r
}

func (r *rig) emit(_ context.Context, readings []stillwater.Reading, done func()) error {
	r.mu.Lock()
	r.emitted = append(r.emitted, readings)
	hold := r.hold
	if hold {
		r.dones = append(r.dones, done)
	}
	r.mu.Unlock()
	if !hold {
		done()
	}
	return nil
}

// commit commits what was held.
func (r *rig) commit() {
	r.mu.Lock()
	dones := r.dones
	r.dones, r.hold = nil, false
	r.mu.Unlock()
	for _, done := range dones {
		done()
	}
}

// emissions is how often readings left.
func (r *rig) emissions() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.emitted)
}

// take gives what was emitted since the last time, one line for each reading.
func (r *rig) take() (lines []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, batch := range r.emitted {
		for _, one := range batch {
			if one.Quantity == stillwater.Alive {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s %s %v %s", one.Source, one.Quantity, one.Value, one.At.UTC().Format(time.RFC3339Nano)))
		}
	}
	r.emitted = nil
	return lines
}

// do sends a request and gives the answer.
func (r *rig) do(req *http.Request) (int, outcome) {
	r.t.Helper()
	resp, err := r.client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var o outcome
	if resp.Header.Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(data, &o); err != nil {
			r.t.Fatalf("%s: %v", data, err)
		}
	} else {
		o.Reason = string(data)
	}
	return resp.StatusCode, o
}

// push sends a body as it is.
func (r *rig) push(path string, body []byte, header ...string) (int, outcome) {
	r.t.Helper()
	req, err := http.NewRequest("POST", r.base+path, bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return r.do(req)
}

// until waits for something to become true.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not seen: %s", what)
		}
	}
}

// oneNET wraps and signs a message as OneNET does; a section stays one.
func oneNET(field, message string, section bool) []byte {
	h := md5.Sum([]byte(token + "abcdefgh" + message))
	var msg any = message
	if section {
		msg = json.RawMessage(message)
	}
	body, err := json.Marshal(map[string]any{"msg": msg, "nonce": "abcdefgh", field: base64.StdEncoding.EncodeToString(h[:]), "time": 1591340648197, "id": "3799902"})
	if err != nil {
		panic(err)
	}
	return body
}

// signature signs a body as a water company's program does.
func signature(key string, at time.Time, body []byte) []string {
	stamp := fmt.Sprint(at.Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "\n" + string(body)))
	return []string{"X-Stillwater-Timestamp", stamp, "X-Stillwater-Signature", hex.EncodeToString(mac.Sum(nil))}
}

// city is a feed of a water company's program.
func city() Feed {
	return Feed{Name: "city", Path: "/push/city", Profile: "signed-json", Secret: secret(token)}
}

// pushCity pushes to it, signed.
func (r *rig) pushCity(body string) (int, outcome) {
	r.t.Helper()
	return r.push("/push/city", []byte(body), signature(token, today, []byte(body))...)
}

const oneMeter = `{"meters":[{"number":"8834012345","time":"2026-11-22 09:00:00","total_m3":123.456}]}`

func values(t *testing.T, text string) []platform.Value {
	t.Helper()
	var list struct{ Values []platform.Value }
	if err := platform.Parse([]byte("values:\n"+text), &list); err != nil {
		t.Fatal(err)
	}
	return list.Values
}

func logged(r *rig, what ...string) (found []string) {
	r.stop()
	for _, w := range what {
		if strings.Contains(r.log.String(), w) {
			found = append(found, w)
		}
	}
	return found
}
