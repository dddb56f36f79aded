package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stillwater"
)

func card(t *testing.T, body map[string]any) map[string]any {
	t.Helper()
	c, ok := body["template_card"].(map[string]any)
	if !ok {
		t.Fatalf("no card: %v", body)
	}
	return c
}

func keysOf(card map[string]any) (keys string) {
	list, _ := card["button_list"].([]any)
	for _, b := range list {
		keys += b.(map[string]any)["key"].(string) + " "
	}
	return strings.TrimSpace(keys)
}

func TestCards(t *testing.T) {
	const page = "https://gateway.example.org/r/abc"
	without := func(c *Config) { c.Callback = nil }
	for what, c := range map[string]struct {
		change     func(*stillwater.Message)
		config     []func(*Config)
		kind, keys string
		page       bool
	}{
		"an alert":            {func(*stillwater.Message) {}, nil, "button_interaction", "1 2 4 5", false},
		"with a page":         {func(m *stillwater.Message) { m.Link = page }, nil, "button_interaction", "1 2 4 5", true},
		"a question":          {func(m *stillwater.Message) { m.Purpose = stillwater.Ask }, nil, "button_interaction", "2 3", false},
		"to herself":          {func(m *stillwater.Message) { m.Purpose = stillwater.Check }, nil, "button_interaction", "2 4", false},
		"in English":          {func(m *stillwater.Message) { m.Language = "en" }, nil, "button_interaction", "1.en 2.en 4.en 5.en", false},
		"an outcome":          {func(m *stillwater.Message) { m.Purpose = stillwater.Done }, nil, "", "", false},
		"an outcome, page":    {func(m *stillwater.Message) { m.Purpose, m.Link = stillwater.Done, page }, nil, "text_notice", "", true},
		"no callback, page":   {func(m *stillwater.Message) { m.Link = page }, []func(*Config){without}, "text_notice", "", true},
		"no callback no page": {func(*stillwater.Message) {}, []func(*Config){without}, "", "", false},
	} {
		o := newOffice(t)
		m := message()
		c.change(&m)
		id, err := o.open(nil, c.config...).Send(t.Context(), m)
		if err != nil || id != "msg-1" || len(o.cards) != 1 {
			t.Fatalf("%s: %q, %v", what, id, err)
		}
		body := o.cards[0]
		if body["touser"] != "LiMin" || body["agentid"] != float64(agent) {
			t.Errorf("%s: to %v of %v", what, body["touser"], body["agentid"])
		}
		if c.kind == "" {
			if body["msgtype"] != "text" || body["text"].(map[string]any)["content"] != m.Text {
				t.Errorf("%s: %v", what, body)
			}
			continue
		}
		card := card(t, body)
		_, linked := card["card_action"]
		if card["card_type"] != c.kind || keysOf(card) != c.keys || linked != c.page || card["sub_title_text"] != m.Text {
			t.Errorf("%s: %v", what, card)
		}
	}
}

// A card says nothing of anybody but what stands in the text, and a group is not even told that.
func TestNothingPersonal(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	m := message()
	m.To, m.Link = "robot:desk", "https://gateway.example.org/r/abc"
	if _, err := w.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(o.groups[0])
	if strings.Contains(text, "王") || strings.Contains(text, "动静") || !strings.Contains(text, "K7M3") || !strings.Contains(text, m.Link) {
		t.Errorf("the group is told %s", text)
	}
	m.To = "LiMin"
	m.Vars, m.Household, m.Connect = map[string]string{"name": "secret-name"}, "secret-home", "+8613800138000"
	if _, err := w.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if told := fmt.Sprint(o.cards[0]); strings.Contains(told, "secret") || strings.Contains(told, "138") {
		t.Errorf("the card tells %s", told)
	}
}

