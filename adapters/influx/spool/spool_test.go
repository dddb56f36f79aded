package spool

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

func opened(t interface{ Fatal(...any) }, o Options) (*Spool, Mark) {
	if o.Size == 0 {
		o.Size = 1 << 20
	}
	s, m, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, m
}

func text(n int) []byte { return fmt.Appendf(nil, "point %d", n) }

func texts(from, to int) (all [][]byte) {
	for n := from; n < to; n++ {
		all = append(all, text(n))
	}
	return all
}

func add(t interface{ Fatal(...any) }, s *Spool, from, to int) {
	if n, err := s.Append(noon, texts(from, to)); err != nil || n != to-from {
		t.Fatal(n, err)
	}
}

// all takes everything out, a few at a time.
func all(t interface{ Fatal(...any) }, s *Spool) (got []string) {
	for {
		records, err := s.Peek(7)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return got
		}
		for _, r := range records {
			got = append(got, string(r.Data))
		}
		s.Done(records)
	}
}

func want(from, to int) (all []string) {
	for n := from; n < to; n++ {
		all = append(all, string(text(n)))
	}
	return all
}

// TestOrder: records come back in order and whole, over segments and starts; what is not done comes again.
func TestOrder(t *testing.T) {
	folder := t.TempDir()
	s, m := opened(t, Options{Folder: folder})
	if m != (Mark{}) {
		t.Errorf("a new spool has the mark %v", m)
	}
	add(t, s, 0, 5000) // more than one segment of 64 KiB
	first, err := s.Peek(10)
	if err != nil || len(first) != 10 || !first[0].Added.Equal(noon) || first[9].Number != 10 {
		t.Fatalf("%v %v", first, err)
	}
	if again, _ := s.Peek(10); !slices.EqualFunc(first, again, func(a, b Record) bool { return bytes.Equal(a.Data, b.Data) }) {
		t.Error("other records before any was done")
	}
	s.Done(first)
	if err := s.Sync(Mark{Seq: 7, At: noon}); err != nil {
		t.Fatal(err)
	}
	add(t, s, 5000, 5010)
	second, _ := s.Peek(10)
	s.Done(second) // and killed before a Sync: they come again
	s.Close()
	s, m = opened(t, Options{Folder: folder})
	if m.Seq != 7 || !m.At.Equal(noon) {
		t.Errorf("mark %v", m)
	}
	add(t, s, 5010, 5020)
	if c := s.Counts(); c.Waiting != 5010 || c.Dropped+c.Damaged != 0 {
		t.Errorf("%+v", c)
	}
	if got := all(t, s); !slices.Equal(got, want(10, 5020)) {
		t.Errorf("%d records, from %q", len(got), got[:min(3, len(got))])
	}
	if err := s.Sync(m); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*"+segmentSuffix)); len(files) != 1 {
		t.Errorf("%d segments are left of what is done, want the one that is written", len(files))
	}
	s.Close()
}

