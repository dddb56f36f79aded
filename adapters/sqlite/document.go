package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
)

// Duty names the document that holds the imported rosters of posts.
const Duty = "duty"

// Document reads the document of a name into what into points to. One that was never put leaves it as it is.
func (db *DB) Document(ctx context.Context, name string, into any) error {
	var body string
	err := db.reader.QueryRowContext(ctx, `SELECT body FROM document WHERE name = ?`, name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), into)
	}
	return wrap(err, "document %q", name)
}

// ChangeDocument reads the document of a name into what into points to, has it changed, and stores it, with nobody else's change in
// between. An error of change leaves it as it was. The registry's version changes, so that a running gateway takes it in.
func (db *DB) ChangeDocument(ctx context.Context, name string, into any, change func() error) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		var body string
		err := tx.QueryRow(`SELECT body FROM document WHERE name = ?`, name).Scan(&body)
		if err == nil {
			err = json.Unmarshal([]byte(body), into)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err := change(); err != nil {
			return err
		}
		next, err := json.Marshal(into)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`INSERT INTO document (name, body) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET body = excluded.body`, name, string(next)); err != nil {
			return err
		}
		return changed(tx)
	})
	return wrap(err, "change document %q", name)
}
