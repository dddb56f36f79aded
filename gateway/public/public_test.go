package public

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// secrets never stand on a page: whole names, numbers but the duty desk's, addresses, other people's.
var secrets = []string{"秀英", "梅英", "敏芳", "1390000", "1380000", "1370000", "招宝山", "总浦桥", "3网格", "12号楼", "zq7home", "⟦", "<no value>"}

func (w *town) keepsSecrets(body string) {
	w.t.Helper()
	for _, s := range secrets {
		if strings.Contains(body, s) {
			w.t.Errorf("%q stands on the page", s)
		}
	}
}

// TestOpen: the page says who, what, since when, what is known and who is on it, in the reader's language, and changes nothing.
func TestOpen(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	for path, want := range map[string][]string{
		"/m/" + w.code:              {`lang="zh-CN"`, "王*家", "26小时", "还没有人接手", "3日14:05", "K7M3", "tel:&#43;8657486251234", "057486251234"},
		"/m/" + w.code + "?lang=en": {`lang="en"`, "Wang*", "26 h", "Nobody has taken this on yet", "3 Nov 14:05", "All well, seen in person"},
	} {
		v := w.get(h, path)
		if v.Code != http.StatusOK {
			t.Fatalf("%s: %d", path, v.Code)
		}
		for _, s := range want {
			if !strings.Contains(v.body, s) {
				t.Errorf("%s: no %q in %s", path, s, v.body)
			}
		}
		w.keepsSecrets(v.body)
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Content-Security-Policy": "default-src 'none'", "Strict-Transport-Security": "max-age"} {
			if !strings.Contains(v.Header().Get(name), want) {
				t.Errorf("%s: %q", name, v.Header().Get(name))
			}
		}
		if strings.Contains(v.Header().Get("Content-Security-Policy"), "unsafe") || len(v.Result().Cookies()) > 0 {
			t.Error("an open policy, or a cookie")
		}
	}
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		do(h, httptest.NewRequest(method, "/m/"+w.code, nil))
	}
	replies, looks := w.wait()
	if len(replies) != 0 || len(w.inc.Log) != 1 {
		t.Errorf("opening it did %+v", replies)
	}
	if len(looks) != 4 || looks[0] != (Look{"K7M-1", "K7M", "zq7home", "daughter", "opened"}) {
		t.Errorf("audited %+v", looks)
	}
}

// TestPress: each button does what its digit does, and the page then says so.
func TestPress(t *testing.T) {
	for _, c := range []struct {
		fields []string
		text   string
		page   string
	}{
		{[]string{"digit", "1"}, "1", "您已接手"},
		{[]string{"digit", "2", "known", "seen"}, "2 seen", "已结束：误报（已当面看到）"},
		{[]string{"digit", "2", "known", "spoken"}, "2 spoken", "已结束：误报（已通过话）"},
		{[]string{"digit", "3", "until", "2025-11-09"}, "3 until 2025-11-09", "已结束：外出"},
		{[]string{"digit", "4"}, "4", "已请求支援，16:05"},
		{[]string{"digit", "5"}, "5", "已结束：误报（推测，未核实）"},
	} {
		w := newTown(t)
		h := w.server().Handler()
		v := w.post(h, w.form(w.get(h, "/m/"+w.code), c.fields...))
		if v.Code != http.StatusSeeOther || v.Header().Get("Location") != w.code {
			t.Errorf("%v: %d to %q: %s", c.fields, v.Code, v.Header().Get("Location"), v.body)
		}
		if r, _ := w.wait(); len(r) != 1 || r[0].Text != c.text || r[0].Message != "K7M-1" || r[0].From != "" || !r[0].At.Equal(w.now) || !strings.HasPrefix(r[0].ID, "page/") {
			t.Errorf("%v: replies %+v", c.fields, r)
		}
		after := w.get(h, "/m/"+w.code).body
		if !strings.Contains(after, c.page) {
			t.Errorf("%v: no %q in %s", c.fields, c.page, after)
		}
		if closed := strings.Contains(c.page, "已结束"); closed == strings.Contains(after, "<button") {
			t.Errorf("%v: closed %v, and buttons are the other way round", c.fields, closed)
		}
	}
}

// TestPressTwice: what is pressed twice on one page is one reply; the same button of a later page is another.
func TestPressTwice(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	form := w.form(w.get(h, "/m/"+w.code), "digit", "4")
	for range 3 {
		if v := w.post(h, form); v.Code != http.StatusSeeOther {
			t.Errorf("%d", v.Code)
		}
	}
	if r, _ := w.wait(); len(r) != 1 {
		t.Errorf("%d replies", len(r))
	}
	w.post(h, w.form(w.get(h, "/m/"+w.code), "digit", "4"))
	if r, _ := w.wait(); len(r) != 2 {
		t.Errorf("%d replies after another page", len(r))
	}
}

