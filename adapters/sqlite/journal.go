package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"stillwater"
)

const (
	// readingColumns is how many columns of the journal a reading fills, seq left out.
	readingColumns = 5
	// maxPoints bounds the memory for points; past it they are looked up again.
	maxPoints = 200_000
	// page is how many rows are read before the caller sees them, so that a slow caller holds no snapshot.
	page = 2_000
	// pruneAtOnce bounds how long Prune keeps a commit waiting.
	pruneAtOnce = 10_000
	// idleSpans is how many spans without an old entry end a Prune. More than one: entries received while the clock was
	// wrong must not hide the old ones behind them.
	idleSpans = 10
)

// readingsAtOnce is how many readings the INSERTs hold; beyond a few dozen it gets no faster.
var readingsAtOnce = [...]int{32, 8, 1}

// pointKey is what a row of point stands for.
type pointKey struct {
	household stillwater.HouseholdID
	device    stillwater.DeviceID
	source    string
	quantity  stillwater.Quantity
}

// A point is a row of point.
type point struct {
	pointKey
	id int64
}

// pointCache remembers rows of point that are committed. They are kept by their source, which is quicker to look for than all four names.
type pointCache struct {
	mu      sync.Mutex // guards everything below
	of      map[string][]point
	size    int
	deleted int64 // how often points were deleted when they were looked up
}

func (p *pointCache) find(k pointKey) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, point := range p.of[k.source] {
		if point.pointKey == k {
			return point.id, true
		}
	}
	return 0, false
}

// learn remembers points that were committed when so many had been deleted.
func (p *pointCache) learn(added map[pointKey]int64, deleted int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if deleted != p.deleted {
		return // another commit has found that they may be gone
	}
	if p.of == nil || p.size+len(added) > maxPoints {
		p.of, p.size = make(map[string][]point), 0
	}
	for k, id := range added {
		p.of[k.source] = append(p.of[k.source], point{k, id})
	}
	p.size += len(added)
}

// valid forgets what was looked up before the latest point was deleted.
func (p *pointCache) valid(deleted int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if deleted != p.deleted {
		p.of, p.size, p.deleted = nil, 0, deleted
	}
}

// insertReadings is the INSERT of n readings after the last entry. It keeps no copies of the pages it changes, in a file, as SQLite does where a
// statement may fail half way and what it has done so far is to be undone alone: hence FAIL, for an error ends the transaction in any case, and no seq,
// which would have to be looked at.
func insertReadings(n int) string {
	return `INSERT OR FAIL INTO journal (at, received, point, value, undated) VALUES ` + strings.Repeat("(?,?,?,?,?),", n-1) + "(?,?,?,?,?)"
}

// entries appends to the journal and sets c.first and c.last.
func (c *commit) entries(entries []stillwater.Entry) error {
	if err := c.tx.Stmt(c.db.stmt.lastSeq).QueryRow().Scan(&c.last, &c.deleted); err != nil {
		return fmt.Errorf("last journal entry: %w", err)
	}
	c.db.points.valid(c.deleted)
	c.first = c.last + 1
	row := make([]any, 0, readingsAtOnce[0]*readingColumns) // readings that wait for their INSERT
	for i := range entries {
		e := &entries[i]
		var err error
		if e.Reading == nil || i == 0 { // the first has its number written, and the others follow it
			if row, err = c.flush(row, 1); err == nil {
				err = c.one(c.first+int64(i), e)
			}
		} else if row, err = c.reading(row, e); err == nil {
			row, err = c.flush(row, readingsAtOnce[0])
		}
		if err != nil {
			return fmt.Errorf("journal entry %d of the batch: %w", i, err)
		}
	}
	if _, err := c.flush(row, 1); err != nil {
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	_, err := c.exec(c.db.stmt.setSeq, c.last)
	return err
}

// reading adds the columns of a reading to row.
func (c *commit) reading(row []any, e *stillwater.Entry) ([]any, error) {
	if err := check(e); err != nil {
		return row, err
	}
	r := e.Reading
	point, err := c.point(r)
	return append(row, r.At.UnixMicro(), microOrNull(r.Received), point, r.Value, oneOrNull(r.Undated)), err
}

// flush inserts the readings in row if there are at least n, and gives back an empty row.
func (c *commit) flush(row []any, n int) ([]any, error) {
	if len(row) < n*readingColumns {
		return row, nil
	}
	rest := row
	for i, size := range readingsAtOnce {
		for len(rest) >= size*readingColumns {
			if err := c.append(size, c.db.stmt.addReadings[i], rest[:size*readingColumns]...); err != nil {
				return nil, fmt.Errorf("journal readings: %w", err)
			}
			rest = rest[size*readingColumns:]
		}
	}
	return row[:0], nil
}

// append runs an INSERT of n entries, which must come to stand at the numbers that are next.
func (c *commit) append(n int, s *sql.Stmt, args ...any) error {
	done, err := c.exec(s, args...)
	if err != nil {
		return err
	}
	c.last += int64(n)
	if last, err := done.LastInsertId(); err != nil || last != c.last {
		return errors.Join(err, fmt.Errorf("entry %d came to stand at %d: the journal goes beyond the last number given", c.last, last))
	}
	return nil
}

// check refuses an entry that is not exactly one thing: it could not be read back as it was.
func check(e *stillwater.Entry) error {
	kinds := 0
	for _, is := range [...]bool{e.Reading != nil, !e.Tick.IsZero(), e.Rearm != "", e.Away != nil, e.Announced != nil, !e.Resumed.IsZero()} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		return fmt.Errorf("it is %d of reading, tick, rearm, away, announced and resumed, not one", kinds)
	}
	return nil
}

