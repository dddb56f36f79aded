//go:build race

package incident

// raceOn says whether the tests run under the race detector.
const raceOn = true
