package stillwater

import "time"

// An Entry is one line of the journal: an accepted reading, a tick, or an act of people that rules must know of.
// The same entries in the same order give the same findings.
type Entry struct {
	Seq     int64       `json:"seq,omitempty"` // given by the store, ascending
	Reading *Reading    `json:"reading,omitempty"`
	Tick    time.Time   `json:"tick,omitzero"`    // a whole minute of event time
	Shard   int         `json:"shard,omitempty"`  // of a tick: which shard of …
	Shards  int         `json:"shards,omitempty"` // … how many it was for
	Rearm   HouseholdID `json:"rearm,omitempty"`  // an incident was closed: stillness counts anew from At
	At      time.Time   `json:"at,omitzero"`      // of a rearm, and of what was announced
	Away    *Absence    `json:"away,omitempty"`   // somebody said that nobody is in, or that she is back

	// Resumed is when the gateway came back after a stop: that no device was heard while nobody listened says nothing of devices.
	Resumed time.Time `json:"resumed,omitzero"`

	Announced *Announced `json:"announced,omitempty"`
}

// A Batch is what one shard commits at once: all of it or nothing.
type Batch struct {
	Entries   []Entry     // appended to the journal; Commit fills in Seq
	Findings  []Finding   // begun or ended
	Incidents []Incident  // new or changed, whole
	Messages  []Message   // new or changed, whole
	Replies   []Reply     // acted on by this batch
	States    []State     // engine states as they are after Entries
	Lives     []LifeEvent // what people said of the life of homes
}

// Empty says whether there is nothing to commit.
func (b *Batch) Empty() bool {
	return len(b.Entries)+len(b.Findings)+len(b.Incidents)+len(b.Messages)+len(b.Replies)+len(b.States)+len(b.Lives) == 0
}

// A State is the engine's memory of one household after the journal entry Seq, opaque to the store.
type State struct {
	Household HouseholdID
	Seq       int64
	Data      []byte
}
