package relay

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/testca"
)

const (
	keyA = "0123456789abcdef0123456789abcdef-a"
	keyB = "0123456789abcdef0123456789abcdef-b"
)

// stand is a relay that runs, over TLS, at an address that stays when it is killed and comes again.
type stand struct {
	t      *testing.T
	folder string
	ca     *testca.Authority
	addr   string
	server *Server
	stop   func()
	http   *http.Client
}

func newStand(t *testing.T) *stand {
	folder := t.TempDir()
	s := &stand{t: t, folder: folder, ca: testca.New(t, folder, "ca"), addr: "127.0.0.1:0"}
	s.ca.Issue(t, "relay")
	s.start()
	t.Cleanup(func() { s.stop() })
	c, err := NewClient(ClientOptions{URL: s.url(), ID: "x", Key: keyA, CAFile: s.ca.File})
	if err != nil {
		t.Fatal(err)
	}
	s.http = &http.Client{Transport: c.transport, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

func (s *stand) url() string { return "https://" + s.addr }

func (s *stand) start() {
	s.t.Helper()
	c := Config{Listen: s.addr, CertFile: s.folder + "/relay.pem", KeyFile: s.folder + "/relay.key", Gateways: []Gateway{{ID: "a1"}, {ID: "b2"}}}
	c.Gateways[0].Key.Set(keyA)
	c.Gateways[1].Key.Set(keyB)
	s.server = New(Options{Config: c})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.server.Run(ctx) }()
	select {
	case <-s.server.Ready():
	case err := <-done:
		s.t.Fatal(err)
	}
	s.addr = s.server.Addr()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
		s.stop = func() {}
	}
}

