package wecom

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// WeCom sends cards and takes what is pressed on them. Its methods may be called from several goroutines.
type WeCom struct {
	cfg     Config
	options Options
	calls   *httpcall.Caller
	crypt   *crypt // nil: no callback

	mu     sync.Mutex // guards everything below, and is held while a token is fetched: one is enough
	token  string
	until  time.Time
	robots map[string][]time.Time // when each last sent, within the last minute
}

const (
	// early is how long before its end a token is fetched anew.
	early = 5 * time.Minute
	// perMinute is what a robot may send in a minute (developer.work.weixin.qq.com/document/path/91770).
	perMinute = 20
)

// New gives a WeCom for a Config that Validate has nothing to say of, its secrets read.
func New(cfg Config, o Options) (*WeCom, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("wecom: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Clock == nil {
		o.Clock = o.Now
	}
	w := &WeCom{cfg: cfg, options: o, calls: httpcall.New(cfg.Timeout), robots: map[string][]time.Time{}}
	if b := cfg.Callback; b != nil {
		var err error
		if w.crypt, err = newCrypt(b.Token.Reveal(), b.AESKey.Reveal(), cfg.CorpID); err != nil {
			return nil, fmt.Errorf("wecom: %w", err)
		}
	}
	return w, nil
}

// Name is "wecom".
func (w *WeCom) Name() string { return "wecom" }

// Close lets go of idle connections. It is not needed for anything to be sent.
func (w *WeCom) Close() { w.calls.Close() }

