// Package residents holds the files that tell how somebody lives: when she gets up, where she goes, who comes, what draws water by
// itself, and what is fitted in her home. They are data for simulator/world, written to be read by a nurse; the package promises
// only that they are there and never interprets them. What a file leaves out is drawn from the seed.
package residents

import (
	"embed"
	"io/fs"
)

//go:embed *.yaml
var files embed.FS // read-only by construction

// Files are the residents, one a file, named like the resident.
func Files() fs.FS { return files }
