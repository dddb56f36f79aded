package public

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

var sealedBox = regexp.MustCompile(`data-sealed="([A-Za-z0-9_-]+)"`)

// relayedTown is a town whose gateway is behind a relay.
func relayedTown(t testing.TB) *town {
	w := newTown(t)
	w.config = Config{DutyPhone: w.config.DutyPhone, Relay: &RelayConfig{URL: "https://relay.example", ID: "k7"}}
	return w
}

func (w *town) key() string {
	w.t.Helper()
	k, err := w.links.Key(w.code, w.message.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// TestSealed: what goes through a relay says nothing but the code of the text, the language and the buttons; the key opens it.
func TestSealed(t *testing.T) {
	w := relayedTown(t)
	h := w.server().Relayed()
	v := w.get(h, "/m/"+w.code)
	if v.Code != 200 {
		t.Fatalf("%d %s", v.Code, v.body)
	}
	for _, s := range []string{"王", "26", "15:5", "14:05", "无", "接手。", "057486251234", w.key(), w.key()[:6]} {
		visible := regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|data-sealed="[^"]*"|name="once" value="[^"]*"|没有数据.*转发。`).ReplaceAllString(v.body, "")
		visible = strings.ReplaceAll(visible, w.code, "")
		if strings.Contains(visible, s) {
			t.Errorf("%q can be read: %s", s, visible)
		}
	}
	box := sealedBox.FindStringSubmatch(v.body)
	if box == nil {
		t.Fatal("nothing sealed")
	}
	inner, err := open(toBrowser, w.key(), w.code, box[1])
	if err != nil || !strings.Contains(string(inner), "王*家") || !strings.Contains(string(inner), "还没有人接手") {
		t.Errorf("%v: %s", err, inner)
	}
	w.keepsSecrets(string(inner))
	for name, c := range map[string][3]string{
		"another key": {toBrowser, "0123456789abcdef", w.code}, "another code": {toBrowser, w.key(), "0123456789ab"}, "the other way": {toGateway, w.key(), w.code},
	} {
		if _, err := open(c[0], c[1], c[2], box[1]); err == nil {
			t.Errorf("opened with %s", name)
		}
	}
	if again := sealedBox.FindStringSubmatch(w.get(h, "/m/"+w.code).body); again[1] == box[1] {
		t.Error("the same page is sealed the same")
	}
}

// TestSealedPress: a sealed form does what it says, once; a tampered, repeated or foreign one nothing more. Without a script the digit does.
func TestSealedPress(t *testing.T) {
	w := relayedTown(t)
	h := w.server().Relayed()
	post := func(form url.Values) int {
		r := httptest.NewRequest(http.MethodPost, "/m/"+w.code, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://relay.example")
		return do(h, r).Code
	}
	fields := w.form(w.get(h, "/m/"+w.code), "digit", "3", "until", "2025-11-09")
	box, err := seal(toGateway, w.key(), w.code, []byte(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	foreign, _ := seal(toGateway, "0123456789abcdef", w.code, []byte(fields.Encode()))
	turned, _ := seal(toBrowser, w.key(), w.code, []byte(fields.Encode()))
	for name, bad := range map[string]string{"tampered": "A" + box[1:], "cut": box[:len(box)-4], "another key": foreign, "a page": turned, "none": "x"} {
		if c := post(url.Values{"sealed": {bad}}); c != http.StatusBadRequest {
			t.Errorf("%s: %d", name, c)
		}
	}
	if r, _ := w.wait(); len(r) != 0 {
		t.Fatalf("done: %+v", r)
	}
	for range 2 {
		if c := post(url.Values{"sealed": {box}}); c != http.StatusSeeOther {
			t.Errorf("%d", c)
		}
	}
	if r, _ := w.wait(); len(r) != 1 || r[0].Text != "3 until 2025-11-09" {
		t.Errorf("replies %+v", r)
	}
	w = relayedTown(t)
	h = w.server().Relayed()
	if c := post(w.form(w.get(h, "/m/"+w.code), "digit", "1")); c != http.StatusSeeOther {
		t.Errorf("without a script: %d", c)
	}
	if r, _ := w.wait(); len(r) != 1 || r[0].Text != "1" {
		t.Errorf("without a script: %+v", r)
	}
}
