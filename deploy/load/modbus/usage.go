package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// spent is what a process has used.
type spent struct {
	cpu    time.Duration // user and system
	memory int           // resident, bytes
}

// tick is the unit of times in /proc; it is 100 a second on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// usage reads it from /proc.
func usage(pid int) (spent, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return spent{}, err
	}
	_, after, _ := strings.Cut(string(text), ") ") // the name in brackets may have spaces
	fields := strings.Fields(after)
	if len(fields) < 22 {
		return spent{}, fmt.Errorf("process %d: %q is no line of /proc", pid, text)
	}
	var user, system, pages int
	if _, err := fmt.Sscan(fields[11]+" "+fields[12]+" "+fields[21], &user, &system, &pages); err != nil {
		return spent{}, err
	}
	return spent{time.Duration(user+system) * tick, pages * os.Getpagesize()}, nil
}