// TestPressRefused: what does not certainly come from a button of this very page does nothing.
func TestPressRefused(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	good := func(pairs ...string) url.Values { return w.form(w.get(h, "/m/"+w.code), pairs...) }
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Del(name); r.Header.Set(name, value) }
	}
	for name, c := range map[string]struct {
		form   url.Values
		change func(*http.Request)
		status int
	}{
		"another site":            {good("digit", "1"), header("Origin", "https://evil.example"), 403},
		"another site's frame":    {good("digit", "1"), header("Sec-Fetch-Site", "cross-site"), 403},
		"another port's page":     {good("digit", "1"), header("Origin", "https://aj.example:8443"), 403},
		"not encrypted":           {good("digit", "1"), header("Origin", "http://aj.example"), 403},
		"a page without origin":   {good("digit", "1"), header("Origin", "null"), 403},
		"a program":               {good("digit", "1"), func(r *http.Request) { r.Header.Del("Origin"); r.Header.Del("Sec-Fetch-Site") }, 403},
		"no code in the body":     {url.Values{"once": {"abc"}, "digit": {"1"}}, nil, 400},
		"another code":            {url.Values{"code": {"000000000000"}, "once": {"abc"}, "digit": {"1"}}, nil, 400},
		"the code in the address": {url.Values{"once": {"abc"}}, func(r *http.Request) { r.URL.RawQuery = "digit=1&code=" + w.code }, 400},
		"no once":                 {url.Values{"code": {w.code}, "digit": {"1"}}, nil, 400},
		"a strange once":          {good("digit", "1", "once", "../x y"), nil, 400},
		"no digit":                {good(), nil, 400},
		"digit 6":                 {good("digit", "6"), nil, 400},
		"digit 11":                {good("digit", "11"), nil, 400},
		"words":                   {good("digit", "2 seen"), nil, 400},
		"known of another digit":  {good("digit", "1", "known", "seen"), nil, 400},
		"known by nobody":         {good("digit", "2", "known", "assumed"), nil, 400},
		"no day":                  {good("digit", "3"), nil, 422},
		"today":                   {good("digit", "3", "until", "2025-11-04"), nil, 422},
		"yesterday":               {good("digit", "3", "until", "2025-11-03"), nil, 422},
		"half a year":             {good("digit", "3", "until", "2026-05-03"), nil, 422},
		"no date":                 {good("digit", "3", "until", "Sunday; 2"), nil, 422},
		"a sealed form":           {url.Values{"sealed": {"AAAA"}}, nil, 400},
		"too long":                {good("digit", "1", "more", strings.Repeat("x", maxForm)), nil, 400},
	} {
		change := c.change
		if change == nil {
			change = func(*http.Request) {}
		}
		w.pass(time.Minute) // for the limits
		if v := w.post(h, c.form, change); v.Code != c.status {
			t.Errorf("%s: %d, want %d", name, v.Code, c.status)
		}
	}
	if r, _ := w.wait(); len(r) != 0 {
		t.Errorf("replies %+v", r)
	}
}

// TestGone: whatever is the matter with a code, the answer is the same.
func TestGone(t *testing.T) {
	var same string
	for name, c := range map[string]func(*town) (code string){
		"no code":           func(*town) string { return "x" },
		"guessed":           func(*town) string { return "0123456789ab" },
		"another message's": func(w *town) string { w.code = w.links.Code("K7M-2"); return w.code },
		"erased":            func(w *town) string { w.inc.ID = "gone"; return w.code },
		"home gone":         func(w *town) string { w.home.ID = "gone"; return w.code },
		"no consent":        func(w *town) string { w.home.Consent.Withdrawn = w.now; return w.code },
		"no contact":        func(w *town) string { w.home.Contacts = w.home.Contacts[1:]; return w.code },
		"contact withdrew":  func(w *town) string { w.home.Contacts[0].Agreed.Withdrawn = w.now; return w.code },
		"long closed": func(w *town) string {
			w.inc.State, w.inc.Closed = stillwater.ClosedState, w.now.Add(-readable-time.Minute)
			return w.code
		},
	} {
		w := newTown(t)
		code := c(w)
		h := w.server().Handler()
		v := w.get(h, "/m/"+code)
		if v.Code != http.StatusNotFound || same != "" && v.body != same {
			t.Errorf("%s: %d, %s", name, v.Code, v.body)
		}
		same = v.body
		w.keepsSecrets(v.body)
		p := w.post(h, url.Values{"code": {code}, "once": {"a"}, "digit": {"2"}}, func(r *http.Request) { r.URL.Path = "/m/" + code })
		if r, looks := w.wait(); p.Code != http.StatusNotFound || len(r) != 0 || len(looks) != 0 {
			t.Errorf("%s: pressed %d, replies %+v, looks %+v", name, p.Code, r, looks)
		}
	}
}