func TestAccessToken(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	send := func(id string) error {
		m := message()
		m.ID = stillwater.MessageID(id)
		_, err := w.Send(t.Context(), m)
		return err
	}
	for _, id := range []string{"K7M-1", "K7M-2"} {
		if err := send(id); err != nil {
			t.Fatal(err)
		}
	}
	if o.fetched != 1 {
		t.Errorf("fetched %d times for two cards", o.fetched)
	}
	o.valid = "taken back" // 40014 on the next call: a new one is fetched, and the card goes
	if err := send("K7M-3"); err != nil || o.fetched != 2 || len(o.cards) != 3 {
		t.Errorf("%v, fetched %d times, %d cards", err, o.fetched, len(o.cards))
	}
	w.options.Now = func() time.Time { return now.Add(2 * time.Hour) }
	if err := send("K7M-4"); err != nil || o.fetched != 3 {
		t.Errorf("after two hours: %v, fetched %d times", err, o.fetched)
	}
	o.answer = func(path string, w http.ResponseWriter) bool { // never good enough
		if path != "/cgi-bin/gettoken" {
			fmt.Fprint(w, `{"errcode":42001,"errmsg":"access_token expired"}`)
			return true
		}
		return false
	}
	before := o.fetched
	if err := send("K7M-5"); !errors.Is(err, stillwater.ErrNotSent) || errors.Is(err, stillwater.ErrRefused) || o.fetched > before+1 {
		t.Errorf("no token is good: %v, fetched %d times more", err, o.fetched-before)
	}
}

// What a courier may conclude from each code. Wrong here means that somebody is told twice, or never.
func TestClassesOfFailure(t *testing.T) {
	unable := []error{stillwater.ErrRefused, stillwater.ErrUnable}
	limited := []error{stillwater.ErrNotSent, stillwater.ErrLimited}
	for answer, classes := range map[string][]error{
		`{"errcode":81013}`: {stillwater.ErrRefused}, `{"errcode":40003}`: {stillwater.ErrRefused}, `{"errcode":60111}`: {stillwater.ErrRefused},
		`{"errcode":45009}`: limited, `{"errcode":45033}`: limited, `{"errcode":45047}`: limited,
		`{"errcode":60020}`: unable, `{"errcode":40056}`: unable, `{"errcode":48002}`: unable, `{"errcode":42014}`: unable, `{"errcode":301002}`: unable, `{"errcode":123456}`: unable,
		`{"errcode":-1}`: nil, `{"errcode":6000}`: nil, `{}`: nil, `OK`: nil, `{"errcode":0}`: nil, // no msgid
		`{"errcode":0,"invaliduser":"limin","msgid":"1"}`: {stillwater.ErrRefused}, `{"errcode":0,"unlicenseduser":"limin","msgid":"1"}`: unable,
	} {
		o := newOffice(t)
		o.answer = func(path string, w http.ResponseWriter) bool {
			if path == "/cgi-bin/gettoken" {
				return false
			}
			fmt.Fprint(w, answer)
			return true
		}
		_, err := o.open(nil).Send(t.Context(), message())
		expect(t, answer, err, classes)
	}
	for answer, classes := range map[string][]error{ // of the call for a token: nothing was handed over
		`{"errcode":40001}`: unable, `{"errcode":40013}`: unable, `{"errcode":-1}`: {stillwater.ErrNotSent}, `{"errcode":45009}`: limited, `<html>`: {stillwater.ErrNotSent}, `{"errcode":0}`: {stillwater.ErrNotSent},
	} {
		o := newOffice(t)
		o.answer = func(_ string, w http.ResponseWriter) bool { fmt.Fprint(w, answer); return true }
		_, err := o.open(nil).Send(t.Context(), message())
		expect(t, "token "+answer, err, classes)
	}
	o := newOffice(t)
	o.answer = func(path string, _ http.ResponseWriter) bool {
		if path != "/cgi-bin/gettoken" {
			panic(http.ErrAbortHandler)
		}
		return false
	}
	_, err := o.open(nil).Send(t.Context(), message())
	expect(t, "cut", err, nil)
	o.server.Close()
	_, err = o.open(nil).Send(t.Context(), message())
	expect(t, "nobody listens", err, []error{stillwater.ErrNotSent})
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = o.open(nil).Send(stopped, message())
	expect(t, "stopped before", err, []error{stillwater.ErrNotSent})
}

