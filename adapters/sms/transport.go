package sms

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/twilio/twilio-go/client"

	"stillwater"
)

// call is one call of the API: the transport that twilio-go's client uses for it, and what was seen of it. twilio-go takes
// no context and tells little of a failure, so both are done here.
type call struct {
	ctx  context.Context
	base *url.URL // nil: as twilio-go has it
	next http.RoundTripper

	connected atomic.Bool // a connection was had, so something may have been written
	status    int         // of the last answer; 0: none
	retry     bool        // that answer said when to try again
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
	}
	return resp, err
}

// nothingDone are the codes by which Twilio says that it is busy and has taken nothing; asking again is right.
var nothingDone = map[int]bool{
	14107: true, // rate limit of the application
	20429: true, // too many requests
	21611: true, // the sender's queue is full
	63018: true, // rate limit of the channel
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
		err = fmt.Errorf("Twilio error %d (HTTP %d): %s", refusal.Code, refusal.Status, hideNumbers(refusal.Message))
	} else if c.status != 0 {
		err = fmt.Errorf("answer of HTTP %d that is not Twilio's: %s", c.status, hideNumbers(err.Error()))
	}
	if class := c.class(refusal, spoke); class != nil {
		return fmt.Errorf("%w: %w", class, err)
	}
	return err
}

// class is ErrRefused, ErrNotSent, or nil: unclear.
func (c *call) class(refusal *client.TwilioRestError, spoke bool) error {
	status := c.status
	switch {
	case spoke && status == 0: // twilio-go itself refuses to ask with such a credential
		return stillwater.ErrRefused
	case status == 0 && !c.connected.Load(), status == http.StatusTooManyRequests, spoke && nothingDone[refusal.Code]:
		return stillwater.ErrNotSent
	case status == http.StatusServiceUnavailable && (spoke || c.retry):
		return stillwater.ErrNotSent
	case status == http.StatusRequestTimeout || status == http.StatusConflict: // the request may have been worked on
		return nil
	case status >= 400 && status < 500 && spoke:
		return stillwater.ErrRefused
	case status >= 300 && status < 500: // somebody in between answered: a proxy, a portal, a wrong base_url
		return stillwater.ErrNotSent
	}
	return nil
}

// hideNumbers shortens every run of six digits or more to its last two, as stillwater.Phone does in logs.
func hideNumbers(text string) string {
	var out, run strings.Builder
	flush := func() {
		if digits := run.String(); len(digits) >= 6 {
			out.WriteString("…" + digits[len(digits)-2:])
		} else {
			out.WriteString(digits)
		}
		run.Reset()
	}
	for _, r := range text {
		if r >= '0' && r <= '9' {
			run.WriteRune(r)
			continue
		}
		flush()
		out.WriteRune(r)
	}
	flush()
	return out.String()
}
