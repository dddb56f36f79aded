package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"stillwater"
	"stillwater/simulator/provider"
)

const daughter = stillwater.Phone("+8613900000001")

// A gateway is a provider and Twilio's own client for it. Its clock moves by hand.
type gateway struct {
	*provider.Server
	t    *testing.T
	url  string
	api  *api.ApiService
	http *http.Client

	mu  sync.Mutex // guards now
	now time.Time
}

func (g *gateway) Now() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.now
}

func (g *gateway) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func start(t *testing.T, o provider.Options) *gateway {
	t.Helper()
	g := &gateway{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	o.Now = g.Now
	g.Server = provider.New(o)
	server := httptest.NewServer(g.Handler())
	t.Cleanup(func() { g.Close(); server.Close() })
	g.url = server.URL
	base, _ := url.Parse(server.URL)
	g.http = &http.Client{Timeout: 400 * time.Millisecond, Transport: redirect{base}}
	rest := &client.Client{Credentials: client.NewCredentials(provider.DefaultAccount, provider.DefaultToken), HTTPClient: g.http}
	rest.SetAccountSid(provider.DefaultAccount)
	g.api = api.NewApiServiceWithClient(rest)
	return g
}

// redirect sends what is meant for Twilio to the simulator.
type redirect struct{ base *url.URL }

func (r redirect) RoundTrip(q *http.Request) (*http.Response, error) {
	q = q.Clone(q.Context())
	q.URL.Scheme, q.URL.Host = r.base.Scheme, r.base.Host
	return http.DefaultTransport.RoundTrip(q)
}

func (g *gateway) send(to stillwater.Phone, body string) (*api.ApiV2010Message, error) {
	p := (&api.CreateMessageParams{}).SetTo(string(to)).SetFrom(string(provider.DefaultNumber)).SetBody(body)
	return g.api.CreateMessage(p)
}

func (g *gateway) must(m *api.ApiV2010Message, err error) *api.ApiV2010Message {
	g.t.Helper()
	if err != nil {
		g.t.Fatal(err)
	}
	return m
}

func (g *gateway) status(sid string) string {
	g.t.Helper()
	return *g.must(g.api.FetchMessage(sid, &api.FetchMessageParams{})).Status
}

// TestALifeOfAMessage follows one from queued to delivered, with Twilio's own client.
func TestALifeOfAMessage(t *testing.T) {
	g := start(t, provider.Options{SentAfter: time.Second, DeliverAfter: 5 * time.Second})
	m := g.must(g.send(daughter, "王*英家 12 小时无用水。回复 1 表示我去看看。"))
	if *m.Status != "queued" || *m.To != string(daughter) || *m.Direction != "outbound-api" || m.DateSent != nil || m.ErrorCode != nil || *m.NumSegments != "1" {
		t.Errorf("accepted as %+v", m)
	}
	if _, err := time.Parse(time.RFC1123Z, *m.DateCreated); err != nil {
		t.Error(err)
	}
	g.pass(time.Second)
	if got := g.status(*m.Sid); got != "sent" {
		t.Errorf("after a second %q", got)
	}
	g.pass(5 * time.Second)
	if got := g.status(*m.Sid); got != "delivered" {
		t.Errorf("after six seconds %q", got)
	}
	if sent := g.Sent(); len(sent) != 1 || sent[0].SID != *m.Sid || sent[0].To != daughter {
		t.Errorf("recorded %+v", sent)
	}
	if _, err := g.api.FetchMessage("SM"+strings.Repeat("0", 32), nil); !isCode(err, 20404) {
		t.Errorf("unknown message: %v", err)
	}
}

func isCode(err error, code int) bool {
	var refused *client.TwilioRestError
	return errors.As(err, &refused) && refused.Code == code
}

// TestRefusals are those that the API has of its own.
func TestRefusals(t *testing.T) {
	g := start(t, provider.Options{})
	for code, p := range map[int]*api.CreateMessageParams{
		21604: (&api.CreateMessageParams{}).SetFrom("+15550100").SetBody("x"),
		21603: (&api.CreateMessageParams{}).SetTo(string(daughter)).SetBody("x"),
		21602: (&api.CreateMessageParams{}).SetTo(string(daughter)).SetFrom("+15550100"),
		21211: (&api.CreateMessageParams{}).SetTo("13900000001").SetFrom("+15550100").SetBody("x"),
		21617: (&api.CreateMessageParams{}).SetTo(string(daughter)).SetFrom("+15550100").SetBody(strings.Repeat("字", 1601)),
	} {
		if _, err := g.api.CreateMessage(p); !isCode(err, code) {
			t.Errorf("want code %d: %v", code, err)
		}
	}
	request, _ := http.NewRequest("GET", g.url+"/2010-04-01/Accounts/"+provider.DefaultAccount+"/Messages.json", nil)
	request.SetBasicAuth(provider.DefaultAccount, "wrong")
	if answer, err := g.http.Do(request); err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a wrong token: %v %v", answer, err)
	}
	if len(g.Sent()) != 0 {
		t.Errorf("accepted after all: %+v", g.Sent())
	}
}

