package sqlite

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"stillwater"
)

func stored(t *testing.T, db *DB, id stillwater.MessageID) stillwater.Message {
	t.Helper()
	all, err := db.Messages(t.Context(), MessageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.ID == id {
			return m
		}
	}
	t.Fatalf("message %q is not stored", id)
	return stillwater.Message{}
}

func markSending(t *testing.T, db *DB, m stillwater.Message) stillwater.Message {
	t.Helper()
	m.Attempts++
	m.Provider, m.Tried, m.Text = "twilio", noon.Add(time.Duration(m.Attempts)*time.Minute), m.Text+"!"
	if err := db.MarkSending(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	return stored(t, db, m.ID)
}

func TestMarkSending(t *testing.T) {
	db := openNew(t)
	commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{sampleMessage()}})
	got := markSending(t, db, sampleMessage())
	want := sampleMessage()
	want.State, want.Attempts, want.Provider, want.Tried, want.Text = stillwater.Sending, 1, "twilio", noon.Add(time.Minute), want.Text+"!"
	same(t, "sending", got, want)

	got.Repeat = true
	if again := markSending(t, db, got); !again.Repeat || again.Attempts != 2 {
		t.Errorf("a second attempt is stored as %+v", again)
	}
	for _, state := range []stillwater.DeliveryState{stillwater.Accepted, stillwater.Delivered, stillwater.Failed, stillwater.Cancelled} {
		m := sampleMessage()
		m.ID, m.State = stillwater.MessageID(state), state
		commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{m}})
		if err := db.MarkSending(t.Context(), m); !errors.Is(err, ErrNotWaiting) {
			t.Errorf("%s: error %v, want %v", state, err, ErrNotWaiting)
		}
		if got := stored(t, db, m.ID); got.State != state {
			t.Errorf("%s became %s", state, got.State)
		}
	}
	if err := db.MarkSending(t.Context(), stillwater.Message{ID: "none"}); !errors.Is(err, ErrNotWaiting) {
		t.Errorf("unknown message: error %v, want %v", err, ErrNotWaiting)
	}
}

// What a batch may make of a message the courier works on. The last column is the state that is stored afterwards.
func TestBatchNeverUndoesTheCourier(t *testing.T) {
	const (
		pending, sending, accepted    = stillwater.Pending, stillwater.Sending, stillwater.Accepted
		delivered, failed, cancelled_ = stillwater.Delivered, stillwater.Failed, stillwater.Cancelled
	)
	for _, c := range []struct {
		stored         stillwater.DeliveryState
		storedAttempts int
		batch          stillwater.DeliveryState
		batchAttempts  int
		want           stillwater.DeliveryState
	}{
		{pending, 0, cancelled_, 0, cancelled_}, {pending, 0, accepted, 1, accepted}, {pending, 0, pending, 0, pending},
		{pending, 2, cancelled_, 0, cancelled_},
		{sending, 1, cancelled_, 0, sending}, {sending, 2, cancelled_, 1, sending},
		{sending, 1, cancelled_, 1, cancelled_}, // cancelled while the courier tried, and it did not leave
		{sending, 1, pending, 0, sending}, {sending, 2, pending, 1, sending}, {sending, 0, pending, 0, sending},
		{sending, 1, pending, 1, pending}, // the courier's receipt: certainly not sent
		{sending, 1, accepted, 1, accepted}, {sending, 1, delivered, 1, delivered}, {sending, 1, failed, 1, failed}, {sending, 1, sending, 1, sending},
		{accepted, 1, cancelled_, 1, accepted}, {accepted, 1, sending, 1, accepted}, {accepted, 1, pending, 0, accepted},
		{accepted, 1, pending, 1, pending}, // the courier goes to another provider
		{accepted, 1, delivered, 1, delivered}, {accepted, 1, failed, 1, failed},
		{delivered, 1, accepted, 1, delivered}, {delivered, 1, failed, 1, delivered}, {delivered, 1, cancelled_, 0, delivered}, {delivered, 1, pending, 5, delivered},
		{failed, 1, delivered, 1, delivered}, {failed, 1, pending, 1, failed}, {failed, 1, cancelled_, 1, failed},
		{cancelled_, 0, pending, 0, cancelled_}, {cancelled_, 0, sending, 1, cancelled_}, {cancelled_, 0, delivered, 1, delivered},
	} {
		name := fmt.Sprintf("%s/%d then %s/%d", c.stored, c.storedAttempts, c.batch, c.batchAttempts)
		db := openNew(t)
		m := sampleMessage()
		m.State, m.Attempts = c.stored, c.storedAttempts
		commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{m}})
		m.State, m.Attempts = c.batch, c.batchAttempts
		b := &stillwater.Batch{Messages: []stillwater.Message{m}, Entries: readings("h1", 0, 1)}
		commitTo(t, db, b)
		if got := stored(t, db, m.ID); got.State != c.want {
			t.Errorf("%s: stored as %s, want %s", name, got.State, c.want)
		}
		if len(journal(t, db, 0)) != 1 {
			t.Errorf("%s: the rest of the batch is not stored", name)
		}
		db.Close()
	}
}

// The shard writes a receipt into its own copy, which has neither the text that left nor when.
func TestReceiptKeepsWhatTheCourierWrote(t *testing.T) {
	db := openNew(t)
	shard := sampleMessage()
	commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{shard}})
	m := sampleMessage()
	m.Repeat = true
	sent := markSending(t, db, m)
	shard.State, shard.Attempts, shard.Provider, shard.ProviderID, shard.Changed = stillwater.Accepted, 1, "twilio", "SM1", noon.Add(time.Hour)
	commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{shard}})
	want := sent
	want.State, want.ProviderID, want.Changed = stillwater.Accepted, "SM1", noon.Add(time.Hour)
	same(t, "after the receipt", stored(t, db, "m1"), want)
}

func TestOutboxOrder(t *testing.T) {
	db := openNew(t)
	states := []stillwater.DeliveryState{stillwater.Delivered, stillwater.Pending, stillwater.Failed, stillwater.Accepted, stillwater.Cancelled, stillwater.Sending}
	for i, state := range states { // the newest first
		m := sampleMessage()
		m.ID, m.State, m.Created = stillwater.MessageID(state), state, noon.Add(-time.Duration(i)*time.Minute)
		commitTo(t, db, &stillwater.Batch{Messages: []stillwater.Message{m}})
	}
	outbox, err := db.Outbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []stillwater.DeliveryState
	for _, m := range outbox {
		got = append(got, m.State)
	}
	same(t, "outbox", got, []stillwater.DeliveryState{stillwater.Sending, stillwater.Accepted, stillwater.Pending})
	latest, err := db.Messages(t.Context(), MessageQuery{Incident: "i1", Household: "h1", Limit: 2})
	if err != nil || len(latest) != 2 || latest[0].State != stillwater.Delivered || latest[1].State != stillwater.Pending {
		t.Errorf("latest messages %+v, %v", latest, err)
	}
}
