package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stillwater"
)

// statements are those a commit uses, prepared once on the writer's connection.
type statements struct {
	lastSeq, setSeq             *sql.Stmt
	findPoint, addPoint         *sql.Stmt
	addEntry, addReading        *sql.Stmt
	addAnnounced                *sql.Stmt
	putState, putFinding        *sql.Stmt
	changeIncident, addIncident *sql.Stmt
	countIncident               *sql.Stmt
	getMessage, addMessage      *sql.Stmt
	changeMessage, addReply     *sql.Stmt
	addLife                     *sql.Stmt
	addReadings                 [len(readingsAtOnce)]*sql.Stmt
	all                         []*sql.Stmt
}

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	for _, p := range []struct {
		stmt **sql.Stmt
		text string
	}{
		{&s.lastSeq, `SELECT j.value, d.value FROM counter j, counter d WHERE j.name = 'journal' AND d.name = 'points deleted'`},
		{&s.setSeq, `UPDATE counter SET value = ? WHERE name = 'journal'`},
		{&s.findPoint, `SELECT id FROM point WHERE household = ? AND device = ? AND source = ? AND quantity = ?`},
		{&s.addPoint, `INSERT INTO point (household, device, source, quantity) VALUES (?, ?, ?, ?)`},
		{&s.addAnnounced, `INSERT INTO journal (seq, at, shard, shards, announced) VALUES (?, ?, ?, ?, ?)`},
		{&s.addEntry, `INSERT INTO journal (seq, at, shard, shards, rearm, resumed, away) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&s.addReading, `INSERT INTO journal (seq, at, received, point, value, undated) VALUES (?, ?, ?, ?, ?, ?)`},
		{&s.addReadings[0], insertReadings(readingsAtOnce[0])},
		{&s.addReadings[1], insertReadings(readingsAtOnce[1])},
		{&s.addReadings[2], insertReadings(readingsAtOnce[2])},
		{&s.putState, `INSERT INTO state (household, seq, data) VALUES (?, ?, ?)
			ON CONFLICT (household) DO UPDATE SET seq = excluded.seq, data = excluded.data`},
		{&s.putFinding, `INSERT INTO finding (household, rule, device, began, ended, body) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (household, rule, device, began) DO UPDATE SET ended = excluded.ended, body = excluded.body`},
		{&s.changeIncident, `UPDATE incident SET household = ?, state = ?, opened = ?, body = ? WHERE id = ?`},
		{&s.countIncident, `UPDATE counter SET value = value + 1 WHERE name = 'incident'`},
		{&s.addIncident, `INSERT INTO incident (n, household, state, opened, body, id)
			VALUES ((SELECT value FROM counter WHERE name = 'incident'), ?, ?, ?, ?, ?)`},
		{&s.getMessage, `SELECT body FROM message WHERE id = ?`},
		{&s.addMessage, `INSERT INTO message (incident, household, state, created, body, id) VALUES (?, ?, ?, ?, ?, ?)`},
		{&s.changeMessage, `UPDATE message SET incident = ?, household = ?, state = ?, created = ?, body = ? WHERE id = ?`},
		{&s.addReply, `INSERT INTO reply (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING`},
		{&s.addLife, `INSERT INTO life (household, at, body) VALUES (?, ?, ?)`},
	} {
		if *p.stmt, err = db.PrepareContext(ctx, p.text); err != nil {
			s.close()
			return statements{}, fmt.Errorf("prepare %q: %w", p.text, err)
		}
		s.all = append(s.all, *p.stmt)
	}
	return s, nil
}

func (s *statements) close() {
	for _, stmt := range s.all {
		stmt.Close() // with its connection, which reports what there is to report
	}
}

// Commit stores the batch in one transaction and fills in the Seq of its entries and states. When it returns an error
// nothing of the batch is stored, and the same batch may be committed again. A message that would go back behind what
// the courier has done (see settle) keeps its stored row; the rest of the batch is stored.
func (db *DB) Commit(ctx context.Context, b *stillwater.Batch) error {
	if b.Empty() {
		return nil
	}
	c := commit{db: db}
	err := db.write(ctx, func(tx *sql.Tx) error {
		c.tx = tx
		return c.batch(b)
	})
	if err != nil {
		return fmt.Errorf("commit of %d entries, %d incidents, %d messages: %w", len(b.Entries), len(b.Incidents), len(b.Messages), err)
	}
	db.points.learn(c.points, c.deleted)
	for i := range b.Entries {
		b.Entries[i].Seq = c.first + int64(i)
	}
	for i := range b.States {
		b.States[i].Seq = c.last
	}
	for _, id := range c.kept {
		db.log.Info("message kept as the courier left it", "message", id)
	}
	return nil
}

// commit is the writing of one batch.
type commit struct {
	db          *DB
	tx          *sql.Tx
	first, last int64              // seq of the batch's first entry, and the highest of all
	deleted     int64              // how often points were deleted so far, by anybody
	points      map[pointKey]int64 // added, or looked up
	kept        []stillwater.MessageID
}

func (c *commit) batch(b *stillwater.Batch) error {
	if err := c.entries(b.Entries); err != nil {
		return err
	}
	if err := c.states(b.States); err != nil {
		return err
	}
	for _, f := range b.Findings {
		if err := c.finding(f); err != nil {
			return fmt.Errorf("finding %s of household %q: %w", f.Key(), f.Household, err)
		}
	}
	for _, i := range b.Incidents {
		if err := c.incident(i); err != nil {
			return fmt.Errorf("incident %q: %w", i.ID, err)
		}
	}
	for _, m := range b.Messages {
		if err := c.message(m); err != nil {
			return fmt.Errorf("message %q: %w", m.ID, err)
		}
	}
	for _, r := range b.Replies {
		if _, err := c.exec(c.db.stmt.addReply, r.ID, r.At.UnixMicro()); err != nil {
			return fmt.Errorf("reply %q: %w", r.ID, err)
		}
	}
	return c.lives(b.Lives)
}

// exec runs a prepared statement in the transaction. Without a context of its own: the transaction has one, and the
// driver would start a goroutine for each statement.
func (c *commit) exec(s *sql.Stmt, args ...any) (sql.Result, error) {
	return c.tx.Stmt(s).Exec(args...)
}

func (c *commit) states(states []stillwater.State) error {
	for _, s := range states {
		data := s.Data
		if data == nil {
			data = []byte{}
		}
		if _, err := c.exec(c.db.stmt.putState, string(s.Household), c.last, data); err != nil {
			return fmt.Errorf("state of household %q: %w", s.Household, err)
		}
	}
	return nil
}

func (c *commit) finding(f stillwater.Finding) error {
	body, err := json.Marshal(f)
	if err != nil {
		return err
	}
	_, err = c.exec(c.db.stmt.putFinding, string(f.Household), f.Rule, string(f.Device)+f.Group, f.Began.UnixMicro(), microOrNull(f.Ended), string(body))
	return err
}

func (c *commit) incident(i stillwater.Incident) error {
	if i.ID == "" {
		return errors.New("it has no ID")
	}
	body, err := json.Marshal(i)
	if err != nil {
		return err
	}
	columns := []any{string(i.Household), string(i.State), i.Opened.UnixMicro(), string(body), string(i.ID)}
	changed, err := affected(c.exec(c.db.stmt.changeIncident, columns...))
	if err != nil || changed {
		return err
	}
	if _, err := c.exec(c.db.stmt.countIncident); err != nil {
		return err
	}
	_, err = c.exec(c.db.stmt.addIncident, columns...)
	return err
}

func (c *commit) message(m stillwater.Message) error {
	if m.ID == "" {
		return errors.New("it has no ID")
	}
	stored, found, err := messageIn(c.tx.Stmt(c.db.stmt.getMessage).QueryRow(string(m.ID)))
	if err != nil {
		return err
	}
	put := c.db.stmt.addMessage
	if found {
		put = c.db.stmt.changeMessage
		var forward bool
		if m, forward = settle(stored, m); !forward {
			c.kept = append(c.kept, m.ID)
			return nil
		}
	}
	return putMessage(c.tx.Stmt(put), m)
}

// putMessage runs addMessage or changeMessage.
func putMessage(put *sql.Stmt, m stillwater.Message) error {
	body, err := json.Marshal(m)
	if err != nil {
		return err
	}
	_, err = put.Exec(string(m.Incident), string(m.Household), string(m.State), m.Created.UnixMicro(), string(body), string(m.ID))
	return err
}

func messageIn(row *sql.Row) (m stillwater.Message, found bool, err error) {
	var body string
	switch err := row.Scan(&body); {
	case errors.Is(err, sql.ErrNoRows):
		return m, false, nil
	case err != nil:
		return m, false, err
	}
	m, err = decode[stillwater.Message](body)
	return m, true, err
}

func affected(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

// microOrNull keeps "not yet" apart from every moment, for columns that are searched.
func microOrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
