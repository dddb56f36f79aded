package sms

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"stillwater"
	"stillwater/adapters/twilio"
)

// Callback takes what Twilio posts to callback_url: how far a text has come, and texts that come in. Only what bears the
// signature of the account counts. A text is answered with 2xx once Options.Reply has it; Twilio does not post it again by
// itself, so Replies is asked now and then all the same. It is nil without a callback_url.
func (t *Twilio) Callback() http.Handler {
	return t.cfg.settings().Callback(func(ctx context.Context, _, form url.Values) (string, error) {
		if form.Has("MessageStatus") {
			return "", t.receipt(form)
		}
		return "<Response/>", t.reply(ctx, form) // nothing is answered to anybody here
	})
}

// receipt hands on how far a text has come.
func (t *Twilio) receipt(form url.Values) error {
	id, status := form.Get("MessageSid"), form.Get("MessageStatus")
	reached := state(status)
	if !twilio.IsSID(id, "SM", "MM") || reached == "" {
		return fmt.Errorf("%w: status %q", twilio.ErrOdd, status)
	}
	code, _ := strconv.Atoi(form.Get("ErrorCode"))
	if t.options.Receipt != nil {
		t.options.Receipt(id, reached, detail(status, code, form.Get("ErrorMessage")))
	}
	return nil
}

// reply hands on a text that came in. Twilio does not say when; it is now.
func (t *Twilio) reply(ctx context.Context, form url.Values) error {
	id, from := form.Get("MessageSid"), form.Get("From")
	if !twilio.IsSID(id, "SM", "MM") || !form.Has("Body") || !twilio.IsE164(from) || !t.ours(form) {
		return fmt.Errorf("%w: no text to this gateway", twilio.ErrOdd)
	}
	if t.options.Reply == nil {
		return nil // it is asked for
	}
	return t.options.Reply(ctx, stillwater.Reply{ID: id, From: stillwater.Phone(from), Text: form.Get("Body"), At: t.options.Now()})
}

// ours says whether a text came to the number or the service that texts are sent from.
func (t *Twilio) ours(form url.Values) bool {
	if t.cfg.From != "" {
		return form.Get("To") == t.cfg.From
	}
	return form.Get("MessagingServiceSid") == t.cfg.MessagingService
}
