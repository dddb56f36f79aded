package rules

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"
)

// The memory of a home is written in as few bytes as can be: a snapshot of a district is taken while readings come.
//
// Each part of memory has one method, fields, that names its fields to a codec: the same method writes and reads, so that the two
// cannot differ. A field has a number, which is its own for ever; a method names its fields in the order of their numbers. A zero
// value is not written. On reading, a number that no field has (an older release had one, or a newer) is skipped, and a field that is
// not there is zero: releases add fields, at the end, and take them out, and never use a number again.
//
//	func (s *run) fields(c *codec) {
//		c.time(1, &s.Since)
//		c.int64(2, &s.ML)
//		c.part(4, &s.slot) // number 3 was a field of an earlier release
//	}
//
// A method that must know which way it goes asks c.reading; what it reads it must check, and tell c.fail.

// codec writes or reads. After an error reading goes on with nothing, so that fields need not ask.
type codec struct {
	reading bool
	buf     []byte  // what is written, or left to read of the part
	last    int     // the number of the field named last in this part, when writing
	number  int     // the number of the field that comes next, when reading; 0: not looked at, noField: there is none
	wire    byte    // and its kind
	prev    instant // the time before: times are written by their difference
	err     error
}

const noField = math.MaxInt

// The kinds of field on the wire; with them a field that nobody knows can be skipped.
const (
	wireNumber = iota // a varint
	wireEight         // eight bytes
	wireBytes         // a length and as many bytes: text, numbers, a part
	wireTime          // a varint, the difference from the time before in the part
	wireKinds
)

// codecVersion is the first byte of a snapshot. It is for a change that numbers cannot carry.
const codecVersion = 1

var (
	errJSON    = errors.New("is JSON, of a build before the first release; delete the stored states, and the journal gives them again")
	errVersion = errors.New("was written by another release; go back to that release, or delete the stored states, and the journal gives them again")
	errShort   = errors.New("ends in the middle; delete the stored state, and the journal gives it again")
	errGarbage = errors.New("is damaged; delete the stored state, and the journal gives it again")
)

// fielded is a part of memory.
type fielded interface{ fields(c *codec) }

// encode appends the part to buf.
func encode(buf []byte, p fielded) ([]byte, error) {
	c := codec{buf: append(buf, codecVersion)}
	p.fields(&c)
	return c.buf, c.err
}

// decode reads the part, which must be zero.
func decode(data []byte, p fielded) error {
	switch {
	case len(data) == 0:
		return errShort
	case data[0] == '{':
		return errJSON
	case data[0] != codecVersion:
		return fmt.Errorf("version %d: %w", data[0], errVersion)
	}
	c := codec{reading: true, buf: data[1:]}
	p.fields(&c)
	c.end()
	return c.err
}

// fail notes the first error.
func (c *codec) fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %w", err, errGarbage)
	}
	c.buf, c.number = nil, noField
}

// put begins a field when writing.
func (c *codec) put(number int, wire byte) {
	if number <= c.last && wire != wireBytes || number < c.last {
		panic(fmt.Sprintf("rules: field %d is named after field %d", number, c.last)) // the first test of the part finds it
	}
	c.last = number
	c.buf = binary.AppendUvarint(c.buf, uint64(number)<<2|uint64(wire))
}

// get says whether the field comes next when reading, and skips what nobody knows.
func (c *codec) get(number int, wire byte) bool {
	for c.err == nil {
		if c.number == 0 {
			c.look()
		}
		switch {
		case c.number > number:
			return false
		case c.number == number && c.wire == wire:
			c.number = 0
			return true
		}
		c.skip()
	}
	return false
}

// look reads which field comes next.
func (c *codec) look() {
	if len(c.buf) == 0 {
		c.number = noField
		return
	}
	tag := c.uvarint()
	if c.number, c.wire = int(tag>>2&math.MaxInt32), byte(tag&3); c.number == 0 && c.err == nil {
		c.fail(errors.New("a field without a number"))
	}
}

// skip passes a field that nobody knows.
func (c *codec) skip() {
	c.number = 0
	switch c.wire {
	case wireNumber:
		c.uvarint()
	case wireEight:
		c.take(8)
	case wireBytes:
		c.take(c.uvarint())
	case wireTime:
		c.prev += instant(unzigzag(c.uvarint()))
	}
}

// end passes what is left of a part.
func (c *codec) end() {
	for c.get(noField-1, wireKinds) {
	}
}

