package webhook

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
)

const (
	secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	other  = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
)

// program takes posts, keeps them and can be told to misbehave.
type program struct {
	*httptest.Server
	mu     sync.Mutex // guards what follows
	posts  []post
	answer func(http.ResponseWriter)
}

type post struct {
	Header map[string]string
	Body   string
}

func newProgram(t *testing.T) *program {
	p := &program{}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		defer p.mu.Unlock()
		header := map[string]string{}
		for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature", "content-type"} {
			header[name] = r.Header.Get(name)
		}
		p.posts = append(p.posts, post{header, string(body)})
		if p.answer != nil {
			p.answer(w)
		}
	}))
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func keep(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "X"}
	s.Set(value)
	return s
}

func at(t *testing.T, url string, change ...func(*Config)) *Webhooks {
	t.Helper()
	cfg := Config{Hooks: []Hook{{Name: "duty-desk", URL: url, Secret: keep(secret)}}, Timeout: 2 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	w, err := New(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func message() stillwater.Message {
	return stillwater.Message{ID: "7-1", Incident: "7", Household: "h-1", Contact: "desk", Purpose: stillwater.Tell, Severity: stillwater.Urgent, Channel: stillwater.Webhook,
		To: "duty-desk", Language: "zh-CN", Code: "A12", Text: "【安居水哨】紧急！王*家13小时无动静。[A12]", Connect: "+8613800138000", Link: "https://g.example.org/a/x", Created: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)}
}

// The vector of the reference implementations (svix-webhooks go/webhook_test.go, TestWebhookSign; standard-webhooks takes it over).
func TestPublishedVector(t *testing.T) {
	key, err := keyOf(secret)
	if err != nil {
		t.Fatal(err)
	}
	got := signature([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestPost(t *testing.T) {
	p := newProgram(t)
	w := at(t, p.URL+"/take")
	id, err := w.Send(t.Context(), message())
	if err != nil || id != p.posts[0].Header["webhook-id"] || p.posts[0].Header["content-type"] != "application/json" {
		t.Fatalf("%q, %v, %v", id, err, p.posts)
	}
	want, err := os.ReadFile("testdata/message.json")
	var got, golden any
	if err != nil || json.Unmarshal(want, &golden) != nil || json.Unmarshal([]byte(p.posts[0].Body), &got) != nil || fmt.Sprint(got) != fmt.Sprint(golden) {
		t.Errorf("%v; posted %s", err, p.posts[0].Body)
	}
	again := message()
	again.Repeat, again.Text, again.Attempts = true, "（重发）"+again.Text, 2
	if repeated, _ := w.Send(t.Context(), again); repeated != id {
		t.Errorf("a repeat is %q, was %q", repeated, id)
	}
	for name, change := range map[string]func(*stillwater.Message){
		"message": func(m *stillwater.Message) { m.ID = "7-2" }, "code": func(m *stillwater.Message) { m.Code = "A13" },
		"contact": func(m *stillwater.Message) { m.Contact = "x" }, "moment": func(m *stillwater.Message) { m.Created = m.Created.Add(time.Second) },
	} {
		m := message()
		change(&m)
		if idOf(m) == id {
			t.Errorf("another %s has the same id", name)
		}
	}
}

// Every field of a body stands in the schema, and the schema's required ones in the body.
func TestSchema(t *testing.T) {
	file, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Required   []string
		Properties map[string]json.RawMessage
	}
	var whole object
	var data object
	if err := json.Unmarshal(file, &whole); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(whole.Properties["data"], &data); err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(eventOf(message()))
	var event map[string]json.RawMessage
	var inner map[string]json.RawMessage
	json.Unmarshal(body, &event)
	json.Unmarshal(event["data"], &inner)
	for got, o := range map[*map[string]json.RawMessage]object{&event: whole, &inner: data} {
		for name := range *got {
			if o.Properties[name] == nil {
				t.Errorf("%q is not in the schema", name)
			}
		}
		for _, name := range o.Required {
			if (*got)[name] == nil {
				t.Errorf("%q is missing", name)
			}
		}
	}
	for _, leak := range []string{"138001380", "h-1", "desk"} {
		if strings.Contains(string(body), leak) {
			t.Errorf("%q is told: %s", leak, body)
		}
	}
}

func TestClassesOfAnswer(t *testing.T) {
	type class struct{ refused, notSent, limited bool }
	unclear := class{}
	for _, c := range []struct {
		status int
		header string
		want   class
	}{
		{400, "", class{refused: true}}, {401, "", class{refused: true}}, {403, "", class{refused: true}}, {404, "", class{refused: true}}, {410, "", class{refused: true}},
		{408, "", unclear}, {409, "", unclear}, {425, "", class{notSent: true}}, {429, "", class{notSent: true, limited: true}},
		{301, "", class{notSent: true}}, {302, "", class{notSent: true}}, {307, "", class{notSent: true}}, {308, "", class{notSent: true}},
		{500, "", unclear}, {502, "", unclear}, {503, "", unclear}, {503, "3", class{notSent: true}}, {504, "", unclear},
	} {
		p := newProgram(t)
		elsewhere := newProgram(t)
		p.answer = func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, message().Text)
		}
		_, err := at(t, p.URL+"/token-in-the-path").Send(t.Context(), message())
		got := class{errors.Is(err, stillwater.ErrRefused), errors.Is(err, stillwater.ErrNotSent), errors.Is(err, stillwater.ErrLimited)}
		if err == nil || got != c.want || strings.Contains(err.Error(), "王") || strings.Contains(err.Error(), "token") {
			t.Errorf("%d: %v is %+v, want %+v", c.status, err, got, c.want)
		}
		if len(p.posts) != 1 || len(elsewhere.posts) != 0 {
			t.Errorf("%d: posted %d times, and %d elsewhere", c.status, len(p.posts), len(elsewhere.posts))
		}
	}
	for _, status := range []int{200, 201, 202, 204} {
		p := newProgram(t)
		p.answer = func(w http.ResponseWriter) { w.WriteHeader(status) }
		if _, err := at(t, p.URL).Send(t.Context(), message()); err != nil {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestConnections(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		url string
		ctx context.Context
	}{"nobody listens": {closed.URL, t.Context()}, "certificate of a stranger": {secure.URL, t.Context()}, "stopped before": {secure.URL, canceled}} {
		if _, err := at(t, c.url).Send(c.ctx, message()); !errors.Is(err, stillwater.ErrNotSent) || strings.Contains(err.Error(), c.url) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, answer := range map[string]func(http.ResponseWriter){
		"cut": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		p := newProgram(t)
		p.answer = answer
		if _, err := at(t, p.URL).Send(t.Context(), message()); err == nil || errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	hanging, release := newProgram(t), make(chan struct{})
	hanging.answer = func(http.ResponseWriter) { <-release }
	_, err := at(t, hanging.URL, func(c *Config) { c.Timeout = time.Second }).Send(t.Context(), message())
	close(release)
	if err == nil || errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) {
		t.Errorf("hanging: %v", err)
	}
	// The office's own authority.
	ca := filepath.Join(t.TempDir(), "ca.pem")
	os.WriteFile(ca, []byte("-----BEGIN CERTIFICATE-----\n"+base64.StdEncoding.EncodeToString(secure.Certificate().Raw)+"\n-----END CERTIFICATE-----\n"), 0o600)
	if _, err := at(t, secure.URL, func(c *Config) { c.Hooks[0].CA = ca }).Send(t.Context(), message()); err != nil {
		t.Errorf("with its CA: %v", err)
	}
	stranger := message()
	stranger.To = "nobody"
	if _, err := at(t, secure.URL).Send(t.Context(), stranger); !errors.Is(err, stillwater.ErrRefused) {
		t.Errorf("no such hook: %v", err)
	}
}

// TestLibrary has the library that others verify with look at our posts: the reference one for JavaScript, which nobody here wrote.
func TestLibrary(t *testing.T) {
	library := os.Getenv("STILLWATER_STANDARDWEBHOOKS")
	node, err := exec.LookPath("node")
	if library == "" || err != nil {
		t.Skip("left out: needs standardwebhooks from npm (make test installs it; STILLWATER_STANDARDWEBHOOKS names its folder) and node")
	}
	p := newProgram(t)
	w := at(t, p.URL, func(c *Config) { c.Hooks[0].OldSecret = keep(other) })
	if _, err := w.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	script := `
const {Webhook} = require(process.argv[1]);
const {secret, post} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
try { new Webhook(secret).verify(post.Body, post.Header); console.log('genuine'); } catch (e) { console.log(e.message); }`
	verdict := func(secret string, change func(*post)) string {
		sent := post{map[string]string{}, p.posts[0].Body}
		for k, v := range p.posts[0].Header {
			sent.Header[k] = v
		}
		change(&sent)
		in, _ := json.Marshal(map[string]any{"secret": secret, "post": sent})
		cmd := exec.CommandContext(t.Context(), node, "-e", script, library)
		cmd.Stdin = strings.NewReader(string(in))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for name, s := range map[string]string{"new": secret, "old": other} {
		if got := verdict(s, func(*post) {}); got != "genuine" {
			t.Errorf("by the %s secret: %s", name, got)
		}
	}
	for name, change := range map[string]func(*post){
		"id": func(s *post) { s.Header["webhook-id"] += "x" }, "body": func(s *post) { s.Body += " " },
		"time": func(s *post) { s.Header["webhook-timestamp"] = fmt.Sprint(time.Now().Unix() - 1000) },
	} {
		if verdict(secret, change) == "genuine" {
			t.Errorf("another %s is genuine", name)
		}
	}
	if verdict("whsec_"+strings.Repeat("A", 32), func(*post) {}) == "genuine" {
		t.Error("by a stranger's secret it is genuine")
	}
}

func TestConfig(t *testing.T) {
	named := stillwater.Secret{Env: "X"}
	for url, ok := range map[string]bool{
		"https://desk.example.org/x?token=1": true, "http://127.0.0.1:8080/": true, "http://localhost/": true, "http://192.168.1.5:8000/in": true, "http://10.1.2.3/": true,
		"https://192.168.1.5/": true, "http://[fd00::1]/": true, "http://desk.example.org/": false, "http://8.8.8.8/": false, "http://desk.local/": false,
		"https://169.254.169.254/": false, "http://[fe80::1]/": false, "https://0.0.0.0/": false, "https://u:p@desk.example.org/": false, "desk.example.org": false, "ftp://10.0.0.1/": false, "": false,
	} {
		cfg := Config{Hooks: []Hook{{Name: "a", URL: url, Secret: named}}}
		var problems []string
		cfg.Validate(func(_ any, p string) { problems = append(problems, p) })
		if (len(problems) == 0) != ok {
			t.Errorf("%q: %q", url, problems)
		}
	}
	good := Hook{Name: "a", URL: "https://desk.example.org/", Secret: named}
	for name, cfg := range map[string]Config{
		"none": {}, "twice": {Hooks: []Hook{good, good}}, "nameless": {Hooks: []Hook{{URL: good.URL, Secret: named}}},
		"no secret": {Hooks: []Hook{{Name: "a", URL: good.URL}}}, "timeout": {Hooks: []Hook{good}, Timeout: time.Hour},
	} {
		n := 0
		cfg.Validate(func(any, string) { n++ })
		if n != 1 {
			t.Errorf("%s: %d problems", name, n)
		}
	}
	for _, weak := range []string{"", "hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"} {
		if _, err := New(Config{Hooks: []Hook{{Name: "a", URL: good.URL, Secret: keep(weak)}}}, Options{}); err == nil || weak != "" && strings.Contains(err.Error(), weak+`"`) {
			t.Errorf("secret %q: %v", weak, err)
		}
	}
	if d := Defaults(); d.Timeout != defaultTimeout {
		t.Error("defaults")
	}
}