// TestTime: a link is answered by for three days, read while the incident is open, and a day longer.
func TestTime(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	form := w.form(w.get(h, "/m/"+w.code), "digit", "2")
	w.pass(74 * time.Hour)
	v := w.get(h, "/m/"+w.code)
	if v.Code != 200 || strings.Contains(v.body, "<button") || !strings.Contains(v.body, "时间太久") {
		t.Errorf("after 74 hours: %d, %s", v.Code, v.body)
	}
	if v := w.post(h, form); v.Code != http.StatusSeeOther {
		t.Errorf("pressed after 74 hours: %d", v.Code)
	}
	if r, _ := w.wait(); len(r) != 0 {
		t.Errorf("an old link answered: %+v", r)
	}
	w.change(func() { w.inc.State, w.inc.Closed, w.inc.Outcome = stillwater.ClosedState, w.now, stillwater.Helped })
	w.pass(23 * time.Hour)
	if v := w.get(h, "/m/"+w.code); v.Code != 200 || !strings.Contains(v.body, "已帮到") || strings.Contains(v.body, "<button") {
		t.Errorf("23 hours after the end: %d, %s", v.Code, v.body)
	}
	w.pass(2 * time.Hour)
	if v := w.get(h, "/m/"+w.code); v.Code != http.StatusNotFound {
		t.Errorf("25 hours after the end: %d", v.Code)
	}
	w.speed = 60 // those 25 hours took 25 minutes
	if v := w.get(h, "/m/"+w.code); v.Code != 200 {
		t.Errorf("25 minutes after the end: %d", v.Code)
	}
}

// TestClosedMeanwhile: a button pressed on a page that is out of date changes nothing, and the page says how it ended.
func TestClosedMeanwhile(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	form := w.form(w.get(h, "/m/"+w.code), "digit", "1")
	w.change(func() { w.inc.State, w.inc.Closed, w.inc.Outcome = stillwater.ClosedState, w.now, stillwater.Helped })
	if v := w.post(h, form); v.Code != http.StatusSeeOther {
		t.Errorf("%d", v.Code)
	}
	if r, _ := w.wait(); len(r) != 0 || !strings.Contains(w.get(h, "/m/"+w.code).body, "已帮到") {
		t.Errorf("replies %+v", r)
	}
}

// TestReaders: the resident is asked how she is and offered no more; who is far away calls rather than goes.
func TestReaders(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	w.message.Contact = "her"
	page := w.get(h, "/m/"+w.code)
	if !strings.Contains(page.body, "我很好") || strings.Contains(page.body, `value="1"`) || strings.Contains(page.body, `value="5"`) {
		t.Errorf("hers: %s", page.body)
	}
	w.post(h, w.form(page, "digit", "5"))
	if r, _ := w.wait(); len(r) != 0 {
		t.Errorf("what was not offered was done: %+v", r)
	}
	w.post(h, w.form(page, "digit", "2"))
	if r, _ := w.wait(); len(r) != 1 || r[0].Text != "2" {
		t.Errorf("replies %+v", r)
	}
	w = newTown(t)
	w.home.Contacts[0].Remote = true
	if body := w.get(w.server().Handler(), "/m/"+w.code).body; !strings.Contains(body, "我来联系") || strings.Contains(body, "我去看看") {
		t.Errorf("one far away: %s", body)
	}
}

// TestFailure: what could not be stored is said not to be, and can be pressed again.
func TestFailure(t *testing.T) {
	w := newTown(t)
	s := w.server()
	h := s.Handler()
	form := w.form(w.get(h, "/m/"+w.code), "digit", "1")
	s.Reply = nil
	reply := w.reply
	s.Reply = func(context.Context, stillwater.Reply) error { return errBroken }
	if v := w.post(h, form); v.Code != http.StatusServiceUnavailable || !strings.Contains(v.body, `role="alert">没能记下`) || !strings.Contains(v.body, "<button") {
		t.Errorf("%d: %s", v.Code, v.body)
	}
	s.Reply = reply
	w.post(h, form)
	if r, _ := w.wait(); len(r) != 1 {
		t.Errorf("%d replies", len(r))
	}
	w.broken = errBroken
	if v := w.get(h, "/m/"+w.code); v.Code != http.StatusServiceUnavailable || strings.Contains(v.body, "broken") {
		t.Errorf("%d: %s", v.Code, v.body)
	}
}