func expect(t *testing.T, name string, err error, classes []error) {
	t.Helper()
	for _, class := range []error{stillwater.ErrRefused, stillwater.ErrUnable, stillwater.ErrNotSent, stillwater.ErrLimited} {
		want := false
		for _, c := range classes {
			want = want || c == class
		}
		if err == nil || errors.Is(err, class) != want {
			t.Errorf("%s: %v; of class %q: %v, want %v", name, err, class, errors.Is(err, class), want)
		}
	}
	for _, told := range []string{"secret0", "LiMin", "limin", "动静", "token-1"} {
		if err != nil && strings.Contains(err.Error(), told) {
			t.Errorf("%s: the error tells %q: %v", name, told, err)
		}
	}
}

// A card that may have left already is not shown again: WeCom has its task. Of a first attempt that cannot be, so there it is a refusal.
func TestToldOnce(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	if _, err := w.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	again := message()
	again.Attempts, again.Repeat, again.Text = 2, true, "（重发）"+again.Text
	if id, err := w.Send(t.Context(), again); err != nil || id == "" || len(o.cards) != 1 {
		t.Errorf("%q, %v, %d cards", id, err, len(o.cards))
	}
	_, err := w.Send(t.Context(), message())
	expect(t, "a first attempt whose task is there", err, []error{stillwater.ErrRefused, stillwater.ErrUnable})
}

func TestNotEverybody(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	for _, to := range []stillwater.Address{"@all", "LiMin|WangFang", "", "a b", "李敏", stillwater.Address(strings.Repeat("a", 65))} {
		m := message()
		m.To = to
		if _, err := w.Send(t.Context(), m); !errors.Is(err, stillwater.ErrRefused) {
			t.Errorf("to %q: %v", to, err)
		}
	}
	m := message()
	m.To = "robot:nobody"
	_, err := w.Send(t.Context(), m)
	expect(t, "no such robot", err, []error{stillwater.ErrRefused, stillwater.ErrUnable})
	if len(o.cards)+len(o.groups) != 0 {
		t.Error("something was sent")
	}
}

// A robot sends twenty messages in any minute and no more.
func TestRobotLimit(t *testing.T) {
	o := newOffice(t)
	w := o.open(nil)
	clock := now
	w.options.Now = func() time.Time { return clock }
	m := message()
	m.To = "robot:desk"
	for i := range 20 {
		clock = clock.Add(time.Second)
		if _, err := w.Send(t.Context(), m); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	_, err := w.Send(t.Context(), m)
	expect(t, "the twenty-first", err, []error{stillwater.ErrNotSent, stillwater.ErrLimited})
	clock = now.Add(61 * time.Second) // the first is a minute ago
	if _, err := w.Send(t.Context(), m); err != nil || len(o.groups) != 21 {
		t.Errorf("a minute later: %v, %d messages", err, len(o.groups))
	}
	_, err = w.Send(t.Context(), m)
	expect(t, "one more", err, []error{stillwater.ErrNotSent, stillwater.ErrLimited})
}

func TestValidate(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { *c = Config{} }, "neither an application nor a robot"},
		{func(c *Config) { c.CorpID = "" }, "ID of an office"},
		{func(c *Config) { c.AgentID = 0 }, "AgentId"},
		{func(c *Config) { c.Secret = stillwater.Secret{} }, "no secret is named"},
		{func(c *Config) { c.Secret.Set("") }, "is empty"},
		{func(c *Config) { c.Callback.Token = stillwater.Secret{} }, "no token is named"},
		{func(c *Config) { c.Callback.AESKey = stillwater.Secret{} }, "no key is named"},
		{func(c *Config) { c.Callback.AESKey.Set("short") }, "43 letters and digits"},
		{func(c *Config) { c.Callback.Window = time.Second }, "not between 1m and 1h"},
		{func(c *Config) { c.Robots = append(c.Robots, c.Robots[0]) }, "two robots"},
		{func(c *Config) { c.Robots[0].Name = "a b" }, "not a name for a robot"},
		{func(c *Config) { c.Robots[0].Key = stillwater.Secret{} }, "no key is named"},
		{func(c *Config) { c.BaseURL = "http://wecom.example.org" }, "unencrypted"},
		{func(c *Config) { c.Timeout = time.Hour }, "not between"},
	} {
		if _, err := New(o.config(c.change), Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("wants %q, got %v", c.want, err)
		}
	}
	if _, err := New(Config{Robots: []Robot{{Name: "desk", Key: secret("K", "v")}}}, Options{}); err != nil {
		t.Errorf("a robot alone: %v", err)
	}
}
