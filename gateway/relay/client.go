package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ClientOptions is what a Client works with.
type ClientOptions struct {
	URL     string // of the relay, like https://relay.example.cn
	ID, Key string
	CAFile  string       // "": a public authority
	Handler http.Handler // answers what comes by the relay
	Health  func(error)  // told when the relay is lost and when it is back; may be nil
	Log     *slog.Logger // may be nil

	// Backoff is between two tries to connect, growing from the first to the second. Zero: half a second and 30.
	Backoff [2]time.Duration
}

// Client is the gateway's end.
type Client struct {
	ClientOptions
	transport *http.Transport
	up        atomic.Bool
}

// NewClient makes a client that is at rest until Run.
func NewClient(o ClientOptions) (*Client, error) {
	if o.Health == nil {
		o.Health = func(error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backoff == [2]time.Duration{} {
		o.Backoff = [2]time.Duration{500 * time.Millisecond, 30 * time.Second}
	}
	if err := CheckKey(o.Key); err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("relay: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("relay: %q holds no certificates (PEM)", o.CAFile)
		}
	}
	dialer := &net.Dialer{Timeout: helloWithin, KeepAlive: pingEvery}
	return &Client{ClientOptions: o, transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext, TLSClientConfig: config, TLSHandshakeTimeout: helloWithin,
		ResponseHeaderTimeout: helloWithin, DisableKeepAlives: true,
	}}, nil
}

// Up says whether the relay can be reached: whether a link that leads to it can be opened now.
func (c *Client) Up() bool { return c.up.Load() }

// Run keeps the connection until ctx is done.
func (c *Client) Run(ctx context.Context) error {
	for wait := c.Backoff[0]; ; wait = min(2*wait, c.Backoff[1]) {
		began := time.Now()
		err := c.once(ctx)
		c.up.Store(false)
		if ctx.Err() != nil {
			return nil
		}
		c.Health(err)
		if time.Since(began) > c.Backoff[1] { // it held: what came now is news
			wait = c.Backoff[0]
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)): // gateways that lost one relay do not come back all at once
		case <-ctx.Done():
			return nil
		}
	}
}

// once connects and answers until the connection is lost. Its error says why.
func (c *Client) once(ctx context.Context) error {
	link, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer link.close()
	defer context.AfterFunc(ctx, link.close)()
	late := time.AfterFunc(helloWithin, link.close)
	err = greet(link, c.ID, c.Key)
	if !late.Stop() && err == nil {
		err = errors.New("the handshake took too long")
	}
	if err != nil {
		return err
	}
	c.up.Store(true)
	c.Health(nil)
	c.Log.Info("the relay is connected", "url", c.URL)
	return c.serve(ctx, link)
}

// dial makes the connection.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	r, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, c.URL+connectPath, nil)
	if err != nil {
		return nil, err
	}
	dialing, cancel := context.WithTimeout(ctx, 3*helloWithin)
	defer cancel()
	r = r.WithContext(dialing)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", protocol)
	answer, err := c.transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	rwc, ok := answer.Body.(io.ReadWriteCloser)
	if answer.StatusCode != http.StatusSwitchingProtocols || !ok {
		answer.Body.Close()
		return nil, fmt.Errorf("answered %s: is there a relay at %s, and does a proxy before it hand upgrades on?", answer.Status, c.URL)
	}
	return newConn(rwc, nil), nil
}

// serve answers requests, and lets the relay know that it is there.
func (c *Client) serve(ctx context.Context, link *conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { ping(ctx, link) })
	places := make(chan struct{}, mostOfOne)
	for {
		kind, n, body, err := link.receive(maxFrame)
		if err != nil {
			cancel()
			return err
		}
		if kind != kindRequest {
			continue
		}
		if !place(places) { // the relay has no more, but it need not be ours
			if err := link.send(kindAnswer, n, answer{Status: http.StatusServiceUnavailable}); err != nil {
				cancel()
				return err
			}
			continue
		}
		working.Go(func() {
			defer func() { <-places }()
			if link.send(kindAnswer, n, c.answer(ctx, body)) != nil {
				link.close()
			}
		})
	}
}

func ping(ctx context.Context, link *conn) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if link.send(kindPing, 0, nil) != nil {
				link.close()
				return
			}
		}
	}
}

// answer lets the handler answer a request.
func (c *Client) answer(ctx context.Context, body []byte) (a answer) {
	var r request
	if json.Unmarshal(body, &r) != nil {
		return answer{Status: http.StatusBadRequest}
	}
	at, err := url.ParseRequestURI(r.Path)
	if err != nil || !strings.HasPrefix(r.Path, "/") {
		return answer{Status: http.StatusBadRequest}
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	q := (&http.Request{
		Method: r.Method, URL: at, RequestURI: r.Path, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: r.Host, Header: r.Header,
		Body: io.NopCloser(bytes.NewReader(r.Body)), ContentLength: int64(len(r.Body)), RemoteAddr: net.JoinHostPort(r.From, "0"),
	}).WithContext(ctx)
	if q.Header == nil {
		q.Header = http.Header{}
	}
	defer func() {
		if broken := recover(); broken != nil { // as net/http does: one request must not end the gateway
			c.Log.Error("a request by the relay", "panic", broken)
			a = answer{Status: http.StatusInternalServerError}
		}
	}()
	w := &recorder{header: http.Header{}}
	c.Handler.ServeHTTP(w, q)
	if w.over {
		return answer{Status: http.StatusInternalServerError}
	}
	w.WriteHeader(http.StatusOK)
	return answer{w.status, w.header, w.body.Bytes()}
}

// recorder keeps what a handler answers, up to what fits a frame.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	over   bool
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.body.Len()+len(p) > maxBody {
		w.over = true
		return 0, errors.New("an answer that is too large for the relay")
	}
	return w.body.Write(p)
}