// TestFaults breaks the provider in each way, looks at what the client sees and at what was accepted, and mends it.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault    provider.Fault
		accepted int
		check    func(error) bool
	}{
		"no such number":  {provider.Fault{Refuse: 21211}, 0, func(err error) bool { return isCode(err, 21211) }},
		"opted out":       {provider.Fault{Refuse: 21610}, 0, func(err error) bool { return isCode(err, 21610) }},
		"500":             {provider.Fault{Status: 500}, 0, func(err error) bool { return isCode(err, 20500) }},
		"429":             {provider.Fault{Status: 429}, 0, func(err error) bool { return isCode(err, 20429) }},
		"slow":            {provider.Fault{Delay: 50 * time.Millisecond}, 1, func(err error) bool { return err == nil }},
		"too slow":        {provider.Fault{Delay: time.Hour}, 0, isTimeout},
		"hangs before":    {provider.Fault{HangBefore: true}, 0, isTimeout},
		"hangs after":     {provider.Fault{HangAfter: true}, 1, isTimeout},
		"answer is lost":  {provider.Fault{DropAnswer: true}, 1, func(err error) bool { return err != nil && !isTimeout(err) }},
		"message is lost": {provider.Fault{Lose: true}, 1, func(err error) bool { return err == nil }},
	} {
		t.Run(name, func(t *testing.T) {
			g := start(t, provider.Options{})
			g.Break(daughter, c.fault)
			if _, err := g.send(daughter, "x"); !c.check(err) {
				t.Errorf("the client sees %v", err)
			}
			if n := len(g.Sent()); n != c.accepted {
				t.Errorf("%d accepted", n)
			}
			if _, err := g.send("+8613900000002", "y"); err != nil {
				t.Errorf("another number: %v", err)
			}
			g.Mend()
			if _, err := g.send(daughter, "z"); err != nil {
				t.Errorf("mended: %v", err)
			}
		})
	}
}

func isTimeout(err error) bool {
	var e *url.Error
	return errors.As(err, &e) && e.Timeout()
}

func TestAFaultForSomeTimes(t *testing.T) {
	g := start(t, provider.Options{})
	g.Break("", provider.Fault{Status: 503, Times: 2})
	for i, want := range []bool{false, false, true, true} {
		if _, err := g.send(daughter, "x"); (err == nil) != want {
			t.Errorf("attempt %d: %v", i+1, err)
		}
	}
}

// TestLost: what is accepted and lost is undelivered in the end, with an error.
func TestLost(t *testing.T) {
	g := start(t, provider.Options{})
	g.Break("", provider.Fault{Lose: true})
	m := g.must(g.send(daughter, "x"))
	g.pass(time.Minute)
	m = g.must(g.api.FetchMessage(*m.Sid, nil))
	if *m.Status != "undelivered" || m.ErrorCode == nil || *m.ErrorCode != 30003 || m.ErrorMessage == nil {
		t.Errorf("%+v", m)
	}
}

