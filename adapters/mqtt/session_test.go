package mqtt

import (
	"testing"

	"stillwater"
)

// sent is one as the broker sends it.
func sent(id uint16, payload string, duplicate bool) packet {
	return packet{topic: "home/1/meter", id: id, qos: 1, payload: []byte(payload), duplicate: duplicate}
}

// A broker that runs far ahead uses an id for two messages: both are taken. One that is impatient sends a message again and says so: it is
// taken once.
func TestIdsUsedTwice(t *testing.T) {
	s := New(Options{Config: doors("tcp://h:1"), Clock: wall{}})
	x := &session{source: s, came: make(chan struct{}, 1), acks: make(chan struct{}, 1), lost: make(chan error, 1), flying: map[uint16]int{}}
	x.take(sent(7, "1", false))
	x.take(sent(7, "2", false))
	x.take(sent(7, "1", true))
	var got []stillwater.Reading
	list := x.all()
	for _, d := range list {
		readings, _ := s.read(d.message)
		got = append(got, readings...)
	}
	if len(got) != 2 || got[0].Value != 1 || got[1].Value != 2 {
		t.Fatalf("%v; want both messages, each once", got)
	}
	x.settle(list[0])
	x.take(sent(7, "2", true))
	if again := x.all(); len(again) != 0 {
		t.Errorf("%v taken again while it is in hand", again)
	}
	x.settle(list[1])
	x.take(sent(7, "3", false))
	if again := x.all(); len(again) != 1 || len(x.settled) != 2 {
		t.Errorf("%d taken, %d to acknowledge; want 1 and 2", len(again), len(x.settled))
	}
}

// What waits is bounded in bytes as well: then the broker is hung up on, and keeps the rest.
func TestWaitingIsBounded(t *testing.T) {
	s := New(Options{Config: doors("tcp://h:1"), Clock: wall{}})
	x := &session{source: s, came: make(chan struct{}, 1), acks: make(chan struct{}, 1), lost: make(chan error, 1), flying: map[uint16]int{}}
	large := string(make([]byte, 1<<20))
	for i := range queueBytes>>20 + 5 {
		x.take(sent(uint16(i+1), large, false))
	}
	if n := len(x.all()); n != queueBytes>>20 {
		t.Errorf("%d MiB wait; want %d", n, queueBytes>>20)
	}
	select {
	case err := <-x.lost:
		if err != errBehind {
			t.Error(err)
		}
	default:
		t.Error("not hung up")
	}
}
