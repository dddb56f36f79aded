package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// chunk is how much is read at once: more than the longest record.
const chunk = 512 << 10

// Peek gives the oldest records, at most max, and leaves them there: the same come again until Done.
func (s *Spool) Peek(max int) ([]Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Record
	for i := 0; i < len(s.segments) && len(found) < max; i++ {
		g := s.segments[i]
		if g.first < s.read.segment {
			continue
		}
		from := int64(0)
		if g.first == s.read.segment {
			from = s.read.offset
		}
		var err error
		if found, err = s.readSegment(g, from, max, found); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
	}
	return found, nil
}

// readSegment adds the records of a segment from an offset on to found, until there are max.
func (s *Spool) readSegment(g segment, from int64, max int, found []Record) ([]Record, error) {
	f, err := os.Open(s.path(g.first))
	switch {
	case errors.Is(err, os.ErrNotExist): // somebody took it away; its records are counted as damaged once later ones are done
		return found, nil
	case err != nil:
		return found, err
	}
	defer f.Close()
	b := make([]byte, min(chunk, g.size))
	want := s.read.number
	if n := len(found); n > 0 {
		want = found[n-1].Number + 1
	}
	for from < g.size && len(found) < max {
		n, err := f.ReadAt(b[:min(int64(len(b)), g.size-from)], from)
		switch {
		case errors.Is(err, syscall.EIO), n == 0: // a bad block, or somebody cut it short: the next segment may be sound
			return found, nil
		case err != nil && !errors.Is(err, io.EOF):
			return found, err
		}
		again := scan(b[:n], from+int64(n) >= g.size, func(r Record, end int) bool {
			if r.Number >= want { // an older one is done, or a block that once held another file
				r.after, want = position{g.first, from + int64(end), r.Number + 1}, r.Number+1
				found = append(found, r)
			}
			return len(found) < max
		})
		from += int64(again)
	}
	return found, nil
}

// Done takes records that Peek gave, from the first on, out of the spool. It is certain after the next Sync; until then they may come again.
func (s *Spool) Done(records []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(records) == 0 {
		return
	}
	from, after := records[0].Number, records[len(records)-1].after
	if after.number <= s.read.number {
		return // dropped meanwhile
	}
	// What is missing between them could not be read.
	if from >= s.read.number {
		s.counts.Damaged += after.number - s.read.number - int64(len(records))
	}
	s.read = after
}
