package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func text(code string) stillwater.Message {
	return stillwater.Message{ID: "m1", Contact: "c1", To: hers, Code: code, Text: "王*家 13 小时没有用水。回复1我去看看。" + code}
}

func TestSend(t *testing.T) {
	p := newProvider(t)
	id, err := p.twilio(t).Send(t.Context(), text("A1-1"))
	if err != nil || id != p.messages[0]["sid"] {
		t.Fatalf("sent as %q, %v", id, err)
	}
	form := p.requests[0].PostForm
	if form.Get("To") != hers || form.Get("From") != ours || form.Get("Body") != text("A1-1").Text || form.Has("MessagingServiceSid") {
		t.Errorf("the provider was given %v", form)
	}
	p.twilio(t, func(c *Config) { c.From, c.MessagingService = "", service }).Send(t.Context(), text("A1-2"))
	if form := p.requests[1].PostForm; form.Get("MessagingServiceSid") != service || form.Has("From") {
		t.Errorf("by a messaging service the provider was given %v", form)
	}
	key := "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	p.twilio(t, func(c *Config) { c.Key = key }).Send(t.Context(), text("A1-3"))
	if user, _, _ := p.requests[2].BasicAuth(); user != key || !strings.Contains(p.requests[2].URL.Path, account) {
		t.Errorf("by a key, user %q asked %s", user, p.requests[2].URL.Path)
	}
}

// What a courier may conclude from each failure. Wrong here means that somebody is told twice, or never.
func TestClassesOfFailure(t *testing.T) {
	unclear := errors.New("unclear")
	twilioSays := func(status, code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, status, code, "The number "+hers+" is not right")
			return true
		}
	}
	otherSays := func(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			w.WriteHeader(status)
			fmt.Fprint(w, "<html>gateway</html>")
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   error
	}{
		"invalid number":           {twilioSays(400, 21211), stillwater.ErrRefused},
		"opted out":                {twilioSays(400, 21610), stillwater.ErrRefused},
		"bad credentials":          {twilioSays(401, 20003), stillwater.ErrRefused},
		"no permission for region": {twilioSays(403, 21408), stillwater.ErrRefused},
		"too many requests":        {twilioSays(429, 20429), stillwater.ErrNotSent},
		"queue full":               {twilioSays(400, 21611), stillwater.ErrNotSent},
		"busy, by Twilio":          {twilioSays(503, 20503), stillwater.ErrNotSent},
		"busy, says when":          {otherSays(503, "Retry-After", "3"), stillwater.ErrNotSent},
		"busy, by somebody":        {otherSays(503), unclear},
		"too many, by somebody":    {otherSays(429), stillwater.ErrNotSent},
		"server error":             {twilioSays(500, 20500), unclear},
		"bad gateway":              {otherSays(502), unclear},
		"gateway timeout":          {otherSays(504), unclear},
		"request timeout":          {otherSays(408), unclear},
		"a portal":                 {otherSays(302, "Location", "https://portal.example.org/"), stillwater.ErrNotSent},
		"a wrong address":          {otherSays(404), stillwater.ErrNotSent},
		"success that is not JSON": {otherSays(201), unclear},
		"success without a SID":    {func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "{}"); return true }, unclear},
		"success that is a failure": {func(w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, `{"sid":"SM1","status":"failed","error_code":30007}`)
			return true
		}, stillwater.ErrRefused},
		"connection cut while asked": {func(w http.ResponseWriter, _ *http.Request) bool { panic(http.ErrAbortHandler) }, unclear},
		"answer cut short": {func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Length", "500")
			w.WriteHeader(201)
			fmt.Fprint(w, `{"sid":"SM`)
			return true
		}, unclear},
	} {
		p := newProvider(t)
		p.answer = c.answer
		_, err := p.twilio(t).Send(t.Context(), text("A1-1"))
		expectClass(t, name, err, c.want, unclear)
		if n := p.asked(); n != 1 {
			t.Errorf("%s: asked %d times; whether to ask again is for the courier", name, n)
		}
		if err != nil && (strings.Contains(err.Error(), hers[1:]) || strings.Contains(err.Error(), "secret0token")) {
			t.Errorf("%s: the error tells what a log must not: %v", name, err)
		}
	}
}

