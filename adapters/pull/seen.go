package pull

import (
	"hash/maphash"
	"math"
	"time"

	"stillwater"
)

// maxSeen bounds what is remembered of what was committed, at 16 bytes or so each; what is beyond it is found by the journal.
const maxSeen = 2_000_000

// seen remembers which readings of the last fetch were committed, so that the next one, most of which is the same, emits only what is new.
type seen struct {
	seed   maphash.Seed
	last   map[uint64]struct{} // of the last whole fetch, and of those that broke off since
	now    map[uint64]struct{} // of this one
	newest time.Time           // of the readings of whole fetches: one that broke off may have left out whole devices
	ahead  time.Time           // of this one
}

func newSeen() *seen {
	return &seen{seed: maphash.MakeSeed(), last: map[uint64]struct{}{}, now: map[uint64]struct{}{}}
}

// begin is the start of a fetch. What one that broke off had committed stays known.
func (s *seen) begin() {
	for h := range s.now {
		if len(s.last) < maxSeen {
			s.last[h] = struct{}{}
		}
	}
	s.now = map[uint64]struct{}{}
}

// end is the end of a whole fetch: what it did not give is not remembered any longer. A fetch of files gives only those that changed.
func (s *seen) end() {
	if s.ahead.After(s.newest) {
		s.newest = s.ahead
	}
	if len(s.now) > 0 {
		s.last, s.now = s.now, map[uint64]struct{}{}
	}
}

// fresh gives the readings that were not committed before.
func (s *seen) fresh(readings []stillwater.Reading) []stillwater.Reading {
	var list []stillwater.Reading
	for i := range readings {
		h := s.mark(&readings[i])
		_, before := s.last[h]
		if _, twice := s.now[h]; !before && !twice {
			list = append(list, readings[i])
		} else if before && len(s.now) < maxSeen {
			s.now[h] = struct{}{}
		}
	}
	return list
}

// add notes committed readings. Those of unknown devices were not kept, and are emitted again when a household has the device.
func (s *seen) add(readings []stillwater.Reading, known func(string) bool) {
	for i := range readings {
		r := &readings[i]
		if !known(r.Source) {
			continue
		}
		if r.At.After(s.ahead) {
			s.ahead = r.At
		}
		if len(s.now) < maxSeen {
			s.now[s.mark(r)] = struct{}{}
		}
	}
}

// mark tells readings apart.
func (s *seen) mark(r *stillwater.Reading) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(r.Source)
	h.WriteByte(0)
	h.WriteString(string(r.Quantity))
	var b [16]byte
	at, value := uint64(r.At.UnixMicro()), math.Float64bits(r.Value)
	for i := range 8 {
		b[i], b[8+i] = byte(at>>(8*i)), byte(value>>(8*i))
	}
	h.Write(b[:])
	return h.Sum64()
}
