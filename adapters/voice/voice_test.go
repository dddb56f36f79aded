package voice

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func TestSend(t *testing.T) {
	r := newRig(t)
	id, err := r.Send(t.Context(), message("A1"))
	if err != nil || id != r.rings[0]["sid"] {
		t.Fatalf("called as %q, %v", id, err)
	}
	f := r.forms[0]
	if f.Get("To") != hers || f.Get("From") != ours || f.Get("Timeout") != "25" || f.Has("StatusCallback") || f.Has("MachineDetection") || f.Has("Url") {
		t.Errorf("the provider was given %v", f)
	}
	r = newRig(t, withCallback, func(c *Config) { c.MachineDetection, c.Ring = true, 40*time.Second })
	r.Send(t.Context(), message("A1"))
	f = r.forms[0]
	if f.Get("MachineDetection") != "Enable" || f.Get("Timeout") != "40" || f.Get("StatusCallback") != public+"?c=A1&l=zh-CN&m=7-A1&p=tell" ||
		!slices.Equal(f["StatusCallbackEvent"], []string{"initiated", "answered", "completed"}) {
		t.Errorf("the provider was given %v", f)
	}
}

// What is said, as TwiML, for each kind of call. The files can be read aloud.
func TestWhatIsSaid(t *testing.T) {
	check := message("A1")
	check.Purpose, check.Connect = stillwater.Check, his
	update := message("A1")
	update.Purpose, update.Language = stillwater.Update, "en"
	for name, c := range map[string]struct {
		m      stillwater.Message
		change func(*Config)
	}{
		"a key":             {message("A1"), withCallback},
		"no callback":       {message("A1"), func(*Config) {}},
		"nothing to answer": {update, withCallback},
		"connect":           {check, withCallback},
		"another voice":     {message("A1"), func(c *Config) { c.Voices = map[string]string{"zh-CN": "alice"} }},
	} {
		text, err := newRig(t, c.change).says(c.m)
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal([]byte(text), new(struct{ XMLName xml.Name })); err != nil {
			t.Errorf("%s: %v in %s", name, err, text)
		}
		text = strings.ReplaceAll(text, "><", ">\n<") + "\n"
		file := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-")+".xml")
		if os.Getenv("STILLWATER_UPDATE") != "" {
			os.WriteFile(file, []byte(text), 0o644)
		}
		if want, err := os.ReadFile(file); err != nil || string(want) != text {
			t.Errorf("%s: %v; said is\n%s", name, err, text)
		}
	}
	long := message("A1")
	long.Text = strings.Repeat("很", 2500)
	r := newRig(t)
	if _, err := r.Send(t.Context(), long); !errors.Is(err, stillwater.ErrRefused) || len(r.forms) != 0 {
		t.Errorf("too long: %v", err)
	}
}