// TestOneOwner: two processes on one folder would eat each other's records.
func TestOneOwner(t *testing.T) {
	folder := t.TempDir()
	s, _ := opened(t, Options{Folder: folder})
	if _, _, err := Open(Options{Folder: folder, Size: 1 << 20}); !errors.Is(err, ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	s.Close()
	s, _ = opened(t, Options{Folder: folder})
	s.Close()
}

// TestDamage flips, cuts and overwrites what is on disk: each record comes back as it was or is counted, and those beside it come.
func TestDamage(t *testing.T) {
	for name, spoil := range map[string]func(b []byte, at int) []byte{
		"flipped bit": func(b []byte, at int) []byte { b[at+header+2] ^= 1; return b },
		"length":      func(b []byte, at int) []byte { b[at+5] ^= 0x40; return b },
		"number":      func(b []byte, at int) []byte { b[at+9] ^= 0x40; return b },
		"zeros":       func(b []byte, at int) []byte { clear(b[at : at+20]); return b },
		"missing":     func(b []byte, at int) []byte { return slices.Delete(b, at+3, at+9) },
		"noise": func(b []byte, at int) []byte {
			return slices.Insert(b, at+4, []byte("\xff\x00\x00\x00noise"+mark+"more noise")...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			s, _ := opened(t, Options{Folder: folder})
			add(t, s, 0, 100)
			s.Close()
			path := filepath.Join(folder, fmt.Sprintf("%020d.spool", 1))
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			at := bytes.Index(b, text(40)) - header
			if err := os.WriteFile(path, spoil(b, at), 0o600); err != nil {
				t.Fatal(err)
			}
			s, _ = opened(t, Options{Folder: folder})
			defer s.Close()
			add(t, s, 100, 103)
			expected := slices.Delete(want(0, 103), 40, 41)
			if got := all(t, s); !slices.Equal(got, expected) {
				t.Errorf("got %d records: %q", len(got), got)
			}
			if c := s.Counts(); c.Damaged != 1 || c.Waiting != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// TestTornEnd cuts the last segment at every length: what was whole is there, new records follow, and no number is used twice.
func TestTornEnd(t *testing.T) {
	folder := t.TempDir()
	s, _ := opened(t, Options{Folder: folder})
	add(t, s, 0, 4)
	s.Close()
	path := filepath.Join(folder, fmt.Sprintf("%020d.spool", 1))
	b, _ := os.ReadFile(path)
	record := len(b) / 4
	for cut := range len(b) {
		if err := os.WriteFile(path, b[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(folder, "position"))
		s, _ := opened(t, Options{Folder: folder})
		add(t, s, 10, 12)
		if got := all(t, s); !slices.Equal(got, append(want(0, cut/record), want(10, 12)...)) {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		s.Close()
		matches, _ := filepath.Glob(filepath.Join(folder, "*"+segmentSuffix))
		for _, m := range matches {
			os.Remove(m)
		}
	}
}

// TestLimits: the oldest segments go, what was unread in them is counted, and the rest comes in order.
func TestLimits(t *testing.T) {
	for name, o := range map[string]Options{"size": {Size: 1 << 20}, "records": {Size: 1 << 30, Records: 1600}} {
		t.Run(name, func(t *testing.T) {
			o.Folder = t.TempDir()
			s, _ := opened(t, o)
			defer s.Close()
			for n := range 600 {
				add(t, s, 100*n, 100*n+100)
				if c := s.Counts(); c.Bytes > o.Size || o.Records > 0 && c.Waiting > o.Records+o.Records/segments {
					t.Fatalf("after %d: %+v", n, c)
				}
			}
			c := s.Counts()
			if c.Dropped == 0 || c.Waiting < 1400 || c.Dropped+c.Waiting != 60000 {
				t.Fatalf("%+v", c)
			}
			if got := all(t, s); !slices.Equal(got, want(int(c.Dropped), 60000)) {
				t.Errorf("%d records from %q, dropped %d", len(got), got[0], c.Dropped)
			}
			if c := s.Counts(); c.Damaged != 0 {
				t.Errorf("%+v", c)
			}
		})
	}
}

// faulty is a disk that does what it is told.
type faulty struct {
	full   bool // writes end halfway, without room
	noSync bool
	noCut  bool
	synced map[string]int64 // length of each segment that is certain
}

type faultyFile struct {
	*os.File
	disk *faulty
	path string
}

func (d *faulty) open(path string, flag int) (file, error) {
	if d.full && flag&os.O_TRUNC != 0 {
		return nil, syscall.ENOSPC
	}
	f, err := os.OpenFile(path, flag, 0o600)
	return &faultyFile{f, d, path}, err
}

func (f *faultyFile) Write(b []byte) (int, error) {
	if f.disk.full {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, syscall.ENOSPC
	}
	return f.File.Write(b)
}

func (f *faultyFile) Truncate(size int64) error {
	if f.disk.noCut {
		return syscall.EIO
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if f.disk.noSync {
		return syscall.EIO
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	f.disk.synced[f.path] = int64(len(data))
	return nil
}

func newDisk() *faulty {
	return &faulty{synced: map[string]int64{}}
}

// TestFullDisk: a write that fails leaves everything as it was, and goes on when there is room again; nothing is lost, twice, or torn.
func TestFullDisk(t *testing.T) {
	for _, noCut := range []bool{false, true} {
		disk := newDisk()
		disk.noCut = noCut
		s, _, err := open(Options{Folder: t.TempDir(), Size: 1 << 20}, disk.open, func(string) int64 { return math.MaxInt64 })
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		add(t, s, 0, 100)
		disk.full = true
		for range 3 {
			if n, err := s.Append(noon, texts(100, 200)); n != 0 || !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(n, err)
			}
		}
		disk.full = false
		add(t, s, 100, 200)
		if got := all(t, s); !slices.Equal(got, want(0, 200)) {
			t.Errorf("cannot cut: %v: %d records", noCut, len(got))
		}
		if c := s.Counts(); c.Damaged+c.Dropped != 0 {
			t.Errorf("%+v", c)
		}
	}
}

// TestKeepsRoom: what the disk must keep is not taken; old segments are given up for new records, and when there are none it says so.
func TestKeepsRoom(t *testing.T) {
	free := int64(1 << 40)
	s, _, err := open(Options{Folder: t.TempDir(), Size: 1 << 20, Keep: 1 << 20}, openFile, func(string) int64 { return free })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	add(t, s, 0, 10_000)
	free = 1000
	if _, err := s.Append(noon, texts(10_000, 10_001)); !errors.Is(err, errRoom) {
		t.Errorf("with 1000 bytes free: %v", err)
	}
	if c := s.Counts(); c.Dropped == 0 || c.Bytes > longSegment {
		t.Errorf("old segments stay: %+v", c)
	}
	free = 1 << 40
	add(t, s, 10_000, 10_002)
	got := all(t, s)
	if c := s.Counts(); !slices.Equal(got, want(int(c.Dropped), 10_002)) {
		t.Errorf("%d records, %+v", len(got), c)
	}
}

// TestFailedSync: an error of the disk is told, and nothing is called certain that is not.
func TestFailedSync(t *testing.T) {
	disk, folder := newDisk(), t.TempDir()
	s, _, err := open(Options{Folder: folder, Size: 1 << 20}, disk.open, freeBytes)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, 0, 10)
	if err := s.Sync(Mark{Seq: 10}); err != nil {
		t.Fatal(err)
	}
	add(t, s, 10, 20)
	disk.noSync = true
	if err := s.Sync(Mark{Seq: 20}); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	disk.noSync = false
	add(t, s, 20, 30)
	s.Close()
	s, m := opened(t, Options{Folder: folder})
	defer s.Close()
	if m.Seq != 10 {
		t.Errorf("mark %v after a Sync that failed", m)
	}
	if got := all(t, s); !slices.Equal(got, want(0, 30)) {
		t.Errorf("%q", got)
	}
}

// cut is a power cut: of what was not synced, any part may be there, and any may be zeros or noise.
func (d *faulty) cut(t *rapid.T, folder string, next int, rng *rand.Rand) {
	matches, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, path := range matches {
		if filepath.Base(path) == "position" { // the place that would be written next may be torn
			now, _ := os.ReadFile(path)
			now = append(now, make([]byte, max(0, next+placeSize-len(now)))...)
			for i := range rng.IntN(placeSize + 1) {
				now[next+i] = byte(rng.Uint32())
			}
			write(t, path, now)
			continue
		}
		b, _ := os.ReadFile(path)
		sure := min(d.synced[path], int64(len(b)))
		for at := sure; at < int64(len(b)); at += 512 {
			part := b[at:min(at+512, int64(len(b)))]
			switch rng.IntN(4) {
			case 0:
				clear(part)
			case 1:
				for i := range part {
					part[i] = byte(rng.Uint32())
				}
			}
		}
		b = b[:sure+int64(rng.IntN(len(b)-int(sure)+1))]
		write(t, path, b)
		d.synced[path] = int64(len(b)) // what a cut has left is certain
	}
}

func write(t *rapid.T, path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPowerCut adds, takes, syncs and cuts the power in any order, beside a list of what must be there: nothing synced and not done is
// missing, nothing comes that was never added, nothing out of order, nothing twice between two starts, and the mark is the last one synced.
func TestPowerCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folder, err := os.MkdirTemp("", "spool")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		disk := newDisk()
		begin := func() (*Spool, Mark) {
			s, m, err := open(Options{Folder: folder, Size: 1 << 30}, disk.open, freeBytes)
			if err != nil {
				t.Fatal(err)
			}
			s.segment = 2000 // many
			return s, m
		}
		s, _ := begin()
		var sure, done, doneSure []bool // by number, of all that were added
		begun, marked := 0, Mark{}      // the first number since the start
		last := -1                      // taken since then
		take := func(max int) {
			records, err := s.Peek(max)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				var n int
				if _, err := fmt.Sscanf(string(r.Data), "point %d", &n); err != nil || n >= len(done) {
					t.Fatalf("%q was never added", r.Data)
				}
				if n <= last {
					t.Fatalf("%d after %d", n, last)
				}
				for missing := range n {
					if sure[missing] && !done[missing] {
						t.Fatalf("%d comes, and %d was synced and did not", n, missing)
					}
				}
				last, done[n] = n, true
			}
			for missing := range sure {
				if len(records) == 0 && sure[missing] && !done[missing] {
					t.Fatalf("nothing comes, and %d was synced", missing)
				}
			}
			s.Done(records)
		}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"add", "add", "take", "sync", "cut"}).Draw(t, "step") {
			case "add":
				n := rapid.IntRange(1, 40).Draw(t, "n")
				add(t, s, len(done), len(done)+n)
				done, sure = append(done, make([]bool, n)...), append(sure, make([]bool, n)...)
			case "take":
				take(rapid.IntRange(1, 50).Draw(t, "max"))
			case "sync":
				marked = Mark{Seq: int64(len(done)), At: noon}
				if err := s.Sync(marked); err != nil {
					t.Fatal(err)
				}
				for n := begun; n < len(sure); n++ {
					sure[n] = true
				}
				doneSure = slices.Clone(done)
			case "cut":
				s.Close()
				disk.cut(t, folder, int(s.place.written+1)%places*placeApart, rng)
				var m Mark
				if s, m = begin(); m != marked {
					t.Fatalf("mark %v, want %v", m, marked)
				}
				begun, last = len(done), -1
				clear(done)
				copy(done, doneSure)
			}
		}
		s.Close()
	})
}

// FuzzScan: no bytes make it give a record that does not stand there, or stop it.
func FuzzScan(f *testing.F) {
	b := appendRecord(nil, 1, noon, text(1))
	f.Add(b, 1)
	f.Add(append(bytes.Clone(b[:20]), b...), 8)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		count := func(data []byte, whole bool) (n, again int) {
			again = scan(data, whole, func(r Record, end int) bool {
				if b := appendRecord(nil, r.Number, r.Added, r.Data); end < len(b) || !bytes.Equal(data[end-len(b):end], b) {
					t.Fatalf("a record of %q ends at %d", r.Data, end)
				}
				n++
				return true
			})
			return n, again
		}
		total, end := count(data, true)
		if end != len(data) {
			t.Fatalf("ended at %d of %d", end, len(data))
		}
		if cut < 0 || cut > len(data) {
			return
		}
		first, again := count(data[:cut], false) // read in two
		if second, _ := count(data[again:], true); first+second != total || again > cut {
			t.Fatalf("%d and %d records in two parts, %d at once", first, second, total)
		}
	})
}
