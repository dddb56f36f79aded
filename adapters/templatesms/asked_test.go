package templatesms

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// Aliyun can be asked whether a text was sent: by number, day and code.
func TestAliyunFinds(t *testing.T) {
	p := newProvider(t)
	s := p.open(aliyun)
	a := s.(Asker)
	if _, found, err := a.Find(t.Context(), hers, "K7M3", now.Add(-time.Hour)); found || err != nil {
		t.Fatalf("before it is sent: %v, %v", found, err)
	}
	sentAs, err := s.Send(t.Context(), message("K7M3"))
	if err != nil {
		t.Fatal(err)
	}
	for range 120 { // its receipt is on the third page
		p.texts = append([]*sent{{phone: "13800138000", code: "OTHER", day: "20261122", status: 3}}, p.texts...)
	}
	id, found, err := a.Find(t.Context(), hers, "K7M3", now.Add(-time.Hour))
	if err != nil || !found {
		t.Fatalf("found %v, %v", found, err)
	}
	if _, found, err := a.Find(t.Context(), hers, "K7M", now.Add(-time.Hour)); found || err != nil {
		t.Errorf("a part of a code: %v, %v", found, err)
	}
	if _, found, err := a.Find(t.Context(), "+8613900139000", "K7M3", now.Add(-time.Hour)); found || err != nil {
		t.Errorf("another's number: %v, %v", found, err)
	}
	for _, id := range []string{sentAs, id} {
		for status, want := range map[int]stillwater.DeliveryState{1: stillwater.Accepted, 2: stillwater.Failed, 3: stillwater.Delivered} {
			p.texts[len(p.texts)-1].status, p.texts[len(p.texts)-1].word = status, "UNDELIVERED"
			if state, detail, err := a.Status(t.Context(), id); state != want || err != nil || detail == "" {
				t.Errorf("status %d: %s (%s), %v", status, state, detail, err)
			}
		}
	}
}

// By the provider's clock a text may have been sent on another day than by ours, and it is looked for on every day since.
func TestAliyunAcrossMidnight(t *testing.T) {
	p := newProvider(t)
	p.ahead = 12 * time.Minute // two minutes past midnight there
	s := p.open(aliyun)
	id, err := s.Send(t.Context(), message("K7M3"))
	if err != nil {
		t.Fatal(err)
	}
	if p.texts[0].day != "20261123" {
		t.Fatalf("sent on %s", p.texts[0].day)
	}
	p.texts[0].status = 3
	if state, _, err := s.(Asker).Status(t.Context(), id); state != stillwater.Delivered || err != nil {
		t.Errorf("%s, %v", state, err)
	}
	later := now.Add(70 * time.Minute) // still the 22nd by UTC, and the 23rd in Beijing
	s, err = New(p.config(aliyun), Options{Now: func() time.Time { return later }})
	if err != nil {
		t.Fatal(err)
	}
	if _, found, err := s.(Asker).Find(t.Context(), hers, "K7M3", later.Add(-time.Minute)); !found || err != nil {
		t.Errorf("sent today, in Beijing: %v, %v", found, err)
	}
	s = p.open(aliyun)
	p.texts[0].day = "20261120"
	if _, found, err := s.(Asker).Find(t.Context(), hers, "K7M3", now.Add(-3*24*time.Hour)); !found || err != nil {
		t.Errorf("sent three days ago: %v, %v", found, err)
	}
	if _, found, err := s.(Asker).Find(t.Context(), hers, "K7M3", now.Add(-24*time.Hour)); found || err != nil {
		t.Errorf("looked for since yesterday: %v, %v", found, err)
	}
}

// "Not found" is said only when all was looked at.
func TestNotFoundIsSure(t *testing.T) {
	for what, answer := range map[string]string{
		"a list without its length": `{"Code":"OK","SmsSendDetailDTOs":{"SmsSendDetailDTO":[]}}`,
		"a list that ends early":    `{"Code":"OK","TotalCount":"60","SmsSendDetailDTOs":{"SmsSendDetailDTO":[]}}`,
		"a list without an end":     `{"Code":"OK","TotalCount":9999,"SmsSendDetailDTOs":{"SmsSendDetailDTO":[{"OutId":"x","SendStatus":1}]}}`,
		"an error":                  `{"Code":"isp.SYSTEM_ERROR"}`,
		"somebody else":             `{}`,
	} {
		p := newProvider(t)
		p.answer = func(_ string, w http.ResponseWriter) bool { fmt.Fprint(w, answer); return true }
		if _, found, err := p.open(aliyun).(Asker).Find(t.Context(), hers, "K7M3", now); found || err == nil {
			t.Errorf("%s: found %v, %v; want an error", what, found, err)
		}
	}
	for name, change := range map[string]func(*Config){tencent: func(*Config) {}, generic: func(*Config) {}} {
		p := newProvider(t)
		if _, found, err := p.open(name, change).(Asker).Find(t.Context(), hers, "K7M3", now); found || err == nil {
			t.Errorf("%s has no receipt: found %v, %v; want an error, because that says nothing", name, found, err)
		}
	}
	p := newProvider(t)
	complete := func(c *Config) { c.Generic.Receipts.Complete = true }
	if _, found, err := p.open(generic, complete).(Asker).Find(t.Context(), hers, "K7M3", now); found || err != nil {
		t.Errorf("a complete list: %v, %v", found, err)
	}
	if _, ok := p.open(generic, func(c *Config) { c.Generic.Receipts = nil }).(Asker); ok {
		t.Error("a provider without receipts can be asked")
	}
}

