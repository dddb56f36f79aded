package cjt188

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"stillwater/adapters/bus"
)

// What stands in every frame.
const (
	begin = 0x68
	end   = 0x16
	wake  = 0xFE
	// headSize is begin, type, address, control and length.
	headSize = 11
	// maxData is the longest data that an answer to a read has.
	maxData = 0x64
	// maxLead is how many bytes may come before a frame: those that wake a meter, and noise as the line turns round.
	maxLead = 32
)

// The controls that are used here. An answer is the question's with its highest bit set; answerNo with the next one too.
const (
	readData    = 0x01
	readAddress = 0x03
	answer      = 0x80
	answerNo    = 0xC0
)

// anybody is a byte of an address that every meter takes for its own.
const anybody = 0xAA

// An address is the number printed on a meter, as it goes over the wire: two digits a byte, the last two first.
type address [7]byte

// everybody is the address that only a line with one meter can be asked by.
var everybody = address{anybody, anybody, anybody, anybody, anybody, anybody, anybody}

// addressOf reads up to 14 printed digits; what is missing in front is zeros.
func addressOf(digits string) (address, error) {
	var a address
	if digits == "" || len(digits) > 2*len(a) || strings.Trim(digits, "0123456789") != "" {
		return a, fmt.Errorf("%q is no address; write the up to 14 digits printed on the meter", digits)
	}
	digits = strings.Repeat("0", 2*len(a)-len(digits)) + digits
	for i := range a {
		at := 2 * (len(a) - 1 - i)
		a[i] = (digits[at]-'0')<<4 | (digits[at+1] - '0')
	}
	return a, nil
}

// String gives the digits as they are printed.
func (a address) String() string {
	var b strings.Builder
	for i := len(a) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%02x", a[i])
	}
	return b.String()
}

// A frame is one question or one answer.
type frame struct {
	kind    byte // of meter: 0x10 cold water, 0x11 hot water, …
	meter   address
	control byte
	data    []byte
}

// pack gives the bytes of a frame, without those that wake a meter.
func (f frame) pack() []byte {
	b := append([]byte{begin, f.kind}, f.meter[:]...)
	b = append(b, f.control, byte(len(f.data)))
	b = append(b, f.data...)
	return append(b, sum(b), end)
}

// sum is the checksum: all bytes from the first one on, in eight bits.
func sum(b []byte) byte {
	var s byte
	for _, x := range b {
		s += x
	}
	return s
}

// readFrame reads one frame, and nothing beyond it. Before it there may be bytes that wake a meter, and a little noise.
func readFrame(r io.Reader) (frame, error) {
	raw := make([]byte, headSize, headSize+maxData+2)
	for lead := 0; raw[0] != begin; lead++ {
		if lead > maxLead {
			return frame{}, errors.New("no frame begins")
		}
		if _, err := io.ReadFull(r, raw[:1]); err != nil {
			return frame{}, fmt.Errorf("reply: %w", err)
		}
	}
	if _, err := io.ReadFull(r, raw[1:]); err != nil {
		return frame{}, fmt.Errorf("head of the reply: %w", err)
	}
	length := int(raw[headSize-1])
	if length > maxData {
		return frame{}, fmt.Errorf("a reply with %d bytes of data", length)
	}
	raw = raw[:headSize+length+2]
	if _, err := io.ReadFull(r, raw[headSize:]); err != nil {
		return frame{}, fmt.Errorf("reply of %d bytes: %w", len(raw), err)
	}
	check, last := raw[len(raw)-2], raw[len(raw)-1]
	if want := sum(raw[:len(raw)-2]); check != want || last != end {
		return frame{}, &bus.Garbled{Err: fmt.Errorf("checksum %02x and end %02x, %02x and %02x expected", check, last, want, end)}
	}
	return frame{raw[1], address(raw[2:9]), raw[9], raw[headSize : headSize+length]}, nil
}

// readReply reads the answer to a question and refuses what is none. An adapter that hears itself gives the question back first.
func readReply(r io.Reader, question frame) (frame, error) {
	reply, err := readFrame(r)
	if err == nil && bytes.Equal(reply.pack(), question.pack()) {
		reply, err = readFrame(r)
	}
	if err != nil {
		return reply, err
	}
	return reply, question.answeredBy(reply)
}

// answeredBy says why a frame is no answer to the question, or that it is a no.
func (f frame) answeredBy(reply frame) error {
	switch {
	case reply.meter != f.meter && f.meter != everybody:
		return fmt.Errorf("meter %s answered, %s asked", reply.meter, f.meter)
	case reply.kind != f.kind && f.kind != anybody:
		return fmt.Errorf("a meter of type %02x answered, %02x asked", reply.kind, f.kind)
	case reply.control == f.control|answerNo:
		return &bus.Refusal{Err: fmt.Errorf("meter %s says no: status % x", reply.meter, reply.data)}
	case reply.control != f.control|answer:
		return fmt.Errorf("control %02x answered, %02x asked", reply.control, f.control)
	case len(reply.data) < 3:
		return fmt.Errorf("%d bytes of data answered", len(reply.data))
	case !sameIdentifier(reply.data, f.data):
		return fmt.Errorf("data identifier %x answered, %x asked", reply.data[:2], f.data[:2])
	case reply.data[2] != f.data[2]:
		return fmt.Errorf("serial number %d answered, %d asked", reply.data[2], f.data[2])
	}
	return nil
}

// sameIdentifier compares data identifiers. There are meters that answer in the other order of bytes than they are asked in.
func sameIdentifier(a, b []byte) bool {
	return a[0] == b[0] && a[1] == b[1] || a[0] == b[1] && a[1] == b[0]
}
