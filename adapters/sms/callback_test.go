package sms

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"stillwater"
)

const public = "https://gateway.example.org/twilio/sms"

// post calls back as Twilio does, signed by the token.
func post(h http.Handler, token string, form url.Values) int {
	signed := public
	for _, k := range slices.Sorted(maps.Keys(form)) {
		signed += k + form.Get(k)
	}
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(signed))
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:9000/behind/a/proxy", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	r.Header.Set("X-Twilio-Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// heard keeps what was called back.
type heard struct {
	receipts [][3]string
	replies  []stillwater.Reply
	failure  error // of keeping a reply
}

func (h *heard) options() Options {
	return Options{
		Receipt: func(id string, state stillwater.DeliveryState, detail string) {
			h.receipts = append(h.receipts, [3]string{id, string(state), detail})
		},
		Reply: func(_ context.Context, r stillwater.Reply) error {
			if h.failure == nil {
				h.replies = append(h.replies, r)
			}
			return h.failure
		},
		Now: func() time.Time { return noon },
	}
}

// calledBack is a provider that is called back at public.
func calledBack(t *testing.T, h *heard, change ...func(*Config)) http.Handler {
	t.Helper()
	token := func(value string) stillwater.Secret {
		s := stillwater.Secret{Env: "X"}
		s.Set(value)
		return s
	}
	cfg := Config{Account: account, Token: token("old"), SecondaryToken: token("new"), From: ours, CallbackURL: public}
	for _, c := range change {
		c(&cfg)
	}
	tw, err := NewTwilio(cfg, h.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tw.Close)
	return tw.Callback()
}

const sid = "SM00000000000000000000000000000001"

func TestReceiptCalledBack(t *testing.T) {
	var h heard
	callback := calledBack(t, &h)
	for _, c := range []struct{ status, code, want, detail string }{
		{"queued", "", "accepted", "queued"}, {"sending", "", "accepted", "sending"}, {"sent", "", "accepted", "sent"},
		{"delivered", "", "delivered", "delivered"}, {"read", "", "delivered", "read"}, {"canceled", "", "failed", "canceled"},
		{"undelivered", "30003", "failed", "undelivered: 30003 handset unreachable"},
		{"undelivered", "30004", "failed", "undelivered: 30004 blocked by its owner or carrier"},
		{"undelivered", "30005", "failed", "undelivered: 30005 unknown number"},
		{"undelivered", "30006", "failed", "undelivered: 30006 landline or carrier out of reach"},
		{"undelivered", "30007", "failed", "undelivered: 30007 filtered by the carrier"},
		{"undelivered", "30008", "failed", "undelivered: 30008 unknown error of the carrier"},
		{"failed", "21610", "failed", "failed: 21610 opted out"},
		{"failed", "39999", "failed", "failed: 39999"},
	} {
		h.receipts = nil
		form := url.Values{"AccountSid": {account}, "MessageSid": {sid}, "MessageStatus": {c.status}, "To": {hers}}
		if c.code != "" {
			form.Set("ErrorCode", c.code)
		}
		if code := post(callback, "old", form); code != 204 || !reflect.DeepEqual(h.receipts, [][3]string{{sid, c.want, c.detail}}) {
			t.Errorf("%s %s: %d, %v", c.status, c.code, code, h.receipts)
		}
	}
	h.receipts = nil
	for name, form := range map[string]url.Values{
		"unknown status": {"AccountSid": {account}, "MessageSid": {sid}, "MessageStatus": {"receiving"}},
		"not a message":  {"AccountSid": {account}, "MessageSid": {"CA" + sid[2:]}, "MessageStatus": {"delivered"}},
	} {
		if code := post(callback, "old", form); code != 400 || h.receipts != nil {
			t.Errorf("%s: %d, %v", name, code, h.receipts)
		}
	}
}

