package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"stillwater"
)

// LifeEvents gives fn every life event, in the order in which they were said.
func (db *DB) LifeEvents(ctx context.Context, fn func(stillwater.LifeEvent) error) error {
	rows, err := db.reader.QueryContext(ctx, `SELECT body FROM life ORDER BY n`)
	if err != nil {
		return wrap(err, "life events")
	}
	defer rows.Close()
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return wrap(err, "life events")
		}
		e, err := decode[stillwater.LifeEvent](body)
		if err != nil {
			return wrap(err, "life event")
		}
		if err := fn(e); err != nil {
			return err
		}
	}
	return wrap(rows.Err(), "life events")
}

// lives appends the life events of a batch.
func (c *commit) lives(events []stillwater.LifeEvent) error {
	for _, e := range events {
		body, err := json.Marshal(e)
		if err == nil {
			_, err = c.exec(c.db.stmt.addLife, string(e.Household), e.At.UnixMicro(), string(body))
		}
		if err != nil {
			return fmt.Errorf("life event of household %q: %w", e.Household, err)
		}
	}
	return nil
}
