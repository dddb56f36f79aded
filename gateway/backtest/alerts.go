package backtest

import (
	"time"

	"stillwater"
)

// alertWriter makes the sentences and rows of alerts.csv in a goroutine of its own: a sentence costs more than many readings.
type alertWriter struct {
	table *table
	rows  chan alertRow
	done  chan error // of the first row that could not be written
}

type alertRow struct {
	finding stillwater.Finding
	zone    *time.Location
}

func newAlertWriter(t *table, why func(stillwater.Finding, *time.Location) string) *alertWriter {
	w := &alertWriter{table: t, rows: make(chan alertRow, batch), done: make(chan error, 1)}
	go func() {
		var err error
		for r := range w.rows {
			if err == nil {
				err = w.write(r, why)
			}
		}
		w.done <- err
	}()
	return w
}

func (w *alertWriter) write(r alertRow, why func(stillwater.Finding, *time.Location) string) error {
	f, ended := r.finding, ""
	if !f.Ended.IsZero() {
		ended = f.Ended.Format(time.RFC3339)
	}
	return w.table.row(string(f.Household), f.Rule, string(f.Severity), f.Began.Format(time.RFC3339), ended, why(f, r.zone))
}

// end waits for the rows that are under way.
func (w *alertWriter) end() error {
	close(w.rows)
	return <-w.done
}
