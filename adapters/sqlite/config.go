package sqlite

import (
	"strings"
	"time"
)

// shortestJournal is the least history that is worth keeping: less than this and a page could not show yesterday.
const shortestJournal = 48 * time.Hour

// Config says where the database is and how much history it keeps.
type Config struct {
	Path        string        `yaml:"path" doc:"the database file; its folder must exist, on a local disk; beside it lie its -wal, -shm and .lock"`
	KeepJournal time.Duration `yaml:"keep_journal,omitempty" doc:"how long accepted readings are kept; shorter saves disk and shortens charts and backtests; default 400 days"`
}

// Defaults are the settings of a gateway that says nothing else.
func Defaults() Config {
	return Config{Path: "stillwater.db", KeepJournal: 400 * 24 * time.Hour}
}

// Validate reports every setting that cannot work. It opens nothing.
func (c *Config) Validate(report func(field any, problem string)) {
	switch {
	case strings.TrimSpace(c.Path) == "":
		report(&c.Path, "no database file is named; write like /var/lib/stillwater/stillwater.db")
	case strings.Contains(c.Path, "://") || strings.HasPrefix(c.Path, "file:") || c.Path == ":memory:":
		report(&c.Path, `"`+c.Path+`" is not a file path; write like /var/lib/stillwater/stillwater.db`)
	case strings.HasSuffix(c.Path, "/"):
		report(&c.Path, `"`+c.Path+`" is a folder; add a file name, like stillwater.db`)
	}
	if c.KeepJournal != 0 && c.KeepJournal < shortestJournal {
		report(&c.KeepJournal, `"`+c.KeepJournal.String()+`" is too short to show what happened; keep at least 48h, or leave it out for 400 days`)
	}
}
