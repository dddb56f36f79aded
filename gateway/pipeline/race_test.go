//go:build race

package pipeline

// raceOn says whether the tests run under the race detector.
const raceOn = true
