package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of segments. What is dropped is dropped by the segment, so there are enough of them to lose little at once.
const (
	segments      = 16 // that make a full spool
	shortSegment  = 64 << 10
	longSegment   = 8 << 20
	segmentSuffix = ".spool"
)

// Options say where a spool is and what it may take.
type Options struct {
	Folder  string // made if it is not there
	Size    int64  // bytes it may take at most
	Records int64  // that may wait at most; 0: only Size counts
	Keep    int64  // bytes of the disk that it leaves free
}

// Counts is how a spool stands.
type Counts struct {
	Waiting int64 // records
	Bytes   int64 // of the files that hold them
	Dropped int64 // since it was opened, for want of room
	Damaged int64 // since it was opened: not to be read back
}

// file is what a spool needs of an open file.
type file interface {
	io.Writer
	io.WriterAt
	io.ReaderAt
	io.Closer
	Sync() error
	Truncate(size int64) error
}

type opener func(path string, flag int) (file, error)

func openFile(path string, flag int) (file, error) { return os.OpenFile(path, flag, 0o600) }

// Spool is an open queue. Its methods may be called from several goroutines.
type Spool struct {
	o       Options
	segment int64 // bytes of a full one
	open    opener
	free    func(folder string) int64

	mu       sync.Mutex // guards everything below
	segments []segment  // from the oldest
	out      file       // the last segment; nil: the next Append begins one
	next     int64      // number of the record that is added next
	read     position
	place    *positionFile
	mark     Mark
	counts   Counts
}

// segment is one file.
type segment struct {
	first int64 // number of its first record
	size  int64
}

// Open opens the spool of a folder, and gives the mark of the last Sync that succeeded.
func Open(o Options) (*Spool, Mark, error) { return open(o, openFile, freeBytes) }

func open(o Options, opener opener, free func(string) int64) (_ *Spool, _ Mark, err error) {
	s := &Spool{o: o, segment: min(max(o.Size/segments, shortSegment), longSegment), open: opener, free: free}
	defer func() {
		if err != nil {
			err = fmt.Errorf("spool: %w", err)
		}
	}()
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, Mark{}, err
	}
	place, at, mark, known, err := openPosition(o.Folder, opener)
	if err != nil {
		return nil, Mark{}, err
	}
	s.place, s.read, s.mark = place, at, mark
	if err := s.find(known); err != nil {
		place.f.Close()
		return nil, Mark{}, err
	}
	return s, mark, nil
}

// find takes stock of the segments.
func (s *Spool) find(known bool) error {
	entries, err := os.ReadDir(s.o.Folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		first, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), segmentSuffix), 10, 64)
		if err != nil || e.Name() != name(first) {
			continue // none of ours
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		s.segments = append(s.segments, segment{first, info.Size()})
	}
	slices.SortFunc(s.segments, func(a, b segment) int { return cmp.Compare(a.first, b.first) })
	s.next = max(1, s.read.number)
	if n := len(s.segments); n > 0 {
		if !known {
			s.read = position{s.segments[0].first, 0, s.segments[0].first}
		}
		if err := s.measure(s.segments[n-1]); err != nil {
			return err
		}
	}
	s.settle()
	return nil
}

// measure finds the number of the record that comes next after the last segment.
func (s *Spool) measure(last segment) error {
	data, err := os.ReadFile(s.path(last.first))
	if err != nil {
		return err
	}
	s.next = max(s.next, last.first)
	sound := 0
	scan(data, true, func(r Record, end int) bool {
		s.next, sound = max(s.next, r.Number+1), end
		return true
	})
	if sound < len(data) {
		s.counts.Damaged++ // a torn end, of how many records cannot be known
	}
	return nil
}

// settle takes the position past a segment that is gone. Those before it go with the next Sync.
func (s *Spool) settle() {
	i := slices.IndexFunc(s.segments, func(g segment) bool { return g.first >= s.read.segment })
	switch {
	case i < 0:
		s.read = position{s.next, 0, s.next}
	case s.segments[i].first > s.read.segment:
		s.read = position{s.segments[i].first, 0, max(s.segments[i].first, s.read.number)}
	}
}

func name(first int64) string { return fmt.Sprintf("%020d%s", first, segmentSuffix) }

func (s *Spool) path(first int64) string { return filepath.Join(s.o.Folder, name(first)) }

