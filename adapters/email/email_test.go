package email

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/testca"
)

// server is a real mail server, by aiosmtpd.
type server struct {
	port  int
	ca    string
	mails chan taken
}

// taken is a mail that it has taken.
type taken struct {
	From, Mail, User string
	To               []string
	TLS              bool
}

func serve(t *testing.T, mode string) *server {
	t.Helper()
	python := ""
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(candidate, "-c", "import aiosmtpd").Run() == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		t.Skip("left out: needs python3-aiosmtpd (make test installs it)")
	}
	dir := t.TempDir()
	authority := testca.New(t, dir, "ca")
	authority.Issue(t, "server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{port: l.Addr().(*net.TCPAddr).Port, ca: authority.File, mails: make(chan taken, 100)}
	l.Close()
	cmd := exec.Command(python, "testdata/server.py", strconv.Itoa(s.port), mode, dir+"/server.pem", dir+"/server.key")
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "listening" {
		t.Fatal("the mail server did not come up")
	}
	go func() {
		defer close(s.mails)
		for lines.Scan() {
			var m taken
			json.Unmarshal(lines.Bytes(), &m)
			s.mails <- m
		}
	}()
	return s
}

// next is the next mail that was taken.
func (s *server) next(t *testing.T) taken {
	t.Helper()
	select {
	case m := <-s.mails:
		return m
	case <-time.After(10 * time.Second):
		t.Fatal("no mail was taken")
	}
	return taken{}
}

func (s *server) none(t *testing.T, name string) {
	t.Helper()
	select {
	case m := <-s.mails:
		t.Errorf("%s: taken %+v", name, m)
	default:
	}
}

func keep(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "X"}
	s.Set(value)
	return s
}

