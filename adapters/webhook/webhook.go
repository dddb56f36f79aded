// Package webhook posts messages to programs of the office: a duty desk's screen, a chat robot, a ticket system.
//
// A body is signed by the Standard Webhooks scheme (standardwebhooks.com), so whoever has the secret can tell that it is genuine and new. Each
// repeat of a message bears the same webhook-id: a receiver that acts on each once is never told twice, without being asked.
//
// It promises what sms does (see adapters/sms/doc.go): Send's error is stillwater.ErrRefused, stillwater.ErrNotSent, or anything else, which
// leaves it unclear whether the message arrived; no error, log or metric holds an address, a credential or a text; it never retries,
// follows no redirect and starts no goroutine.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stillwater"
)

// maxAnswer is how much of an answer is read, to be able to use its connection again. Nothing in it counts but its status.
const maxAnswer = 64 << 10

// Options is what a Webhooks is given besides its Config.
type Options struct {
	Now func() time.Time // wall clock, for webhook-timestamp; nil: time.Now
}

// Webhooks posts to the hooks of its Config. Its methods may be called from several goroutines.
type Webhooks struct {
	hooks   map[stillwater.Address]hook
	timeout time.Duration
	now     func() time.Time
}

// hook is one program, ready to be posted to.
type hook struct {
	url    string
	keys   [][]byte
	client *http.Client
}

// New gives Webhooks for a Config that Validate has nothing to say of, its secrets read.
func New(cfg Config, o Options) (*Webhooks, error) {
	var problems []error
	cfg.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	w := &Webhooks{hooks: map[stillwater.Address]hook{}, timeout: cfg.Timeout, now: o.Now}
	if w.timeout == 0 {
		w.timeout = defaultTimeout
	}
	if w.now == nil {
		w.now = time.Now
	}
	for _, h := range cfg.Hooks {
		ready, err := h.ready()
		if err != nil {
			problems = append(problems, fmt.Errorf("%q: %w", h.Name, err))
		}
		w.hooks[stillwater.Address(h.Name)] = ready
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("webhooks: %w", err)
	}
	return w, nil
}

// ready reads the keys and the certificates of a hook.
func (h Hook) ready() (hook, error) {
	ready := hook{url: h.URL}
	for _, s := range []stillwater.Secret{h.Secret, h.OldSecret} {
		if !s.Named() {
			continue
		}
		key, err := keyOf(s.Reveal())
		if err != nil {
			return hook{}, fmt.Errorf("%v: %w", s, err)
		}
		ready.keys = append(ready.keys, key)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = 30 * time.Second
	if h.CA != "" {
		pem, err := os.ReadFile(h.CA)
		if err != nil {
			return hook{}, fmt.Errorf("its CA: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return hook{}, fmt.Errorf("%q holds no certificate in PEM", h.CA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	ready.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a text is not sent wherever somebody points
	}
	return ready, nil
}

// keyOf is the key of a secret: base64 of 24 to 64 bytes, with or without whsec_ before it.
func keyOf(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(secret), "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("a secret of a webhook is whsec_ and the base64 of 24 to 64 bytes; make one by: echo whsec_$(openssl rand -base64 32)")
	}
	return key, nil
}

// Name is "webhook".
func (w *Webhooks) Name() string { return "webhook" }

// Close lets go of idle connections. It is not needed for anything to be sent.
func (w *Webhooks) Close() {
	for _, h := range w.hooks {
		h.client.CloseIdleConnections()
	}
}

// Send posts m to the hook named m.To and gives its webhook-id.
func (w *Webhooks) Send(ctx context.Context, m stillwater.Message) (string, error) {
	h, ok := w.hooks[m.To]
	if !ok {
		return "", fmt.Errorf("post to webhook: %w: no webhook of contact %q's name is configured", stillwater.ErrRefused, m.Contact)
	}
	body, err := json.Marshal(eventOf(m))
	if err != nil {
		return "", fmt.Errorf("post to webhook %q: %w: %w", m.To, stillwater.ErrRefused, err)
	}
	id := idOf(m)
	if err := w.post(ctx, h, id, body); err != nil {
		return "", fmt.Errorf("post to webhook %q: %w", m.To, err)
	}
	return id, nil
}

// post makes one request and judges what came of it.
func (w *Webhooks) post(ctx context.Context, h hook, id string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", stillwater.ErrRefused, err)
	}
	at := strconv.FormatInt(w.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "stillwater")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", signature(h.keys, id, at, body))
	resp, err := h.client.Do(req)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok { // without the address: a token may stand in its path
			err = wrapped.Err
		}
		if !connected.Load() {
			return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
		}
		return err
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return judge(resp)
}

// judge is what an answer means: nil, or an error with its class.
func judge(resp *http.Response) error {
	status := resp.StatusCode
	err := fmt.Errorf("answer of HTTP %d", status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %w: %w", stillwater.ErrNotSent, stillwater.ErrLimited, err)
	case status == http.StatusRequestTimeout || status == http.StatusConflict: // it may have been worked on
		return err
	case status == http.StatusTooEarly, status == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	case status >= 300 && status < 400: // somebody in between points elsewhere: a portal, a moved address
		return fmt.Errorf("%w: %w: redirects are not followed", stillwater.ErrNotSent, err)
	case status >= 400 && status < 500:
		return fmt.Errorf("%w: %w", stillwater.ErrRefused, err)
	}
	return err
}

// signature is what the header says: v1 and the base64 of the HMAC-SHA256 of id, time and body, by each key.
func signature(keys [][]byte, id, at string, body []byte) string {
	var all []string
	for _, key := range keys {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " ")
}

// idOf names a message for its receiver: the same for each repeat, and another for any other message of any gateway.
func idOf(m stillwater.Message) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", m.ID, m.Code, m.Contact, m.Created.UnixMilli()))
	return "msg_" + hex.EncodeToString(sum[:12])
}

// Post posts a document to the hook of a name, signed like a message; a repeat bears the same id.
func (w *Webhooks) Post(ctx context.Context, name, id string, body []byte) error {
	h, ok := w.hooks[stillwater.Address(name)]
	if !ok {
		return fmt.Errorf("post to webhook %q: %w: it is not configured", name, stillwater.ErrRefused)
	}
	if err := w.post(ctx, h, id, body); err != nil {
		return fmt.Errorf("post to webhook %q: %w", name, err)
	}
	return nil
}
