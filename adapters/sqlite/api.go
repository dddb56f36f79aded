package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stillwater"
)

const (
	keepRequests = 8 * 24 * time.Hour  // by the real clock: who sends a request again does so within a week
	keepEvents   = 30 * 24 * time.Hour // by the event clock: more than twice as far as a start looks back for events
)

// NoteRequest stores a request unless one of that name is stored, and gives what is stored then.
func (db *DB) NoteRequest(ctx context.Context, name string, at time.Time, body []byte) (stored []byte, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`DELETE FROM request WHERE at < ?`, at.Add(-keepRequests).UnixMicro()); err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO request (name, at, body) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, name, at.UnixMicro(), body); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT body FROM request WHERE name = ?`, name).Scan(&stored)
	})
	return stored, wrap(err, "note a request")
}

// SettleRequest changes what is stored of a request.
func (db *DB) SettleRequest(ctx context.Context, name string, body []byte) error {
	_, err := db.writer.ExecContext(ctx, `UPDATE request SET body = ? WHERE name = ?`, body, name)
	return wrap(err, "note what became of a request")
}

// A PageQuery selects incidents, the one opened last first, and of those opened at one moment the one with the highest ID.
type PageQuery struct {
	Household  stillwater.HouseholdID     // empty: of all
	States     []stillwater.IncidentState // empty: any
	Severities []stillwater.Severity      // empty: any
	Since      time.Time                  // opened then or later; zero: ever
	Before     time.Time                  // opened before that moment, or at that moment with a lower ID than BeforeID; zero: from the last
	BeforeID   stillwater.IncidentID
	Limit      int // 0: 1000
}

// IncidentPage gives the incidents selected.
func (db *DB) IncidentPage(ctx context.Context, q PageQuery) ([]stillwater.Incident, error) {
	var s selection
	if q.Household != "" {
		s.add("household = ?", string(q.Household))
	}
	if len(q.States) > 0 {
		s.anyOf("state", texts(q.States))
	}
	if len(q.Severities) > 0 {
		s.anyOf("json_extract(body, '$.severity')", texts(q.Severities))
	}
	if !q.Since.IsZero() {
		s.add("opened >= ?", q.Since.UnixMicro())
	}
	if !q.Before.IsZero() {
		s.add("(opened, id) < (?, ?)", q.Before.UnixMicro(), string(q.BeforeID))
	}
	found, err := bodies[stillwater.Incident](ctx, db.reader, s.from("incident", "opened DESC, id DESC", q.Limit), s.args...)
	if err != nil {
		return nil, fmt.Errorf("page of incidents: %w", err)
	}
	return found, nil
}

// anyOf adds that an expression is one of some values.
func (s *selection) anyOf(expression string, values []any) {
	s.add(expression+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
}

func texts[T ~string](list []T) (values []any) {
	for _, v := range list {
		values = append(values, string(v))
	}
	return values
}

// ChangedSince gives the incidents that are open, or were opened or closed since a moment, and the findings of blind homes that have gone on
// since then: what events are made of.
func (db *DB) ChangedSince(ctx context.Context, since time.Time) (*stillwater.Batch, error) {
	incidents, err := bodies[stillwater.Incident](ctx, db.reader, `SELECT body FROM incident WHERE opened >= ? OR state <> 'closed'
		OR json_extract(body, '$.closed') >= ? ORDER BY opened, n`, since.UnixMicro(), since.UTC().Format("2006-01-02T15:04:05"))
	if err != nil {
		return nil, fmt.Errorf("incidents that changed: %w", err)
	}
	findings, err := bodies[stillwater.Finding](ctx, db.reader, `SELECT body FROM finding WHERE (ended IS NULL OR ended >= ?)
		AND rule GLOB 'device-blind*' ORDER BY began, household, rule`, since.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("findings that changed: %w", err)
	}
	return &stillwater.Batch{Incidents: incidents, Findings: findings}, nil
}

// Follow gives the moment since when a receiver of events is known: now, if it was not.
func (db *DB) Follow(ctx context.Context, receiver string, now time.Time) (time.Time, error) {
	var since int64
	err := db.write(ctx, func(tx *sql.Tx) error {
		if _, err := tx.Exec(`INSERT INTO receiver (name, since) VALUES (?, ?) ON CONFLICT DO NOTHING`, receiver, now.UnixMicro()); err != nil {
			return err
		}
		return tx.QueryRow(`SELECT since FROM receiver WHERE name = ?`, receiver).Scan(&since)
	})
	return time.UnixMicro(since).UTC(), wrap(err, "receiver %q of events", receiver)
}

// AddEvents stores the events that fill adds, in their order, all or none; those that were there before are left out.
func (db *DB) AddEvents(ctx context.Context, fill func(add func(receiver, id, thread, kind string, at time.Time, body []byte) error) error) error {
	queued := time.Now().UnixMicro()
	err := db.write(ctx, func(tx *sql.Tx) error {
		put, err := tx.Prepare(`INSERT INTO event (receiver, id, thread, kind, at, queued, body) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		defer put.Close()
		var last time.Time
		err = fill(func(receiver, id, thread, kind string, at time.Time, body []byte) error {
			if at.After(last) {
				last = at
			}
			_, err := put.Exec(receiver, id, thread, kind, at.UnixMicro(), queued, body)
			return err
		})
		if err != nil || last.IsZero() {
			return err
		}
		_, err = tx.Exec(`DELETE FROM event WHERE body IS NULL AND at < ?`, last.Add(-keepEvents).UnixMicro())
		return err
	})
	return wrap(err, "queue events")
}

// waitingEvents has the conditions of the indexes event_waiting and event_thread.
const waitingEvents = `SELECT id, thread, kind, queued, body FROM event e WHERE receiver = ? AND body IS NOT NULL
	AND NOT EXISTS (SELECT 1 FROM event f WHERE f.receiver = e.receiver AND f.thread = e.thread AND f.n < e.n AND f.body IS NOT NULL)
	ORDER BY n LIMIT ?`

// WaitingEvents gives fn the first event of each thread that a receiver does not have yet, the oldest first.
func (db *DB) WaitingEvents(ctx context.Context, receiver string, limit int, fn func(id, thread, kind string, queued time.Time, body []byte)) error {
	rows, err := db.reader.QueryContext(ctx, waitingEvents, receiver, limit)
	if err != nil {
		return wrap(err, "events for %q", receiver)
	}
	defer rows.Close()
	for rows.Next() {
		var id, thread, kind string
		var queued int64
		var body json.RawMessage
		if err := rows.Scan(&id, &thread, &kind, &queued, &body); err != nil {
			return wrap(err, "events for %q", receiver)
		}
		fn(id, thread, kind, time.UnixMicro(queued), body)
	}
	return wrap(rows.Err(), "events for %q", receiver)
}

// DropEvent ends an event's waiting.
func (db *DB) DropEvent(ctx context.Context, receiver, id string) error {
	_, err := db.writer.ExecContext(ctx, `UPDATE event SET body = NULL WHERE receiver = ? AND id = ?`, receiver, id)
	return wrap(err, "event %s for %q", id, receiver)
}
