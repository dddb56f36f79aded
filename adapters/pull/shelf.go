package pull

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stillwater/adapters/platform"
)

const (
	// maxFile bounds one file: a month of hourly readings of 1,000 meters is 50 MB.
	maxFile = 64 << 20
	// maxFiles bounds the files of one look; a folder that nobody clears is read from its newest on.
	maxFiles = 10_000
)

// A file is one that may be read.
type file struct {
	name    string
	size    int64
	changed time.Time
}

// A library is a folder that is open, here or elsewhere.
type library interface {
	list(folder string) ([]file, error)
	read(folder, name string) (io.ReadCloser, error)
	close() error
}

// A shelf fetches files from a folder.
type shelf struct {
	open   func(ctx context.Context) (library, error)
	folder Folder
	reach  time.Duration
	table  bool
	refuse func(reason string)

	known map[string]look // by name, of the last listing
}

// A look is how a file was when it was read last.
type look struct {
	file
	whole bool // nothing of it is left to read unless it changes
}

// fetch reads the files that are new or have changed, the oldest first.
func (s *shelf) fetch(ctx context.Context, give func([]byte) (int, any, error)) (again bool, err error) {
	lib, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = lib.close() }() // everything was read, or the error of reading says more
	files, err := s.wanted(lib)
	if err != nil {
		return false, err
	}
	known := map[string]look{}
	for _, f := range files {
		known[f.name] = s.known[f.name]
	}
	s.known = known // what is gone is forgotten
	for _, f := range files {
		before := s.known[f.name]
		if before.file == f && before.whole {
			continue
		}
		whole, bad := s.take(lib, f, before.file == f, give)
		var ended *emitError
		if errors.As(bad, &ended) || ctx.Err() != nil {
			return false, bad
		}
		if bad != nil {
			err = cmp.Or(err, fmt.Errorf("a file of %d bytes: %w", f.size, bad)) // the others do not wait for it
			continue
		}
		s.known[f.name] = look{f, whole}
		again = again || !whole
	}
	return again, err
}

// wanted are the files to look at, the oldest first.
func (s *shelf) wanted(lib library) ([]file, error) {
	all, err := lib.list(s.folder.Path)
	if err != nil {
		return nil, fmt.Errorf("folder %q: %w", s.folder.Path, err)
	}
	oldest, pattern := time.Now().Add(-s.reach), cmp.Or(s.folder.Pattern, defaultPattern)
	files := slices.DeleteFunc(all, func(f file) bool {
		fits, _ := path.Match(pattern, f.name)
		return !fits || strings.HasPrefix(f.name, ".") || f.changed.Before(oldest)
	})
	slices.SortFunc(files, func(a, b file) int { return cmp.Or(a.changed.Compare(b.changed), cmp.Compare(a.name, b.name)) })
	return files[max(0, len(files)-maxFiles):], nil
}

// take reads one file and says whether nothing of it is left. A last line without an end may be cut off in the middle of a number, so it is
// used only once the file stays as it is; still says that it has since the last look.
func (s *shelf) take(lib library, f file, still bool, give func([]byte) (int, any, error)) (whole bool, err error) {
	if f.size > maxFile {
		s.refuse("file too large")
		return true, nil
	}
	r, err := lib.read(s.folder.Path, f.name)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil // it was taken away meanwhile
	}
	if err != nil {
		return false, err
	}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return false, err
	}
	whole = still || int64(len(data)) == f.size && bytes.HasSuffix(data, []byte("\n"))
	if !whole && s.table {
		data = data[:bytes.LastIndexByte(data, '\n')+1]
	}
	_, _, err = give(data)
	switch {
	case errors.Is(err, platform.ErrNotJSON) || errors.Is(err, platform.ErrNotTable):
		return still, nil // it is counted; others go on, and it is read once more in case it was not finished
	case err != nil:
		return false, err
	}
	return whole || !s.table, nil // JSON that can be read has its end
}

// local opens a folder of this machine.
func local(context.Context) (library, error) { return here{}, nil }

type here struct{}

func (here) list(folder string) ([]file, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		info, err := os.Stat(filepath.Join(folder, e.Name())) // a link may lead to the file
		if err == nil && info.Mode().IsRegular() {
			files = append(files, file{e.Name(), info.Size(), info.ModTime()})
		}
	}
	return files, nil
}

func (here) read(folder, name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(folder, name))
}

func (here) close() error { return nil }