func expectClass(t *testing.T, name string, err, want, unclear error) {
	t.Helper()
	refused, notSent := errors.Is(err, stillwater.ErrRefused), errors.Is(err, stillwater.ErrNotSent)
	if err == nil || refused != (want == stillwater.ErrRefused) || notSent != (want == stillwater.ErrNotSent) {
		t.Errorf("%s: error %v, want class %v", name, err, want)
	}
}

func TestCertainlyNotHandedOver(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request got through") }))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	for name, address := range map[string]string{"nobody listens": closed.URL, "certificate of a stranger": secure.URL} {
		tw := newProvider(t).twilio(t, func(c *Config) { c.BaseURL = address })
		_, err := tw.Send(t.Context(), text("A1-1"))
		expectClass(t, name, err, stillwater.ErrNotSent, nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newProvider(t)
	_, err := p.twilio(t).Send(ctx, text("A1-1"))
	expectClass(t, "stopped before", err, stillwater.ErrNotSent, nil)
	for _, m := range []stillwater.Message{{To: "13800138000", Text: "x"}, {To: "+86 138", Text: "x"}, {To: "", Text: "x"}, {To: hers}} {
		_, err := p.twilio(t).Send(t.Context(), m)
		expectClass(t, "bad message", err, stillwater.ErrRefused, nil)
	}
	if n := p.asked(); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// A provider that takes the text and never answers: the call ends by the timeout or by its context, unclear, and the
// text is found afterwards.
func TestHangingProvider(t *testing.T) {
	for name, c := range map[string]struct {
		timeout time.Duration
		ctx     func() (context.Context, context.CancelFunc)
	}{
		"timeout": {time.Second, func() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }},
		"context": {time.Minute, func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		}},
	} {
		p := newProvider(t)
		release := make(chan struct{})
		p.kept = true
		p.answer = func(http.ResponseWriter, *http.Request) bool { <-release; return true }
		ctx, cancel := c.ctx()
		tw := p.twilio(t, func(cfg *Config) { cfg.Timeout = c.timeout })
		began := time.Now()
		_, err := tw.Send(ctx, text("A1-1"))
		expectClass(t, name, err, nil, nil)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		cancel()
		close(release)
		p.mu.Lock()
		p.answer, p.kept = nil, false
		p.mu.Unlock()
		if id, found, err := tw.Find(context.Background(), hers, "A1-1", began); !found || err != nil || id != p.messages[0]["sid"] {
			t.Errorf("%s: afterwards found %v as %q, %v", name, found, id, err)
		}
	}
}

// A listener that accepts and says nothing where TLS is spoken: nothing was handed over.
func TestHangingHandshake(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	tw := newProvider(t).twilio(t, func(c *Config) { c.BaseURL, c.Timeout = "https://"+silent.Addr().String(), time.Second })
	_, err = tw.Send(t.Context(), text("A1-1"))
	expectClass(t, "handshake", err, stillwater.ErrNotSent, nil)
}

