package wecom

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func TestAddressIsProved(t *testing.T) {
	o := newOffice(t)
	w := o.open(&inbox{})
	w.options.Now = func() time.Time { return time.Unix(1409659589, 0) }
	q := url.Values{"msg_signature": {echoSigned}, "timestamp": {"1409659589"}, "nonce": {"263014780"}, "echostr": {echo}}
	get := func() *httptest.ResponseRecorder {
		rec := httptest.NewRecorder()
		w.Callback().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/wecom?"+q.Encode(), nil))
		return rec
	}
	if rec := get(); rec.Code != 200 || rec.Body.String() != "1616140317555161061" {
		t.Errorf("HTTP %d: %q", rec.Code, rec.Body)
	}
	w.options.Now = func() time.Time { return time.Unix(1409659589, 0).Add(6 * time.Minute) }
	if rec := get(); rec.Code != 403 {
		t.Errorf("six minutes late: HTTP %d", rec.Code)
	}
	q.Set("nonce", "1")
	if rec := get(); rec.Code != 403 || strings.Contains(rec.Body.String(), "1616") {
		t.Errorf("forged: HTTP %d: %q", rec.Code, rec.Body)
	}
}

// A button pressed on a card that was sent: the reply names the message, the card shows the answer, and a callback that comes again gives
// the same reply.
func TestButton(t *testing.T) {
	for _, language := range []string{"zh-CN", "en"} {
		o, in := newOffice(t), &inbox{}
		w := o.open(in)
		m := message()
		m.Language = language
		if _, err := w.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		sent := card(t, o.cards[0])
		first := strings.Fields(keysOf(sent))[0]
		p := w.sealed(press(sent["task_id"].(string), "limin", first, agent, now.Unix()), now)
		for range 2 {
			if rec := p.to(w); rec.Code != 200 {
				t.Fatalf("HTTP %d: %s", rec.Code, rec.Body)
			}
		}
		if len(in.replies) != 2 || in.replies[0] != in.replies[1] {
			t.Fatalf("%+v", in.replies)
		}
		if r := in.replies[0]; r.Message != "K7M-1" || r.Text != "1" || r.From != "" || r.ID == "" || !r.At.Equal(eventTime) {
			t.Errorf("%+v", r)
		}
		shown := o.updated[0]
		if shown["response_code"] != "rc-2" || shown["button"].(map[string]any)["replace_name"] != label(language, "done")+label(language, "1") {
			t.Errorf("the card shows %v", shown)
		}
	}
}

// What is no press of ours is taken and comes to nothing.
func TestNotOurs(t *testing.T) {
	o, in := newOffice(t), &inbox{}
	w := o.open(in)
	task := w.task(message())
	for what, said := range map[string]string{
		"another member":      press(task, "WangFang", "1", agent, 1),
		"another application": press(task, "LiMin", "1", agent+1, 1),
		"another message":     press(strings.Replace(task, "K7M-1", "K7M-2", 1), "LiMin", "1", agent, 1),
		"a forged proof":      press(task[:len(task)-1]+"0", "LiMin", "1", agent, 1) + strings.Repeat(" ", 1),
		"no task":             press("", "LiMin", "1", agent, 1),
		"an opt-out word":     press(task, "LiMin", "TD", agent, 1),
		"no digit of ours":    press(task, "LiMin", "6", agent, 1),
		"two digits":          press(task, "LiMin", "12", agent, 1),
		"a text":              strings.Replace(press(task, "LiMin", "1", agent, 1), "<![CDATA[event]]>", "<![CDATA[text]]>", 1),
		"another event":       strings.Replace(press(task, "LiMin", "1", agent, 1), "template_card_event", "enter_agent", 1),
	} {
		if strings.HasSuffix(task, "0") && what == "a forged proof" {
			continue
		}
		if rec := w.sealed(said, now).to(w); rec.Code != 200 {
			t.Errorf("%s: HTTP %d", what, rec.Code)
		}
		if len(in.replies) > 0 {
			t.Fatalf("%s gives %+v", what, in.replies)
		}
	}
	if len(o.updated) > 0 {
		t.Error("a card was changed")
	}
}

