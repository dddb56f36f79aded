package voice

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
)

const (
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ours    = "+14155550100"
	hers    = "+8613800138000"
	his     = "+8613900139000"
	public  = "https://gateway.example.org/twilio/voice"
)

// provider is a small server of the documented shape of Twilio's Calls resource, which keeps the calls and can be told to misbehave.
type provider struct {
	*httptest.Server
	lock   sync.Mutex // guards everything below
	ahead  time.Duration
	rings  []map[string]any
	forms  []url.Values
	answer func(http.ResponseWriter, *http.Request) bool // if it says true it has answered
	kept   bool                                          // a call whose making was answered by answer is made all the same
}

func newProvider(t *testing.T) *provider {
	p := &provider{}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func (p *provider) now() time.Time { return time.Now().Add(p.ahead) }

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.lock.Lock()
	defer p.lock.Unlock()
	r.ParseForm()
	w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
	const list = "/2010-04-01/Accounts/" + account + "/Calls.json"
	making := r.Method == http.MethodPost && r.URL.Path == list
	if making {
		p.forms = append(p.forms, r.PostForm)
	}
	if p.answer != nil {
		if making && p.kept {
			p.add(r.PostForm.Get("To"), p.now())
		}
		if p.answer(w, r) {
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	switch id, one := strings.CutPrefix(r.URL.Path, strings.TrimSuffix(list, ".json")+"/"); {
	case one:
		for _, c := range p.rings {
			if c["sid"] == strings.TrimSuffix(id, ".json") {
				json.NewEncoder(w).Encode(c)
				return
			}
		}
		refuse(w, 404, 20404)
	case making:
		w.WriteHeader(201)
		json.NewEncoder(w).Encode(p.add(r.PostForm.Get("To"), p.now()))
	default:
		p.list(w, r.URL.Query())
	}
}

// add makes a call.
func (p *provider) add(to string, at time.Time) map[string]any {
	c := map[string]any{"sid": fmt.Sprintf("CA%032d", len(p.rings)+1), "account_sid": account, "to": to, "from": ours,
		"direction": "outbound-api", "status": "queued", "date_created": at.UTC().Format(time.RFC1123Z)}
	p.rings = append(p.rings, c)
	return c
}

func (p *provider) list(w http.ResponseWriter, q url.Values) {
	var found []map[string]any
	for _, c := range slices.Backward(p.rings) {
		if c["to"] == q.Get("To") && c["from"] == q.Get("From") {
			found = append(found, c)
		}
	}
	size, _ := strconv.Atoi(q.Get("PageSize"))
	page, _ := strconv.Atoi(q.Get("Page"))
	end := min((page+1)*size, len(found))
	answer := map[string]any{"calls": found[min(page*size, len(found)):end], "next_page_uri": nil}
	if end < len(found) {
		q.Set("Page", fmt.Sprint(page+1))
		q.Set("PageToken", fmt.Sprint("PA", page+1))
		answer["next_page_uri"] = "/2010-04-01/Accounts/" + account + "/Calls.json?" + q.Encode()
	}
	json.NewEncoder(w).Encode(answer)
}

func refuse(w http.ResponseWriter, status, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"code": code, "message": "The number " + hers + " is not right", "status": status})
}

// rig is a Voice at the provider, with what was handed on.
type rig struct {
	*Voice
	*provider
	receipts []string
	replies  []stillwater.Reply
	failure  error // of keeping a key
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newRig(t *testing.T, change ...func(*Config)) *rig {
	t.Helper()
	return rigAt(t, newProvider(t), change...)
}

func rigAt(t *testing.T, p *provider, change ...func(*Config)) *rig {
	t.Helper()
	r := &rig{provider: p}
	cfg := Config{Account: account, Token: secret("old"), SecondaryToken: secret("new"), From: ours, BaseURL: p.URL, Timeout: 5 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	r.Voice, err = New(cfg, Options{
		Phrases: func(m stillwater.Message) Phrases {
			p := Phrases{SeeText: "see the text", Thanks: "thanks", NoSuchKey: "no such key", Try: "once more", After: "over"}
			if m.Purpose == stillwater.Tell {
				p.Keys = "keys in " + m.Language
			}
			return p
		},
		Receipt: func(id string, state stillwater.DeliveryState, detail string) {
			r.receipts = append(r.receipts, fmt.Sprint(id[30:], " ", state, " ", detail))
		},
		Reply: func(_ context.Context, m stillwater.Reply) error {
			if r.failure == nil {
				r.replies = append(r.replies, m)
			}
			return r.failure
		},
		Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Voice.Close)
	return r
}

func secret(value string) stillwater.Secret {
	s := stillwater.Secret{Env: "X"}
	s.Set(value)
	return s
}

func withCallback(c *Config) { c.CallbackURL = public }

func message(code string) stillwater.Message {
	return stillwater.Message{ID: stillwater.MessageID("7-" + code), Code: code, Contact: "c1", To: hers, Language: "zh-CN", Purpose: stillwater.Tell, Text: "王家 & 十三个小时没有动静"}
}

// post calls back as Twilio does: to an address it was given, signed.
func (r *rig) post(token, address string, form url.Values) *httptest.ResponseRecorder {
	form.Set("AccountSid", account)
	signed := address
	for _, k := range slices.Sorted(maps.Keys(form)) {
		signed += k + form.Get(k)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(signed))
	_, query, _ := strings.Cut(address, "?")
	req := httptest.NewRequest(http.MethodPost, "/voice?"+query, strings.NewReader(form.Encode()))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	r.Callback().ServeHTTP(w, req)
	return w
}
