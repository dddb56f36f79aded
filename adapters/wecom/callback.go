package wecom

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"stillwater"
)

const (
	// maxCallback bounds a callback's body; that of a button is a kilobyte.
	maxCallback = 64 << 10
	// pressed bounds how long the card is waited for that shows the answer: WeCom waits five seconds for ours.
	pressed = 2 * time.Second
)

var errStale = errors.New("time too old or too new")

// An envelope is what WeCom posts.
type envelope struct {
	Encrypt string
}

// An event is what is in it, as far as it is of use (模板卡片事件推送, developer.work.weixin.qq.com/document/path/90240).
type event struct {
	ToUserName   string
	FromUserName string
	CreateTime   int64
	MsgType      string
	Event        string
	EventKey     string
	TaskID       string `xml:"TaskId"`
	ResponseCode string
	AgentID      int64
}

// Callback takes what WeCom posts to the application's address, and answers when the address is entered. It is nil without a callback.
func (w *WeCom) Callback() http.Handler {
	if w.crypt == nil {
		return nil
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet:
			w.greet(rw, r)
		case http.MethodPost:
			w.heard(rw, r)
		default:
			rw.Header().Set("Allow", "GET, POST")
			http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
		}
	})
}

// unsealed gives what is encrypted in a request that is WeCom's and of now.
func (w *WeCom) unsealed(r *http.Request, encrypted string) ([]byte, error) {
	q := r.URL.Query()
	said, err := w.crypt.open(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), encrypted)
	if err != nil {
		return nil, err
	}
	window := w.cfg.Callback.Window
	if window == 0 {
		window = defaultWindow
	}
	at, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if err != nil || w.options.Now().Sub(time.Unix(at, 0)).Abs() > window {
		return nil, errStale
	}
	return said, nil
}

// greet proves to WeCom that the address is ours.
func (w *WeCom) greet(rw http.ResponseWriter, r *http.Request) {
	said, err := w.unsealed(r, r.URL.Query().Get("echostr"))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Header().Set("X-Content-Type-Options", "nosniff")
	rw.Write(said) //nolint:errcheck // it asks again
}

// heard takes a callback.
func (w *WeCom) heard(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxCallback))
	var outer envelope
	if err != nil || xml.Unmarshal(body, &outer) != nil {
		http.Error(rw, "not as WeCom sends", http.StatusBadRequest)
		return
	}
	said, err := w.unsealed(r, outer.Encrypt)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusForbidden)
		return
	}
	var e event
	if err := xml.Unmarshal(said, &e); err != nil {
		http.Error(rw, "not as WeCom sends", http.StatusBadRequest)
		return
	}
	if err := w.button(r.Context(), e); err != nil {
		http.Error(rw, "not stored, ask again", http.StatusServiceUnavailable)
		return
	}
	rw.WriteHeader(http.StatusOK)
}

// button hands on what a button says. What is none, or none of ours, is taken and comes to nothing: WeCom need not say it again.
func (w *WeCom) button(ctx context.Context, e event) error {
	message, ours := w.untask(e.TaskID, e.FromUserName)
	digit, shown, known := unkey(e.EventKey)
	if e.MsgType != "event" || e.Event != "template_card_event" || e.AgentID != w.cfg.AgentID || !ours || !known || w.options.Reply == nil {
		return nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", e.TaskID, e.FromUserName, e.EventKey, e.CreateTime))
	reply := stillwater.Reply{ID: "wecom-" + hex.EncodeToString(sum[:12]), Message: message, Text: digit, At: w.options.Clock()}
	if err := w.options.Reply(ctx, reply); err != nil {
		return err
	}
	w.show(ctx, e, shown)
	return nil
}

// show turns the card's buttons into the answer. The answer is stored: that the card cannot show it changes nothing.
func (w *WeCom) show(ctx context.Context, e event, shown string) {
	if e.ResponseCode == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pressed)
	defer cancel()
	w.post(ctx, "/cgi-bin/message/update_template_card", map[string]any{ //nolint:errcheck // see above
		"userids": []string{e.FromUserName}, "agentid": w.cfg.AgentID, "response_code": e.ResponseCode,
		"button": map[string]string{"replace_name": shown},
	})
}
