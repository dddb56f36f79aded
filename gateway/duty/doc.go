// Package duty knows who of a grid's people may be told of a home at any minute. The desks of the grid are posts: each has a role, an area and
// shifts, in the configuration (Config) or from tables that offices keep (Read). A Roster says who is on duty and shows, days ahead,
// when nobody is.
//
// # What it promises
//
//   - The same roster and the same moment give the same answer: it has no clock, opens nothing, and is handed the calendar of holidays.
//   - Hours are those of the wall clock in the home's time zone. A shift belongs to the day it begins on: Friday's 22:00-06:00 is over on
//     Saturday morning, and a holiday's night shift is that of the holiday. When clocks are put forward a shift that begins in the hour that is
//     left out begins when that is done; when they are put back, a time that comes twice is the first. So a shift that begins when another
//     ends leaves no hole and no overlap on any night of the year.
//   - Who is away is told nothing, by no post, in no home, hand-over or not. A stand-in is told exactly when the other one would have been,
//     and, where a stand-in is away, so is the stand-in's own. Nobody is told for being named in a roster alone: those who are no contacts are
//     listed as unknown. Who withdrew the consent to be told is away for good.
//   - A hand-over adds the one who leaves beside the one who comes. It never fills a hole.
//   - A contact of the home itself, without a post, is always on duty unless away.
//   - Gaps are exact to the second and found by the code that decides who is told.
//
// # What it never does
//
// It decides no ladder and sends nothing: incident asks it who may be told now, and climbs past a rung where nobody may. It guesses nobody from
// a name that two contacts share, and takes in a faulty table not at all.
//
// # Why it is so
//
// Shifts add up; none overrides another. An office that adds the holiday's roster by date need not rewrite the week's, and 'workdays' keeps the
// week's people off the holidays. What would override silently would also silently leave a hole.
//
// A person may stand in a home once for each role: the worker of the grid, who also sits at the community's desk some nights, must be
// found by the community's rung in those nights. Who belongs to a home in the same role by no post is not added again.
package duty
