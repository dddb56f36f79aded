package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"stillwater"
)

// defaultLimit is how many rows a query without a limit gives: more than a page shows, less than hurts.
const defaultLimit = 1000

// statesAtOnce keeps the blobs of one page of states in the tens of megabytes at most.
const statesAtOnce = 500

// An IncidentQuery selects incidents; its zero value selects the latest 1000 of all.
type IncidentQuery struct {
	Household stillwater.HouseholdID // empty: of all
	OpenOnly  bool
	Limit     int // 0: 1000
}

// A MessageQuery selects messages; its zero value selects the latest 1000 of all.
type MessageQuery struct {
	Incident  stillwater.IncidentID  // empty: of all
	Household stillwater.HouseholdID // empty: of all
	Limit     int                    // 0: 1000
}

// A FindingQuery selects findings; its zero value selects the latest 1000 of all.
type FindingQuery struct {
	Household stillwater.HouseholdID // empty: of all
	Since     time.Time              // those that still went on then, or began later; zero: all
	Limit     int                    // 0: 1000
}

// selection puts a query together from what is asked for.
type selection struct {
	where []string
	args  []any
}

func (s *selection) add(condition string, args ...any) {
	s.where = append(s.where, condition)
	s.args = append(s.args, args...)
}

// from gives the query for the bodies of a table, newest first.
func (s *selection) from(table, order string, limit int) string {
	if limit <= 0 {
		limit = defaultLimit
	}
	where := ""
	if len(s.where) > 0 {
		where = " WHERE " + strings.Join(s.where, " AND ")
	}
	return fmt.Sprintf("SELECT body FROM %s%s ORDER BY %s LIMIT %d", table, where, order, limit)
}

// Incidents gives the incidents selected, the one opened last first.
func (db *DB) Incidents(ctx context.Context, q IncidentQuery) ([]stillwater.Incident, error) {
	var s selection
	if q.Household != "" {
		s.add("household = ?", string(q.Household))
	}
	if q.OpenOnly {
		s.add("state <> 'closed'")
	}
	found, err := bodies[stillwater.Incident](ctx, db.reader, s.from("incident", "opened DESC, n DESC", q.Limit), s.args...)
	if err != nil {
		return nil, fmt.Errorf("incidents: %w", err)
	}
	return found, nil
}

// liveIncidents has the condition of the index incident_live, word for word.
const liveIncidents = `SELECT body FROM incident WHERE state <> 'closed' OR json_extract(body, '$.next') IS NOT NULL ORDER BY opened, n`

// OpenIncidents gives every incident that is not done with, the oldest first: those that are open, and those closed on an assumption
// that is still to be looked at.
func (db *DB) OpenIncidents(ctx context.Context) ([]stillwater.Incident, error) {
	found, err := bodies[stillwater.Incident](ctx, db.reader, liveIncidents)
	if err != nil {
		return nil, fmt.Errorf("open incidents: %w", err)
	}
	return found, nil
}

// Incident gives one incident, and whether there is one of that ID.
func (db *DB) Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error) {
	found, err := bodies[stillwater.Incident](ctx, db.reader, `SELECT body FROM incident WHERE id = ?`, string(id))
	if err != nil || len(found) == 0 {
		return stillwater.Incident{}, false, wrap(err, "incident %q", id)
	}
	return found[0], true, nil
}

// LastIncident is the number of incidents ever stored, erased ones included.
func (db *DB) LastIncident(ctx context.Context) (n int64, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT value FROM counter WHERE name = 'incident'`).Scan(&n)
	return n, wrap(err, "number of incidents")
}

// Messages gives the messages selected, the one created last first.
func (db *DB) Messages(ctx context.Context, q MessageQuery) ([]stillwater.Message, error) {
	var s selection
	if q.Incident != "" {
		s.add("incident = ?", string(q.Incident))
	}
	if q.Household != "" {
		s.add("household = ?", string(q.Household))
	}
	found, err := bodies[stillwater.Message](ctx, db.reader, s.from("message", "created DESC, n DESC", q.Limit), s.args...)
	if err != nil {
		return nil, fmt.Errorf("messages: %w", err)
	}
	return found, nil
}

// latestFindings is the index finding_latest backwards.
const latestFindings = "began DESC, household DESC, rule DESC, device DESC"

// Findings gives the findings selected, the one that began last first.
func (db *DB) Findings(ctx context.Context, q FindingQuery) ([]stillwater.Finding, error) {
	var s selection
	if q.Household != "" {
		s.add("household = ?", string(q.Household))
	}
	if !q.Since.IsZero() {
		s.add("(ended IS NULL OR ended >= ?)", q.Since.UnixMicro())
	}
	found, err := bodies[stillwater.Finding](ctx, db.reader, s.from("finding", latestFindings, q.Limit), s.args...)
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	return found, nil
}

// HasReply says whether a reply of that ID was acted on.
func (db *DB) HasReply(ctx context.Context, id string) (has bool, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM reply WHERE id = ?)`, id).Scan(&has)
	return has, wrap(err, "reply %q", id)
}