// memberShape is a member's ID. What is no ID would be everybody (@all) or several (a|b).
var memberShape = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}$`)

// Send hands m to the member, or to the robot's group, that m.To names.
func (w *WeCom) Send(ctx context.Context, m stillwater.Message) (string, error) {
	var id string
	var err error
	name, robot := strings.CutPrefix(string(m.To), robotPrefix)
	switch {
	case robot:
		err = w.tellGroup(ctx, name, m)
	case w.cfg.CorpID == "":
		err = fmt.Errorf("%w: only robots are configured", httpcall.ErrUnable)
	case !memberShape.MatchString(string(m.To)):
		err = fmt.Errorf("%w: what contact %q has as wecom is no member's ID", stillwater.ErrRefused, m.Contact)
	case m.Text == "":
		err = fmt.Errorf("%w: the text is empty", stillwater.ErrRefused)
	default:
		id, err = w.tell(ctx, m)
	}
	if err != nil {
		return "", fmt.Errorf("send by wecom: %w", err)
	}
	return id, nil
}

// An answer is what every call of the API answers with.
type answer struct {
	ErrCode *int   `json:"errcode"`
	MsgID   string `json:"msgid"`

	InvalidUser    string `json:"invaliduser"`
	UnlicensedUser string `json:"unlicenseduser"`

	AccessToken string `json:"access_token"`
	ExpiresIn   int    `json:"expires_in"`
}

// call posts a body, or gets, and gives an answer in WeCom's words, whatever its code.
func (w *WeCom) call(ctx context.Context, path string, query url.Values, body any) (answer, error) {
	method, content := http.MethodGet, []byte(nil)
	if body != nil {
		var err error
		method = http.MethodPost
		if content, err = json.Marshal(body); err != nil {
			return answer{}, fmt.Errorf("%w: the card cannot be written", stillwater.ErrRefused)
		}
	}
	req, err := http.NewRequest(method, cmp.Or(w.cfg.BaseURL, "https://qyapi.weixin.qq.com")+path+"?"+query.Encode(), bytes.NewReader(content))
	if err != nil {
		return answer{}, errors.New("the address of the API cannot be written")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	got, err := w.calls.Do(ctx, req)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if err := json.Unmarshal(got.Body, &a); err != nil || a.ErrCode == nil {
		return answer{}, got.Strange()
	}
	return a, nil
}

// access gives an access token, fetching one if there is none that holds. Until there is, nothing is sent.
func (w *WeCom) access(ctx context.Context) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token != "" && w.options.Now().Before(w.until) {
		return w.token, nil
	}
	a, err := w.call(ctx, "/cgi-bin/gettoken", url.Values{"corpid": {w.cfg.CorpID}, "corpsecret": {w.cfg.Secret.Reveal()}}, nil)
	switch {
	case err != nil && errors.Is(err, stillwater.ErrNotSent):
		return "", fmt.Errorf("access token: %w", err)
	case err != nil:
		return "", fmt.Errorf("access token: %w: %w", stillwater.ErrNotSent, err)
	case *a.ErrCode == busy:
		return "", fmt.Errorf("access token: %w: %w", stillwater.ErrNotSent, fail(busy))
	case *a.ErrCode != 0:
		return "", fmt.Errorf("access token: %w", fail(*a.ErrCode))
	case a.AccessToken == "":
		return "", fmt.Errorf("access token: %w: the answer has none", stillwater.ErrNotSent)
	}
	life := time.Duration(a.ExpiresIn) * time.Second
	w.token, w.until = a.AccessToken, w.options.Now().Add(max(life-early, life/2))
	return w.token, nil
}

// forget lets go of a token that WeCom takes no more, unless there is another already.
func (w *WeCom) forget(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.token == token {
		w.token = ""
	}
}

// post makes a call with an access token, once more with a new one if WeCom does not take it.
func (w *WeCom) post(ctx context.Context, path string, body any) (answer, error) {
	for again := false; ; again = true {
		token, err := w.access(ctx)
		if err != nil {
			return answer{}, err
		}
		a, err := w.call(ctx, path, url.Values{"access_token": {token}}, body)
		if err != nil || !staleToken[*a.ErrCode] || again {
			return a, err
		}
		w.forget(token)
	}
}

// tell sends a card to a member.
func (w *WeCom) tell(ctx context.Context, m stillwater.Message) (string, error) {
	a, err := w.post(ctx, "/cgi-bin/message/send", w.body(m))
	switch {
	case err != nil:
		return "", err
	case *a.ErrCode == taskExists && m.Attempts > 1: // an attempt whose end was not seen has left: this one is not shown again
		return "task " + w.task(m), nil
	case *a.ErrCode != 0:
		return "", fail(*a.ErrCode)
	case a.InvalidUser != "":
		return "", fmt.Errorf("%w: the member of contact %q is not in the application's scope", stillwater.ErrRefused, m.Contact)
	case a.UnlicensedUser != "":
		return "", fmt.Errorf("%w: the member of contact %q has no licence for interfaces", httpcall.ErrUnable, m.Contact)
	case a.MsgID == "":
		return "", errors.New("the answer has no msgid")
	}
	return a.MsgID, nil
}

// tellGroup gives a group the number of a message and its link.
func (w *WeCom) tellGroup(ctx context.Context, name string, m stillwater.Message) error {
	key := ""
	for _, r := range w.cfg.Robots {
		if r.Name == name {
			key = r.Key.Reveal()
		}
	}
	if key == "" {
		return fmt.Errorf("%w: no robot is called %q", httpcall.ErrUnable, name)
	}
	if !w.mayTell(name) {
		return fmt.Errorf("%w: a robot takes %d messages a minute", httpcall.ErrLimited, perMinute)
	}
	a, err := w.call(ctx, "/cgi-bin/webhook/send", url.Values{"key": {key}}, map[string]any{"msgtype": "text", "text": map[string]string{"content": groupText(m)}})
	if err != nil {
		return err
	}
	if *a.ErrCode != 0 {
		return fail(*a.ErrCode)
	}
	return nil
}

// mayTell counts a message of a robot, if it may send one.
func (w *WeCom) mayTell(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.options.Now()
	recent := w.robots[name][:0]
	for _, at := range w.robots[name] {
		if now.Sub(at) < time.Minute {
			recent = append(recent, at)
		}
	}
	if w.robots[name] = recent; len(recent) >= perMinute {
		return false
	}
	w.robots[name] = append(recent, now)
	return true
}
