package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"stillwater"
)

// Households gives every household of the registry, by ID.
func (db *DB) Households(ctx context.Context) ([]stillwater.Household, error) {
	found, err := bodies[stillwater.Household](ctx, db.reader, `SELECT body FROM household ORDER BY id`)
	return found, wrap(err, "households")
}

// PutHouseholds stores all of the households, replacing those of the same ID, or none of them. One that stands twice in
// the list is refused: which of the two is meant is not for a store to guess.
func (db *DB) PutHouseholds(ctx context.Context, households []stillwater.Household) error {
	if len(households) == 0 {
		return nil
	}
	err := db.write(ctx, func(tx *sql.Tx) error {
		seen := make(map[stillwater.HouseholdID]bool, len(households))
		for _, h := range households {
			if h.ID == "" {
				return errors.New("a household has no ID")
			}
			if seen[h.ID] {
				return fmt.Errorf("household %q stands twice in the list", h.ID)
			}
			seen[h.ID] = true
			body, err := json.Marshal(h)
			if err != nil {
				return fmt.Errorf("household %q: %w", h.ID, err)
			}
			if _, err := tx.Exec(`INSERT INTO household (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
				string(h.ID), string(body)); err != nil {
				return fmt.Errorf("household %q: %w", h.ID, err)
			}
		}
		return changed(tx)
	})
	return wrap(err, "store %d households", len(households))
}

// DeleteHousehold takes a household out of the registry. Its journal, state and incidents stay until they are erased. One
// that is not there is no error.
func (db *DB) DeleteHousehold(ctx context.Context, id stillwater.HouseholdID) error {
	err := db.write(ctx, func(tx *sql.Tx) error {
		gone, err := affected(tx.Exec(`DELETE FROM household WHERE id = ?`, string(id)))
		if err != nil || !gone {
			return err
		}
		return changed(tx)
	})
	return wrap(err, "delete household %q", id)
}

// RegistryVersion changes whenever any process has put or deleted a household or changed a document, so that a running gateway can look cheaply.
func (db *DB) RegistryVersion(ctx context.Context) (version int64, err error) {
	err = db.reader.QueryRowContext(ctx, `SELECT value FROM counter WHERE name = 'registry'`).Scan(&version)
	return version, wrap(err, "registry version")
}

func changed(tx *sql.Tx) error {
	_, err := tx.Exec(`UPDATE counter SET value = value + 1 WHERE name = 'registry'`)
	return err
}
