package main

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stillwater"
	"stillwater/adapters/sqlite"
	"stillwater/gateway/pipeline"
)

// TestDrillIsShown prints what became of two drills: who was reached, who answered, and who was not reached twice running.
func TestDrillIsShown(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "stillwater.yaml")
	if err := os.WriteFile(path, []byte("store: {path: "+filepath.Join(folder, "w.db")+"}\nsms: {phones: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printDrills(t.Context(), path, &out, io.Discard); err != nil || !strings.HasPrefix(out.String(), "no drill was held; write drills: {day: first-tuesday}") {
		t.Errorf("before any drill: %v, %s", err, out.String())
	}
	c, _, _ := loadConfig(path)
	db, err := sqlite.Open(t.Context(), c.Store, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, month := range []string{"2026-02", "2026-03"} {
		opened, err := time.Parse(time.DateOnly, month+"-03")
		if err != nil {
			t.Fatal(err)
		}
		i := stillwater.Incident{
			ID: stillwater.IncidentID("drill-" + month), Household: pipeline.DrillHome, State: stillwater.ClosedState, Opened: opened, Closed: opened.Add(24 * time.Hour),
		}
		text := func(who stillwater.ContactID, state stillwater.DeliveryState, answered time.Time, problem string) stillwater.Message {
			return stillwater.Message{
				ID: stillwater.MessageID(month + "-" + string(who)), Incident: i.ID, Household: i.Household, Contact: who, Purpose: stillwater.Train,
				Created: opened, State: state, Answered: answered, Error: problem,
			}
		}
		b := &stillwater.Batch{Incidents: []stillwater.Incident{i}, Messages: []stillwater.Message{
			text("chen", stillwater.Delivered, opened.Add(3*time.Minute), ""), text("li", stillwater.Accepted, time.Time{}, ""), text("zhao", stillwater.Failed, time.Time{}, "no such number"),
		}}
		if err := db.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := printDrills(t.Context(), path, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(out.String()), " ")
	for _, want := range []string{
		"2026-03 told 3 reached 1 answered 1 chen sms delivered answered after 3m li sms accepted zhao sms failed no such number 2026-02 told 3",
		"cannot be reached: li sms accepted cannot be reached: zhao sms failed no such number",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it says\n%s\nnot\n%s", out.String(), want)
		}
	}
}
