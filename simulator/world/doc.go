// Package world is a small pretended city: residents who live alone and have a day (sleep, toilet at night, meals, dishes,
// shower, laundry, shopping, dancing, family), the water they draw and the door they open, and scenarios in which
// something goes wrong.
//
// It promises: everything that can be asked about a home at a moment is a function of the options, the seed and what was
// staged, and nothing else. The same seed gives the same litre at the same second on every machine, in whatever order it is
// asked. Staging a scenario changes only what comes after it. Days are worked out when they are asked for and forgotten
// again, so years of a city need little memory.
//
// It never reads a clock, opens a connection or starts a goroutine. simulator/devices puts a world on the wire.
package world