// TestLimits: guesses and visits are bounded by address, uses by code; what is limited is not looked up.
func TestLimits(t *testing.T) {
	w := newTown(t)
	h := w.server().Handler()
	from := func(addr, code string, more ...string) int {
		r := httptest.NewRequest(http.MethodGet, "/m/"+code, nil)
		r.RemoteAddr = addr
		if len(more) > 0 {
			r.Header.Set("X-Forwarded-For", more[0])
		}
		return do(h, r).Code
	}
	got := 0
	for n := range 200 {
		if from("198.51.100.9:1", fmt.Sprintf("%012d", n)) == http.StatusNotFound {
			got++
		}
	}
	if got != 10 || w.asked != 10 {
		t.Errorf("%d guesses of 200 were taken, %d looked up", got, w.asked)
	}
	if c := from("198.51.100.9:1", w.code); c != http.StatusTooManyRequests {
		t.Errorf("who guessed: %d", c)
	}
	if c := from("198.51.100.10:1", w.code); c != http.StatusOK {
		t.Errorf("the neighbour of who guessed: %d", c)
	}
	w.pass(11 * time.Second)
	if c := from("198.51.100.9:1", w.code); c != http.StatusOK {
		t.Errorf("who guessed, later: %d", c)
	}
	open := 0
	for n := range 100 { // an IPv6 line has many addresses
		if from(fmt.Sprintf("[2001:db8::%x]:1", n), w.code) == http.StatusOK {
			open++
		}
	}
	if open != 19 { // 20 at once, one was taken just now
		t.Errorf("one code was opened %d times at once", open)
	}
	got = 0
	for n := range 100 {
		if from(fmt.Sprintf("[2001:db8:1::%x]:1", n), fmt.Sprintf("%012d", n)) == http.StatusNotFound {
			got++
		}
	}
	if got != 10 {
		t.Errorf("%d guesses from one IPv6 line were taken", got)
	}
	w.pass(time.Hour)
	ok := 0
	for n := range 100 { // behind a proxy on this machine, which says who they are; what they say of themselves counts for nothing
		if from("127.0.0.1:1", fmt.Sprintf("%012d", n), fmt.Sprintf("10.9.9.%d, 198.51.100.77", n)) == http.StatusNotFound {
			ok++
		}
	}
	if ok != 10 {
		t.Errorf("%d guesses by way of a proxy were taken", ok)
	}
}

// TestHooks: a provider's callbacks go to their handler as they are, bounded; other addresses say nothing.
func TestHooks(t *testing.T) {
	w := newTown(t)
	s := w.server()
	var seen []string
	err := s.Mount("twilio", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			rw.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		seen = append(seen, r.Method+" "+r.URL.Path+" "+r.PostForm.Get("Body"))
	}))
	if err != nil || s.HookURL("twilio") != "https://aj.example/hook/twilio" || s.Mount("Two Words", nil) == nil {
		t.Fatal(err, s.HookURL("twilio"))
	}
	h := s.Handler()
	send := func(path, body string) int {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values{"Body": {body}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return do(h, r).Code
	}
	if a, b := send("/hook/twilio", "1"), send("/hook/twilio/status", "2"); a != 200 || b != 200 || strings.Join(seen, ", ") != "POST /hook/twilio 1, POST /hook/twilio/status 2" {
		t.Errorf("%d, %d, %v", a, b, seen)
	}
	if c := send("/hook/twilio", strings.Repeat("x", maxHook+1)); c != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit: %d", c)
	}
	for path, want := range map[string]int{"/hook/other": 404, "/": 404, "/m/": 404, "/healthz": 200, "/robots.txt": 200, "/metrics": 404} {
		if v := w.get(h, path); v.Code != want {
			t.Errorf("%s: %d, want %d", path, v.Code, want)
		}
	}
}

// TestBusy: beyond so many at a time a visitor is told to come again.
func TestBusy(t *testing.T) {
	w := newTown(t)
	s := w.server()
	for range mostAtOnce {
		s.places <- struct{}{}
	}
	if v := w.get(s.Handler(), "/m/"+w.code); v.Code != http.StatusServiceUnavailable || v.Header().Get("Retry-After") == "" {
		t.Errorf("%d", v.Code)
	}
}