// one writes an entry under its number.
func (c *commit) one(seq int64, e *stillwater.Entry) error {
	if err := check(e); err != nil {
		return err
	}
	if e.Reading == nil {
		return c.other(seq, e)
	}
	row, err := c.reading([]any{seq}, e)
	if err != nil {
		return err
	}
	return c.append(1, c.db.stmt.addReading, row...)
}

// other writes a tick, a rearm, an absence, an announcement or a return of the gateway.
func (c *commit) other(seq int64, e *stillwater.Entry) error {
	add, announce := c.db.stmt.addEntry, c.db.stmt.addAnnounced
	switch {
	case e.Rearm != "":
		return c.append(1, add, seq, e.At.UnixMicro(), nil, nil, string(e.Rearm), nil, nil)
	case e.Away != nil:
		body, err := json.Marshal(e.Away)
		if err != nil {
			return err
		}
		return c.append(1, add, seq, e.Away.At.UnixMicro(), nil, nil, nil, nil, string(body))
	case e.Announced != nil:
		body, err := json.Marshal(e.Announced)
		if err != nil {
			return err
		}
		return c.append(1, announce, seq, e.At.UnixMicro(), e.Shard, e.Shards, string(body))
	case !e.Resumed.IsZero():
		return c.append(1, add, seq, e.Resumed.UnixMicro(), e.Shard, e.Shards, nil, 1, nil)
	}
	return c.append(1, add, seq, e.Tick.UnixMicro(), e.Shard, e.Shards, nil, nil, nil)
}

// point gives the row of point for a reading, adding it when it is the first of its kind.
func (c *commit) point(r *stillwater.Reading) (int64, error) {
	k := pointKey{r.Household, r.Device, r.Source, r.Quantity}
	if id, ok := c.db.points.find(k); ok {
		return id, nil
	}
	if id, ok := c.points[k]; ok {
		return id, nil
	}
	columns := []any{string(k.household), string(k.device), k.source, string(k.quantity)}
	var id int64
	err := c.tx.Stmt(c.db.stmt.findPoint).QueryRow(columns...).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		var added sql.Result
		if added, err = c.exec(c.db.stmt.addPoint, columns...); err == nil {
			id, err = added.LastInsertId()
		}
	}
	if err != nil {
		return 0, fmt.Errorf("point of device %q: %w", r.Device, err)
	}
	if c.points == nil {
		c.points = make(map[pointKey]int64)
	}
	c.points[k] = id
	return id, nil
}

func oneOrNull(b bool) any {
	if b {
		return 1
	}
	return nil
}

// Entries gives fn every journal entry after the given seq, ascending, those committed meanwhile included. An error of fn ends it.
func (db *DB) Entries(ctx context.Context, after int64, fn func(stillwater.Entry) error) error {
	for {
		entries, err := db.entriesPage(ctx, after)
		if err != nil {
			return fmt.Errorf("journal after %d: %w", after, err)
		}
		for _, e := range entries {
			if err := fn(e); err != nil {
				return err
			}
			after = e.Seq
		}
		if len(entries) < page {
			return nil
		}
	}
}

func (db *DB) entriesPage(ctx context.Context, after int64) ([]stillwater.Entry, error) {
	rows, err := db.reader.QueryContext(ctx, `SELECT j.seq, j.at, j.received, j.value, j.undated, j.shard, j.shards, j.rearm, j.resumed, j.away, j.announced,
			p.household, p.device, p.source, p.quantity
		FROM journal j LEFT JOIN point p ON p.id = j.point WHERE j.seq > ? ORDER BY j.seq LIMIT ?`, after, page)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var entries []stillwater.Entry
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.seq, &l.at, &l.received, &l.value, &l.undated, &l.shard, &l.shards, &l.rearm, &l.resumed, &l.away, &l.announced,
			&l.household, &l.device, &l.source, &l.quantity); err != nil {
			return nil, err
		}
		e, err := l.entry()
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", l.seq, err)
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// line is a row of the journal with its point.
type line struct {
	seq, at                             int64
	received, undated, shard, shards    sql.NullInt64
	resumed                             sql.NullInt64
	value                               sql.NullFloat64
	rearm, away, announced              sql.NullString
	household, device, source, quantity sql.NullString
}

