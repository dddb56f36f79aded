// Package racetest is for tests: it says whether they run under the race detector, where some that play weeks would take minutes.
package racetest