// States gives fn the state of every household, by household. An error of fn ends it.
func (db *DB) States(ctx context.Context, fn func(stillwater.State) error) error {
	after := sql.NullString{} // no household is before the first
	for {
		states, err := db.statesPage(ctx, after)
		if err != nil {
			return fmt.Errorf("states: %w", err)
		}
		for _, s := range states {
			if err := fn(s); err != nil {
				return err
			}
			after = sql.NullString{String: string(s.Household), Valid: true}
		}
		if len(states) < statesAtOnce {
			return nil
		}
	}
}

func (db *DB) statesPage(ctx context.Context, after sql.NullString) ([]stillwater.State, error) {
	rows, err := db.reader.QueryContext(ctx, `SELECT household, seq, data FROM state
		WHERE ?1 IS NULL OR household > ?1 ORDER BY household LIMIT ?2`, after, statesAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var states []stillwater.State
	for rows.Next() {
		var s stillwater.State
		if err := rows.Scan(&s.Household, &s.Seq, &s.Data); err != nil {
			return nil, err
		}
		states = append(states, s)
	}
	return states, rows.Err()
}

// outbox leaves out messages accepted long ago: of those no news comes.
const outbox = `SELECT body FROM message WHERE state IN ('pending', 'sending', 'accepted')
	AND (state <> 'accepted' OR n > (SELECT coalesce(max(n), 0) FROM message) - 500) ORDER BY created, n`

// Outbox gives the messages that are not done with: pending, sending and, of the last 500, accepted; the oldest first.
func (db *DB) Outbox(ctx context.Context) ([]stillwater.Message, error) {
	found, err := bodies[stillwater.Message](ctx, db.reader, outbox)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return found, nil
}

// HasReading says whether the journal holds this reading: the same value of the same moment.
func (db *DB) HasReading(ctx context.Context, r stillwater.Reading) (bool, error) {
	var found bool
	err := db.reader.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM point p JOIN journal j ON j.point = p.id
		WHERE p.household = ? AND p.device = ? AND p.quantity = ? AND j.at = ? AND j.value = ?)`,
		string(r.Household), string(r.Device), string(r.Quantity), r.At.UnixMicro(), r.Value).Scan(&found)
	return found, wrap(err, "reading of device %q", r.Device)
}

// ErrNotWaiting says that a message is no longer to be sent: it was cancelled, or its receipt is stored.
var ErrNotWaiting = errors.New("the message does not wait to be sent")

// MarkSending stores that a message is about to be handed over, before it is: its state becomes sending, and Attempts,
// Tried, Provider, ProviderID, Repeat and Text are taken from m. A message that is not pending or sending is left as it
// is, and the error is ErrNotWaiting: it must not be sent.
func (db *DB) MarkSending(ctx context.Context, m stillwater.Message) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		stored, found, err := messageIn(tx.Stmt(db.stmt.getMessage).QueryRow(string(m.ID)))
		switch {
		case err != nil:
			return err
		case !found:
			return fmt.Errorf("%w: it is not stored", ErrNotWaiting)
		case stored.State != stillwater.Pending && stored.State != stillwater.Sending:
			return fmt.Errorf("%w: it is %s", ErrNotWaiting, stored.State)
		}
		stored.State = stillwater.Sending
		stored.Attempts, stored.Tried = m.Attempts, m.Tried
		stored.Provider, stored.ProviderID = m.Provider, m.ProviderID
		stored.Repeat, stored.Text = m.Repeat, m.Text
		return putMessage(tx.Stmt(db.stmt.changeMessage), stored)
	})
	return wrap(err, "mark message %q as sending", m.ID)
}

// wrap puts what was done before its error; nil stays nil.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