func TestReceipts(t *testing.T) {
	for _, name := range []string{tencent, generic} {
		p := newProvider(t)
		s := p.open(name)
		a := s.(Asker)
		id, err := s.Send(t.Context(), message("K7M3"))
		if err != nil {
			t.Fatal(err)
		}
		if state, _, err := a.Status(t.Context(), id); state != stillwater.Accepted || err != nil {
			t.Errorf("%s: before the receipt %s, %v", name, state, err)
		}
		for word, status := range map[string]int{"DELIVRD": 3, "UNDELIV": 2} {
			p.texts[0].word, p.texts[0].status = word, status
			want := map[int]stillwater.DeliveryState{2: stillwater.Failed, 3: stillwater.Delivered}[status]
			if state, detail, err := a.Status(t.Context(), id); state != want || detail != word || err != nil {
				t.Errorf("%s: %s is %s (%s), %v", name, word, state, detail, err)
			}
		}
		found, ok, err := a.Find(t.Context(), hers, "K7M3", now)
		if !ok || err != nil {
			t.Fatalf("%s: found %v, %v", name, ok, err)
		}
		if state, _, err := a.Status(t.Context(), found); state == "" || err != nil {
			t.Errorf("%s: status of what was found: %s, %v", name, state, err)
		}
		p.keepsContext = false
		if _, ok, err := a.Find(t.Context(), hers, "K7M3", now); name == tencent && (ok || err == nil) {
			t.Errorf("an account without session contexts: %v, %v", ok, err)
		}
	}
}

// An identifier is of use to the account alone, tells nobody a number, and is refused when a bit of it is changed.
func TestIdentifiers(t *testing.T) {
	s := newSealer("secret0token")
	r := receipt{phone: "13800138000", sent: now, code: "K7M3", id: "5000:1|2"}
	id := s.seal(r)
	if got, err := s.open(id); err != nil || got != r {
		t.Errorf("%+v, %v", got, err)
	}
	if s.seal(r) != id {
		t.Error("the same receipt has two identifiers")
	}
	other := r
	other.code = "K7M4"
	if s.seal(other)[:16] == id[:16] {
		t.Error("two receipts are sealed by the same nonce")
	}
	for said, want := range map[string]string{"DELIVERED": "DELIVERED", "MK:0001": "MK:0001", "13800138000": "(unreadable)", "号码": "(unreadable)", "a b": "(unreadable)"} {
		if got := word(said); got != want {
			t.Errorf("%q is logged as %q", said, got)
		}
	}
	if _, err := newSealer("another").open(id); err == nil {
		t.Error("another account reads it")
	}
	for i := range id {
		for _, c := range "Az9-" {
			if forged := id[:i] + string(c) + id[i+1:]; forged != id {
				if got, err := s.open(forged); err == nil && got != r {
					t.Fatalf("forged at %d: %+v", i, got)
				}
			}
		}
	}
	for _, junk := range []string{"", "x", strings.Repeat("A", 40), "134523^4351232", "13800138000"} {
		if _, err := s.open(junk); err == nil {
			t.Errorf("%q is read", junk)
		}
	}
}

// Of what people answered only the opt-out words are told: digits are off.
func TestOptOuts(t *testing.T) {
	p := newProvider(t)
	at := now.Unix()
	for _, said := range []string{"1", " td ", "2 平安", "R", "STOP it", "退订", "N"} {
		p.replies = append(p.replies, map[string]any{"PhoneNumber": hers, "ReplyContent": said, "ReplyTime": at})
	}
	p.replies = append(p.replies, map[string]any{"PhoneNumber": hers, "ReplyContent": "T", "ReplyTime": at - 7200}, map[string]any{"PhoneNumber": "+1415", "ReplyContent": "T", "ReplyTime": at})
	replies, err := p.open(tencent).(*Tencent).OptOuts(t.Context(), now.Add(-time.Hour))
	var got []string
	for _, r := range replies {
		got = append(got, r.Text)
		if r.From != hers || r.ID == "" || !r.At.Equal(now) {
			t.Errorf("%+v", r)
		}
	}
	if err != nil || fmt.Sprint(got) != "[TD R 退订 N]" {
		t.Errorf("%v, %v", got, err)
	}
}
