// Package httpcall makes one call of a provider's HTTP API and says what may be concluded when it fails: whether what was to be
// handed over certainly was not. The adapters that send by such an API have it in common.
//
// It never tries again, follows no redirect, reads no more than it was told to, and no error of it holds an address, a header or
// a body.
package httpcall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"stillwater"
)

const (
	// DefaultTimeout is as long as providers' own libraries wait.
	DefaultTimeout = 10 * time.Second
	// MaxBody bounds an answer. A page of fifty receipts is a tenth of it.
	MaxBody = 1 << 20
	// idleConnections is kept for the next call while an incident is going on.
	idleConnections = 4
)

// ErrLimited is that nothing was handed over because too much was before.
var ErrLimited = fmt.Errorf("%w: %w", stillwater.ErrNotSent, stillwater.ErrLimited)

// ErrUnable is that this provider will not take it for a reason of its own.
var ErrUnable = fmt.Errorf("%w: %w", stillwater.ErrRefused, stillwater.ErrUnable)

// A Caller makes calls. Its methods may be called from several goroutines.
type Caller struct {
	timeout time.Duration
	client  http.Client
}

// New gives a Caller whose calls last no longer than timeout; 0: DefaultTimeout.
func New(timeout time.Duration) *Caller {
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = idleConnections
	transport.IdleConnTimeout = 30 * time.Second
	return &Caller{timeout: timeout, client: http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a text is not sent wherever somebody points
	}}
}

// Close lets go of idle connections. It is not needed for anything to be sent.
func (c *Caller) Close() { c.client.CloseIdleConnections() }

// An Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
	Retry  bool // it says when to try again
}

// Do makes the call under ctx and the timeout. An error is stillwater.ErrNotSent where nothing can have been handed over, because there
// was no connection; otherwise it is unclear.
func (c *Caller) Do(ctx context.Context, req *http.Request) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if req.Method == http.MethodGet && (req.Body == nil || req.Body == http.NoBody) {
		req.Body, req.GetBody = io.NopCloser(strings.NewReader("")), nil // or net/http would ask again by itself on another connection
	}
	var connected atomic.Bool
	resp, err := c.client.Do(req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})))
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err // without the address, which may hold a number or a token
		}
		if !connected.Load() {
			return Answer{}, fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
		}
		return Answer{}, err
	}
	defer resp.Body.Close()
	a := Answer{Status: resp.StatusCode, Retry: resp.Header.Get("Retry-After") != ""}
	a.Body, err = io.ReadAll(io.LimitReader(resp.Body, MaxBody+1))
	switch {
	case err != nil:
		return a, fmt.Errorf("answer of HTTP %d cut short: %w", a.Status, err)
	case len(a.Body) > MaxBody:
		return a, fmt.Errorf("answer of HTTP %d is longer than %d bytes", a.Status, MaxBody)
	}
	return a, nil
}

// Strange is the error of an answer that is not in the provider's words, by its status: somebody in between spoke, or the provider is
// broken.
func (a Answer) Strange() error {
	err := fmt.Errorf("answer of HTTP %d that is not the provider's", a.Status)
	switch {
	case a.Status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %w", ErrLimited, err)
	case a.Status == http.StatusServiceUnavailable && a.Retry:
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	case a.Status == http.StatusRequestTimeout || a.Status == http.StatusConflict: // it may have been worked on
		return err
	case a.Status >= 300 && a.Status < 500: // a proxy, a portal, a wrong address
		return fmt.Errorf("%w: %w", stillwater.ErrNotSent, err)
	}
	return err
}

// Address reads the address of an API. Credentials go with every call, so only a test provider on this machine is spoken to without
// TLS.
func Address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf(`%q is not an address; write like https://sms.example.org`, text)
	case u.Scheme == "http" && u.Hostname() != "localhost" && !net.ParseIP(u.Hostname()).IsLoopback():
		return nil, fmt.Errorf(`%q would send credentials over the network unencrypted; use https, or http on 127.0.0.1 for a test provider`, text)
	}
	return u, nil
}