func (c *codec) uvarint() uint64 {
	if len(c.buf) > 0 && c.buf[0] < 0x80 { // as most are
		v := c.buf[0]
		c.buf = c.buf[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(c.buf)
	if n <= 0 {
		if c.err == nil {
			c.err = errShort
		}
		c.buf, c.number = nil, noField
		return 0
	}
	c.buf = c.buf[n:]
	return v
}

// take is the next n bytes, nil if there are not so many. They are the snapshot's: what is kept must be copied.
func (c *codec) take(n uint64) []byte {
	if n > uint64(len(c.buf)) {
		if c.err == nil {
			c.err = errShort
		}
		c.buf, c.number = nil, noField
		return nil
	}
	b := c.buf[:n:n]
	c.buf = c.buf[n:]
	return b
}

// time is a field.
func (c *codec) time(number int, t *instant) {
	switch {
	case !c.reading && *t != 0:
		c.put(number, wireTime)
		c.buf = binary.AppendUvarint(c.buf, zigzag(int64(*t-c.prev)))
		c.prev = *t
	case c.reading && c.get(number, wireTime):
		*t = c.prev + instant(unzigzag(c.uvarint()))
		if c.prev = *t; *t > 2*farthest || *t < -2*farthest {
			c.fail(errors.New("a time that cannot be"))
		}
	}
}

// int64 is a field.
func (c *codec) int64(number int, v *int64) {
	switch {
	case !c.reading && *v != 0:
		c.put(number, wireNumber)
		c.buf = binary.AppendUvarint(c.buf, zigzag(*v))
	case c.reading && c.get(number, wireNumber):
		*v = unzigzag(c.uvarint())
	}
}

// span is a field: a duration, to the microsecond.
func (c *codec) span(number int, d *time.Duration) {
	v := int64(*d / time.Microsecond)
	c.int64(number, &v)
	if c.reading {
		*d = time.Duration(v) * time.Microsecond
	}
}

// small is a field of any smaller kind of number; one that does not fit is damage.
func small[T ~uint8 | ~uint16 | ~uint32 | ~int8 | ~int16 | ~int32](c *codec, number int, v *T) {
	wide := int64(*v)
	c.int64(number, &wide)
	if c.reading {
		if *v = T(wide); int64(*v) != wide {
			c.fail(fmt.Errorf("field %d is %d", number, wide))
			*v = 0
		}
	}
}

// flag is a field.
func (c *codec) flag(number int, v *bool) {
	var n int64
	if *v {
		n = 1
	}
	c.int64(number, &n)
	*v = n != 0
}

// float is a field. What is not a number is damage.
func (c *codec) float(number int, v *float64) {
	switch {
	case !c.reading && math.Float64bits(*v) != 0:
		c.put(number, wireEight)
		c.buf = binary.LittleEndian.AppendUint64(c.buf, math.Float64bits(*v))
	case c.reading && c.get(number, wireEight):
		if b := c.take(8); b != nil {
			*v = math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			c.fail(fmt.Errorf("field %d is %v", number, *v))
			*v = 0
		}
	}
}

// bytes is a field.
func (c *codec) bytes(number int, b *[]byte) {
	if read := c.few(number, *b); c.reading && read != nil {
		*b = append([]byte(nil), read...)
	}
}

// few is a field: bytes that are copied elsewhere. It gives what was read, nil for none; it is the snapshot's.
func (c *codec) few(number int, b []byte) []byte {
	switch {
	case !c.reading && len(b) > 0:
		c.put(number, wireBytes)
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(b))), b...)
	case c.reading && c.get(number, wireBytes):
		return c.take(c.uvarint())
	}
	return nil
}

// text is a field: of any kind of string.
func text[T ~string](c *codec, number int, s *T) {
	switch {
	case !c.reading && len(*s) > 0:
		c.put(number, wireBytes)
		c.buf = append(binary.AppendUvarint(c.buf, uint64(len(*s))), *s...)
	case c.reading && c.get(number, wireBytes):
		*s = T(c.take(c.uvarint()))
	}
}

// part is a field that has fields of its own. An empty one is not written.
func (c *codec) part(number int, p fielded) {
	switch {
	case !c.reading:
		c.putPart(number, p, false)
	case c.get(number, wireBytes):
		c.getPart(p)
	}
}

// putPart writes a part with its length before it.
func (c *codec) putPart(number int, p fielded, empty bool) {
	begun := c.open(number)
	p.fields(c)
	c.close(begun, empty)
}

// begun is a part being written.
type begun struct {
	whole, start int // where the part and what is in it begin
	number, last int
	prev         instant
}

// open begins a part.
func (c *codec) open(number int) begun {
	b := begun{whole: len(c.buf), number: number, last: c.last, prev: c.prev}
	c.put(number, wireBytes)
	c.buf = append(c.buf, 0) // most are shorter than 128 bytes
	b.start, c.last = len(c.buf), 0
	return b
}