func TestRefusedBeforeTheCall(t *testing.T) {
	r := newRig(t)
	for name, change := range map[string]func(*stillwater.Message){
		"number": func(m *stillwater.Message) { m.To = "13800138000" }, "no text": func(m *stillwater.Message) { m.Text = "" },
		"no code": func(m *stillwater.Message) { m.Code = "" }, "connect": func(m *stillwater.Message) { m.Connect = "0138" },
	} {
		m := message("A1")
		change(&m)
		if _, err := r.Send(t.Context(), m); !errors.Is(err, stillwater.ErrRefused) || strings.Contains(err.Error(), "138") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(r.forms) != 0 {
		t.Errorf("%d calls", len(r.forms))
	}
}

func TestClassesOfFailure(t *testing.T) {
	says := func(status, code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, status, code); return true }
	}
	for name, c := range map[string]struct {
		answer           func(http.ResponseWriter, *http.Request) bool
		refused, notSent bool
	}{
		"invalid number":   {says(400, 21211), true, false},
		"no permission":    {says(400, 21215), true, false},
		"too many":         {says(429, 20429), false, true},
		"server error":     {says(500, 20500), false, false},
		"cut":              {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, false, false},
		"no SID":           {func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "{}"); return true }, false, false},
		"somebody between": {func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(404); return true }, false, true},
	} {
		r := newRig(t)
		r.answer = c.answer
		_, err := r.Send(t.Context(), message("A1"))
		if err == nil || errors.Is(err, stillwater.ErrRefused) != c.refused || errors.Is(err, stillwater.ErrNotSent) != c.notSent || strings.Contains(err.Error(), hers[1:]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var statuses = []struct {
	status, by string
	want       stillwater.DeliveryState
}{
	{"queued", "", stillwater.Accepted}, {"initiated", "", stillwater.Accepted}, {"ringing", "", stillwater.Accepted},
	{"in-progress", "", stillwater.Accepted}, {"in-progress", "machine_start", stillwater.Accepted},
	{"completed", "", stillwater.Delivered}, {"completed", "human", stillwater.Delivered}, {"completed", "unknown", stillwater.Delivered},
	{"completed", "machine_start", stillwater.Failed}, {"completed", "machine_end_beep", stillwater.Failed}, {"completed", "fax", stillwater.Failed},
	{"busy", "", stillwater.Failed}, {"no-answer", "", stillwater.Failed}, {"failed", "", stillwater.Failed}, {"canceled", "", stillwater.Failed},
}

func TestStatus(t *testing.T) {
	r := newRig(t)
	for _, c := range statuses {
		call := r.add(hers, time.Now())
		call["status"], call["answered_by"] = c.status, c.by
		state, detail, err := r.Status(t.Context(), call["sid"].(string))
		if state != c.want || err != nil || !strings.HasPrefix(detail, c.status) || !strings.HasSuffix(detail, c.by) {
			t.Errorf("%s by %q: %q (%s), %v", c.status, c.by, state, detail, err)
		}
	}
	odd := r.add(hers, time.Now())
	odd["status"] = "dreaming"
	for _, id := range []string{odd["sid"].(string), "CA" + strings.Repeat("9", 32), "SM" + strings.Repeat("1", 32), "", "../Accounts"} {
		if state, _, err := r.Status(t.Context(), id); err == nil {
			t.Errorf("%q is %q", id, state)
		}
	}
}

func TestStatusCalledBack(t *testing.T) {
	r := newRig(t, withCallback)
	id, _ := r.Send(t.Context(), message("A1"))
	for _, c := range statuses {
		r.receipts = nil
		form := url.Values{"CallSid": {id}, "CallStatus": {c.status}}
		want := fmt.Sprint(id[30:], " ", c.want, " ", c.status)
		if c.by != "" {
			form.Set("AnsweredBy", c.by)
			want += ": answered by " + c.by
		}
		if w := r.post("new", r.forms[0].Get("StatusCallback"), form); w.Code != 204 || !slices.Equal(r.receipts, []string{want}) {
			t.Errorf("%s by %q: %d, %q", c.status, c.by, w.Code, r.receipts)
		}
	}
	r.receipts = nil
	good := public + "?c=A1&l=en&m=7-A1&p=tell"
	for name, c := range map[string]struct {
		token, address string
		form           url.Values
		want           int
	}{
		"stranger":       {"stranger", good, url.Values{"CallSid": {id}, "CallStatus": {"completed"}}, 403},
		"unknown status": {"old", good, url.Values{"CallSid": {id}, "CallStatus": {"dreaming"}}, 400},
		"no call":        {"old", good, url.Values{"CallStatus": {"completed"}}, 400},
		"no code":        {"old", public + "?m=1", url.Values{"CallSid": {id}, "CallStatus": {"completed"}}, 400},
		"no message":     {"old", public + "?c=1", url.Values{"CallSid": {id}, "CallStatus": {"completed"}}, 400},
	} {
		if w := r.post(c.token, c.address, c.form); w.Code != c.want || r.receipts != nil {
			t.Errorf("%s: %d, %v", name, w.Code, r.receipts)
		}
	}
}

// action is where a Gather of the TwiML sends its key.
func action(t *testing.T, twiml string) string {
	t.Helper()
	var doc struct {
		Gather struct {
			Action string `xml:"action,attr"`
		}
	}
	if err := xml.Unmarshal([]byte(twiml), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Gather.Action
}

func TestKey(t *testing.T) {
	r := newRig(t, withCallback)
	id, _ := r.Send(t.Context(), message("A1"))
	first := action(t, r.forms[0].Get("Twiml"))
	press := func(address, key string) *httptest.ResponseRecorder {
		return r.post("old", address, url.Values{"CallSid": {id}, "Digits": {key}, "CallStatus": {"in-progress"}})
	}
	for _, key := range []string{"1", "2", "4", "5"} {
		r.replies = nil
		w := press(first, key)
		want := []stillwater.Reply{{ID: id + "-" + key, Message: "7-A1", Text: key, At: noon}}
		if w.Code != 200 || !slices.Equal(r.replies, want) || !strings.Contains(w.Body.String(), "thanks") {
			t.Errorf("key %s: %d, %+v, %s", key, w.Code, r.replies, w.Body)
		}
	}
	r.replies = nil
	for _, key := range []string{"3", "9", "#", "", "12", "１"} {
		w := press(first, key)
		if w.Code != 200 || r.replies != nil || !strings.Contains(w.Body.String(), "no such key") || action(t, w.Body.String()) == "" {
			t.Errorf("key %q: %d, %+v, %s", key, w.Code, r.replies, w.Body)
		}
	}
	// What cannot be stored is asked for again, three times in all, and then the SMS is named. She is never told that it was taken.
	r.failure = errors.New("disk full")
	at := first
	for n := 1; ; n++ {
		w := press(at, "1")
		if w.Code != 200 || strings.Contains(w.Body.String(), "thanks") {
			t.Fatalf("%d: %d, %s", n, w.Code, w.Body)
		}
		if at = action(t, w.Body.String()); at == "" {
			if n != 3 || !strings.Contains(w.Body.String(), "see the text") {
				t.Errorf("after %d: %s", n, w.Body)
			}
			break
		}
		if !strings.Contains(w.Body.String(), "once more") {
			t.Errorf("%d: %s", n, w.Body)
		}
	}
	r.failure = nil
	for name, address := range map[string]string{"another message": strings.Replace(first, "7-A1", "7-A2", 1)} {
		if w := r.post("stranger", address, url.Values{"CallSid": {id}, "Digits": {"1"}}); w.Code != 403 || r.replies != nil {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	for name, address := range map[string]string{"not a number": first + "x", "less than none": strings.Replace(first, "n=0", "n=-1", 1)} {
		if w := press(address, "1"); w.Code != 400 || r.replies != nil {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestConfig(t *testing.T) {
	good := func() Config { return Config{Account: account, Token: stillwater.Secret{Env: "X"}, From: ours} }
	for name, c := range map[string]struct {
		change func(*Config)
		field  func(*Config) any
	}{
		"good":            {func(*Config) {}, nil},
		"defaults":        {func(c *Config) { d := Defaults(); c.Ring, c.Timeout = d.Ring, d.Timeout }, nil},
		"called back":     {withCallback, nil},
		"account":         {func(c *Config) { c.Account = "AC12" }, func(c *Config) any { return &c.Account }},
		"key":             {func(c *Config) { c.Key = account }, func(c *Config) any { return &c.Key }},
		"token":           {func(c *Config) { c.Token = stillwater.Secret{} }, func(c *Config) any { return &c.Token }},
		"caller":          {func(c *Config) { c.From = "4155550100" }, func(c *Config) any { return &c.From }},
		"ring":            {func(c *Config) { c.Ring = time.Hour }, func(c *Config) any { return &c.Ring }},
		"voice":           {func(c *Config) { c.Voices = map[string]string{"fr": "x"} }, func(c *Config) any { return &c.Voices }},
		"in the clear":    {func(c *Config) { c.BaseURL = "http://twilio.example.org" }, func(c *Config) any { return &c.BaseURL }},
		"timeout":         {func(c *Config) { c.Timeout = time.Hour }, func(c *Config) any { return &c.Timeout }},
		"callback":        {func(c *Config) { c.CallbackURL = "http://gateway.example.org" }, func(c *Config) any { return &c.CallbackURL }},
		"signed by a key": {func(c *Config) { withCallback(c); c.Key = "SK" + account[2:] }, func(c *Config) any { return &c.CallbackURL }},
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
		t.Error("made without a token and without phrases")
	}
}
