package voice

import (
	"errors"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/twilio"
	"stillwater/adapters/twilio/mock"
)

// Every request is checked against Twilio's own document, by prism, which answers with its examples. Nobody here wrote either.
func TestAgainstTwiliosOwnDocument(t *testing.T) {
	address := mock.Serve(t)
	r := rigAt(t, newProvider(t), withCallback, func(c *Config) { c.BaseURL, c.MachineDetection = address, true })
	ctx := t.Context()
	check := message("A2")
	check.Purpose, check.Connect = stillwater.Check, his
	for _, m := range []stillwater.Message{message("A1"), check} {
		id, err := r.Send(ctx, m)
		if err != nil || !twilio.IsSID(id, "CA") {
			t.Errorf("call: %q, %v", id, err)
		}
		if state, detail, err := r.Status(ctx, id); err != nil || state == "" {
			t.Errorf("status %q (%s), %v", state, detail, err)
		}
	}
	// The document's list has a call out of 2019-10-18 and one in.
	restarted := rigAt(t, newProvider(t), func(c *Config) { c.BaseURL = address })
	if _, found, err := restarted.Find(ctx, hers, "A1", time.Now()); found || err != nil {
		t.Errorf("find what is not there: %v, %v", found, err)
	}
	if _, found, err := restarted.Find(ctx, hers, "A1", time.Date(2019, 10, 18, 0, 0, 0, 0, time.UTC)); found || err == nil {
		t.Errorf("find what may be another's: %v, %v", found, err)
	}
	stranger := rigAt(t, newProvider(t), func(c *Config) { c.BaseURL = address + "/elsewhere" })
	if _, err := stranger.Send(ctx, message("A1")); !errors.Is(err, stillwater.ErrNotSent) {
		t.Errorf("a wrong address: %v", err)
	}
}