// TestForward hands pushes of platforms on to their receiver, as they are.
func TestForward(t *testing.T) {
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, 99)
		n, _ := r.Body.Read(body)
		got <- r.Method + " " + r.URL.RequestURI() + " " + r.Header.Get("X-Signature") + " " + string(body[:n])
		w.WriteHeader(http.StatusAccepted)
	}))
	w := newTown(t)
	w.config.Forward = []Forward{{Path: "/push/", To: receiver.URL}}
	h := w.server().Handler()
	push := func() int {
		r := httptest.NewRequest(http.MethodPost, "/push/city?token=a%2Fb", strings.NewReader("{}"))
		r.Header.Set("X-Signature", "s")
		return do(h, r).Code
	}
	if c := push(); c != http.StatusAccepted || <-got != "POST /push/city?token=a%2Fb s {}" {
		t.Errorf("%d", c)
	}
	receiver.Close()
	if c := push(); c != http.StatusServiceUnavailable {
		t.Errorf("while the receiver is away: %d", c)
	}
}

func TestConfig(t *testing.T) {
	good := func() Config { return Config{Listen: "127.0.0.1:8443", PublicURL: "https://aj.example.cn"} }
	relayed := func(c *Config) {
		*c = Config{Relay: &RelayConfig{URL: "https://r.example.cn", ID: "k7", Key: stillwater.Secret{Env: "K"}}}
	}
	for name, change := range map[string]func(*Config) any{
		"good": func(*Config) any { return nil },
		"all of it": func(c *Config) any {
			c.Listen, c.CertFile, c.KeyFile, c.DutyPhone, c.LinksValid, c.Proxies = ":443", "a", "b", "+8657486251234", 48*time.Hour, []string{"10.0.0.1", "10.1.0.0/16"}
			return nil
		},
		"relayed":            func(c *Config) any { relayed(c); return nil },
		"a trial":            func(c *Config) any { c.PublicURL = "http://127.0.0.1:8443"; return nil },
		"no address":         func(c *Config) any { c.Listen = ""; return &c.Listen },
		"a bad address":      func(c *Config) any { c.Listen = "8443"; return &c.Listen },
		"open":               func(c *Config) any { c.Listen = ":443"; return &c.Listen },
		"half a certificate": func(c *Config) any { c.CertFile = "a"; return &c.CertFile },
		"no url":             func(c *Config) any { c.PublicURL = ""; return &c.PublicURL },
		"not encrypted":      func(c *Config) any { c.PublicURL = "http://aj.example.cn"; return &c.PublicURL },
		"a slash":            func(c *Config) any { c.PublicURL += "/"; return &c.PublicURL },
		"another m":          func(c *Config) any { c.PublicURL += "/m"; return &c.PublicURL },
		"a query":            func(c *Config) any { c.PublicURL += "?x=1"; return &c.PublicURL },
		"both":               func(c *Config) any { relayed(c); c.PublicURL = "https://aj.example.cn"; return &c.PublicURL },
		"no number":          func(c *Config) any { c.DutyPhone = "0574-86251234"; return &c.DutyPhone },
		"too short":          func(c *Config) any { c.LinksValid = time.Minute; return &c.LinksValid },
		"no range":           func(c *Config) any { c.Proxies = []string{"proxy.example"}; return &c.Proxies[0] },
	} {
		c := good()
		want := change(&c)
		var got []any
		report := func(field any, problem string) { got = append(got, field) }
		c.Validate(report)
		if c.Relay != nil {
			c.Relay.Validate(report)
		}
		if want == nil && len(got) > 0 || want != nil && (len(got) != 1 || got[0] != want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for name, c := range map[string]RelayConfig{"a name": {URL: "https://r.example", ID: "东坡", Key: stillwater.Secret{Env: "K"}}, "no key": {URL: "https://r.example", ID: "k7"}, "no url": {URL: "r.example", ID: "k7", Key: stillwater.Secret{Env: "K"}}} {
		n := 0
		c.Validate(func(any, string) { n++ })
		if n != 1 {
			t.Errorf("%s: %d problems", name, n)
		}
	}
	for _, f := range []Forward{{"/m/", "http://127.0.0.1:1"}, {"/push", "http://127.0.0.1:1"}, {"/push/", "http://10.0.0.1:1"}, {"/", "http://127.0.0.1:1"}, {"/push/", "https://127.0.0.1:1/x"}} {
		n := 0
		f.Validate(func(any, string) { n++ })
		if n != 1 {
			t.Errorf("%+v: %d problems", f, n)
		}
	}
}