func TestFind(t *testing.T) {
	p := newProvider(t)
	tw := p.twilio(t)
	now := time.Now()
	add := func(to, body, direction string, sent time.Time) string {
		m := map[string]any{"to": to, "body": body, "direction": direction, "date_created": stamp(sent), "date_sent": stamp(sent), "status": "delivered"}
		return p.add(m)["sid"].(string)
	}
	old := add(hers, "王*家 A1-1。", "outbound-api", now.Add(-30*time.Hour))
	add("+8613900139000", "A1-2", "outbound-api", now)
	add(hers, "A1-22 xA1-2", "outbound-api", now)
	for range 250 { // between them and now, so that it is on a later page
		add(hers, "other", "outbound-api", now)
	}
	queued := p.add(map[string]any{"to": hers, "body": "A9-9", "direction": "outbound-api", "status": "queued", "date_sent": nil})["sid"].(string)
	for _, c := range []struct {
		code, id string
		since    time.Time
	}{
		{"A1-1", old, now.Add(-30 * time.Hour)}, {"A1-2", "", now}, {"A9-9", queued, now}, {"A9", "", now}, {"none", "", now},
	} {
		id, found, err := tw.Find(t.Context(), hers, c.code, c.since)
		if err != nil || id != c.id || found != (c.id != "") {
			t.Errorf("%s: found %v as %q (%v), want %q", c.code, found, id, err, c.id)
		}
	}
	for range 1000 {
		add(hers, "other", "outbound-api", now)
	}
	if _, found, err := tw.Find(t.Context(), hers, "A1-1", now.Add(-30*time.Hour)); found || err == nil {
		t.Error("not found among more texts than it looks at, and no error")
	}
	blank := "+8613700137000"
	add(blank, "", "outbound-api", now)
	if _, found, err := tw.Find(t.Context(), stillwater.Address(blank), "A1-1", now); found || err == nil {
		t.Error("not found where the account keeps no bodies, and no error")
	}
	p.answer = func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, 500, 20500, "no"); return true }
	_, found, err := tw.Find(t.Context(), hers, "A1-1", now)
	if found || err == nil {
		t.Error("a provider that is down was taken for one that has no such text")
	}
	if strings.Contains(fmt.Sprint(err), hers[1:]) {
		t.Errorf("the error has the number: %v", err)
	}
	p.Close()
	if _, _, err = tw.Find(t.Context(), hers, "A1-1", now); err == nil || strings.Contains(err.Error(), hers[1:]) {
		t.Errorf("error %v", err)
	}
}

func TestStatus(t *testing.T) {
	p := newProvider(t)
	tw := p.twilio(t)
	for status, want := range map[string]stillwater.DeliveryState{
		"queued": stillwater.Accepted, "sending": stillwater.Accepted, "sent": stillwater.Accepted, "accepted": stillwater.Accepted,
		"scheduled": stillwater.Accepted, "delivered": stillwater.Delivered, "read": stillwater.Delivered,
		"undelivered": stillwater.Failed, "failed": stillwater.Failed, "canceled": stillwater.Failed,
	} {
		m := p.add(map[string]any{"to": hers, "status": status, "direction": "outbound-api"})
		if want == stillwater.Failed {
			m["error_code"], m["error_message"] = 30005, "Unknown destination handset "+hers
		}
		state, detail, err := tw.Status(t.Context(), m["sid"].(string))
		if state != want || err != nil || !strings.HasPrefix(detail, status) || strings.Contains(detail, hers[1:]) {
			t.Errorf("%s: %q (%s), %v, want %q", status, state, detail, err, want)
		}
		if want == stillwater.Failed && !strings.Contains(detail, "30005") {
			t.Errorf("%s: detail %q does not say why", status, detail)
		}
	}
	odd := p.add(map[string]any{"status": "received"})["sid"].(string)
	for _, id := range []string{odd, "SM" + strings.Repeat("9", 32), "", "../Accounts"} {
		if state, _, err := tw.Status(t.Context(), id); err == nil {
			t.Errorf("%q is %q", id, state)
		}
	}
}

