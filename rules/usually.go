package rules

import (
	"slices"
	"time"
)

// usualDays is how many days the usual longest stillness is learned from, and usualLeast how many it takes.
const (
	usualDays  = 28
	usualLeast = 7
)

// usually learns how long the longest stillness of a usual day is.
type usually struct {
	Day     int32             // the local day whose longest stillness Longest is
	Longest uint16            // minutes
	Usual   uint16            // minutes: the median of Days
	Seen    uint8             // how many of Days are known
	Next    uint8             // where the next goes
	Days    [usualDays]uint16 // a ring: longest stillness of the last days, minutes
}

// learn files how long it had been still when life showed, on a local day.
func (u *usually) learn(day int32, still time.Duration) {
	if day != u.Day {
		if u.Day != 0 {
			u.file()
		}
		u.Day, u.Longest = day, 0
	}
	u.Longest = max(u.Longest, uint16(max(0, min(still/time.Minute, 1<<16-1))))
}

// file ends a day.
func (u *usually) file() {
	u.Days[u.Next%usualDays] = u.Longest
	u.Next = (u.Next + 1) % usualDays
	if u.Seen < usualDays {
		u.Seen++
	}
	if u.Seen >= usualLeast {
		sorted := u.Days
		slices.Sort(sorted[:u.Seen])
		u.Usual = sorted[u.Seen/2]
	}
}

// span is the longest stillness of a usual day; zero: not known yet.
func (u *usually) span() time.Duration { return time.Duration(u.Usual) * time.Minute }

func (u *usually) fields(c *codec) {
	small(c, 1, &u.Day)
	small(c, 2, &u.Longest)
	small(c, 3, &u.Usual)
	small(c, 4, &u.Seen)
	small(c, 5, &u.Next)
	numbers(c, 6, u.Days[:])
	if c.reading {
		u.Seen = min(u.Seen, usualDays)
	}
}
