package backtest

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater"
	"stillwater/rules"
	"time"
)

// bigRecording is a recording of many hourly meters, about a million readings, packed.
func bigRecording(b *testing.B) (path string, count int) {
	b.Helper()
	path = filepath.Join(b.TempDir(), "readings.csv.gz")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	z := gzip.NewWriter(f)
	out := bufio.NewWriter(z)
	out.WriteString(header)
	const homes, hours = 500, 2000
	var litres [homes]int
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for h := range hours {
		for i := range homes {
			at := start.Add(time.Duration(h)*time.Hour + time.Duration(i*7)*time.Second)
			if (h+i)%24 > 6 && (h*7+i*13)%5 < 3 {
				litres[i] += (h*31 + i*17) % 40
			}
			fmt.Fprintf(out, "%s,h%06x,meter,water.total,%d\n", at.Format(time.RFC3339), i*7919, 1000*i+litres[i])
		}
	}
	out.Flush()
	z.Close()
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, homes * hours
}

// BenchmarkStages is how quick each stage of a backtest is by itself, and all together.
func BenchmarkStages(b *testing.B) {
	path, count := bigRecording(b)
	report := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count), "ns/reading")
		b.ReportMetric(float64(count)*float64(b.N)/b.Elapsed().Seconds(), "readings/s")
	}
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			z, err := gzip.NewReader(bufio.NewReader(f))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, z); err != nil {
				b.Fatal(err)
			}
			f.Close()
		}
		report(b)
	})
	b.Run("read", func(b *testing.B) {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			b.Fatal(err)
		}
		plain := filepath.Join(b.TempDir(), "readings.csv")
		if err := os.WriteFile(plain, text, 0o644); err != nil {
			b.Fatal(err)
		}
		room := make([]row, batch)
		for b.Loop() {
			r, err := open(plain)
			if err != nil {
				b.Fatal(err)
			}
			n := 0
			for err == nil {
				var more int
				more, err = r.rows.read(room)
				n += more
			}
			if n != count || err != io.EOF {
				b.Fatal(n, err)
			}
			r.file.Close()
		}
		report(b)
	})
	all := func(list []rules.Rule) func(b *testing.B) {
		return func(b *testing.B) {
			for b.Loop() {
				o := Options{Readings: []string{path}, Rules: list, Out: b.TempDir(), Actograms: 12, Why: func(stillwater.Finding, *time.Location) string { return strings.Repeat("x", 60) }}
				if _, err := Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			report(b)
		}
	}
	b.Run("all, one rule", all([]rules.Rule{{Name: "silence-24h", Severity: stillwater.Alert, After: 24 * time.Hour}}))
	b.Run("all, default rules", all(rules.Defaults()))
}
