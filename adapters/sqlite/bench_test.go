package sqlite

import (
	"fmt"
	"testing"
	"time"

	"stillwater"
)

// BenchmarkCommit is one commit of so many readings, each of another household, the state of one of them, and an fsync.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 50, 500} {
		b.Run(fmt.Sprint(size, "-readings"), func(b *testing.B) {
			db := openNew(b)
			batch := &stillwater.Batch{States: []stillwater.State{{Household: "h0", Data: make([]byte, 4096)}}}
			for i := range size {
				batch.Entries = append(batch.Entries, readings(fmt.Sprint("h", i), 0, 1)...)
			}
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch.Entries {
					batch.Entries[i].Reading.At = noon.Add(time.Duration(n) * 15 * time.Minute)
				}
				n++
				if err := db.Commit(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "commits/s")
			b.ReportMetric(float64(n*size)/b.Elapsed().Seconds(), "readings/s")
		})
	}
}

// BenchmarkEntries is reading the journal back, as at a start.
func BenchmarkEntries(b *testing.B) {
	db := openNew(b)
	const size = 50_000
	for i := range size / 500 {
		commitTo(b, db, &stillwater.Batch{Entries: readings(fmt.Sprint("h", i%40), i*500, 500)})
	}
	for b.Loop() {
		if err := db.Entries(b.Context(), 0, func(stillwater.Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "entries/s")
}
