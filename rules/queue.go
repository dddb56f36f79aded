package rules

// wake is a home to be looked at.
type wake struct {
	at   instant
	home *home
}

// wakeQueue is a heap by time. A home is in it once, and knows its place.
type wakeQueue []wake

// at is when the home is to be looked at; it must be in the queue.
func (q wakeQueue) at(h *home) instant { return q[h.place-1].at }

// set puts the home where at belongs; 0 takes it out.
func (q *wakeQueue) set(h *home, at instant) {
	i := int(h.place) - 1
	switch {
	case at == 0 && i < 0:
		return
	case at == 0:
		q.remove(i)
		return
	case i < 0:
		*q = append(*q, wake{at, h})
		i = len(*q) - 1
	}
	q.put(i, wake{at, h})
	q.settle(i)
}

// put stands a home in a place.
func (q wakeQueue) put(i int, w wake) {
	q[i] = w
	w.home.place = int32(i) + 1
}

// remove takes out what stands at i.
func (q *wakeQueue) remove(i int) {
	old := *q
	old[i].home.place = 0
	last := old[len(old)-1]
	old[len(old)-1] = wake{}
	*q = old[:len(old)-1]
	if i < len(*q) {
		q.put(i, last)
		q.settle(i)
	}
}

// settle moves what stands at i up or down to where it belongs.
func (q wakeQueue) settle(i int) {
	w := q[i]
	for i > 0 && w.at < q[(i-1)/2].at {
		q.put(i, q[(i-1)/2])
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child+1 < len(q) && q[child+1].at < q[child].at {
			child++
		}
		if child >= len(q) || q[child].at >= w.at {
			break
		}
		q.put(i, q[child])
		i = child
	}
	q.put(i, w)
}
