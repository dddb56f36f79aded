package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// position is where the first record stands that is still wanted.
type position struct {
	segment int64 // the number in its name
	offset  int64
	number  int64 // of the record
}

// A Mark is what the owner of a spool wants to find again with what is certainly on disk: up to which line of the journal it has added.
type Mark struct {
	Seq int64
	At  time.Time // of that line
}

// The file position has two places, written in turn, in different blocks of a disk: a power cut can tear the newer one only.
const (
	places     = 2
	placeApart = 4096
	placeSize  = 52
)

// positionFile keeps the position and the mark.
type positionFile struct {
	f       file
	written uint64 // times
}

// ErrInUse says that another process has the folder.
var ErrInUse = errors.New("another process uses this folder")

// openPosition opens the file in folder, or makes it, and reads the newest sound place; known is false if there is none.
func openPosition(folder string, open opener) (p *positionFile, at position, m Mark, known bool, err error) {
	f, err := open(filepath.Join(folder, "position"), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, at, m, false, err
	}
	if lock, ok := f.(interface{ Fd() uintptr }); ok {
		if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				err = ErrInUse
			}
			return nil, at, m, false, fmt.Errorf("lock %q: %w", folder, err)
		}
	}
	p = &positionFile{f: f}
	for i := range places {
		b := make([]byte, placeSize)
		if _, err := f.ReadAt(b, int64(i*placeApart)); err != nil && !errors.Is(err, io.EOF) {
			f.Close()
			return nil, at, m, false, err
		}
		if times, pos, mark, ok := readPlace(b); ok && times > p.written {
			p.written, at, m, known = times, pos, mark, true
		}
	}
	if !known { // so that a disk that is full later has room for both places
		if _, err := f.WriteAt(make([]byte, places*placeApart), 0); err != nil {
			f.Close()
			return nil, at, m, false, err
		}
	}
	return p, at, m, known, nil
}

func readPlace(b []byte) (times uint64, at position, m Mark, ok bool) {
	if binary.LittleEndian.Uint32(b[48:]) != crc32.Checksum(b[:48], castagnoli) {
		return 0, at, m, false
	}
	n := func(i int) int64 { return int64(binary.LittleEndian.Uint64(b[8*i:])) }
	at, m = position{n(1), n(2), n(3)}, Mark{Seq: n(4)}
	if us := n(5); us != 0 {
		m.At = time.UnixMicro(us).UTC()
	}
	return uint64(n(0)), at, m, true
}

// write stores a position and a mark for good.
func (p *positionFile) write(at position, m Mark) error {
	var us int64
	if !m.At.IsZero() {
		us = m.At.UnixMicro()
	}
	var b []byte
	for _, n := range []int64{int64(p.written + 1), at.segment, at.offset, at.number, m.Seq, us} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
	if _, err := p.f.WriteAt(b, int64(p.written+1)%places*placeApart); err != nil {
		return err
	}
	if err := p.f.Sync(); err != nil {
		return err
	}
	p.written++
	return nil
}
