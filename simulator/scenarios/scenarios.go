// Package scenarios holds the files that tell what can go wrong in a simulated home: name, story, who and when, what
// happens, and what a gateway should make of it. They are data for simulator/world, written to be read by a nurse; the
// package promises only that they are there and never interprets them.
package scenarios

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS // read-only by construction

// Files are the scenarios, one a file, named like the scenario.
func Files() fs.FS { return files }
