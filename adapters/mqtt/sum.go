package mqtt

import "time"

// maxSums bounds the memory for sums; beyond it the values of further devices are left out.
const maxSums = 20_000

// sums turn what devices counted since their message before into totals. They are in memory alone: after a restart each begins at
// zero again, and so it does after a message that is known to be lost. A total that falls is to the rules a counter that
// begins anew: it vouches for nothing between, and what was not counted is never taken for "no use", nor for a surge.
type sums struct {
	of map[string]*sum
}

type sum struct {
	total float64
	at    time.Time // of the last message
	count int64     // its number; -1: the device has none
}

// add counts what a message says and gives the total; false: the message was counted before, or is older than what was.
func (s *sums) add(point string, litres float64, at time.Time, count int64) (float64, bool) {
	if litres < 0 {
		return 0, false
	}
	was := s.of[point]
	if was == nil {
		if len(s.of) >= maxSums {
			return 0, false
		}
		s.of[point] = &sum{at: at, count: count} // what the first says was in part counted before, or lost
		return 0, true
	}
	if !at.After(was.at) || count >= 0 && count == was.count {
		return 0, false
	}
	lost := count >= 0 && was.count >= 0 && count != was.count+1
	was.at, was.count = at, count
	if lost {
		was.total = 0
	} else {
		was.total += litres
	}
	return was.total, true
}