// TestTheUnclearCase: a message whose answer was dropped is found by its number and code, once it is sent and listed.
func TestTheUnclearCase(t *testing.T) {
	g := start(t, provider.Options{ListedAfter: 10 * time.Second})
	g.Break(daughter, provider.Fault{DropAnswer: true})
	if _, err := g.send(daughter, "K7-1 ..."); err == nil {
		t.Fatal("the answer arrived")
	}
	find := func() int {
		found, err := g.api.ListMessage((&api.ListMessageParams{}).SetTo(string(daughter)).SetDateSentAfter(g.Now().Add(-time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if n := find(); n != 0 {
		t.Errorf("listed at once: %d", n)
	}
	g.pass(time.Minute)
	if n := find(); n != 1 {
		t.Errorf("listed after a minute: %d", n)
	}
	g.Break("", provider.Fault{BreakReads: true})
	g.Mend()
	g.Break("", provider.Fault{BreakReads: true, Status: 503})
	if _, err := g.api.ListMessage(&api.ListMessageParams{}); !isCode(err, 20503) {
		t.Errorf("broken reads: %v", err)
	}
}

// TestPages lists more than a page while new messages come in: each once, the newest first, filtered by number and date.
func TestPages(t *testing.T) {
	g := start(t, provider.Options{SentAfter: -1})
	for range 2 {
		g.must(g.send("+8613900000009", "to another"))
	}
	for range 25 {
		g.pass(time.Second)
		g.must(g.send(daughter, "x"))
	}
	params := (&api.ListMessageParams{}).SetTo(string(daughter)).SetPageSize(10)
	seen, token, number, pages := map[string]bool{}, "", "", 0
	last := g.Now().Add(time.Hour)
	for {
		page, err := g.api.PageMessage(params, token, number)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, m := range page.Messages {
			at, _ := time.Parse(time.RFC1123Z, *m.DateSent)
			if seen[*m.Sid] || at.After(last) {
				t.Errorf("%s twice, or not in order", *m.Sid)
			}
			seen[*m.Sid], last = true, at
		}
		if page.NextPageUri == nil || *page.NextPageUri == "" {
			break
		}
		g.pass(time.Second)
		g.must(g.send(daughter, "meanwhile"))
		next, err := url.Parse(*page.NextPageUri)
		if err != nil {
			t.Fatal(err)
		}
		token, number = next.Query().Get("PageToken"), next.Query().Get("Page")
	}
	if len(seen) != 25 || pages != 3 {
		t.Errorf("%d messages on %d pages", len(seen), pages)
	}
	all, err := g.api.ListMessage((&api.ListMessageParams{}).SetPageSize(10))
	if err != nil || len(all) != 29 {
		t.Errorf("followed by the client itself: %d, %v", len(all), err)
	}
	late, err := g.api.ListMessage((&api.ListMessageParams{}).SetDateSentAfter(g.Now()))
	if err != nil || len(late) != 1 {
		t.Errorf("since now: %d, %v", len(late), err)
	}
	none, err := g.api.ListMessage((&api.ListMessageParams{}).SetDateSent(g.Now().AddDate(0, 0, 1)))
	if err != nil || len(none) != 0 {
		t.Errorf("tomorrow: %d, %v", len(none), err)
	}
}

// TestPeopleAnswer: by themselves, from the page, and with the words carriers listen to.
func TestPeopleAnswer(t *testing.T) {
	g := start(t, provider.Options{
		Names:     map[stillwater.Phone]string{daughter: "王丽"},
		AutoReply: func(provider.Text) (string, time.Duration) { return "1", time.Minute },
	})
	g.must(g.send(daughter, "<b>王*英家</b>"))
	inbound := func() []api.ApiV2010Message {
		found, err := g.api.ListMessage((&api.ListMessageParams{}).SetTo(string(provider.DefaultNumber)))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if n := len(inbound()); n != 0 {
		t.Errorf("%d answers before their time", n)
	}
	g.pass(2 * time.Minute)
	if got := inbound(); len(got) != 1 || *got[0].Body != "1" || *got[0].Direction != "inbound" || *got[0].Status != "received" || *got[0].From != string(daughter) {
		t.Errorf("answers %+v", got)
	}
	answer, err := http.PostForm(g.url+"/reply", url.Values{"from": {string(daughter)}, "text": {"2 已到，一切都好"}})
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", answer, err)
	}
	page, _ := io.ReadAll(answer.Body)
	for _, want := range []string{"王丽", "&lt;b&gt;王*英家", "2 已到，一切都好", "delivered"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	g.Reply(daughter, "stop")
	if _, err := g.send(daughter, "x"); !isCode(err, 21610) {
		t.Errorf("after STOP: %v", err)
	}
	g.Reply(daughter, "START")
	g.must(g.send(daughter, "x"))

	foreign, _ := http.NewRequest("POST", g.url+"/reply", strings.NewReader("from="+url.QueryEscape(string(daughter))+"&text=2"))
	foreign.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	foreign.Header.Set("Sec-Fetch-Site", "cross-site")
	if answer, err := g.http.Do(foreign); err != nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page from elsewhere answers: %v %v", answer, err)
	}
}

// TestControl exercises the API that scripts use.
func TestControl(t *testing.T) {
	g := start(t, provider.Options{})
	post := func(path, body string) int {
		answer, err := http.Post(g.url+path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode
	}
	if code := post("/control/faults", `{"to":"`+string(daughter)+`","refuse":21610}`); code != http.StatusNoContent {
		t.Errorf("fault: %d", code)
	}
	if _, err := g.send(daughter, "x"); !isCode(err, 21610) {
		t.Errorf("%v", err)
	}
	if code := post("/control/faults", `{"too":"x"}`); code != http.StatusBadRequest {
		t.Errorf("misspelt fault: %d", code)
	}
	if code := post("/control/faults", `{"delay":"5"}`); code != http.StatusBadRequest {
		t.Errorf("delay without a unit: %d", code)
	}
	request, _ := http.NewRequest("DELETE", g.url+"/control/faults", nil)
	if _, err := g.http.Do(request); err != nil {
		t.Fatal(err)
	}
	g.must(g.send(daughter, "x"))
	post("/control/reply", `{"from":"`+string(daughter)+`","text":"1"}`)
	answer, err := http.Get(g.url + "/control/texts")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var texts []provider.Text
	if err := json.NewDecoder(answer.Body).Decode(&texts); err != nil || len(texts) != 2 || !texts[1].Inbound {
		t.Errorf("%+v %v", texts, err)
	}
}

// TestRunEnds also while a request hangs.
func TestRunEnds(t *testing.T) {
	s := provider.New(provider.Options{})
	s.Break("", provider.Fault{HangBefore: true})
	ctx, stop := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Run(ctx, "127.0.0.1:0", func(a string) { ready <- a }) }()
	address := <-ready
	hung := make(chan error, 1)
	go func() {
		request, _ := http.NewRequest("POST", "http://"+address+"/2010-04-01/Accounts/"+provider.DefaultAccount+"/Messages.json",
			strings.NewReader("To=%2B8613900000001&From=%2B15550100&Body=x"))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.SetBasicAuth(provider.DefaultAccount, provider.DefaultToken)
		stop()
		_, err := http.DefaultClient.Do(request)
		hung <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Run does not end")
	}
	if err := <-hung; err == nil {
		t.Error("an answer came")
	}
}

func TestSegments(t *testing.T) {
	g := start(t, provider.Options{})
	for body, want := range map[string]string{
		strings.Repeat("a", 160): "1", strings.Repeat("a", 161): "2", strings.Repeat("€", 81): "2",
		strings.Repeat("水", 70): "1", strings.Repeat("水", 71): "2", strings.Repeat("水", 135): "3",
	} {
		if m := g.must(g.send(daughter, body)); *m.NumSegments != want {
			t.Errorf("%d characters: %s segments, want %s", len([]rune(body)), *m.NumSegments, want)
		}
	}
}
