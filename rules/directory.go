package rules

import (
	"hash/maphash"
	"iter"

	"stillwater"
)

// A directory finds homes by ID. It is looked into at each reading, mostly for a home that nothing was heard of for long, so what counts is how much
// memory it must touch that is in no cache: a place holds the hash of an ID beside its home, and so hardly ever is a wrong
// home looked at. In which order its homes stand is chance; whatever happens to all goes by ID.
type directory struct {
	seed   maphash.Seed
	places []place // a power of two of them, so that an ID stands where its hash says, or in the next that was free
	count  int
	last   *home // found last: a home's readings often come together; nil: none was
}

type place struct {
	hash uint64
	home *home // nil: free
}

func newDirectory() directory {
	return directory{seed: maphash.MakeSeed(), places: make([]place, 8)}
}

// of is the home of the ID; nil: there is none.
func (d *directory) of(id stillwater.HouseholdID) *home {
	if d.last != nil && d.last.id == id {
		return d.last
	}
	hash := d.hash(id)
	for i := d.begin(hash); d.places[i].home != nil; i = d.next(i) {
		if p := &d.places[i]; p.hash == hash && p.home.id == id {
			d.last = p.home
			return p.home
		}
	}
	return nil
}

func (d *directory) hash(id stillwater.HouseholdID) uint64 { return maphash.String(d.seed, string(id)) }

// begin is the place of an ID, if it is free.
func (d *directory) begin(hash uint64) int { return int(hash & uint64(len(d.places)-1)) }

func (d *directory) next(i int) int { return (i + 1) & (len(d.places) - 1) }

// add takes a home that is not in it.
func (d *directory) add(h *home) {
	if d.count++; d.count > len(d.places)*3/4 {
		old := d.places
		d.places = make([]place, 2*len(old))
		for _, p := range old {
			if p.home != nil {
				d.put(p)
			}
		}
	}
	d.put(place{d.hash(h.id), h})
}

func (d *directory) put(p place) {
	i := d.begin(p.hash)
	for d.places[i].home != nil {
		i = d.next(i)
	}
	d.places[i] = p
}

// remove forgets a home that is in it. Those that stand behind it may have been put there because its place was taken, and are put anew.
func (d *directory) remove(h *home) {
	i := d.begin(d.hash(h.id))
	for d.places[i].home != h {
		i = d.next(i)
	}
	d.places[i], d.last = place{}, nil
	d.count--
	for i = d.next(i); d.places[i].home != nil; i = d.next(i) {
		p := d.places[i]
		d.places[i] = place{}
		d.put(p)
	}
}

// all are its homes, in no order.
func (d *directory) all() iter.Seq[*home] {
	return func(yield func(*home) bool) {
		for _, p := range d.places {
			if p.home != nil && !yield(p.home) {
				return
			}
		}
	}
}
