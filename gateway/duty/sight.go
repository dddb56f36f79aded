package duty

import "time"

// A wall is what calendar and clock on the wall of a home show.
type wall struct {
	date  Date
	clock time.Duration // since midnight; 24h and more is the next day
}

// seconds counts the wall's seconds as if it hung in UTC.
func (w wall) seconds() int64 { return int64(w.date)*secondsPerDay + int64(w.clock/time.Second) }

// before says whether the wall shows a before b.
func (w wall) before(other wall) bool { return w.seconds() < other.seconds() }

// A sight is a moment as a home sees it.
type sight struct {
	zone   *time.Location
	at     int64 // seconds since 1970
	date   Date
	offset int64 // of the zone, in seconds
	steady bool  // no clock is put forward or back for days around
}

// around is how far from the moment walls are compared with it: a shift of a day with its hand-over, begun the day before.
const around = 4 * 24 * time.Hour

func see(at time.Time, zone *time.Location) sight {
	local := at.In(zone)
	_, offset := local.Zone()
	begin, end := local.ZoneBounds()
	return sight{
		zone: zone, at: at.Unix(), date: DateOf(local), offset: int64(offset),
		steady: (begin.IsZero() || at.Sub(begin) > around) && (end.IsZero() || end.Sub(at) > around),
	}
}

// instant is when the wall shows that, in seconds since 1970. Far from the moment seen it is right to within the hour that clocks are put
// forward or back, which is enough to tell before from after.
func (s sight) instant(w wall) int64 {
	if s.steady {
		return w.seconds() - s.offset
	}
	return instant(w, s.zone)
}

// instant is when the wall of a zone shows that: of two such moments the first, and if the clock is put forward over it, the moment when
// that is done. So what ends when the other begins leaves neither a hole nor an overlap.
func instant(w wall, zone *time.Location) int64 {
	seconds := w.seconds()
	before, after := time.Unix(seconds-secondsPerDay, 0).In(zone), time.Unix(seconds+secondsPerDay, 0).In(zone)
	_, old := before.Zone()
	_, now := after.Zone()
	if old == now {
		return seconds - int64(old)
	}
	_, change := before.ZoneBounds()
	if first := seconds - int64(old); first < change.Unix() {
		return first
	}
	return max(seconds-int64(now), change.Unix())
}
