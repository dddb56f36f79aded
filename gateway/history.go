package main

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"stillwater"
	"stillwater/adapters/influx"
	"stillwater/adapters/sqlite"
)

// wireHistory makes the way to the database of history, where one is configured. What waits for it lies beside the store.
func (g *gateway) wireHistory() error {
	if g.config.History == nil {
		return nil
	}
	c := *g.config.History
	c.Spool = cmp.Or(c.Spool, g.config.Store.Path+".history")
	var err error
	g.history, err = influx.New(influx.Options{Config: c, Log: g.log, Health: g.health.Report, Missed: g.missedByHistory, Withdrew: g.withdrew})
	if err != nil {
		return err
	}
	g.metrics.registry.MustRegister(historyMetrics(g.history)...)
	g.add("history", g.history.Run)
	return nil
}

// withdrew says whether a household took its consent back.
func (g *gateway) withdrew(id stillwater.HouseholdID) bool {
	h, known := g.registry.Household(id)
	return known && !h.Consent.Withdrawn.IsZero() && !g.clock.Now().Before(h.Consent.Withdrawn)
}

// Bounds of what is read from the store for history at once, and of what it is given again of findings and incidents.
const (
	missedAtOnce = 500
	missedMost   = 10_000
	// missedSlack is how much longer ago a finding may have begun or ended, by its own time, than the journal's line with which it did.
	missedSlack = 24 * time.Hour
)

// missedByHistory gives what the store has committed after the line seq of the journal, and the findings and incidents that changed since.
func (g *gateway) missedByHistory(ctx context.Context, seq int64, since time.Time, fn func(*stillwater.Batch) error) error {
	b := &stillwater.Batch{}
	err := g.store.Entries(ctx, seq, func(e stillwater.Entry) error {
		if b.Entries = append(b.Entries, e); len(b.Entries) < missedAtOnce {
			return ctx.Err()
		}
		full := b
		b = &stillwater.Batch{}
		return fn(full)
	})
	if err != nil {
		return err
	}
	since = since.Add(-missedSlack)
	if b.Findings, err = g.store.Findings(ctx, sqlite.FindingQuery{Since: since, Limit: missedMost}); err != nil {
		return err
	}
	slices.Reverse(b.Findings) // the oldest first
	if b.Incidents, err = g.changedIncidents(ctx, since); err != nil {
		return err
	}
	return fn(b)
}

// changedIncidents gives the incidents to which something happened since a moment, and all that are open.
func (g *gateway) changedIncidents(ctx context.Context, since time.Time) ([]stillwater.Incident, error) {
	latest, err := g.store.Incidents(ctx, sqlite.IncidentQuery{Limit: missedMost})
	if err != nil {
		return nil, err
	}
	changed, err := g.store.OpenIncidents(ctx)
	if err != nil {
		return nil, err
	}
	for _, i := range latest {
		if n := len(i.Log); !i.IsOpen() && n > 0 && !i.Log[n-1].At.Before(since) {
			changed = append(changed, i)
		}
	}
	return changed, nil
}

// historyMetrics are how far history is behind, and what became of its points.
func historyMetrics(h *influx.History) []prometheus.Collector {
	gauge := func(name, help string, value func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "stillwater", Subsystem: "history", Name: name, Help: help}, value)
	}
	outcome := func(what string, value func(influx.Counts) int64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "stillwater", Subsystem: "history", Name: "points_total", Help: "Points of history by what became of them.", ConstLabels: prometheus.Labels{"outcome": what},
		}, func() float64 { return float64(value(h.Counts())) })
	}
	return []prometheus.Collector{
		gauge("lag_seconds", "How long the oldest point that the database does not have has waited.", func() float64 { return h.Lag().Seconds() }),
		gauge("spool_bytes", "Bytes on disk of points that wait.", func() float64 { return float64(h.Counts().Bytes) }),
		gauge("spool_points", "Points that wait on disk.", func() float64 { return float64(h.Counts().Waiting) }),
		outcome("written", func(c influx.Counts) int64 { return c.Written }),
		outcome("dropped", func(c influx.Counts) int64 { return c.Dropped }),
		outcome("rejected", func(c influx.Counts) int64 { return c.Rejected }),
		outcome("withheld", func(c influx.Counts) int64 { return c.Withheld }),
		outcome("damaged", func(c influx.Counts) int64 { return c.Damaged }),
	}
}