func (l line) entry() (stillwater.Entry, error) {
	at := time.UnixMicro(l.at).UTC()
	switch {
	case l.household.Valid:
		r := l.reading()
		return stillwater.Entry{Seq: l.seq, Reading: &r}, nil
	case l.rearm.Valid:
		return stillwater.Entry{Seq: l.seq, Rearm: stillwater.HouseholdID(l.rearm.String), At: at}, nil
	case l.away.Valid:
		away, err := decode[stillwater.Absence](l.away.String)
		return stillwater.Entry{Seq: l.seq, Away: &away}, err
	case l.announced.Valid:
		announced, err := decode[stillwater.Announced](l.announced.String)
		return stillwater.Entry{Seq: l.seq, Announced: &announced, At: at, Shard: int(l.shard.Int64), Shards: int(l.shards.Int64)}, err
	case l.resumed.Valid:
		return stillwater.Entry{Seq: l.seq, Resumed: at, Shard: int(l.shard.Int64), Shards: int(l.shards.Int64)}, nil
	}
	return stillwater.Entry{Seq: l.seq, Tick: at, Shard: int(l.shard.Int64), Shards: int(l.shards.Int64)}, nil
}

func (l line) reading() stillwater.Reading {
	r := stillwater.Reading{
		Source:    l.source.String,
		Household: stillwater.HouseholdID(l.household.String),
		Device:    stillwater.DeviceID(l.device.String),
		Quantity:  stillwater.Quantity(l.quantity.String),
		Value:     l.value.Float64,
		At:        time.UnixMicro(l.at).UTC(),
		Undated:   l.undated.Int64 != 0,
	}
	if l.received.Valid {
		r.Received = time.UnixMicro(l.received.Int64).UTC()
	}
	return r
}

// Readings gives fn the journal's readings of a household whose At is since or later, by At and then by arrival. It holds
// a read open while fn runs, so fn should be quick.
func (db *DB) Readings(ctx context.Context, household stillwater.HouseholdID, since time.Time, fn func(stillwater.Reading) error) error {
	rows, err := db.reader.QueryContext(ctx, `SELECT j.at, j.received, j.value, j.undated, p.household, p.device, p.source, p.quantity
		FROM point p JOIN journal j ON j.point = p.id WHERE p.household = ? AND j.at >= ? ORDER BY j.at, j.seq`,
		string(household), since.UnixMicro())
	if err != nil {
		return fmt.Errorf("readings of household %q: %w", household, err)
	}
	defer rows.Close()
	for rows.Next() {
		var l line
		if err := rows.Scan(&l.at, &l.received, &l.value, &l.undated, &l.household, &l.device, &l.source, &l.quantity); err != nil {
			return fmt.Errorf("readings of household %q: %w", household, err)
		}
		if err := fn(l.reading()); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("readings of household %q: %w", household, err)
	}
	return nil
}

// Prune deletes the journal entries received, ticked or rearmed before the given moment that every household's state
// covers, and says how many. A state that is no longer written (its household is gone, its rows not erased) holds the
// journal: keeping too much is mended by erasing, keeping too little is not.
func (db *DB) Prune(ctx context.Context, before time.Time) (int64, error) {
	covered, from, err := db.covered(ctx)
	if err != nil {
		return 0, fmt.Errorf("prune: %w", err)
	}
	var pruned int64
	for idle := 0; from <= covered && idle < idleSpans; from += pruneAtOnce {
		n, err := db.pruneSpan(ctx, from, min(from+pruneAtOnce-1, covered), before)
		if err != nil {
			return pruned, fmt.Errorf("prune: %w", err)
		}
		pruned += n
		idle++
		if n > 0 {
			idle = 0
		}
	}
	return pruned, nil
}

// covered is the last entry that every household's state has seen, and the first entry there is. A household with
// readings and no state has seen nothing.
func (db *DB) covered(ctx context.Context) (covered, first int64, err error) {
	var state, oldest, blank sql.NullInt64
	err = db.reader.QueryRowContext(ctx, `SELECT (SELECT min(seq) FROM state), (SELECT min(seq) FROM journal),
		(SELECT min(j.seq) FROM point p JOIN journal j ON j.point = p.id
			WHERE NOT EXISTS (SELECT 1 FROM state s WHERE s.household = p.household))`).Scan(&state, &oldest, &blank)
	if err != nil || !state.Valid || !oldest.Valid {
		return 0, 1, err
	}
	if blank.Valid {
		state.Int64 = min(state.Int64, blank.Int64-1)
	}
	return state.Int64, oldest.Int64, nil
}

// pruneSpan deletes the entries from first to last that are old enough. The states are asked again in the same
// transaction: a household may have been given its first one, or an older one, since.
func (db *DB) pruneSpan(ctx context.Context, first, last int64, before time.Time) (n int64, err error) {
	err = db.write(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, `DELETE FROM journal WHERE seq BETWEEN ? AND ? AND coalesce(received, at) < ?
			AND seq <= (SELECT min(seq) FROM state)`, first, last, before.UnixMicro())
		if err != nil {
			return err
		}
		n, err = done.RowsAffected()
		return err
	})
	return n, err
}
