package sqlite

import (
	"context"
	"time"

	"stillwater"
)

// sentBefore is how long before its last attempt a message may have been created, by either clock: the gateway was away meanwhile.
const sentBefore = 7 * 24 * time.Hour

// Sent gives fn every message that was handed over, or was about to be, at or after a moment of the wall clock, in the order in which they were
// created.
func (db *DB) Sent(ctx context.Context, since time.Time, fn func(stillwater.Message)) error {
	rows, err := db.reader.QueryContext(ctx, `SELECT body FROM message WHERE created >= ? AND json_extract(body, '$.tried') IS NOT NULL ORDER BY created, n`,
		since.Add(-sentBefore).UnixMicro())
	if err != nil {
		return wrap(err, "messages sent")
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return wrap(err, "messages sent")
		}
		m, err := decode[stillwater.Message](body)
		if err != nil {
			return wrap(err, "messages sent")
		}
		if !m.Tried.Before(since) {
			fn(m)
		}
	}
	return wrap(rows.Err(), "messages sent")
}

// acceptedAs has the condition of the index message_outbox, word for word.
const acceptedAs = `SELECT body FROM message WHERE state IN ('pending', 'sending', 'accepted') AND created >= ?
	AND json_extract(body, '$.providerId') = ? AND json_extract(body, '$.provider') = ? ORDER BY created DESC, n DESC LIMIT 1`

// heardWithin is how old a message may be for a receipt to be news of it.
const heardWithin = 4 * 24 * time.Hour

// Accepted finds the message that a provider took under a name of its own and that has not reached its last state.
func (db *DB) Accepted(ctx context.Context, provider, id string) (m stillwater.Message, found bool, err error) {
	all, err := bodies[stillwater.Message](ctx, db.reader, acceptedAs, time.Now().Add(-heardWithin).UnixMicro(), id, provider)
	if err != nil || len(all) == 0 {
		return m, false, wrap(err, "message that %q accepted", provider)
	}
	return all[0], true, nil
}