func TestReplies(t *testing.T) {
	p := newProvider(t)
	since := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	in := func(to, body string, at time.Time) {
		p.add(map[string]any{"to": to, "from": hers, "body": body, "direction": "inbound", "status": "received",
			"date_created": stamp(at), "date_sent": stamp(at), "messaging_service_sid": map[string]any{ours: service}[to]})
	}
	in(ours, "before", since.Add(-time.Second))
	for n := range 2*pageSize + 5 {
		in(ours, fmt.Sprint(n), since.Add(time.Duration(n)*time.Second))
	}
	in("+14155550199", "to another number of the account", since.Add(time.Minute))
	p.add(map[string]any{"to": ours, "from": ours, "body": "out", "direction": "outbound-api", "date_sent": stamp(since.Add(time.Minute))})
	for name, tw := range map[string]*Twilio{
		"number":  p.twilio(t),
		"service": p.twilio(t, func(c *Config) { c.From, c.MessagingService = "", service }),
	} {
		got, err := tw.Replies(t.Context(), since.Add(300*time.Millisecond))
		if err != nil || len(got) != 2*pageSize+5 {
			t.Fatalf("%s: %d replies, %v", name, len(got), err)
		}
		want := stillwater.Reply{ID: p.messages[1]["sid"].(string), From: hers, Text: "0", At: since}
		if !reflect.DeepEqual(got[0], want) || got[len(got)-1].Text != fmt.Sprint(2*pageSize+4) {
			t.Errorf("%s: first %+v, last %+v", name, got[0], got[len(got)-1])
		}
	}
	p.messages[3]["date_sent"] = "yesterday"
	if _, err := p.twilio(t).Replies(t.Context(), since); err == nil {
		t.Error("a reply without a time was passed over")
	}
}

func TestConfig(t *testing.T) {
	good := func() Config {
		return Config{Account: account, Token: stillwater.Secret{Env: "X"}, From: ours}
	}
	for name, c := range map[string]struct {
		change func(*Config)
		field  func(*Config) any
	}{
		"good":             {func(*Config) {}, nil},
		"a service":        {func(c *Config) { c.From, c.MessagingService = "", service }, nil},
		"test provider":    {func(c *Config) { c.BaseURL = "http://127.0.0.1:4010" }, nil},
		"account":          {func(c *Config) { c.Account = "AC12" }, func(c *Config) any { return &c.Account }},
		"key":              {func(c *Config) { c.Key = account }, func(c *Config) any { return &c.Key }},
		"token":            {func(c *Config) { c.Token = stillwater.Secret{} }, func(c *Config) any { return &c.Token }},
		"no sender":        {func(c *Config) { c.From = "" }, func(c *Config) any { return &c.From }},
		"sender":           {func(c *Config) { c.From = "4155550100" }, func(c *Config) any { return &c.From }},
		"service":          {func(c *Config) { c.MessagingService = "MG" }, func(c *Config) any { return &c.MessagingService }},
		"not an address":   {func(c *Config) { c.BaseURL = "httpx://x" }, func(c *Config) any { return &c.BaseURL }},
		"in the clear":     {func(c *Config) { c.BaseURL = "http://twilio.example.org" }, func(c *Config) any { return &c.BaseURL }},
		"hours of waiting": {func(c *Config) { c.Timeout = time.Hour }, func(c *Config) any { return &c.Timeout }},
		"called back":      {func(c *Config) { c.CallbackURL = public }, nil},
		"callback":         {func(c *Config) { c.CallbackURL = "gateway.example.org" }, func(c *Config) any { return &c.CallbackURL }},
		"signed by a key":  {func(c *Config) { c.CallbackURL, c.Key = public, "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }, func(c *Config) any { return &c.CallbackURL }},
	} {
		cfg := good()
		c.change(&cfg)
		var fields []any
		cfg.Validate(func(field any, _ string) { fields = append(fields, field) })
		if c.field == nil && len(fields) > 0 || c.field != nil && (len(fields) != 1 || fields[0] != c.field(&cfg)) {
			t.Errorf("%s: %d problems", name, len(fields))
		}
	}
	if _, err := NewTwilio(good(), Options{}); err == nil {
		t.Error("a provider was made without a token")
	}
}
