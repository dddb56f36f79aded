package wecom

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// What WeCom publishes as its example (developer.work.weixin.qq.com/document/path/90968).
const (
	corp   = "wx5823bf96d3bd56c7"
	token  = "QDG6eK"
	aesKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
)

const agent = 1000002

// now is the wall clock of the tests, and event another for what is noted.
var (
	now       = time.Date(2026, 11, 22, 15, 50, 0, 0, time.UTC)
	eventTime = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
)

// seal encrypts a message as WeCom does, and signs it.
func (c *crypt) seal(message []byte, timestamp, nonce string) (signature, encrypted string) {
	data := make([]byte, 20, 20+len(message)+len(c.receiver)+blockSize)
	rand.Read(data[:16]) //nolint:errcheck // never fails
	binary.BigEndian.PutUint32(data[16:20], uint32(len(message)))
	data = append(append(data, message...), c.receiver...)
	pad := blockSize - len(data)%blockSize
	for range pad {
		data = append(data, byte(pad))
	}
	return c.raw(data, timestamp, nonce)
}

// raw encrypts and signs whatever it is given.
func (c *crypt) raw(data []byte, timestamp, nonce string) (signature, encrypted string) {
	block, err := aes.NewCipher(c.key)
	if err != nil {
		panic(err)
	}
	out := make([]byte, len(data))
	cipher.NewCBCEncrypter(block, c.key[:aes.BlockSize]).CryptBlocks(out, data)
	encrypted = base64.StdEncoding.EncodeToString(out)
	return c.signature(timestamp, nonce, encrypted), encrypted
}

// office is WeCom's API as its documents have it, for one application.
type office struct {
	t       *testing.T
	server  *httptest.Server
	valid   string // the access token that is taken
	fetched int
	cards   []map[string]any
	groups  []map[string]any
	updated []map[string]any
	tasks   map[string]bool
	// answer, if it is set, answers instead; false: as usual.
	answer func(path string, w http.ResponseWriter) bool
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, tasks: map[string]bool{}}
	o.server = httptest.NewUnstartedServer(http.HandlerFunc(o.serve))
	o.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	o.server.Start()
	t.Cleanup(o.server.Close)
	return o
}

func (o *office) serve(w http.ResponseWriter, r *http.Request) {
	if o.answer != nil && o.answer(r.URL.Path, w) {
		return
	}
	q := r.URL.Query()
	say := func(v map[string]any) {
		if v["errcode"] == nil {
			v["errcode"], v["errmsg"] = 0, "ok"
		}
		json.NewEncoder(w).Encode(v) //nolint:errcheck // a connection of the test
	}
	if r.URL.Path == "/cgi-bin/gettoken" {
		if q.Get("corpid") != corp || q.Get("corpsecret") != "secret0application" {
			say(map[string]any{"errcode": 40001})
			return
		}
		o.fetched++
		o.valid = fmt.Sprintf("token-%d", o.fetched)
		say(map[string]any{"access_token": o.valid, "expires_in": 7200})
		return
	}
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		say(map[string]any{"errcode": 47001})
		return
	}
	if r.URL.Path == "/cgi-bin/webhook/send" {
		if q.Get("key") != "secret0robot" {
			say(map[string]any{"errcode": 93000})
			return
		}
		o.groups = append(o.groups, body)
		say(map[string]any{})
		return
	}
	if q.Get("access_token") != o.valid {
		say(map[string]any{"errcode": 40014})
		return
	}
	if r.URL.Path == "/cgi-bin/message/update_template_card" {
		o.updated = append(o.updated, body)
		say(map[string]any{})
		return
	}
	if card, ok := body["template_card"].(map[string]any); ok {
		task := card["task_id"].(string)
		if o.tasks[task] || len(task) > 128 || strings.Trim(task, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-@") != "" {
			say(map[string]any{"errcode": 42014})
			return
		}
		o.tasks[task] = true
	}
	o.cards = append(o.cards, body)
	say(map[string]any{"msgid": fmt.Sprintf("msg-%d", len(o.cards)), "response_code": "rc"})
}

func secret(name, value string) stillwater.Secret {
	s := stillwater.Secret{Env: name}
	s.Set(value)
	return s
}

// config is one that works with the office.
func (o *office) config(change ...func(*Config)) Config {
	c := Config{
		CorpID: corp, AgentID: agent, Secret: secret("WECOM_SECRET", "secret0application"), BaseURL: o.server.URL,
		Callback: &Callback{Token: secret("WECOM_TOKEN", token), AESKey: secret("WECOM_AES_KEY", aesKey)},
		Robots:   []Robot{{Name: "desk", Key: secret("ROBOT_KEY", "secret0robot")}},
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

// inbox keeps replies, and refuses them while err is set.
type inbox struct {
	replies []stillwater.Reply
	err     error
}

func (i *inbox) reply(_ context.Context, r stillwater.Reply) error {
	if i.err == nil {
		i.replies = append(i.replies, r)
	}
	return i.err
}

func (o *office) open(in *inbox, change ...func(*Config)) *WeCom {
	o.t.Helper()
	options := Options{Clock: func() time.Time { return eventTime }, Now: func() time.Time { return now }}
	if in != nil {
		options.Reply = in.reply
	}
	w, err := New(o.config(change...), options)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(w.Close)
	return w
}

func message() stillwater.Message {
	return stillwater.Message{
		ID: "K7M-1", Contact: "li", To: "LiMin", Channel: stillwater.WeCom, Code: "K7M3", Purpose: stillwater.Tell, Severity: stillwater.Urgent, Language: "zh-CN", Attempts: 1,
		Text: "【安居水哨】王*家3日13:50起已26小时无动静。[K7M3]",
	}
}

// press is the event of a button as WeCom sends it.
func press(task, member, key string, agent, created int64) string {
	return fmt.Sprintf(`<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%d</CreateTime><MsgType><![CDATA[event]]></MsgType>
<Event><![CDATA[template_card_event]]></Event><EventKey><![CDATA[%s]]></EventKey><TaskId><![CDATA[%s]]></TaskId><CardType><![CDATA[button_interaction]]></CardType>
<ResponseCode><![CDATA[rc-2]]></ResponseCode><AgentID>%d</AgentID></xml>`, corp, member, created, key, task, agent)
}

// posted is a callback: what was sealed at a time.
type posted struct{ signature, timestamp, nonce, encrypted string }

func (w *WeCom) sealed(text string, at time.Time) posted {
	p := posted{timestamp: fmt.Sprint(at.Unix()), nonce: "1372623149"}
	p.signature, p.encrypted = w.crypt.seal([]byte(text), p.timestamp, p.nonce)
	return p
}

func (p posted) to(w *WeCom) *httptest.ResponseRecorder {
	q := url.Values{"msg_signature": {p.signature}, "timestamp": {p.timestamp}, "nonce": {p.nonce}}
	body := "<xml><ToUserName><![CDATA[" + corp + "]]></ToUserName><Encrypt><![CDATA[" + p.encrypted + "]]></Encrypt><AgentID><![CDATA[1000002]]></AgentID></xml>"
	r := httptest.NewRequest(http.MethodPost, "/wecom?"+q.Encode(), strings.NewReader(body))
	rec := httptest.NewRecorder()
	w.Callback().ServeHTTP(rec, r)
	return rec
}
