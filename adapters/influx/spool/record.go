package spool

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"time"
)

// A record on disk, little-endian: mark (4 bytes), length of the data (4), number (8), when it was added in microseconds since 1970 (8),
// checksum of the 20 bytes from the length on and of the data (4), the data.
const (
	mark   = "\xb7SW1" // begins with a byte that no text has
	header = 28
	// MaxRecord is the longest record; whatever claims to be longer is damage.
	MaxRecord = 64 << 10
)

// castagnoli is the polynomial that processors compute by themselves.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Record is one thing that waits.
type Record struct {
	Number int64 // the first is 1, and each one more
	Added  time.Time
	Data   []byte

	after position // what is wanted once this one is done
}

// appendRecord adds a record to b as it stands on disk.
func appendRecord(b []byte, number int64, added time.Time, data []byte) []byte {
	start := len(b)
	b = append(b, mark...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint64(b, uint64(number))
	b = binary.LittleEndian.AppendUint64(b, uint64(added.UnixMicro()))
	b = binary.LittleEndian.AppendUint32(b, checksum(b[start+4:start+24], data))
	return append(b, data...)
}

func checksum(head, data []byte) uint32 {
	return crc32.Update(crc32.Checksum(head, castagnoli), castagnoli, data)
}

// scan gives fn each sound record in data and where it ends, until fn says false. It steps over whatever is none. It returns from where on
// data must be looked at again together with what follows it; whole says that nothing follows.
func scan(data []byte, whole bool, fn func(r Record, end int) bool) int {
	at := 0
	for {
		found := bytes.Index(data[at:], []byte(mark))
		switch {
		case found < 0 && whole:
			return len(data)
		case found < 0:
			return max(at, len(data)-len(mark)+1) // a mark may be cut in two
		}
		at += found
		r, end, short := parse(data[at:])
		switch {
		case short && !whole:
			return at
		case end == 0:
			at++
		case !fn(r, at+end):
			return at + end
		default:
			at += end
		}
	}
}

// parse reads the record that begins with data; end is 0 if none does, and short says that more data might make it one.
func parse(data []byte) (r Record, end int, short bool) {
	if len(data) < header {
		return r, 0, true
	}
	length := int(binary.LittleEndian.Uint32(data[4:]))
	switch {
	case length > MaxRecord:
		return r, 0, false
	case len(data) < header+length:
		return r, 0, true
	}
	if binary.LittleEndian.Uint32(data[24:]) != checksum(data[4:24], data[header:header+length]) {
		return r, 0, false
	}
	r.Number = int64(binary.LittleEndian.Uint64(data[8:]))
	r.Added = time.UnixMicro(int64(binary.LittleEndian.Uint64(data[16:])))
	r.Data = bytes.Clone(data[header : header+length])
	return r, header + length, false
}
