package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

//go:embed migrations/*.sql
var migrations embed.FS

const (
	// busyTimeout is how long a write waits for another process, which only ever holds the file for one short transaction.
	busyTimeout = 10 * time.Second
	// openAgain is how soon a file that another process had is tried again.
	openAgain = 20 * time.Millisecond
	// readers is how many queries run beside the writer; pages and the outbox, not a crowd.
	readers = 4
	// walLimit is what the write-ahead log shrinks to after a checkpoint, so that one long read does not leave it large for ever.
	walLimit = 64 << 20
	// writerCache, in KiB, holds the pages that the readings of ten thousand devices are added to.
	writerCache = 32 << 10
	// checkpointPages is how long the write-ahead log gets before it is written back: a page that many commits change is written once.
	checkpointPages = 8000
	// migrationTries covers the case of two processes bringing the same new file up to date.
	migrationTries = 3
)

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	path   string
	log    *slog.Logger
	writer *sql.DB // one connection: SQLite has one writer, and queueing here is fairer than busy retries
	reader *sql.DB
	stmt   statements
	points pointCache
	lock   lockFile
}

// Open opens the database, creating it and bringing its schema up to date. A database from a newer version is refused.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*DB, error) {
	for end := time.Now().Add(busyTimeout); ; {
		db, err := open(ctx, cfg, log)
		switch {
		case err == nil:
			return db, nil
		case !busy(err) || time.Now().After(end):
			return nil, fmt.Errorf("open database %q: %w", cfg.Path, err)
		}
		select {
		case <-time.After(openAgain):
		case <-ctx.Done():
			return nil, fmt.Errorf("open database %q: %w", cfg.Path, err)
		}
	}
}

// busy says whether another process had the file. Two that open it in the same moment, or one that opens it while the last other
// closes it, can be told so at once: switching to the write-ahead log does not wait as a write does.
func busy(err error) bool {
	var e *sqlite.Error
	const primary = 0xff // the rest says more of the same
	return errors.As(err, &e) && e.Code()&primary == sqlite3.SQLITE_BUSY
}

func open(ctx context.Context, cfg Config, log *slog.Logger) (_ *DB, err error) {
	if cfg.Path == "" {
		return nil, errors.New("no path")
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, err
	}
	if err := create(path); err != nil {
		return nil, err
	}
	db := &DB{path: path, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	if db.writer, err = sql.Open("sqlite", source(path, "synchronous(FULL)", fmt.Sprintf("journal_size_limit(%d)", walLimit),
		fmt.Sprintf("cache_size(-%d)", writerCache), fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages))); err != nil {
		return nil, err
	}
	db.writer.SetMaxOpenConns(1)
	if err = db.writer.PingContext(ctx); err != nil {
		return nil, err
	}
	if err = db.migrate(ctx); err != nil {
		return nil, err
	}
	if db.reader, err = sql.Open("sqlite", source(path, "query_only(1)", "temp_store(MEMORY)")); err != nil {
		return nil, err
	}
	db.reader.SetMaxOpenConns(readers)
	db.reader.SetMaxIdleConns(readers)
	if db.stmt, err = prepare(ctx, db.writer); err != nil {
		return nil, err
	}
	return db, nil
}

// create makes the file with rights for its owner only; SQLite gives its -wal and -shm the same. A file that is there is
// not touched: closing a second descriptor of it would drop the locks SQLite holds in this process.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// source is the driver's name for the file. Transactions begin IMMEDIATE: one that begins as a reader cannot wait to become a writer.
func source(path string, pragmas ...string) string {
	q := url.Values{"_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "journal_mode(WAL)",
	}}
	q["_pragma"] = append(q["_pragma"], pragmas...)
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// migrate applies the migrations that are missing.
func (db *DB) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := db.migrateOnce(ctx, dir)
		if err == nil || try == migrationTries || errors.Is(err, errNewer) || ctx.Err() != nil {
			return err
		}
	}
}

var errNewer = errors.New("the database is newer than this program")

func (db *DB) migrateOnce(ctx context.Context, dir fs.FS) error {
	provider, err := goose.NewProvider(goose.DialectSQLite3, db.writer, dir)
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("schema version: %w", err)
	}
	if current > target {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d; install the newer program again, or restore a backup made by this one",
			errNewer, current, target)
	}
	if current == target {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migration from version %d to %d: %w", current, target, err)
	}
	db.log.Info("database schema brought up to date", "from", current, "to", target)
	return nil
}

// Close writes the log back into the file and releases the lock. No call may be under way.
func (db *DB) Close() error {
	var errs []error
	if db.reader != nil { // first: the last connection to close, the writer's, removes the log
		errs = append(errs, db.reader.Close())
	}
	if db.writer != nil {
		db.stmt.close()
		errs = append(errs, db.writer.Close())
	}
	errs = append(errs, db.lock.release())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database: %w", err)
	}
	return nil
}

// write runs fn in one transaction: all of what it did, or nothing.
func (db *DB) write(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		if ctx.Err() != nil { // the transaction went away under fn; say why
			err = ctx.Err()
		}
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			err = errors.Join(err, fmt.Errorf("roll back: %w", back))
		}
		return err
	}
	return tx.Commit()
}
