package sms

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/twilio"
	"stillwater/adapters/twilio/mock"
)

// Every request is checked against Twilio's own document, by prism, which answers with its examples. Nobody here wrote either.
func TestAgainstTwiliosOwnDocument(t *testing.T) {
	address := mock.Serve(t)
	token := stillwater.Secret{Env: "TWILIO_TOKEN"}
	token.Set("secret0token")
	at := func(change func(*Config)) *Twilio {
		cfg := Config{Account: account, Token: token, From: ours, BaseURL: address, CallbackURL: public}
		change(&cfg)
		tw, err := NewTwilio(cfg, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tw.Close)
		return tw
	}
	byNumber := at(func(*Config) {})
	byService := at(func(c *Config) { c.From, c.MessagingService = "", service })
	ctx := t.Context()
	for name, tw := range map[string]*Twilio{"number": byNumber, "service": byService} {
		id, err := tw.Send(ctx, text("A1-1"))
		if err != nil || !twilio.IsSID(id, "SM") {
			t.Errorf("send by %s: %q, %v", name, id, err)
		}
	}
	state, detail, err := byNumber.Status(ctx, "SM"+strings.Repeat("a", 32))
	if err != nil || state == "" {
		t.Errorf("status %q (%s), %v", state, detail, err)
	}
	// The document's example of a list has the bodies "testing" (out) and "look mom I have media!" (in), of 2019-05-24.
	example := time.Date(2019, 5, 24, 17, 44, 46, 0, time.UTC)
	id, found, err := byNumber.Find(ctx, hers, "testing", example)
	if err != nil || !found || !twilio.IsSID(id, "SM") {
		t.Errorf("find: %v as %q, %v", found, id, err)
	}
	if _, found, err = byNumber.Find(ctx, hers, "A1-1", time.Now()); found || err != nil {
		t.Errorf("find what is not there: %v, %v", found, err)
	}
	// Its next page is always itself, so a list that goes on for ever must end with an error.
	if _, err := byService.Replies(ctx, example); err == nil || !strings.Contains(err.Error(), fmt.Sprint(maxPages*pageSize)) {
		t.Errorf("replies of a list without an end: %v", err)
	}
	if replies, err := byService.Replies(ctx, time.Now()); err != nil || len(replies) != 0 {
		t.Errorf("replies since now: %d, %v", len(replies), err)
	}
	// What the document forbids is refused by the mock, not by Twilio: somebody in between.
	stranger := at(func(c *Config) { c.BaseURL += "/elsewhere" })
	if _, err := stranger.Send(ctx, text("A1-1")); !errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("a wrong address: %v", err)
	}
}
