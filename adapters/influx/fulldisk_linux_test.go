package influx

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// small mounts a disk of eight megabytes, and gives how to fill it and how to make room again.
func small(t *testing.T) (folder string, fill, clear func()) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=8m"); err != nil {
		t.Skipf("left out: needs root, to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	hog := filepath.Join(folder, "hog")
	return folder, func() {
			if err := os.WriteFile(hog, bytes.Repeat([]byte("x"), 16<<20), 0o600); err == nil {
				t.Fatal("the disk is not full")
			}
		}, func() {
			if err := os.Remove(hog); err != nil {
				t.Fatal(err)
			}
		}
}

// TestKilledWithFullDisk kills us while lines wait in memory for a disk that is full, and the database takes what is on it: what was in memory is
// there after the next start.
func TestKilledWithFullDisk(t *testing.T) {
	folder, fill, _ := small(t)
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return 503, "" })
	var store ledger
	var health ear
	missed := func(o *Options) { o.Missed = store.missed }
	cfg := at(t, r.URL, Config{Spool: filepath.Join(folder, "spool"), Every: 10 * time.Millisecond})
	h, stop := running(t, cfg, health.hear, missed)
	h.Committed(store.commit(batch(0, 100)))
	until(t, "they wait", func() bool { return h.Counts().Waiting == 100 })
	fill()
	h.Committed(store.commit(batch(100, 200)))
	until(t, "the full disk is told", func() bool { return len(health.of(disk)) == 1 })
	r.set(nil)
	until(t, "what is on disk is sent", func() bool { return h.Counts().Written == 100 })
	<-time.After(20 * cfg.Sync)
	cfg.Spool = t.TempDir()
	copyFolder(t, filepath.Join(folder, "spool"), cfg.Spool)
	stop()
	h, _ = running(t, cfg, missed)
	until(t, "all is there", func() bool { lines := r.got(); slices.Sort(lines); return len(slices.Compact(lines)) == 200 })
}

// TestFullDisk fills the disk of the spool, which somebody else may: it is told, everything goes on, what is in the spool is sent, and when there
// is room again nothing is missing.
func TestFullDisk(t *testing.T) {
	folder, fill, clear := small(t)
	r := newRecorder(t)
	r.set(func(int, []string) (int, string) { return 503, "" })
	var store ledger
	var health ear
	h, stop := running(t, at(t, r.URL, Config{Spool: filepath.Join(folder, "spool"), SpoolMB: 1, Batch: 500, Every: 10 * time.Millisecond, Rate: 1_000_000}),
		health.hear, func(o *Options) { o.Missed = store.missed })
	give := func(from, to int) {
		for n := from; n < to; n += 100 {
			h.Committed(store.commit(batch(n, n+100)))
		}
	}
	give(0, 1000)
	until(t, "they wait", func() bool { return h.Counts().Waiting == 1000 })
	fill()
	give(1000, 2000)
	until(t, "the full disk is told", func() bool { return len(health.of(disk)) == 1 })
	if text := health.of(disk)[0]; !strings.Contains(text, "room") {
		t.Errorf("told %q", text)
	}
	r.set(nil)
	clear()
	give(2000, 3000)
	until(t, "all sent", func() bool { return h.Counts().Written >= 2000 && h.Counts().Waiting == 0 })
	stop()
	if told := health.of(disk); len(told) != 2 || told[1] != "<nil>" {
		t.Errorf("health was told %q", told)
	}
	// What had been in the spool was given up for what came, which had no room either: it is counted, and the rest is there.
	lines := map[string]bool{}
	for _, l := range r.got() {
		lines[l] = true
	}
	if c := h.Counts(); int64(len(lines))+c.Dropped != 3000 {
		t.Errorf("%d points, %+v", len(lines), c)
	}
}