func (s *server) email(t *testing.T, tls string, change ...func(*Config)) *Email {
	t.Helper()
	cfg := Config{Host: "127.0.0.1", Port: s.port, TLS: tls, CA: s.ca, From: "安居水哨 <alerts@example.org>", Timeout: 10 * time.Second}
	if tls != NoTLS {
		cfg.User, cfg.Password = "gateway", keep("secret0")
	}
	for _, c := range change {
		c(&cfg)
	}
	e, err := New(cfg, Options{Subject: func(m stillwater.Message) string { return "安居水哨：紧急提醒 " + m.Code }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func message(to string) stillwater.Message {
	return stillwater.Message{ID: "7-1", Contact: "c1", Channel: stillwater.Email, To: stillwater.Address(to), Code: "A12", Severity: stillwater.Urgent, Language: "zh-CN",
		Text: "【安居水哨】紧急！王*家13小时无动静。https://g.example.org/a/x [A12]\n.\n", Created: time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)}
}

func TestSend(t *testing.T) {
	for _, tls := range []string{StartTLS, Implicit, NoTLS} {
		t.Run(tls, func(t *testing.T) {
			s := serve(t, tls)
			e := s.email(t, tls, func(c *Config) { c.ReplyTo = "desk@example.org" })
			id, err := e.Send(t.Context(), message("daughter@example.org"))
			if err != nil {
				t.Fatal(err)
			}
			got := s.next(t)
			if got.From != "alerts@example.org" || len(got.To) != 1 || got.To[0] != "daughter@example.org" || tls == StartTLS && !got.TLS || (got.User == "gateway") != (tls != NoTLS) {
				t.Errorf("%+v", got)
			}
			parsed, err := netmail.ReadMessage(strings.NewReader(got.Mail))
			if err != nil {
				t.Fatal(err)
			}
			subject, _ := new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject"))
			body, _ := io.ReadAll(quotedprintable.NewReader(parsed.Body))
			text := strings.ReplaceAll(string(body), "\r\n", "\n")
			for name, c := range map[string][2]string{
				"Message-ID": {parsed.Header.Get("Message-ID"), "<" + id + ">"}, "Auto-Submitted": {parsed.Header.Get("Auto-Submitted"), "auto-generated"},
				"Subject": {subject, "安居水哨：紧急提醒 A12"}, "Importance": {parsed.Header.Get("Importance"), "high"}, "Reply-To": {parsed.Header.Get("Reply-To"), "<desk@example.org>"},
				"type": {parsed.Header.Get("Content-Type"), "text/plain; charset=UTF-8"}, "text": {strings.TrimSpace(text), strings.TrimSpace(message("").Text)},
			} {
				if c[0] != c[1] {
					t.Errorf("%s is %q, want %q", name, c[0], c[1])
				}
			}
			again := message("daughter@example.org")
			again.Repeat, again.Text = true, "（重发）"+again.Text
			if repeated, err := e.Send(t.Context(), again); repeated != id || err != nil {
				t.Errorf("a repeat is %q (%v), was %q", repeated, err, id)
			}
			if !strings.Contains(s.next(t).Mail, id) {
				t.Error("the repeat has another Message-ID")
			}
		})
	}
}

func TestClassesOfAnswer(t *testing.T) {
	type class struct{ refused, notSent bool }
	s := serve(t, NoTLS)
	e := s.email(t, NoTLS, func(c *Config) { c.Timeout = 2 * time.Second })
	for _, c := range []struct {
		to    string
		want  class
		taken bool
	}{
		{"550-at-rcpt", class{refused: true}, false}, {"552-at-rcpt", class{refused: true}, false}, {"450-at-rcpt", class{notSent: true}, false},
		{"451-at-rcpt", class{notSent: true}, false}, {"421-at-rcpt", class{notSent: true}, false}, {"cut-at-rcpt", class{notSent: true}, false},
		{"554-at-data", class{refused: true}, false}, {"451-at-data", class{notSent: true}, false},
		{"hang-at-data", class{}, true}, {"cut-at-data", class{}, true},
	} {
		_, err := e.Send(t.Context(), message(c.to+"@example.org"))
		got := class{errors.Is(err, stillwater.ErrRefused), errors.Is(err, stillwater.ErrNotSent)}
		if err == nil || got != c.want || strings.Contains(err.Error(), "example.org") || strings.Contains(err.Error(), "王") {
			t.Errorf("%s: %v is %+v, want %+v", c.to, err, got, c.want)
		}
		if c.taken {
			s.next(t)
		}
		s.none(t, c.to)
	}
	if _, err := e.Send(t.Context(), message("cut-at-rset@example.org")); err != nil { // taken, and then disturbed
		t.Errorf("cut after it was taken: %v", err)
	}
	s.next(t)
	for _, from := range []string{"550-at-mail", "451-at-mail"} {
		_, err := s.email(t, NoTLS, func(c *Config) { c.From = from + "@example.org" }).Send(t.Context(), message("a@example.org"))
		if errors.Is(err, stillwater.ErrRefused) != (from[0] == '5') || errors.Is(err, stillwater.ErrNotSent) != (from[0] == '4') {
			t.Errorf("%s: %v", from, err)
		}
	}
	for _, to := range []string{"", "no address", "A <a@example.org>", "a@example.org\r\nBcc: b@example.org", "a@example.org,b@example.org"} {
		if _, err := e.Send(t.Context(), message(to)); !errors.Is(err, stillwater.ErrRefused) || to != "" && strings.Contains(err.Error(), to) {
			t.Errorf("%q: %v", to, err)
		}
	}
	s.none(t, "bad addresses")
}

func TestNothingIsSentInTheClear(t *testing.T) {
	plain, secure := serve(t, NoTLS), serve(t, StartTLS)
	for name, c := range map[string]struct {
		s      *server
		change func(*Config)
		want   error
	}{
		"STARTTLS is not offered": {plain, func(c *Config) { c.User, c.Password = "", stillwater.Secret{} }, stillwater.ErrNotSent},
		"a stranger's authority":  {secure, func(c *Config) { c.CA = plain.ca }, stillwater.ErrNotSent},
		"wrong password":          {secure, func(c *Config) { c.Password = keep("wrong0") }, stillwater.ErrRefused},
		"not signed in":           {secure, func(c *Config) { c.User, c.Password = "", stillwater.Secret{} }, stillwater.ErrRefused},
	} {
		_, err := c.s.email(t, StartTLS, c.change).Send(t.Context(), message("a@example.org"))
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "wrong0") {
			t.Errorf("%s: %v", name, err)
		}
		c.s.none(t, name)
	}
}

// Servers that are away, say nothing, or are no mail servers; and a call that is ended.
func TestConnections(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	away, _ := net.Listen("tcp", "127.0.0.1:0")
	away.Close()
	odd, _ := net.Listen("tcp", "127.0.0.1:0")
	defer odd.Close()
	go func() {
		for {
			conn, err := odd.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	}()
	for name, l := range map[string]net.Listener{"away": away, "silent": silent, "no mail server": odd} {
		s := &server{port: l.Addr().(*net.TCPAddr).Port}
		for _, tls := range []string{StartTLS, Implicit} {
			e := s.email(t, tls, func(c *Config) { c.CA, c.Timeout = "", time.Second })
			if _, err := e.Send(t.Context(), message("a@example.org")); !errors.Is(err, stillwater.ErrNotSent) {
				t.Errorf("%s by %s: %v", name, tls, err)
			}
		}
	}
	s := serve(t, NoTLS)
	e := s.email(t, NoTLS, func(c *Config) { c.Timeout = time.Minute })
	ctx, cancel := context.WithCancel(t.Context())
	go func() { s.next(t); cancel() }() // ended while the server thinks
	began := time.Now()
	_, err = e.Send(ctx, message("hang-at-data@example.org"))
	if err == nil || errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) || time.Since(began) > 20*time.Second {
		t.Errorf("ended: %v after %v", err, time.Since(began))
	}
	if _, err := e.Send(ctx, message("a@example.org")); !errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("ended before: %v", err)
	}
}

