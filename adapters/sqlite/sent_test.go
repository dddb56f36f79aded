package sqlite

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// TestSent: what limits and costs are counted from after a start.
func TestSent(t *testing.T) {
	db := openNew(t)
	var all []stillwater.Message
	for i, tried := range []time.Duration{-48 * time.Hour, -time.Hour, 0, -2 * time.Hour} {
		m := sampleMessage()
		m.ID, m.Tried = stillwater.MessageID(fmt.Sprint("m", i)), noon.Add(tried)
		m.Created = noon.Add(tried - 3*24*time.Hour) // it waited while the gateway was away
		all = append(all, m)
	}
	waiting := sampleMessage()
	waiting.ID, waiting.Tried = "waiting", time.Time{}
	commitTo(t, db, &stillwater.Batch{Messages: append(all, waiting)})
	var got []string
	if err := db.Sent(t.Context(), noon.Add(-2*time.Hour), func(m stillwater.Message) { got = append(got, string(m.ID)) }); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[m3 m1 m2]" {
		t.Errorf("sent since two hours before noon: %v", got)
	}
}

// TestAcceptedAs: a receipt finds its message by the provider's name for it.
func TestAcceptedAs(t *testing.T) {
	db := openNew(t)
	accepted := sampleMessage()
	accepted.ID, accepted.State, accepted.Provider, accepted.ProviderID, accepted.Created = "a", stillwater.Accepted, "twilio", "SM1", time.Now().UTC()
	done := accepted
	done.ID, done.State, done.ProviderID = "d", stillwater.Delivered, "SM2"
	old := accepted
	old.ID, old.ProviderID, old.Created = "o", "SM3", time.Now().Add(-30*day).UTC()
	commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{accepted, done, old}})
	for _, c := range []struct {
		provider, id string
		want         stillwater.MessageID
	}{{"twilio", "SM1", "a"}, {"tencent", "SM1", ""}, {"twilio", "SM2", ""}, {"twilio", "SM3", ""}, {"twilio", "", ""}} {
		m, found, err := db.Accepted(t.Context(), c.provider, c.id)
		if err != nil || found != (c.want != "") || m.ID != c.want {
			t.Errorf("%s %s: %q, %v (%v), want %q", c.provider, c.id, m.ID, found, err, c.want)
		}
	}
	var n int
	var plan string
	if err := db.reader.QueryRow("EXPLAIN QUERY PLAN "+acceptedAs, 0, "x", "y").Scan(&n, &n, &n, &plan); err != nil || !strings.Contains(plan, "message_outbox") {
		t.Errorf("a receipt looks for its message by %q (%v)", plan, err)
	}
}

const day = 24 * time.Hour
