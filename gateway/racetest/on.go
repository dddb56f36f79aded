//go:build race

package racetest

// On says whether the tests run under the race detector.
const On = true
