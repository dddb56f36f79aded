package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

// ErrLocked says that another gateway runs on the same database.
var ErrLocked = errors.New("another gateway runs on this database")

// lockFile is held by the one process that may judge and send.
type lockFile struct {
	mu sync.Mutex // guards file
	f  *os.File
}

// Lock makes this process the one gateway on the database, or returns ErrLocked. The kernel releases it when the process
// ends, however it ends; Close releases it too. A second Lock of the same DB does nothing.
func (db *DB) Lock() error {
	db.lock.mu.Lock()
	defer db.lock.mu.Unlock()
	if db.lock.f != nil {
		return nil
	}
	path := db.path + ".lock"
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock database: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := holderOf(path)
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return fmt.Errorf("lock database %q: %w (process %s); stop it first, or give this one a file of its own", db.path, ErrLocked, holder)
		}
		return fmt.Errorf("lock database %q: %w", path, err)
	}
	db.lock.f = f
	// The number only helps people to find the holder; the lock holds without it, so a full disk does not matter here.
	if f.Truncate(0) == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return nil
}

func holderOf(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

func (l *lockFile) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
