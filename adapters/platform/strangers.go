package platform

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"stillwater"
)

// maxStrangers bounds the list of unknown devices; a platform may push those of a whole city.
const maxStrangers = 500

// Strangers are devices that a platform speaks of and no household has. Nothing of them is kept but how often they came and the end of
// their number, in memory, so that an operator can find the one that was written wrong. It is safe for concurrent use.
type Strangers struct {
	seed maphash.Seed // a number alone could be found from its hash by trying all

	mu   sync.Mutex // guards everything below
	seen map[uint64]*Stranger
}

// A Stranger is an unknown device.
type Stranger struct {
	Feed  string
	Ends  string // the last digits of its number
	Mark  string // tells two with the same end apart, until the gateway restarts
	Times int
	Last  time.Time
}

// NewStrangers makes an empty list.
func NewStrangers() *Strangers {
	return &Strangers{seed: maphash.MakeSeed(), seen: map[uint64]*Stranger{}}
}

// Note counts the devices of the readings that are not known, and gives those seen for the first time. A device that has become known
// leaves the list.
func (s *Strangers) Note(readings []stillwater.Reading, known func(source string) bool, now time.Time) (unknown int, fresh []Stranger) {
	looked := map[string]bool{}
	for i := range readings {
		source := readings[i].Source
		if looked[source] {
			continue
		}
		looked[source] = true
		is := known(source)
		if !is {
			unknown++
		}
		if stranger, first := s.meet(source, is, now); first {
			fresh = append(fresh, stranger)
		}
	}
	return unknown, fresh
}

func (s *Strangers) meet(source string, known bool, now time.Time) (stranger Stranger, first bool) {
	h := maphash.String(s.seed, source)
	s.mu.Lock()
	defer s.mu.Unlock()
	if known {
		delete(s.seen, h)
		return stranger, false
	}
	one := s.seen[h]
	if one == nil {
		if len(s.seen) >= maxStrangers {
			return stranger, false
		}
		feed, number, _ := strings.Cut(source, "/")
		one = &Stranger{Feed: feed, Ends: ending(number), Mark: strconv.FormatUint(h>>40, 16)}
		s.seen[h] = one
		first = true
	}
	one.Times++
	one.Last = now
	return *one, first
}

// ending is the part of a number that may be shown: never more than half of it.
func ending(number string) string {
	letters := []rune(number)
	return "…" + string(letters[len(letters)-min(4, len(letters)/2):])
}

// List is the unknown devices, those seen last first.
func (s *Strangers) List() []Stranger {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Stranger, 0, len(s.seen))
	for _, one := range s.seen {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Stranger) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Mark, b.Mark)) })
	return list
}
