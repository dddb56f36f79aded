package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"stillwater"
)

var allPages = []string{"/", "/?state=blind", "/?state=fine", "/homes/h1", "/homes/h3", "/homes/h14", "/incidents/i0", "/incidents/i1", "/incidents/i2", "/maintenance", "/phones", "/nowhere"}

// TestPages: every page in both languages has every text, keeps names short and addresses out, escapes what people wrote,
// and asks nobody else for anything.
func TestPages(t *testing.T) {
	c := newConsole(t, newTown(t))
	elsewhere := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`)
	for _, lang := range []string{"zh-CN", "en"} {
		for _, path := range allPages {
			answer := get(c, path, lang)
			page := answer.Body.String()
			want := http.StatusOK
			if path == "/nowhere" {
				want = http.StatusNotFound
			}
			if answer.Code != want {
				t.Errorf("%s %s: got %d", lang, path, answer.Code)
			}
			for _, wrong := range []string{"⟦", "<no value>", "%!", "ZgotmplZ", "<b>Eve", "style=\"", "onclick", "秀英", "桂兰", "Smith", "+8613800138000<"} {
				if strings.Contains(page, wrong) {
					t.Errorf("%s %s: holds %q", lang, path, wrong)
				}
			}
			if elsewhere.MatchString(page) {
				t.Errorf("%s %s: asks another host: %s", lang, path, elsewhere.FindString(page))
			}
			if !strings.Contains(page, `<html lang="`+lang+`"`) {
				t.Errorf("%s %s: not in that language", lang, path)
			}
			h := answer.Header()
			if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s %s: headers %v", lang, path, h)
			}
		}
	}
}

// TestIndexSays: the first page says why, whose turn it is, and never that a home without data is fine.
func TestIndexSays(t *testing.T) {
	c := newConsole(t, newTown(t))
	for lang, wants := range map[string][]string{
		"zh-CN": {"已有26小时没有任何动静", "16:17 通知网格员李*", "12 分钟后", "网格员李*已接手，应在 16:30 前有结果", "没有数据，无法判断是否平安"},
		"en":    {"no sign of life for 26 h", "Unless somebody takes it on: grid worker Li* at 16:17", "in 12 min", "grid worker Li* is on it, outcome due by 16:30", "nobody can say whether all is well"},
	} {
		page := get(c, "/", lang).Body.String()
		for _, want := range wants {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is missing", lang, want)
			}
		}
		if urgent, alert := strings.Index(page, "card-i2"), strings.Index(page, "card-i1"); urgent < 0 || urgent > alert {
			t.Errorf("%s: the urgent incident does not stand first", lang)
		}
	}
}

// TestMaintenanceSays: the list has what is wrong, the worst first, and what a feed that is away hides is said once.
func TestMaintenanceSays(t *testing.T) {
	c := newConsole(t, newTown(t))
	page := get(c, "/maintenance", "en").Body.String()
	work, _, _ := strings.Cut(page, "All devices")
	for _, want := range []string{
		"cupboard-1 is away: nothing is heard of 2 devices", "no route to host", "Nothing has come from it yet: check", "12 times · 8 h off",
		"battery 7 %", "signal -118 dBm", "questions 12000 · without a value 8.3 %", "lobby: 3",
	} {
		if !strings.Contains(work, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(work, "Has not reported in time") {
		t.Error("a device behind a feed that is away has a line of its own")
	}
	if never, ahead := strings.Index(work, "Nothing has come from it yet"), strings.Index(work, "Its clock is ahead"); never > ahead {
		t.Error("the worst is not first")
	}
	var list struct {
		Feeds   []struct{ Behind int }
		Devices []struct{ Troubles []struct{ Code string } }
	}
	decode(t, get(c, "/api/devices", "en"), http.StatusOK, &list)
	if len(list.Feeds) != 1 || list.Feeds[0].Behind != 2 || len(list.Devices) != 32 {
		t.Errorf("machines are told %+v", list)
	}
}

func TestIncidentSays(t *testing.T) {
	w := newTown(t)
	c := newConsole(t, w)
	page := get(c, "/incidents/i1", "zh-CN").Body.String()
	for _, want := range []string{"已送达", "未送达 · number not in service", "若无人接手，16:17 通知网格员李*", "【安居水哨】王*家3日13:50起已26小时无动静", `value="acknowledge"`, `value="arrive"`, `value="help"`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
	closed := get(c, "/incidents/i0", "zh-CN").Body.String()
	if !strings.Contains(closed, "外出、已通过话 · 去女儿家了") || strings.Contains(closed, `name="deed"`) {
		t.Errorf("a closed incident says how it ended and offers no deed")
	}
}

// TestOnlyOurPagesChange: a form that does not certainly come from one of our pages is refused and nothing is done.
func TestOnlyOurPagesChange(t *testing.T) {
	forms := map[string]string{
		"/incidents/i1": "deed=acknowledge", "/clock": "speed=600", "/phones": "phone=%2B8613900139000&text=1", "/stage": "scenario=fall&household=h1",
	}
	for path, form := range forms {
		for name, headers := range map[string]map[string]string{
			"no header":          {},
			"another site":       {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
			"another port":       {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9"},
			"typed":              {"Sec-Fetch-Site": "none"},
			"another origin":     {"Origin": "http://evil.example"},
			"origin null":        {"Origin": "null"},
			"headers that argue": {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"},
		} {
			w := newTown(t)
			before := w.snapshot()
			if answer := post(newConsole(t, w), path, form, headers); answer.Code != http.StatusForbidden {
				t.Errorf("%s, %s: got %d", path, name, answer.Code)
			}
			if !reflect.DeepEqual(w.snapshot(), before) {
				t.Errorf("%s, %s: something changed", path, name)
			}
		}
		for name, headers := range map[string]map[string]string{"both headers": ours, "origin alone": {"Origin": "http://127.0.0.1:8080"}, "fetch site alone": {"Sec-Fetch-Site": "same-origin"}} {
			w := newTown(t)
			before := w.snapshot()
			if answer := post(newConsole(t, w), path, form, headers); answer.Code != http.StatusSeeOther {
				t.Errorf("%s, %s: got %d", path, name, answer.Code)
			}
			if reflect.DeepEqual(w.snapshot(), before) {
				t.Errorf("%s, %s: nothing changed", path, name)
			}
		}
	}
}

// snapshot is everything that could be changed.
func (w *town) snapshot() any {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []any{maps.Clone(w.incidents), append([]Text(nil), w.texts...), append([]stillwater.Act(nil), w.acts...), append([]string(nil), w.staged...), w.speed}
}

// TestFetchingChangesNothing: no address does anything but answer when it is fetched, not even those of forms.
func TestFetchingChangesNothing(t *testing.T) {
	w := newTown(t)
	c := newConsole(t, w)
	before := w.snapshot()
	queries := []string{"", "?deed=acknowledge", "?deed=close&outcome=false&known=spoken", "?speed=3600", "?phone=%2B8613900139000&text=2", "?scenario=fall&household=h1"}
	for _, path := range append(allPages, "/clock", "/stage", "/healthz", "/metrics", "/api/homes", "/api/incidents") {
		for _, q := range queries {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
				r := httptest.NewRequest(method, strings.SplitN(path, "?", 2)[0]+q, nil)
				r.Host = "localhost:8080"
				r.Header.Set("Sec-Fetch-Site", "same-origin")
				c.Handler().ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	if !reflect.DeepEqual(w.snapshot(), before) {
		t.Error("something changed")
	}
}

func TestActs(t *testing.T) {
	for form, want := range map[string]stillwater.Act{
		"deed=acknowledge":           {Incident: "i1", Deed: stillwater.Acknowledge, Who: desk},
		"deed=arrive":                {Incident: "i1", Deed: stillwater.ArriveThere, Who: desk},
		"deed=help":                  {Incident: "i1", Deed: stillwater.CallHelp, Who: desk},
		"deed=escalate":              {Incident: "i1", Deed: stillwater.Escalate, Who: desk},
		"deed=reopen&note=":          {Incident: "i1", Deed: stillwater.Reopen, Who: desk},
		"deed=follow-up":             {Incident: "i1", Deed: stillwater.FollowedUp, Who: desk},
		"deed=hand-over&to=daughter": {Incident: "i1", Deed: stillwater.HandOver, Who: desk, To: "daughter"},
		"deed=hold&until=2026-03-01T11%3A30&note=she+sleeps":            {Incident: "i1", Deed: stillwater.Hold, Who: desk, Note: "she sleeps", Until: homeTime("2026-03-01T11:30")},
		"deed=close&outcome=helped&known=seen&visit=2026-03-02T09%3A00": {Incident: "i1", Deed: stillwater.Close, Who: desk, Outcome: stillwater.Helped, Known: stillwater.Seen, Until: homeTime("2026-03-02T09:00")},
		"deed=close&outcome=habit&known=spoken&note=+walks+early+":      {Incident: "i1", Deed: stillwater.Close, Who: desk, Outcome: stillwater.Habit, Known: stillwater.Spoken, Note: "walks early"},
	} {
		w := newTown(t)
		answer := post(newConsole(t, w), "/incidents/i1", form, ours)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/incidents/i1" {
			t.Errorf("%s: got %d to %q", form, answer.Code, answer.Header().Get("Location"))
		}
		if len(w.acts) != 1 || w.acts[0] != want {
			t.Errorf("%s: got %+v", form, w.acts)
		}
	}
	bad := map[string]int{
		"deed=":                              http.StatusBadRequest,
		"deed=burn":                          http.StatusBadRequest,
		"deed=close":                         http.StatusBadRequest,
		"deed=close&outcome=false":           http.StatusBadRequest,
		"deed=close&outcome=fine&known=seen": http.StatusBadRequest,
		"deed=close&outcome=false&known=seen&note=" + strings.Repeat("x", maxNote+1): http.StatusBadRequest,
		"deed=close&outcome=false&known=seen&note=" + strings.Repeat("x", maxBody):   http.StatusBadRequest,
		"deed=acknowledge&x=%zz":                      http.StatusBadRequest,
		"deed=hold&until=noon":                        http.StatusBadRequest,
		"deed=close&outcome=false&known=seen&visit=9": http.StatusBadRequest,
	}
	for form, code := range bad {
		w := newTown(t)
		if answer := post(newConsole(t, w), "/incidents/i1", form, ours); answer.Code != code || len(w.acts) > 0 {
			t.Errorf("%.60s: got %d, %+v", form, answer.Code, w.acts)
		}
	}
	c := newConsole(t, newTown(t))
	if answer := post(c, "/incidents/i0", "deed=acknowledge", ours); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "closed already") {
		t.Errorf("a closed incident: got %d", answer.Code)
	}
	if answer := post(c, "/incidents/none", "deed=acknowledge", ours); answer.Code != http.StatusNotFound {
		t.Errorf("no incident: got %d", answer.Code)
	}
}

// homeTime is a moment by the clock of the town's homes, as a browser writes it.
func homeTime(s string) time.Time {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		panic(err)
	}
	at, err := time.ParseInLocation(localTime, s, zone)
	if err != nil {
		panic(err)
	}
	return at.UTC()
}

func TestDemoForms(t *testing.T) {
	w := newTown(t)
	c := newConsole(t, w)
	for path, forms := range map[string][]string{
		"/clock":  {"speed=0", "speed=-1", "speed=NaN", "speed=3601", "speed=Inf", "speed="},
		"/stage":  {"scenario=bomb&household=h1", "scenario=fall&household=h99"},
		"/phones": {"phone=%2B8613900139000&text=", "phone=&text=1", "phone=%2B86&text=" + strings.Repeat("字", maxSMS+1)},
	} {
		for _, form := range forms {
			if answer := post(c, path, form, ours); answer.Code != http.StatusBadRequest && answer.Code != http.StatusNotFound {
				t.Errorf("%s %.40s: got %d", path, form, answer.Code)
			}
		}
	}
	for back, want := range map[string]string{"/homes/h1?x=1": "/homes/h1?x=1", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "": "/"} {
		answer := post(c, "/clock", url.Values{"speed": {"60"}, "back": {back}}.Encode(), ours)
		if got := answer.Header().Get("Location"); got != want {
			t.Errorf("back %q: got %q", back, got)
		}
	}
	o := options(t, w)
	o.Demo, o.Phones, o.Stage = false, nil, nil
	running, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for path, form := range map[string]string{"/clock": "speed=60", "/phones": "phone=%2B86&text=1", "/stage": "scenario=fall&household=h1"} {
		if answer := post(running, path, form, ours); answer.Code < 400 {
			t.Errorf("outside the demo, %s: got %d", path, answer.Code)
		}
	}
	if page := get(running, "/", "en").Body.String(); strings.Contains(page, "3600×") || strings.Contains(page, `href="/phones"`) {
		t.Error("outside the demo the page offers the demo's controls")
	}
}

func TestOtherHostsAreTurnedAway(t *testing.T) {
	c := newConsole(t, newTown(t))
	for host, want := range map[string]int{
		"127.0.0.1:8080": 200, "localhost": 200, "LOCALHOST:1": 200, "[::1]:8080": 200, "[::1]": 200,
		"evil.example": 421, "127.0.0.1.evil.example:8080": 421, "192.168.1.5:8080": 421, "0.0.0.0:8080": 421, "": 421,
	} {
		r := httptest.NewRequest(http.MethodGet, "/api/homes", nil)
		r.Host = host
		answer := httptest.NewRecorder()
		c.Handler().ServeHTTP(answer, r)
		if answer.Code != want {
			t.Errorf("%q: got %d, want %d", host, answer.Code, want)
		}
	}
}

func TestLanguageIsRemembered(t *testing.T) {
	c := newConsole(t, newTown(t))
	answer := get(c, "/homes/h1?lang=en", "zh-CN")
	cookies := answer.Result().Cookies()
	if len(cookies) != 1 || cookies[0].Value != "en" || !cookies[0].HttpOnly || cookies[0].SameSite != http.SameSiteStrictMode {
		t.Fatalf("got cookies %v", cookies)
	}
	if page := answer.Body.String(); !strings.Contains(page, `href="/homes/h1?lang=zh-CN"`) {
		t.Error("no link to the other language")
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Host = "localhost"
	r.Header.Set("Accept-Language", "zh-CN")
	r.AddCookie(cookies[0])
	again := httptest.NewRecorder()
	c.Handler().ServeHTTP(again, r)
	if !strings.Contains(again.Body.String(), `<html lang="en"`) {
		t.Error("the cookie is not heeded")
	}
	if page := get(c, "/?lang=%22%3E%3Cscript%3E", "en"); strings.Contains(page.Body.String(), "<script>") {
		t.Error("a made-up language is not escaped")
	}
}

func TestMachines(t *testing.T) {
	w := newTown(t)
	c := newConsole(t, w)
	var homes []struct {
		Name      string               `json:"name"`
		Household string               `json:"household"`
		State     stillwater.HomeState `json:"state"`
	}
	decode(t, get(c, "/api/homes", "en"), http.StatusOK, &homes)
	if len(homes) != 16 || homes[2].Name != "Zhang*" || homes[2].State != stillwater.Blind {
		t.Errorf("got %+v", homes)
	}
	var open []stillwater.Incident
	decode(t, get(c, "/api/incidents", "en"), http.StatusOK, &open)
	if len(open) != 2 {
		t.Errorf("got %d open incidents", len(open))
	}
	decode(t, get(c, "/api/incidents?household=h1", "en"), http.StatusOK, &open)
	if len(open) != 2 {
		t.Errorf("got %d incidents of h1", len(open))
	}
	var health struct{ Status string }
	decode(t, get(c, "/healthz", "en"), http.StatusOK, &health)
	w.ill = []Condition{{Code: "battery-low", Title: "A battery is low", Severity: stillwater.Notice, Since: w.now}}
	decode(t, get(c, "/healthz", "en"), http.StatusOK, &health)
	w.ill = append(w.ill, Condition{Code: "bus-down", Title: "A bus is down", Severity: stillwater.Alert, Since: w.now})
	decode(t, get(c, "/healthz", "en"), http.StatusServiceUnavailable, &health)
	if health.Status != "ill" {
		t.Errorf("got %+v", health)
	}
	if page := get(c, "/", "en").Body.String(); !strings.Contains(page, "A bus is down") {
		t.Error("the page does not show the condition")
	}
	if answer := get(c, "/metrics", "en"); answer.Body.String() != "up 1\n" {
		t.Errorf("metrics: got %q", answer.Body)
	}
}

func decode(t *testing.T, answer *httptest.ResponseRecorder, code int, into any) {
	t.Helper()
	if answer.Code != code {
		t.Fatalf("got %d, want %d: %s", answer.Code, code, answer.Body)
	}
	if err := json.Unmarshal(answer.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

// TestStoreThatDoesNotAnswer: the reader is told, in words without its inner workings.
func TestStoreThatDoesNotAnswer(t *testing.T) {
	w := newTown(t)
	w.broken = errors.New("disk I/O error at /var/lib")
	c := newConsole(t, w)
	for _, path := range []string{"/", "/incidents/i1", "/homes/h1", "/maintenance", "/api/incidents", "/api/devices"} {
		answer := get(c, path, "en")
		if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "disk") {
			t.Errorf("%s: got %d %s", path, answer.Code, answer.Body)
		}
	}
}

func TestConfig(t *testing.T) {
	for listen, wants := range map[string]string{
		"127.0.0.1:8080": "", "localhost:80": "", "[::1]:0": "", "127.1.2.3:9": "",
		"0.0.0.0:8080": "no sign-in", ":8080": "no sign-in", "192.168.1.5:80": "no sign-in", "example.com:80": "no sign-in", "[::]:80": "no sign-in",
		"8080": "not an address", "": "not an address", "127.0.0.1:": "not an address", "127.0.0.1:99999": "not a port",
	} {
		c := Config{Listen: listen}
		var problems []string
		c.Validate(func(field any, problem string) {
			if field != &c.Listen {
				t.Errorf("%q: the problem is not at the field", listen)
			}
			problems = append(problems, problem)
		})
		if (wants == "") != (len(problems) == 0) || !strings.Contains(strings.Join(problems, " "), wants) {
			t.Errorf("%q: got %q, want %q", listen, problems, wants)
		}
	}
	d := Defaults()
	d.Validate(func(_ any, problem string) { t.Error(problem) })
}

// TestRun: it says where it listens, answers, and stops within two seconds although somebody hangs on.
func TestRun(t *testing.T) {
	c := newConsole(t, newTown(t))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	<-c.Ready()
	answer, err := http.Get("http://" + c.Addr() + "/healthz")
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	answer.Body.Close()
	slow, err := net.Dial("tcp", c.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "POST /incidents/i1 HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\nExpect: 100-continue\r\n\r\n")
	if line, err := bufio.NewReader(slow).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("got %q, %v", line, err) // now the form is being read
	}
	start := time.Now()
	cancel()
	if err := <-done; err != nil || time.Since(start) > 3*time.Second {
		t.Errorf("stopped after %s: %v", time.Since(start), err)
	}
	if _, err := net.Dial("tcp", c.Addr()); err == nil {
		t.Error("it still listens")
	}
}

func TestTakenAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := options(t, newTown(t))
	o.Config.Listen = l.Addr().String()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}

func TestAssets(t *testing.T) {
	c := newConsole(t, newTown(t))
	for path, kind := range map[string]string{"/assets/style.css": "text/css", "/assets/live.js": "javascript", "/assets/icon.svg": "image/svg"} {
		answer := get(c, path, "en")
		if answer.Code != http.StatusOK || !strings.Contains(answer.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: got %d %s", path, answer.Code, answer.Header())
		}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "localhost"
		r.Header.Set("If-None-Match", answer.Header().Get("ETag"))
		again := httptest.NewRecorder()
		c.Handler().ServeHTTP(again, r)
		if again.Code != http.StatusNotModified {
			t.Errorf("%s again: got %d", path, again.Code)
		}
	}
	for _, name := range []string{"assets/live.js", "assets/style.css"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "http") {
			t.Errorf("%s names another host", name)
		}
	}
}
