package rules

import (
	"cmp"
	"slices"
)

// wakeQueue holds the homes that are to be looked at, by the whole minute, the latest first. A home is put off at nearly every reading; that
// changes what the home says (see home.wakeAt) and nothing here: at the minute at which it stands here it is put where it belongs by
// then. So to put a home off touches that home alone, and few minutes hold one that is to be judged.
type wakeQueue struct {
	minutes []wakeMinute
	spare   *wakeList // lists to be used again
}

// wakeMinute is homes to be looked at, and others that meanwhile stand elsewhere (see home.queued).
type wakeMinute struct {
	at    instant
	homes *wakeList
}

// wakeList is some homes of a minute; next are those that were put there before.
type wakeList struct {
	homes [wakeHomes]*home
	count int
	next  *wakeList
}

const wakeHomes = 30

// next is the first minute that holds homes; 0: none does.
func (q *wakeQueue) next() instant {
	if len(q.minutes) == 0 {
		return 0
	}
	return q.minutes[len(q.minutes)-1].at
}

// set says when the home is to be looked at; 0: never.
func (q *wakeQueue) set(h *home, at instant) {
	h.wakeAt = at
	if at == 0 || h.queued != 0 && h.queued <= at {
		return
	}
	h.queued = at
	m := q.minute(at)
	if m.homes == nil || m.homes.count == wakeHomes {
		m.homes = q.list(m.homes)
	}
	m.homes.homes[m.homes.count] = h
	m.homes.count++
}

// minute is the minute, made if it is not there.
func (q *wakeQueue) minute(at instant) *wakeMinute {
	i, known := slices.BinarySearchFunc(q.minutes, at, func(m wakeMinute, at instant) int { return cmp.Compare(at, m.at) })
	if !known {
		q.minutes = slices.Insert(q.minutes, i, wakeMinute{at: at})
	}
	return &q.minutes[i]
}

// list is an empty list before others.
func (q *wakeQueue) list(next *wakeList) *wakeList {
	l := q.spare
	if l == nil {
		return &wakeList{next: next}
	}
	q.spare, l.next = l.next, next
	return l
}

// take takes out the first minute. Its lists are to be given back.
func (q *wakeQueue) take() wakeMinute {
	last := len(q.minutes) - 1
	first := q.minutes[last]
	q.minutes[last] = wakeMinute{}
	q.minutes = q.minutes[:last]
	return first
}

// giveBack lets a list be used again, and gives the next.
func (q *wakeQueue) giveBack(l *wakeList) (next *wakeList) {
	next = l.next
	*l = wakeList{next: q.spare}
	q.spare = l
	return next
}

// leave takes the home out.
func (q *wakeQueue) leave(h *home) { h.wakeAt, h.queued = 0, 0 }