// Append adds records, and says how many it has added: all of them, or with an error fewer, and the others may be tried again. They are
// certain after the next Sync.
func (s *Spool) Append(added time.Time, records [][]byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for n < len(records) {
		if err := s.begin(); err != nil {
			return n, fmt.Errorf("spool: %w", err)
		}
		last := &s.segments[len(s.segments)-1]
		var b []byte
		count := 0
		for _, data := range records[n:] {
			if count > 0 && (last.size+int64(len(b)) >= s.segment || s.full(last, count)) {
				break
			}
			if len(data) > MaxRecord {
				return n, fmt.Errorf("spool: a record of %d bytes, and %d is the most", len(data), MaxRecord)
			}
			b = appendRecord(b, s.next+int64(count), added, data)
			count++
		}
		if err := s.write(last, b); err != nil {
			return n, fmt.Errorf("spool: %w", err)
		}
		s.next += int64(count)
		n += count
	}
	return n, nil
}

// full says whether a segment with count more records holds its share of those that may wait.
func (s *Spool) full(last *segment, count int) bool {
	return s.o.Records > 0 && s.next+int64(count)-last.first >= max(1, s.o.Records/segments)
}

// write adds to the last segment, or leaves it as it was.
func (s *Spool) write(last *segment, b []byte) error {
	if _, err := s.out.Write(b); err != nil {
		if s.out.Truncate(last.size) != nil {
			s.abandon() // what is torn is stepped over
		}
		return err
	}
	last.size += int64(len(b))
	return nil
}

// begin makes sure that there is a segment with room, and that the whole stays within its limits.
func (s *Spool) begin() error {
	if s.out != nil {
		last := &s.segments[len(s.segments)-1]
		if last.size < s.segment && !s.full(last, 0) {
			return s.room()
		}
		err := s.out.Sync()
		s.abandon()
		if err != nil {
			return err
		}
	}
	if err := s.room(); err != nil {
		return err
	}
	if n := len(s.segments); n > 0 && s.segments[n-1].first == s.next { // nothing of it could be read
		s.segments = s.segments[:n-1]
	}
	f, err := s.open(s.path(s.next), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND)
	if err != nil {
		return err
	}
	s.out = f
	if len(s.segments) == 0 {
		s.read = position{s.next, 0, s.next}
	}
	s.segments = append(s.segments, segment{first: s.next})
	return syncFolder(s.o.Folder)
}

// abandon closes the last segment; the next Append begins another.
func (s *Spool) abandon() {
	if s.out != nil {
		s.out.Close() // it was synced, or its error is told already
		s.out = nil
	}
}

// room drops the oldest segments until the limits hold.
func (s *Spool) room() error {
	for {
		short := s.free(s.o.Folder) < s.o.Keep
		// One segment more may come to be, and the disk counts in blocks.
		if !short && s.bytes()+s.segment <= max(s.o.Size, 2*s.segment) && (s.o.Records == 0 || s.next-s.read.number < s.o.Records) {
			return nil
		}
		oldest := 0
		if s.out != nil {
			oldest = 1 // the one that is written stays
		}
		if len(s.segments) <= oldest {
			if short {
				return errRoom
			}
			return nil
		}
		if err := s.drop(); err != nil {
			return err
		}
	}
}

// drop gives up the oldest segment, and counts what nobody has had of it.
func (s *Spool) drop() error {
	old := s.segments[0]
	if err := os.Remove(s.path(old.first)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.segments = s.segments[1:]
	from := s.next
	if len(s.segments) > 0 {
		from = s.segments[0].first
	}
	if s.read.segment <= old.first {
		s.counts.Dropped += max(0, from-s.read.number)
		s.read = position{from, 0, max(from, s.read.number)}
	}
	return nil
}

func (s *Spool) bytes() (n int64) {
	for _, g := range s.segments {
		n += g.size
	}
	return n
}

// Sync makes certain what was added, and then the mark and the position, and lets go of segments that nobody wants any more. After an error
// the owner must take it that nothing after the last mark is certain.
func (s *Spool) Sync(m Mark) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		if err := s.out.Sync(); err != nil {
			s.abandon() // a second try would succeed without having written anything
			return fmt.Errorf("spool: %w", err)
		}
	}
	if err := s.place.write(s.read, m); err != nil {
		return fmt.Errorf("spool: position: %w", err)
	}
	s.mark = m
	for len(s.segments) > 0 && s.segments[0].first < s.read.segment {
		if err := os.Remove(s.path(s.segments[0].first)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("spool: %w", err)
		}
		s.segments = s.segments[1:]
	}
	return nil
}

// Counts says how the spool stands.
func (s *Spool) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.Waiting, c.Bytes = s.next-s.read.number, s.bytes()
	return c
}

// Close lets go of the folder. What was not synced may be lost in a power cut.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandon()
	return s.place.f.Close()
}

// syncFolder makes certain that a new file is in its folder.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
