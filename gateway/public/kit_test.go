package public

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
	"stillwater/gateway/links"
	"stillwater/gateway/words"
)

var shanghai = time.FixedZone("CST", 8*3600)

// town is everything the public server asks for, in memory.
type town struct {
	t      testing.TB
	links  *links.Links
	config Config

	pressed chan stillwater.Reply // each that is done

	mu      sync.Mutex
	now     time.Time // of both clocks
	speed   float64
	home    stillwater.Household
	inc     stillwater.Incident
	code    string
	message stillwater.Message
	replies []stillwater.Reply
	looks   []Look
	asked   int // how often the store was
	broken  error
}

func (w *town) Now() time.Time  { w.mu.Lock(); defer w.mu.Unlock(); return w.now }
func (w *town) Speed() float64  { return w.speed }
func (w *town) audit(look Look) { w.mu.Lock(); defer w.mu.Unlock(); w.looks = append(w.looks, look) }
func (w *town) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *town) Linked(_ context.Context, code string) (stillwater.Message, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	return w.message, code == w.code, w.broken
}

func (w *town) Incident(_ context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.inc, id == w.inc.ID, w.broken
}

func (w *town) Household(id stillwater.HouseholdID) (stillwater.Household, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.home, id == w.home.ID
}

// reply does to the incident what the gateway would, once.
func (w *town) reply(_ context.Context, r stillwater.Reply) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return w.broken
	}
	for _, before := range w.replies {
		if before.ID == r.ID {
			return nil
		}
	}
	w.replies = append(w.replies, r)
	c, ok := words.ParseReply(r.Text)
	if !ok {
		w.t.Errorf("%q is no command", r.Text)
	}
	e := stillwater.Event{At: w.now, Who: string(w.message.Contact)}
	switch c.Deed {
	case stillwater.Acknowledge:
		w.inc.State, w.inc.Holder, e.What = stillwater.Acknowledged, e.Who, "acknowledged"
	case stillwater.CallHelp:
		w.inc.State, e.What = stillwater.Opened, "help"
	case stillwater.Close:
		w.inc.State, w.inc.Outcome, w.inc.Known, w.inc.Closed, e.What = stillwater.ClosedState, c.Outcome, c.Known, w.now, "closed"
	}
	w.inc.Log = append(w.inc.Log, e)
	w.pressed <- r
	return nil
}

func (w *town) Keys(context.Context, string, func(time.Time, []byte)) error { return nil }
func (w *town) AddKey(context.Context, string, time.Time, []byte) error     { return nil }
func (w *town) DropKey(context.Context, string, time.Time) error            { return nil }
func (w *town) wait() (replies []stillwater.Reply, looks []Look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.replies, w.looks
}
func (w *town) change(fn func()) { w.mu.Lock(); defer w.mu.Unlock(); fn() }

// newTown is a home with an open alert, of which the daughter was told.
func newTown(t testing.TB) *town {
	t.Helper()
	at := time.Date(2025, 11, 4, 16, 5, 0, 0, shanghai)
	w := &town{
		t: t, now: at, speed: 1, pressed: make(chan stillwater.Reply, 100), config: Config{Listen: "127.0.0.1:0", PublicURL: "https://aj.example", DutyPhone: "+8657486251234"},
		home: stillwater.Household{
			ID: "zq7home", Name: "王秀英", Residents: 1, TimeZone: "Asia/Shanghai", Consent: stillwater.Consent{Given: at.AddDate(-1, 0, 0)},
			Place: stillwater.Place{Street: "招宝山街道", Community: "总浦桥社区", Grid: "3网格", Building: "12号楼402"},
			Contacts: []stillwater.Contact{
				{ID: "daughter", Name: "王梅英", Role: stillwater.Family, Phone: "+8613900000001", Language: "zh-CN"},
				{ID: "li", Name: "李敏芳", Role: stillwater.Worker, Phone: "+8613800000002", Language: "zh-CN"},
				{ID: "her", Name: "王秀英", Role: stillwater.Resident, Phone: "+8613700000003", Language: "zh-CN"},
			},
		},
		inc: stillwater.Incident{
			ID: "K7M", Code: "K7M", Household: "zq7home", Kind: stillwater.Welfare, Severity: stillwater.Alert, State: stillwater.Opened, Opened: at.Add(-10 * time.Minute),
			Findings: []stillwater.Finding{{
				Rule: "silence-24h", Kind: stillwater.Welfare, Severity: stillwater.Alert, Household: "zq7home", Began: at.Add(-10 * time.Minute),
				Facts: stillwater.Facts{
					Since: at.Add(-26 * time.Hour), Span: 26 * time.Hour, Usual: 9 * time.Hour, DataTo: at.Add(-5 * time.Minute),
					Life: stillwater.Life{Water: at.Add(-26 * time.Hour), Door: at.Add(-31 * time.Hour)},
				},
			}},
			Log: []stillwater.Event{{At: at.Add(-10 * time.Minute), What: "opened"}},
		},
		message: stillwater.Message{
			ID: "K7M-1", Incident: "K7M", Household: "zq7home", Contact: "daughter", Purpose: stillwater.Tell, Severity: stillwater.Alert, Language: "zh-CN",
			Code: "K7M3", Created: at, To: "+8613900000001",
		},
	}
	w.open()
	return w
}

// open makes the code of the message.
func (w *town) open() {
	var err error
	if w.links, err = links.Open(w.t.Context(), w, 72*time.Hour, w.Now); err != nil {
		w.t.Fatal(err)
	}
	w.code = w.links.Code(w.message.ID)
}

func (w *town) server() *Server {
	w.t.Helper()
	texts, err := words.New()
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := New(Options{
		Config: w.config, Words: texts, Store: w, Households: w, Links: w.links, Clock: w, Reply: w.reply, Audit: w.audit, Wall: w.Now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// visit is one request and its answer.
type visit struct {
	*httptest.ResponseRecorder
	body string
}

func do(h http.Handler, r *http.Request) visit {
	if r.RemoteAddr == "192.0.2.1:1234" { // httptest's own
		r.RemoteAddr = "203.0.113.7:4711"
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	body, _ := io.ReadAll(rec.Result().Body)
	return visit{rec, string(body)}
}

func (w *town) get(h http.Handler, path string) visit {
	return do(h, httptest.NewRequest(http.MethodGet, path, nil))
}

var onceField = regexp.MustCompile(`name="once" value="([a-z0-9]+)"`)

// form is what a button of a page sends.
func (w *town) form(page visit, pairs ...string) url.Values {
	w.t.Helper()
	m := onceField.FindStringSubmatch(page.body)
	if m == nil {
		w.t.Fatalf("the page has no buttons: %s", page.body)
	}
	f := url.Values{"code": {w.code}, "once": {m[1]}}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

// post presses a button as a browser does.
func (w *town) post(h http.Handler, form url.Values, change ...func(*http.Request)) visit {
	r := httptest.NewRequest(http.MethodPost, "/m/"+w.code, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://aj.example")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, fn := range change {
		fn(r)
	}
	return do(h, r)
}

var errBroken = errors.New("broken")
