package sms

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stillwater"
)

const (
	account = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	service = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ours    = "+14155550100"
	hers    = "+8613800138000"
)

// provider is a small server of the documented shape of Twilio's Messages resource. It keeps what it is sent, filters by
// date_sent as documented (what has none is in no filtered list), and can be told to misbehave.
type provider struct {
	*httptest.Server
	mu       sync.Mutex // guards everything below
	messages []map[string]any
	requests []*http.Request                               // parsed
	answer   func(http.ResponseWriter, *http.Request) bool // if it says true it has answered
	kept     bool                                          // a message whose sending was answered by answer is kept all the same
}

func newProvider(t *testing.T) *provider {
	p := &provider{}
	p.Server = httptest.NewUnstartedServer(p)
	p.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.Start()
	t.Cleanup(p.Close)
	return p
}

func (p *provider) twilio(t *testing.T, change ...func(*Config)) *Twilio {
	t.Helper()
	token := stillwater.Secret{Env: "TWILIO_TOKEN"}
	token.Set("secret0token")
	cfg := Config{Account: account, Token: token, From: ours, BaseURL: p.URL, Timeout: 5 * time.Second}
	for _, c := range change {
		c(&cfg)
	}
	tw, err := NewTwilio(cfg, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tw.Close)
	return tw
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.ParseForm()
	p.requests = append(p.requests, r)
	if p.answer != nil {
		if p.kept {
			p.take(r)
		}
		if p.answer(w, r) {
			return
		}
	}
	user, password, _ := r.BasicAuth()
	if user != account || password != "secret0token" {
		refuse(w, 401, 20003, "Authenticate")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	const list = "/2010-04-01/Accounts/" + account + "/Messages.json"
	switch id, one := strings.CutPrefix(r.URL.Path, strings.TrimSuffix(list, ".json")+"/"); {
	case one:
		for _, m := range p.messages {
			if m["sid"] == strings.TrimSuffix(id, ".json") {
				json.NewEncoder(w).Encode(m)
				return
			}
		}
		refuse(w, 404, 20404, "The requested resource "+r.URL.Path+" was not found")
	case r.Method == http.MethodPost && r.URL.Path == list:
		w.WriteHeader(201)
		json.NewEncoder(w).Encode(p.take(r))
	case r.URL.Path == list:
		p.list(w, r.URL.Query())
	default:
		refuse(w, 404, 20404, "not found")
	}
}

// asked is how many requests there were.
func (p *provider) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests)
}

func refuse(w http.ResponseWriter, status, code int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]any{"code": code, "message": message, "status": status, "more_info": "https://www.twilio.com/docs/errors/" + strconv.Itoa(code)})
}

func (p *provider) take(r *http.Request) map[string]any {
	return p.add(map[string]any{"to": r.PostForm.Get("To"), "from": r.PostForm.Get("From"), "body": r.PostForm.Get("Body"), "direction": "outbound-api",
		"status": "queued", "date_sent": nil})
}

// add completes a message and keeps it.
func (p *provider) add(m map[string]any) map[string]any {
	m["sid"] = fmt.Sprintf("SM%032d", len(p.messages)+1)
	m["account_sid"] = account
	if m["date_created"] == nil {
		m["date_created"] = stamp(time.Now())
	}
	p.messages = append(p.messages, m)
	return m
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC1123Z) }

// list answers a page, the latest first, with the address of the next one.
func (p *provider) list(w http.ResponseWriter, q url.Values) {
	var found []map[string]any
	for i := len(p.messages) - 1; i >= 0; i-- {
		m := p.messages[i]
		if to := q.Get("To"); to != "" && m["to"] != to {
			continue
		}
		if after, err := time.Parse(time.RFC3339, q.Get("DateSent>")); err == nil {
			text, _ := m["date_sent"].(string)
			sent, err := time.Parse(time.RFC1123Z, text)
			if text == "" || err == nil && sent.Before(after.Truncate(24*time.Hour)) {
				continue
			}
		}
		found = append(found, m)
	}
	size, _ := strconv.Atoi(q.Get("PageSize"))
	page, _ := strconv.Atoi(q.Get("Page"))
	if page > 0 && q.Get("PageToken") != fmt.Sprint("PA", page) {
		refuse(w, 400, 20001, "page without its token")
		return
	}
	end := min((page+1)*size, len(found))
	answer := map[string]any{"messages": found[min(page*size, len(found)):end], "page": page, "page_size": size, "next_page_uri": nil}
	if end < len(found) {
		q.Set("Page", fmt.Sprint(page+1))
		q.Set("PageToken", fmt.Sprint("PA", page+1))
		answer["next_page_uri"] = "/2010-04-01/Accounts/" + account + "/Messages.json?" + q.Encode()
	}
	json.NewEncoder(w).Encode(answer)
}
