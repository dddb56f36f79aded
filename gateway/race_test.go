//go:build race

package main

// raceOn says whether the tests run under the race detector.
const raceOn = true