func TestCallbackIsRefused(t *testing.T) {
	o, in := newOffice(t), &inbox{}
	w := o.open(in)
	good := func() posted { return w.sealed(press(w.task(message()), "LiMin", "1", agent, 1), now) }
	for what, change := range map[string]func(*posted){
		"signature":  func(p *posted) { p.signature = strings.Repeat("0", 40) },
		"none":       func(p *posted) { p.signature = "" },
		"time":       func(p *posted) { p.timestamp = "1409659813" },
		"nonce":      func(p *posted) { p.nonce = "1" },
		"ciphertext": func(p *posted) { p.encrypted = "A" + p.encrypted[1:] + "" },
		"empty":      func(p *posted) { p.encrypted = "" },
	} {
		p := good()
		change(&p)
		if p == good() {
			continue
		}
		if rec := p.to(w); rec.Code != 403 {
			t.Errorf("another %s: HTTP %d", what, rec.Code)
		}
	}
	for what, at := range map[string]time.Time{"old": now.Add(-6 * time.Minute), "of tomorrow": now.Add(6 * time.Minute)} {
		if rec := w.sealed(press(w.task(message()), "LiMin", "1", agent, 1), at).to(w); rec.Code != 403 {
			t.Errorf("%s: HTTP %d", what, rec.Code)
		}
	}
	if rec := w.sealed("no XML", now).to(w); rec.Code != 400 {
		t.Errorf("no XML inside: HTTP %d", rec.Code)
	}
	for body, want := range map[string]int{"": 400, "no XML": 400, strings.Repeat("x", maxCallback+1): 400, "<xml></xml>": 403} {
		rec := httptest.NewRecorder()
		w.Callback().ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/wecom", strings.NewReader(body)))
		if rec.Code != want {
			t.Errorf("%.10q: HTTP %d, want %d", body, rec.Code, want)
		}
	}
	rec := httptest.NewRecorder()
	w.Callback().ServeHTTP(rec, httptest.NewRequest(http.MethodPut, "/wecom", nil))
	if rec.Code != 405 || len(in.replies) > 0 {
		t.Errorf("PUT: HTTP %d; %d replies", rec.Code, len(in.replies))
	}
	if (o.open(in, func(c *Config) { c.Callback = nil })).Callback() != nil {
		t.Error("a callback without one configured")
	}
}

// While a reply cannot be stored WeCom is not told that it was; when the card cannot be changed it is all the same.
func TestStoredFirst(t *testing.T) {
	o, in := newOffice(t), &inbox{err: errors.New("disk full")}
	w := o.open(in)
	p := w.sealed(press(w.task(message()), "LiMin", "1", agent, 1), now)
	if rec := p.to(w); rec.Code != 503 || len(o.updated) != 0 {
		t.Errorf("not stored: HTTP %d, %d cards changed", rec.Code, len(o.updated))
	}
	in.err = nil
	o.server.Close()
	if rec := p.to(w); rec.Code != 200 || len(in.replies) != 1 {
		t.Errorf("WeCom away: HTTP %d, %d replies", rec.Code, len(in.replies))
	}
}

func TestTasks(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	for _, id := range []stillwater.MessageID{"K7M-1", "Z2345-999", "which-wecom-0a1b", "_x", "-y", "編號 1", stillwater.MessageID(strings.Repeat("A", 80))} {
		task := w.task(stillwater.Message{ID: id, To: "LiMin"})
		if len(task) > 128 {
			t.Errorf("%s has a task of %d letters", id, len(task))
		}
		if got, ok := w.untask(task, "limin"); !ok || got != id {
			t.Errorf("%s comes back as %q, %v", id, got, ok)
		}
		if _, ok := w.untask(task, "LiMin2"); ok {
			t.Errorf("%s is another's, too", id)
		}
	}
	long := w.task(stillwater.Message{ID: stillwater.MessageID(strings.Repeat("A", 300)), To: "LiMin"})
	if _, ok := w.untask(long, "LiMin"); ok || len(long) > 128 {
		t.Errorf("a long one: %d letters, %v", len(long), ok)
	}
}

func FuzzCallback(f *testing.F) {
	f.Add("<xml><Encrypt>"+echo+"</Encrypt></xml>", echoSigned, "1409659589", "263014780")
	f.Add(press("K7M-1@0123456789abcdef", "LiMin", "1", agent, 1), "", "", "")
	f.Fuzz(func(t *testing.T, body, signature, timestamp, nonce string) {
		in := &inbox{}
		w, err := New((&office{server: &httptest.Server{URL: "http://127.0.0.1:1"}}).config(), Options{Reply: in.reply, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		p := posted{signature, timestamp, nonce, body}
		p.to(w)
		if len(in.replies) > 0 {
			t.Fatalf("a stranger's callback gives %+v", in.replies)
		}
		inside := w.sealed(body, now) // whatever WeCom sends, no card of ours was pressed
		if inside.to(w); len(in.replies) > 0 {
			t.Fatalf("%q gives %+v", body, in.replies)
		}
	})
}