func TestReplyCalledBack(t *testing.T) {
	var h heard
	callback := calledBack(t, &h)
	form := url.Values{"AccountSid": {account}, "MessageSid": {sid}, "From": {hers}, "To": {ours}, "Body": {"1 我去看看"}, "SmsStatus": {"received"}}
	want := stillwater.Reply{ID: sid, From: hers, Text: "1 我去看看", At: noon}
	for name, token := range map[string]string{"the token": "old", "the secondary token": "new"} {
		h.replies = nil
		if code := post(callback, token, form); code != 200 || len(h.replies) != 1 || h.replies[0] != want {
			t.Errorf("by %s: %d, %+v", name, code, h.replies)
		}
	}
	h.replies, h.failure = nil, errors.New("disk full")
	if code := post(callback, "old", form); code != 503 {
		t.Errorf("what could not be stored was answered %d", code)
	}
	h.failure = nil
	if code := post(callback, "stranger", form); code != 403 {
		t.Errorf("a forgery was answered %d", code)
	}
	for name, change := range map[string]func(url.Values){
		"another number of the account": func(f url.Values) { f.Set("To", "+14155550199") },
		"no sender":                     func(f url.Values) { f.Del("From") },
		"no body":                       func(f url.Values) { f.Del("Body") },
		"no SID":                        func(f url.Values) { f.Del("MessageSid") },
		"a name cut short":              func(f url.Values) { f.Del("Body"); f.Set("Bod", "y1") },
	} {
		other := maps.Clone(form)
		change(other)
		if code := post(callback, "old", other); code != 400 {
			t.Errorf("%s: %d", name, code)
		}
	}
	if len(h.replies) != 0 {
		t.Errorf("taken: %+v", h.replies)
	}
	byService := calledBack(t, &h, func(c *Config) { c.From, c.MessagingService = "", service })
	form.Set("MessagingServiceSid", service)
	if code := post(byService, "old", form); code != 200 || len(h.replies) != 1 {
		t.Errorf("by a service: %d", code)
	}
}

// With an API key it is not its secret that callbacks are signed by.
func TestSignedByTheAccountsToken(t *testing.T) {
	auth := stillwater.Secret{Env: "Y"}
	auth.Set("auth")
	var h heard
	callback := calledBack(t, &h, func(c *Config) {
		c.Key, c.AuthToken, c.SecondaryToken = "SKaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", auth, stillwater.Secret{}
	})
	form := url.Values{"AccountSid": {account}, "MessageSid": {sid}, "MessageStatus": {"sent"}}
	if auth, key := post(callback, "auth", form), post(callback, "old", form); auth != 204 || key != 403 {
		t.Errorf("by the auth token %d, by the key's secret %d", auth, key)
	}
	if empty := post(callback, "", form); empty != 403 {
		t.Errorf("by nothing %d", empty)
	}
}

func TestCallbackIsAskedFor(t *testing.T) {
	p := newProvider(t)
	if tw := p.twilio(t); tw.Callback() != nil {
		t.Error("a callback without an address")
	}
	p.twilio(t).Send(t.Context(), text("A1-1"))
	p.twilio(t, func(c *Config) { c.CallbackURL = public }).Send(t.Context(), text("A1-2"))
	if a, b := p.requests[0].PostForm, p.requests[1].PostForm; a.Has("StatusCallback") || b.Get("StatusCallback") != public {
		t.Errorf("%v, %v", a, b)
	}
}

// What a courier may wait for instead of climbing past or asking.
func TestLimited(t *testing.T) {
	for code, want := range map[int]bool{20429: true, 14107: true, 21611: true, 30022: true, 30023: true, 63018: true, 63038: true, 21610: false, 21211: false, 20003: false} {
		p := newProvider(t)
		p.answer = func(w http.ResponseWriter, _ *http.Request) bool { refuse(w, 400, code, "no"); return true }
		_, err := p.twilio(t).Send(t.Context(), text("A1-1"))
		if errors.Is(err, stillwater.ErrLimited) != want || errors.Is(err, stillwater.ErrNotSent) != want || errors.Is(err, stillwater.ErrRefused) == want {
			t.Errorf("%d: %v", code, err)
		}
	}
}