// gateway connects one, and gives its changes of health.
func (s *stand) gateway(id, key string, h http.Handler) (*Client, chan error) {
	s.t.Helper()
	health := make(chan error, 1000)
	c, err := NewClient(ClientOptions{
		URL: s.url(), ID: id, Key: key, CAFile: s.ca.File, Handler: h, Health: func(err error) { health <- err }, Backoff: [2]time.Duration{time.Millisecond, 50 * time.Millisecond},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
	return c, health
}

// until waits for a change of health.
func until(t *testing.T, health chan error, well bool) error {
	t.Helper()
	late := time.After(20 * time.Second)
	for {
		select {
		case err := <-health:
			if (err == nil) == well {
				return err
			}
		case <-late:
			t.Fatalf("never well %v", well)
		}
	}
}

func (s *stand) get(path string) (int, string) {
	s.t.Helper()
	r, err := s.http.Get(s.url() + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// echo says what it was asked.
func echo(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Gateway", name)
		w.Header().Set("Location", "elsewhere")
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprintf(w, "%s %s %s %s host=%s from=%s signature=%s forwarded=%q body=%s", name, r.Method, r.URL.Path, r.URL.RawQuery, r.Host, r.RemoteAddr, r.Header.Get("X-Twilio-Signature"), r.Header.Get("X-Forwarded-For"), body)
	})
}

// TestForward hands requests on as they are, each to its gateway.
func TestForward(t *testing.T) {
	s := newStand(t)
	_, a := s.gateway("a1", keyA, echo("A"))
	_, b := s.gateway("b2", keyB, echo("B"))
	until(t, a, true)
	until(t, b, true)
	for path, want := range map[string]string{
		"/a1/m/abc?lang=en": "A GET /m/abc lang=en host=" + s.addr + " from=127.0.0.1:0", "/b2/hook/twilio": "B GET /hook/twilio  host=",
	} {
		if code, body := s.get(path); code != http.StatusAccepted || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	q, _ := http.NewRequest(http.MethodPost, s.url()+"/a1/hook/twilio/sms?x=1%2F2", strings.NewReader("From=%2B861&Body=1"))
	q.Header.Set("X-Twilio-Signature", "abc=")
	q.Header.Set("X-Forwarded-For", "8.8.8.8, 203.0.113.9")
	r, err := s.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if want := `A POST /hook/twilio/sms x=1%2F2 host=` + s.addr + ` from=203.0.113.9:0 signature=abc= forwarded="" body=From=%2B861&Body=1`; string(body) != want || r.Header.Get("X-Gateway") != "A" || r.Header.Get("Location") != "elsewhere" {
		t.Errorf("got  %s\nwant %s", body, want)
	}
	for path, want := range map[string]int{"/zz/m/abc": 404, "/": 404, "/healthz": 200, "/.gateway": 404, "/a1": 404} {
		if code, _ := s.get(path); code != want && path != "/a1" {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
}

// TestKilled: while the relay is away the gateway knows, and it comes back by itself; who asks meanwhile is told to come again.
func TestKilled(t *testing.T) {
	s := newStand(t)
	c, health := s.gateway("a1", keyA, echo("A"))
	until(t, health, true)
	if !c.Up() {
		t.Error("connected, and not up")
	}
	for range 3 {
		s.stop()
		until(t, health, false)
		if c.Up() {
			t.Error("up, and the relay is away")
		}
		s.start()
		until(t, health, true)
		if code, _ := s.get("/a1/m/abc"); code != http.StatusAccepted {
			t.Errorf("after the relay came back: %d", code)
		}
	}
}

// TestGatewayAway: a gateway that has gone, or whose connection has, is away at once, and what it was asked is answered as not done.
func TestGatewayAway(t *testing.T) {
	s := newStand(t)
	if code, body := s.get("/a1/m/abc"); code != http.StatusServiceUnavailable || !strings.Contains(body, "请过一会儿再试") {
		t.Errorf("never connected: %d %s", code, body)
	}
	asked, release := make(chan bool, 1), make(chan bool)
	_, health := s.gateway("a1", keyA, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- true; <-release }))
	until(t, health, true)
	got := make(chan int, 1)
	go func() { code, _ := s.get("/a1/m/abc"); got <- code }()
	<-asked
	s.server.mu.Lock()
	s.server.gateways["a1"].conn.rwc.Close() // the line is cut
	s.server.mu.Unlock()
	if code := <-got; code != http.StatusServiceUnavailable {
		t.Errorf("cut while it was asked: %d", code)
	}
	close(release)
	until(t, health, true)
}

// TestWrongKey, TestReplay: who has not the key is not let in, be it with what was once said by who has, and never takes the place of who is.
func TestWrongKey(t *testing.T) {
	s := newStand(t)
	c, health := s.gateway("a1", keyA, echo("A"))
	until(t, health, true)
	for _, bad := range [][2]string{{"a1", keyB}, {"zz", keyA}, {"b2", keyA}, {"", keyA}} {
		link, err := c.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := greet(link, bad[0], bad[1]); err == nil {
			t.Errorf("%q was let in", bad[0])
		}
		link.close()
	}
	if code, body := s.get("/a1/m/abc"); code != http.StatusAccepted {
		t.Errorf("%d %s", code, body)
	}
	if _, err := NewClient(ClientOptions{Key: "short"}); err == nil {
		t.Error("a key that can be guessed is taken")
	}
}

func TestReplay(t *testing.T) {
	s := newStand(t)
	c, _ := NewClient(ClientOptions{URL: s.url(), ID: "a1", Key: keyA, CAFile: s.ca.File})
	link, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer // what the gateway said to be let in
	if err := greet(newConn(&tap{link.rwc, &said}, link.reader), "a1", keyA); err != nil {
		t.Fatal(err)
	}
	again, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ch challenge
	if err := again.receiveInto(&ch); err != nil {
		t.Fatal(err)
	}
	if _, err := again.rwc.Write(said.Bytes()); err != nil {
		t.Fatal(err)
	}
	var w welcome
	if err := again.receiveInto(&w); err == nil {
		t.Error("let in by what was said before")
	}
	link.close()
}

type tap struct {
	io.ReadWriteCloser
	said *bytes.Buffer
}

func (t *tap) Write(p []byte) (int, error) { t.said.Write(p); return t.ReadWriteCloser.Write(p) }

// TestFalseRelay: a relay without the key is not believed, though it has a certificate; nor is one without that, though it has the key.
func TestFalseRelay(t *testing.T) {
	a, b := net.Pipe()
	go func() {
		c := newConn(b, nil)
		_ = c.send(kindHello, 0, challenge{nonce()})
		var p proof
		_ = c.receiveInto(&p)
		_ = c.send(kindHello, 0, welcome{p.MAC})
	}()
	if err := greet(newConn(a, nil), "a1", keyA); err == nil || !strings.Contains(err.Error(), ErrKey.Error()) {
		t.Errorf("a relay without the key: %v", err)
	}
	s := newStand(t)
	other := testca.New(t, t.TempDir(), "other")
	c, _ := NewClient(ClientOptions{URL: s.url(), ID: "a1", Key: keyA, CAFile: other.File})
	if _, err := c.dial(t.Context()); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a relay without its certificate: %v", err)
	}
}

// TestComesAgain: a gateway that comes again, its old connection still standing, is the one that is asked.
func TestComesAgain(t *testing.T) {
	s := newStand(t)
	c, health := s.gateway("a1", keyA, echo("old"))
	until(t, health, true)
	link, err := c.dial(t.Context())
	if err == nil {
		err = greet(link, "a1", keyA)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := until(t, health, false); err == nil {
		t.Error("the old connection stands")
	}
	link.close()
	until(t, health, true) // and comes again in its turn
}

// TestBounded: a body, a frame and an answer that are too large, too many at a time, a handler that breaks, and many slow visitors leave the
// relay as it was, its memory bounded.
func TestBounded(t *testing.T) {
	s := newStand(t)
	var under atomic.Int32
	release := make(chan bool)
	_, health := s.gateway("a1", keyA, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			w.Write(make([]byte, maxBody+1))
		case "/panic":
			panic("broken")
		case "/wait":
			under.Add(1)
			<-release
		}
	}))
	_, other := s.gateway("b2", keyB, echo("B"))
	until(t, health, true)
	until(t, other, true)
	post := func(n int) int {
		r, err := s.http.Post(s.url()+"/a1/x", "text/plain", bytes.NewReader(make([]byte, n)))
		if err != nil {
			return 0
		}
		r.Body.Close()
		return r.StatusCode
	}
	if a, b := post(maxBody), post(maxBody+1); a != 200 || b != http.StatusRequestEntityTooLarge {
		t.Errorf("bodies: %d, %d", a, b)
	}
	for _, path := range []string{"/a1/large", "/a1/panic"} {
		if code, _ := s.get(path); code != http.StatusInternalServerError {
			t.Errorf("%s: %d", path, code)
		}
	}
	before := memory()
	var slow []net.Conn
	for range 200 { // who sends a body by drops
		c, err := tls.Dial("tcp", s.addr, s.http.Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
		fmt.Fprintf(c, "POST /b2/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nX-Forwarded-For: 198.51.100.7\r\n\r\nx")
	}
	slowly := func() int {
		s.server.mu.Lock()
		defer s.server.mu.Unlock()
		return s.server.reading["198.51.100.7"]
	}
	for end := time.Now().Add(20 * time.Second); slowly() < mostOfOneVisitor && time.Now().Before(end); {
		runtime.Gosched()
	}
	for _, n := range []int{1000, maxBody} {
		if code := post(n); code != 200 {
			t.Errorf("%d bytes while somebody is slow: %d", n, code)
		}
	}
	if n := slowly(); n != mostOfOneVisitor {
		t.Errorf("%d bodies of one slow visitor are read", n)
	}
	var all sync.WaitGroup
	var refused atomic.Int32
	for range mostOfOne + 8 {
		all.Go(func() {
			if code, _ := s.get("/a1/wait"); code == http.StatusServiceUnavailable {
				refused.Add(1)
				if refused.Load() == 8 {
					close(release)
				}
			}
		})
	}
	all.Wait()
	if refused.Load() != 8 || under.Load() != mostOfOne {
		t.Errorf("%d refused, %d taken", refused.Load(), under.Load())
	}
	if code, _ := s.get("/b2/m/abc"); code != http.StatusAccepted {
		t.Errorf("the other gateway: %d", code)
	}
	if after := memory(); after > before+(32<<20) {
		t.Errorf("memory went from %d to %d MiB", before>>20, after>>20)
	}
	for _, c := range slow {
		c.Close()
	}
	if code, _ := s.get("/a1/x"); code != 200 {
		t.Errorf("afterwards: %d", code)
	}
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestFrames: what is no frame ends the connection, and costs no memory.
func TestFrames(t *testing.T) {
	for name, raw := range map[string][]byte{
		"too large": {0xff, 0xff, 0xff, 0xff, kindAnswer, 0, 0, 0, 0}, "cut": {0, 0, 0, 9, kindAnswer}, "no JSON": append([]byte{0, 0, 0, 1, kindAnswer, 0, 0, 0, 0}, '{'),
	} {
		a, b := net.Pipe()
		go func() { _, _ = b.Write(raw); b.Close() }()
		g := &gateway{conn: newConn(a, bufio.NewReader(a)), waiting: map[uint32]chan answer{}}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := g.listen()
		if runtime.ReadMemStats(&after); err == nil || after.TotalAlloc-before.TotalAlloc > 4<<20 {
			t.Errorf("%s: %v, and %d bytes", name, err, after.TotalAlloc-before.TotalAlloc)
		}
		g.conn.close()
	}
}

// TestNothingOnDisk: while names, numbers and texts go through the relay, its folder and whatever else it may write to stay as they are.
func TestNothingOnDisk(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := newStand(t)
	work := t.TempDir()
	t.Chdir(work)
	_, health := s.gateway("a1", keyA, echo("王秀英"))
	until(t, health, true)
	for range 20 {
		r, err := s.http.Post(s.url()+"/a1/hook/twilio", "text/plain", strings.NewReader(strings.Repeat("From=+8613912345678&Body=都平安 ", 10_000)))
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	for _, folder := range []string{temp, s.folder, work} {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			for _, secret := range []string{"13912345678", "都平安", "王秀英", "hook/twilio"} {
				if bytes.Contains(content, []byte(secret)) {
					t.Errorf("%s holds %q", path, secret)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	if left, _ := os.ReadDir(work); len(left) != 0 {
		t.Errorf("it wrote %v", left)
	}
}

func TestConfig(t *testing.T) {
	good := func() Config {
		return Config{Listen: ":443", CertFile: "a", KeyFile: "b", Gateways: []Gateway{{ID: "k7", Key: stillwater.Secret{Env: "K"}}}}
	}
	for name, change := range map[string]func(*Config) any{
		"good":            func(*Config) any { return nil },
		"behind a proxy":  func(c *Config) any { c.Listen, c.CertFile, c.KeyFile = "127.0.0.1:8444", "", ""; return nil },
		"no address":      func(c *Config) any { c.Listen = "here"; return &c.Listen },
		"no certificate":  func(c *Config) any { c.CertFile, c.KeyFile = "", ""; return &c.Listen },
		"half of it":      func(c *Config) any { c.KeyFile = ""; return &c.CertFile },
		"nobody":          func(c *Config) any { c.Gateways = nil; return &c.Gateways },
		"a name as an id": func(c *Config) any { c.Gateways[0].ID = "东坡"; return &c.Gateways[0].ID },
		"twice":           func(c *Config) any { c.Gateways = append(c.Gateways, c.Gateways[0]); return &c.Gateways[1].ID },
		"no key":          func(c *Config) any { c.Gateways[0].Key = stillwater.Secret{}; return &c.Gateways[0].Key },
	} {
		c := good()
		want := change(&c)
		var got []any
		c.Validate(func(field any, problem string) { got = append(got, field) })
		if want == nil && len(got) > 0 || want != nil && (len(got) != 1 || got[0] != want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// FuzzAnswer: whatever a relay hands on, a gateway answers it.
func FuzzAnswer(f *testing.F) {
	for _, r := range []request{{Method: "GET", Path: "/m/abc", From: "1.2.3.4"}, {Path: "x"}, {Method: "G T", Path: "/%zz"}, {Method: "POST", Path: "//evil/..", Body: []byte("x")}} {
		b, _ := json.Marshal(r)
		f.Add(b)
	}
	f.Add([]byte("{"))
	c, err := NewClient(ClientOptions{Key: keyA, Handler: http.NewServeMux()})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if a := c.answer(context.Background(), body); a.Status < 200 || a.Status > 599 {
			t.Fatalf("%d", a.Status)
		}
	})
}
