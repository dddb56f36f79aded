package mqtt

import (
	"bytes"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// A wire is a connection on which a broker has said something, and keeps what is written.
type wire struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (w *wire) Read(p []byte) (int, error)       { return w.in.Read(p) }
func (w *wire) Write(p []byte) (int, error)      { return w.out.Write(p) }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }

// published is a message as a broker that uses paho's packets writes it.
func published(t testing.TB, m packet) []byte {
	t.Helper()
	p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	p.TopicName, p.Payload, p.MessageID, p.Qos, p.Retain, p.Dup = m.topic, m.payload, m.id, m.qos, m.retained, m.duplicate
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Messages are taken, in order and as they were sent, and paho gets the rest byte for byte, however the stream is cut into pieces.
func TestLinkTakesMessages(t *testing.T) {
	sent := []packet{
		{topic: "a", payload: []byte{}, qos: 0},
		{topic: "a/b", payload: []byte("1"), id: 1, qos: 1, retained: true},
		{topic: "é", payload: bytes.Repeat([]byte("x"), 127), id: 65535, qos: 1, duplicate: true},
		{topic: "long", payload: bytes.Repeat([]byte("y"), 20_000), id: 7, qos: 1},
		{topic: strings.Repeat("t", 1<<16-1), payload: bytes.Repeat([]byte("z"), maxPayload), id: 8, qos: 1},
	}
	other := [][]byte{{0x20, 2, 0, 0}, {0x90, 3, 0, 1, 1}, {0xd0, 0}, append([]byte{0x90, 0x84, 0x01, 0, 9}, make([]byte, 130)...), {0xd0, 0}}
	var stream, rest []byte
	for i := range sent {
		stream = append(append(stream, other[i]...), published(t, sent[i])...)
		rest = append(rest, other[i]...)
	}
	for name, in := range map[string]io.Reader{
		"whole": bytes.NewReader(stream), "byte by byte": iotest.OneByteReader(bytes.NewReader(stream)), "with the end": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		var got []packet
		l := newLink(&wire{in: in}, func(m packet) { got = append(got, m) })
		paho, err := io.ReadAll(l)
		if err != nil || !bytes.Equal(paho, rest) {
			t.Errorf("%s: paho gets %x (%v); want %x", name, paho, err, rest)
		}
		if !reflect.DeepEqual(got, sent) {
			t.Errorf("%s: %d messages taken, not as they were sent", name, len(got))
		}
	}
}

// What is no MQTT ends the connection, and what is longer than anything that is looked at is not kept.
func TestLinkRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"\x30\xff\xff\xff\xff\x01": errMalformed, "\x30\x01\x00": errMalformed, "\x30\x02\x00\x01": errMalformed, "\x32\x04\x00\x01a\x00": errMalformed,
		"\x30": io.EOF, "\x30\x05\x00\x01a": io.ErrUnexpectedEOF,
	} {
		l := newLink(&wire{in: strings.NewReader(text)}, func(m packet) { t.Errorf("%x: %v taken", text, m) })
		if n, err := l.Read(make([]byte, 1)); n != 0 || !errors.Is(err, want) {
			t.Errorf("%x: %d, %v; want %v", text, n, err, want)
		}
	}
	huge := published(t, packet{topic: "a", payload: make([]byte, 10<<20), id: 1, qos: 1})
	var got []packet
	l := newLink(&wire{in: bytes.NewReader(append(huge, published(t, packet{topic: "b", qos: 0})...))}, func(m packet) { got = append(got, m) })
	if _, err := l.Read(make([]byte, 1)); err != io.EOF || len(got) != 2 || got[1].topic != "b" || len(got[0].payload) <= maxPayload || len(got[0].payload) > maxPacket {
		t.Errorf("%d messages taken, %v", len(got), err)
	}
}

// Acknowledgements are as paho would write them.
func TestLinkAcknowledges(t *testing.T) {
	w := &wire{}
	l := newLink(w, nil)
	var want bytes.Buffer
	var ids []uint16
	for _, id := range []uint16{1, 255, 256, 65535} {
		p := packets.NewControlPacket(packets.Puback).(*packets.PubackPacket)
		p.MessageID = id
		if err := p.Write(&want); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	l.acknowledge(ids)
	l.acknowledge(nil)
	if !bytes.Equal(w.out.Bytes(), want.Bytes()) {
		t.Errorf("%x; want %x", w.out.Bytes(), want.Bytes())
	}
}