// close ends it; a part with nothing in it is left out, unless empty ones count.
func (c *codec) close(b begun, empty bool) {
	c.prev = b.prev // so that who does not know the part reads on
	n := len(c.buf) - b.start
	if n == 0 && !empty {
		c.buf, c.last = c.buf[:b.whole], b.last
		return
	}
	c.last = b.number
	var length [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(length[:], uint64(n))
	if size > 1 {
		c.buf = append(c.buf, length[1:size]...)
		copy(c.buf[b.start+size-1:], c.buf[b.start:b.start+n])
	}
	copy(c.buf[b.start-1:], length[:size])
}

// getPart reads a part.
func (c *codec) getPart(p fielded) {
	data := c.take(c.uvarint())
	if c.err != nil {
		return
	}
	rest, prev := c.buf, c.prev
	c.buf, c.number = data, 0
	p.fields(c)
	c.end()
	if c.err == nil {
		c.buf, c.number, c.prev = rest, 0, prev
	}
}

// mostParts is how many parts a list may have when it is read: more is damage, and must not take the memory of the machine.
const mostParts = 4096

// parts is a field: a list of parts.
func parts[T any, P interface {
	*T
	fielded
}](c *codec, number int, list *[]T) {
	if !c.reading {
		for i := range *list {
			c.putPart(number, P(&(*list)[i]), true)
		}
		return
	}
	for c.get(number, wireBytes) {
		if len(*list) == mostParts {
			c.fail(fmt.Errorf("field %d has too many parts", number))
			return
		}
		if *list == nil {
			*list = make([]T, 0, 2)
		}
		*list = append(*list, *new(T))
		c.getPart(P(&(*list)[len(*list)-1]))
	}
}

// optional is a field: a part that need not be there. One that is there is written be it empty: that it is there may say something, as a door
// whose ways begin to be known.
func optional[T any, P interface {
	*T
	fielded
}](c *codec, number int, part *P) {
	switch {
	case !c.reading && *part != nil:
		c.putPart(number, *part, true)
	case c.reading && c.get(number, wireBytes):
		*part = new(T)
		c.getPart(*part)
	}
}

// cells is a field: a list of bytes of fixed length, most of them zero. A run of zeros is written as a zero and its length.
func (c *codec) cells(number int, list []uint8) {
	if c.reading {
		if c.get(number, wireBytes) {
			c.readCells(list, c.take(c.uvarint()))
		}
		return
	}
	n := len(list)
	for n > 0 && list[n-1] == 0 {
		n--
	}
	if n == 0 {
		return
	}
	c.put(number, wireBytes)
	at := len(c.buf)
	c.buf = append(c.buf, 0, 0) // the length, in two bytes
	for i := 0; i < n; i++ {
		c.buf = append(c.buf, list[i])
		if list[i] == 0 {
			run := i + 1
			for list[run] == 0 && run-i < math.MaxUint8 {
				run++
			}
			c.buf = append(c.buf, uint8(run-i))
			i = run - 1
		}
	}
	length := len(c.buf) - at - 2
	c.buf[at], c.buf[at+1] = byte(length)|0x80, byte(length>>7)
}

func (c *codec) readCells(list []uint8, data []byte) {
	for i := 0; i < len(list) && len(data) > 0; {
		if data[0] != 0 {
			list[i], data = data[0], data[1:]
			i++
			continue
		}
		if len(data) < 2 || data[1] == 0 {
			c.fail(errors.New("a run of zeros without its length"))
			return
		}
		i, data = i+int(data[1]), data[2:]
	}
}

// numbers is a field: a list of small numbers of fixed length, as a ring is. Zeros at the end are not written. Of a list that was
// longer in another release the beginning is read.
func numbers[T ~uint8 | ~uint16 | ~uint32 | ~int8 | ~int16 | ~int32 | ~int64](c *codec, number int, list []T) {
	if c.reading {
		if !c.get(number, wireBytes) {
			return
		}
		data := c.take(c.uvarint())
		for i := range list {
			v, n := binary.Uvarint(data)
			if n <= 0 {
				break
			}
			if list[i], data = T(unzigzag(v)), data[n:]; int64(list[i]) != unzigzag(v) {
				c.fail(fmt.Errorf("field %d holds %d", number, unzigzag(v)))
				return
			}
		}
		return
	}
	n := len(list)
	for n > 0 && list[n-1] == 0 {
		n--
	}
	if n == 0 {
		return
	}
	b := c.open(number)
	for _, v := range list[:n] {
		c.buf = binary.AppendUvarint(c.buf, zigzag(int64(v)))
	}
	c.close(b, false)
}

// asJSON is a field: a list of what is rare, or not ours to number, as JSON; nil: it is empty.
func asJSON[T any](c *codec, number int, list **[]T) {
	var data []byte
	if !c.reading && *list != nil {
		var err error
		if data, err = json.Marshal(**list); err != nil && c.err == nil {
			c.err = err
		}
	}
	c.bytes(number, &data)
	if !c.reading || len(data) == 0 {
		return
	}
	read := new([]T)
	if err := json.Unmarshal(data, read); err != nil {
		c.fail(err)
	}
	if len(*read) > 0 {
		*list = read
	}
}