func TestConfig(t *testing.T) {
	named := stillwater.Secret{Env: "X"}
	good := func() Config {
		return Config{Host: "smtp.example.org", From: "a@example.org", User: "u", Password: named}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		field  func(*Config) any
	}{
		"good": {func(*Config) {}, nil}, "nobody signs in": {func(c *Config) { c.User, c.Password = "", stillwater.Secret{} }, nil},
		"on this machine": {func(c *Config) { c.TLS, c.Host = NoTLS, "127.0.0.1" }, nil},
		"defaults":        {func(c *Config) { d := Defaults(); c.TLS, c.Timeout = d.TLS, d.Timeout }, nil},
		"host":            {func(c *Config) { c.Host = "" }, func(c *Config) any { return &c.Host }},
		"port":            {func(c *Config) { c.Port = 70000 }, func(c *Config) any { return &c.Port }},
		"in the clear":    {func(c *Config) { c.TLS = NoTLS }, func(c *Config) any { return &c.TLS }},
		"tls":             {func(c *Config) { c.TLS = "perhaps" }, func(c *Config) any { return &c.TLS }},
		"no password":     {func(c *Config) { c.Password = stillwater.Secret{} }, func(c *Config) any { return &c.User }},
		"no user":         {func(c *Config) { c.User = "" }, func(c *Config) any { return &c.User }},
		"from":            {func(c *Config) { c.From = "alerts" }, func(c *Config) any { return &c.From }},
		"reply to":        {func(c *Config) { c.ReplyTo = "desk" }, func(c *Config) any { return &c.ReplyTo }},
		"timeout":         {func(c *Config) { c.Timeout = time.Hour }, func(c *Config) any { return &c.Timeout }},
	} {
		cfg := good()
		c.change(&cfg)
		var fields []any
		cfg.Validate(func(field any, _ string) { fields = append(fields, field) })
		if c.field == nil && len(fields) > 0 || c.field != nil && (len(fields) != 1 || fields[0] != c.field(&cfg)) {
			t.Errorf("%s: %d problems", name, len(fields))
		}
	}
	if _, err := New(good(), Options{}); err == nil {
		t.Error("made without a password and without subjects")
	}
	for port, cfg := range map[int]Config{587: {}, 465: {TLS: Implicit}, 25: {Port: 25}} {
		if cfg.port() != port {
			t.Errorf("%+v: port %d", cfg, cfg.port())
		}
	}
}
