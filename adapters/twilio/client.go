// Package twilio is what the adapters that speak to Twilio share: a call of its API under a context, with its failures
// told apart; the check of the signature on what Twilio calls back; and the forms of its identifiers and numbers.
//
// Nothing of it holds a whole phone number, a credential or a text in an error. It never retries and starts no goroutine.
package twilio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twilio/twilio-go/client"
	api "github.com/twilio/twilio-go/rest/api/v2010"

	"stillwater"
)

// idleConnections is kept for the next call while an incident is going on.
const idleConnections = 4

// DefaultTimeout is as long as Twilio's own libraries wait.
const DefaultTimeout = 10 * time.Second

// An Account is how the API is spoken to. Its fields are valid and its secret is read.
type Account struct {
	SID     string
	Key     string // API key that the token is the secret of; empty: the account's own token
	Token   stillwater.Secret
	BaseURL string // as Address takes it
	Timeout time.Duration
}

// A Client calls the API. Its methods may be called from several goroutines.
type Client struct {
	account   Account
	base      *url.URL
	transport *http.Transport
	ahead     atomic.Int64 // how far Twilio's clock is ahead of ours, by its last answer
}

// NewClient gives a client of an account.
func NewClient(a Account) (*Client, error) {
	base, err := Address(a.BaseURL)
	if err != nil {
		return nil, err
	}
	if a.Token.Named() && a.Token.Reveal() == "" {
		return nil, fmt.Errorf("%v is empty", a.Token)
	}
	if a.Timeout == 0 {
		a.Timeout = DefaultTimeout
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = idleConnections
	transport.IdleConnTimeout = 30 * time.Second
	return &Client{account: a, base: base, transport: transport}, nil
}

// Close lets go of idle connections. It is not needed for anything to be sent.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Clock is a moment of this machine's clock by Twilio's, as far as its last answer told. Twilio's times have whole seconds.
func (c *Client) Clock(ours time.Time) time.Time {
	return ours.Add(time.Duration(c.ahead.Load())).Truncate(time.Second)
}

// Do runs one call of the API under ctx and the timeout, and judges its error: stillwater.ErrRefused (with ErrUnable where the
// account is why), ErrNotSent (with ErrLimited where Twilio takes no more for a while), or neither: it may have been carried out.
func (c *Client) Do(ctx context.Context, what string, fn func(*api.ApiService) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.account.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s by twilio: %w: %w", what, stillwater.ErrNotSent, err)
	}
	call := &call{ctx: ctx, base: c.base, next: c.transport}
	user := c.account.SID
	if c.account.Key != "" {
		user = c.account.Key
	}
	rest := &client.Client{
		Credentials: client.NewCredentials(user, c.account.Token.Reveal()),
		HTTPClient: &http.Client{
			Transport:     call,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a text is not sent wherever somebody points
		},
	}
	rest.SetAccountSid(c.account.SID)
	err := call.judge(fn(api.NewApiServiceWithClient(rest)))
	if !call.date.IsZero() {
		c.ahead.Store(int64(call.date.Sub(call.at)))
	}
	if err != nil {
		return fmt.Errorf("%s by twilio: %w", what, err)
	}
	return nil
}

// call is one call of the API: the transport that twilio-go's client uses for it, and what was seen of it. twilio-go takes
// no context and tells little of a failure, so both are done here.
type call struct {
	ctx  context.Context
	base *url.URL // nil: as twilio-go has it
	next http.RoundTripper

	connected atomic.Bool // a connection was had, so something may have been written
	status    int         // of the last answer; 0: none
	retry     bool        // that answer said when to try again
	date, at  time.Time   // when that answer was given, by Twilio's clock and by ours
}

// RoundTrip sends the request to the configured address, under the call's context.
func (c *call) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { c.connected.Store(true) },
	}))
	if c.base != nil {
		req.URL.Scheme, req.URL.Host = c.base.Scheme, c.base.Host
		req.URL.Path = strings.TrimSuffix(c.base.Path, "/") + req.URL.Path
		req.Host = ""
	}
	resp, err := c.next.RoundTrip(req)
	if err == nil {
		c.status, c.retry = resp.StatusCode, resp.Header.Get("Retry-After") != ""
		c.date, _ = http.ParseTime(resp.Header.Get("Date"))
		c.at = time.Now()
	}
	return resp, err
}

// nothingDone are the codes by which Twilio says that it takes no more for a while and has taken nothing.
var nothingDone = map[int]bool{
	14107: true, // rate limit of the application
	20429: true, // too many requests
	21611: true, // the sender's queue is full
	30022: true, // messages a second of the sender's campaign
	30023: true, // messages a day of the sender's campaign
	63018: true, // rate limit of the channel
	63038: true, // messages a day of the account
}

// judge gives err its class by what was seen of the call, without anything that names a person.
func (c *call) judge(err error) error {
	if err == nil {
		return nil
	}
	// The URL of a query has the number in it.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	refusal, spoke := errors.AsType[*client.TwilioRestError](err)
	spoke = spoke && refusal.Code != 0
	if spoke {
		err = fmt.Errorf("error %d of Twilio (HTTP %d): %s", refusal.Code, refusal.Status, HideNumbers(refusal.Message))
	} else if c.status != 0 {
		err = fmt.Errorf("answer of HTTP %d that is not Twilio's: %s", c.status, HideNumbers(err.Error()))
	}
	if class := c.class(refusal, spoke); class != nil {
		return fmt.Errorf("%w: %w", class, err)
	}
	return err
}

// ofTheMessage are the codes by which Twilio refuses what is asked for, whoever is asked: there is no such number, or its owner has
// opted out. Any other refusal is for a reason of the account, its sender or its permissions.
var ofTheMessage = map[int]bool{
	13223: true, // no valid number to call
	21211: true, // no valid number
	21214: true, // the number cannot be reached
	21217: true, // the number is not valid
	21602: true, // no text
	21604: true, // no number
	21610: true, // opted out
	21614: true, // no mobile number
	21617: true, // the text is too long
	21635: true, // a landline
}

// errUnable is that this account does not do it.
var errUnable = fmt.Errorf("%w: %w", stillwater.ErrRefused, stillwater.ErrUnable)

// errLimited is that nothing left because too much was sent before.
var errLimited = fmt.Errorf("%w: %w", stillwater.ErrNotSent, stillwater.ErrLimited)

// class is ErrRefused (perhaps with ErrUnable), ErrNotSent (perhaps with ErrLimited), or nil: unclear.
func (c *call) class(refusal *client.TwilioRestError, spoke bool) error {
	status := c.status
	switch {
	case spoke && status == 0: // twilio-go itself refuses to ask with such a credential
		return errUnable
	case status == 0 && !c.connected.Load():
		return stillwater.ErrNotSent
	case status == http.StatusTooManyRequests, spoke && nothingDone[refusal.Code]:
		return errLimited
	case status == http.StatusServiceUnavailable && (spoke || c.retry):
		return stillwater.ErrNotSent
	case status == http.StatusRequestTimeout || status == http.StatusConflict: // the request may have been worked on
		return nil
	case status >= 400 && status < 500 && spoke && ofTheMessage[refusal.Code]:
		return stillwater.ErrRefused
	case status >= 400 && status < 500 && spoke:
		return errUnable
	case status >= 300 && status < 500: // somebody in between answered: a proxy, a portal, a wrong base_url
		return stillwater.ErrNotSent
	}
	return nil
}
