package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetricsAreDocumented compares what /metrics shows with the table in deploy/README.md.
func TestMetricsAreDocumented(t *testing.T) {
	m := newMetrics()
	collectors := append([]prometheus.Collector{m.readings, m.rejects, m.findings, m.texts, m.attempts, m.segments, m.cost, m.took, newGear(&view{})}, historyMetrics(nil)...)
	shown := map[string]bool{}
	name := regexp.MustCompile(`fqName: "(\w+)"`)
	for _, c := range collectors {
		descriptions := make(chan *prometheus.Desc, 16)
		c.Describe(descriptions)
		close(descriptions)
		for d := range descriptions {
			shown[name.FindStringSubmatch(d.String())[1]] = true
		}
	}
	page, err := os.ReadFile("../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `(stillwater_\\w+)").FindAllSubmatch(page, -1) {
		told[string(row[1])] = true
	}
	if a, b := slices.Sorted(maps.Keys(shown)), slices.Sorted(maps.Keys(told)); !slices.Equal(a, b) {
		t.Errorf("shown are\n%v, deploy/README.md tells of\n%v", a, b)
	}
}
