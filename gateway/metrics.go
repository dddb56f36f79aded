package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"stillwater"
	"stillwater/gateway/delivery"
)

// metrics are the counters that /metrics shows. The names of homes and devices are in none of them.
type metrics struct {
	registry *prometheus.Registry
	readings *prometheus.CounterVec
	rejects  *prometheus.CounterVec
	findings *prometheus.CounterVec
	texts    *prometheus.CounterVec
	replies  *prometheus.CounterVec
	attempts *prometheus.CounterVec
	segments *prometheus.CounterVec
	cost     *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "stillwater", Name: name, Help: help}, labels)
	}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		readings: counter("readings_total", "Readings by what became of them.", "outcome"),
		rejects:  counter("messages_rejected_total", "Messages of a feed that were no reading.", "feed", "reason"),
		findings: counter("findings_total", "Findings that began, by rule and severity.", "rule", "severity"),
		texts:    counter("texts_total", "Texts by the state they reached.", "state"),
		replies:  counter("replies_total", "Answers that came in, by what became of them.", "outcome"),
		attempts: counter("sendings_total", "Messages handed to a provider, by what it made of them.", "provider", "channel", "result"),
		segments: counter("segments_total", "SMS that accepted texts take, and other messages that were accepted.", "provider", "channel"),
		cost:     counter("cost_total", "What accepted messages cost since the start, in the currency of the price.", "provider", "channel", "currency"),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "stillwater", Name: "sending_seconds", Help: "How long a provider took over a message.", Buckets: []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10},
		}, []string{"provider", "channel"}),
	}
	m.registry.MustRegister(m.readings, m.rejects, m.findings, m.texts, m.replies, m.attempts, m.segments, m.cost, m.took)
	return m
}

func (m *metrics) reading(outcome string)          { m.readings.WithLabelValues(outcome).Inc() }
func (m *metrics) rejected(feed, reason string)    { m.rejects.WithLabelValues(feed, reason).Inc() }
func (m *metrics) heard(outcome string)            { m.replies.WithLabelValues(outcome).Inc() }
func (m *metrics) text(s stillwater.DeliveryState) { m.texts.WithLabelValues(string(s)).Inc() }

// attempt counts what a provider made of a message.
func (m *metrics) attempt(a delivery.Attempt) {
	by := string(a.Channel)
	m.attempts.WithLabelValues(a.Route, by, string(a.Result)).Inc()
	m.took.WithLabelValues(a.Route, by).Observe(a.Took.Seconds())
	if a.Result == delivery.Taken {
		m.segments.WithLabelValues(a.Route, by).Add(float64(a.Segments))
	}
	if a.Cost > 0 {
		m.cost.WithLabelValues(a.Route, by, a.Currency).Add(a.Cost)
	}
}

func (m *metrics) finding(f stillwater.Finding) {
	if f.Ended.IsZero() {
		m.findings.WithLabelValues(f.Rule, string(f.Severity)).Inc()
	}
}

// gear tells how devices and buses are whenever somebody asks for the metrics.
type gear struct {
	*view
	devices, questions, connects *prometheus.Desc
}

func newGear(v *view) *gear {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName("stillwater", "", name), help, labels, nil)
	}
	return &gear{
		view:      v,
		devices:   desc("devices", "Devices by the worst that is wrong with them; none: nothing is.", "trouble"),
		questions: desc("bus_questions_total", "Questions put on a bus, by what became of them.", "bus", "result"),
		connects:  desc("bus_connects_total", "Connections made to a bus.", "bus"),
	}
}

// Describe implements prometheus.Collector.
func (g *gear) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.devices, g.questions, g.connects} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gear) Collect(to chan<- prometheus.Metric) {
	all, err := g.Devices(context.Background())
	if err != nil {
		to <- prometheus.NewInvalidMetric(g.devices, err)
		return
	}
	troubles := map[string]int{"none": 0}
	for _, d := range all.Devices {
		worst := "none"
		if len(d.Troubles) > 0 {
			worst = d.Troubles[0].Code
		}
		troubles[worst]++
	}
	for trouble, n := range troubles {
		to <- prometheus.MustNewConstMetric(g.devices, prometheus.GaugeValue, float64(n), trouble)
	}
	for _, l := range all.Buses {
		for result, n := range map[string]uint64{
			"value": l.Answered - l.Refusals, "refused": l.Refusals, "timeout": l.Timeouts, "bad-frame": l.BadFrames,
			"lost": l.Lost,
		} {
			to <- prometheus.MustNewConstMetric(g.questions, prometheus.CounterValue, float64(n), l.Bus, result)
		}
		to <- prometheus.MustNewConstMetric(g.connects, prometheus.CounterValue, float64(l.Connects), l.Bus)
	}
}
