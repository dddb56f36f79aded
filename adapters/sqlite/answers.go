package sqlite

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"slices"
	"time"

	"stillwater"
)

// Message gives one message, and whether there is one of that ID.
func (db *DB) Message(ctx context.Context, id stillwater.MessageID) (stillwater.Message, bool, error) {
	found, err := bodies[stillwater.Message](ctx, db.reader, `SELECT body FROM message WHERE id = ?`, string(id))
	if err != nil || len(found) == 0 {
		return stillwater.Message{}, false, wrap(err, "message %q", id)
	}
	return found[0], true, nil
}

// linked has the expression of the index message_link, word for word.
const linked = `SELECT body FROM message WHERE json_extract(body, '$.link') IS NOT NULL
	AND substr(json_extract(body, '$.link'), instr(json_extract(body, '$.link'), '/m/') + 3, 12) = ?`

// Linked gives the message whose link has a code, and whether there is one.
func (db *DB) Linked(ctx context.Context, code string) (stillwater.Message, bool, error) {
	found, err := bodies[stillwater.Message](ctx, db.reader, linked, code)
	if err != nil || len(found) != 1 {
		return stillwater.Message{}, false, wrap(err, "message of a link")
	}
	return found[0], true, nil
}

// Keys gives fn every key of a name that the gateway made for itself, the oldest first.
func (db *DB) Keys(ctx context.Context, name string, fn func(made time.Time, key []byte)) error {
	rows, err := db.reader.QueryContext(ctx, `SELECT made, key FROM secret WHERE name = ? ORDER BY made`, name)
	if err != nil {
		return wrap(err, "keys %q", name)
	}
	defer rows.Close()
	for rows.Next() {
		var made int64
		var key []byte
		if err := rows.Scan(&made, &key); err != nil {
			return wrap(err, "keys %q", name)
		}
		fn(time.UnixMicro(made).UTC(), key)
	}
	return wrap(rows.Err(), "keys %q", name)
}

// AddKey stores a key, beside those of the name that are there.
func (db *DB) AddKey(ctx context.Context, name string, made time.Time, key []byte) error {
	_, err := db.writer.ExecContext(ctx, `INSERT INTO secret (name, made, key) VALUES (?, ?, ?)`, name, made.UnixMicro(), key)
	return wrap(err, "store key %q", name)
}

// DropKey forgets a key for good.
func (db *DB) DropKey(ctx context.Context, name string, made time.Time) error {
	_, err := db.writer.ExecContext(ctx, `DELETE FROM secret WHERE name = ? AND made = ?`, name, made.UnixMicro())
	return wrap(err, "drop key %q", name)
}

// OptOut stores that the owner of a number opted out of texts at a moment, or in again. The later word counts, in whichever order they
// come. The version of the registry changes when that is news, so that a running gateway reads its contacts anew.
func (db *DB) OptOut(ctx context.Context, phone stillwater.Phone, at time.Time, out bool) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		key, err := phoneKey(tx)
		if err != nil {
			return err
		}
		news, err := affected(tx.Exec(`INSERT INTO optout (phone, at, out) VALUES (?1, ?2, ?3)
			ON CONFLICT (phone) DO UPDATE SET at = excluded.at, out = excluded.out WHERE excluded.at > optout.at`,
			mark(key, phone), at.UnixMicro(), out))
		if err != nil || !news {
			return err
		}
		return changed(tx)
	})
	return wrap(err, "store an opt-out")
}

// MarkOptedOut sets OptedOut of every contact whose number opted out of texts, and takes it off those that opted in again.
func (db *DB) MarkOptedOut(ctx context.Context, households []stillwater.Household) error {
	key, since, err := db.optOuts(ctx)
	if err != nil {
		return wrap(err, "opt-outs")
	}
	for n := range households {
		h, own := &households[n], false
		for i, c := range h.Contacts {
			if len(since) == 0 || c.Phone == "" {
				continue
			}
			at, ok := since[string(mark(key, c.Phone))]
			if ok && !own { // others may read the list that is there
				h.Contacts, own = slices.Clone(h.Contacts), true
			}
			if ok {
				h.Contacts[i].OptedOut = at
			}
		}
	}
	return nil
}

// optOuts are the moments of the opt-outs by the marks of their numbers, zero for who opted in again, and the key of the marks.
func (db *DB) optOuts(ctx context.Context) (key []byte, since map[string]time.Time, err error) {
	rows, err := db.reader.QueryContext(ctx, `SELECT phone, at, out FROM optout`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	since = map[string]time.Time{}
	for rows.Next() {
		var phone []byte
		var at int64
		var out bool
		if err := rows.Scan(&phone, &at, &out); err != nil {
			return nil, nil, err
		}
		since[string(phone)] = time.Time{}
		if out {
			since[string(phone)] = time.UnixMicro(at).UTC()
		}
	}
	if err := rows.Err(); err != nil || len(since) == 0 {
		return nil, nil, err
	}
	return key, since, db.reader.QueryRowContext(ctx, firstPhoneKey).Scan(&key)
}

const firstPhoneKey = `SELECT key FROM secret WHERE name = 'phone' ORDER BY made LIMIT 1`

// phoneKey is the key of the marks of numbers, made when the first is needed.
func phoneKey(tx *sql.Tx) (key []byte, err error) {
	err = tx.QueryRow(firstPhoneKey).Scan(&key)
	if !errors.Is(err, sql.ErrNoRows) {
		return key, err
	}
	key = make([]byte, 32)
	rand.Read(key) //nolint:errcheck // never fails
	_, err = tx.Exec(`INSERT INTO secret (name, made, key) VALUES ('phone', ?, ?)`, time.Now().UnixMicro(), key)
	return key, err
}

// mark stands in for a number. Numbers are few enough to be tried one by one: without the key, which a copy of this table alone does
// not have, a mark says nothing.
func mark(key []byte, phone stillwater.Phone) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(phone)) //nolint:errcheck // never fails
	return h.Sum(nil)[:16]
}
