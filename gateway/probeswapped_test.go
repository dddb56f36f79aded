package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/simulator/world"
)

// TestProbeSwapped enters the meters of two neighbours in each other's row, lets them live for six weeks, and asks as an installer would.
func TestProbeSwapped(t *testing.T) {
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -43)
	w, err := world.New(world.Options{Homes: 6, Seed: 3, Start: start})
	if err != nil {
		t.Fatal(err)
	}
	homes := w.Households()
	for i := range homes {
		homes[i].Place.Building = "3"
		homes[i].Consent = stillwater.Consent{Given: start}
	}
	a, b := homes[1].ID, homes[4].ID
	folder := t.TempDir()
	store := sqlite.Defaults()
	store.Path = filepath.Join(folder, "w.db")
	db, err := sqlite.Open(t.Context(), store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PutHouseholds(t.Context(), homes); err != nil {
		t.Fatal(err)
	}
	var batch stillwater.Batch
	commit := func() {
		if err := db.Commit(t.Context(), &batch); err != nil {
			t.Fatal(err)
		}
		batch = stillwater.Batch{}
	}
	for r := range w.Readings(start, start.AddDate(0, 0, 42)) {
		if r.Quantity == stillwater.WaterTotal && (r.Household == a || r.Household == b) {
			r.Household = map[stillwater.HouseholdID]stillwater.HouseholdID{a: b, b: a}[r.Household]
		}
		if batch.Entries = append(batch.Entries, stillwater.Entry{Reading: &r}); len(batch.Entries) == 5000 {
			commit()
		}
	}
	commit()
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(folder, "stillwater.yaml")
	if err := os.WriteFile(config, []byte("store: {path: "+store.Path+"}\nsms: {phones: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, trouble bytes.Buffer
	if err := probeSwapped(t.Context(), config, 60, &out, &trouble); err != nil {
		t.Fatal(err, trouble.String())
	}
	if got := out.String(); strings.Count(got, "seem to be swapped") != 1 || !strings.HasPrefix(got, string(a)+" and "+string(b)+": ") || !strings.Contains(got, "4 meters fit their own door") {
		t.Errorf("told:\n%s", got)
	}
}
