package main

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	peer "github.com/simonvetter/modbus"
)

// A counterBoard is a Modbus server by another hand: four pulse counters at one unit, which count on while they are looked at.
type counterBoard struct{ pulses []uint16 }

func (b *counterBoard) HandleCoils(*peer.CoilsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}
func (b *counterBoard) HandleDiscreteInputs(*peer.DiscreteInputsRequest) ([]bool, error) {
	return nil, peer.ErrIllegalFunction
}
func (b *counterBoard) HandleInputRegisters(r *peer.InputRegistersRequest) ([]uint16, error) {
	if r.UnitId != 4 {
		return nil, peer.ErrGWTargetFailedToRespond
	}
	return nil, peer.ErrIllegalFunction
}
func (b *counterBoard) HandleHoldingRegisters(r *peer.HoldingRegistersRequest) ([]uint16, error) {
	at := int(r.Addr) - 5300
	switch {
	case r.UnitId != 4:
		return nil, peer.ErrGWTargetFailedToRespond
	case r.IsWrite || at < 0 || at+int(r.Quantity) > len(b.pulses):
		return nil, peer.ErrIllegalDataAddress
	}
	return append([]uint16(nil), b.pulses[at:at+int(r.Quantity)]...), nil
}

func (b *counterBoard) start(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	server, err := peer.NewServer(&peer.ServerConfiguration{URL: "tcp://" + address, Timeout: time.Minute, MaxClients: 5, Logger: log.New(io.Discard, "", 0)}, b)
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Stop() })
	return address
}

// What is to be pasted is a configuration without mistakes.
func TestProbeModbusPrintsWhatToPaste(t *testing.T) {
	address := (&counterBoard{pulses: []uint16{12, 4711, 0, 65535}}).start(t)
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"probe", "modbus", "--address", address, "--units", "1-6", "--dial", "47.113", "--again", "1ms", "--name", "cellar", "--pause", "0s"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, want := range []string{
		"unit 4.\n", "1. hardwario-gauger, counter 2: 47.11 m³", "one count is 10 L",
		"  - name: cellar\n    address: " + address + "\n    units:\n      - {unit: 4, profile: hardwario-gauger, counter: \"2\", scale: 10 L}\n",
		"unit 4: cellar/4-2\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, &out)
		}
	}
	if !strings.Contains(progress.String(), "asking unit 6") {
		t.Errorf("no progress was shown:\n%s", &progress)
	}
}

// A counter that was not set to the dial is found by drawing water; nothing that answers is an error.
func TestProbeModbusDraw(t *testing.T) {
	board := &counterBoard{pulses: []uint16{12, 811, 0, 65535}}
	address := board.start(t)
	var out, progress bytes.Buffer
	root := commands()
	root.SetArgs([]string{"probe", "modbus", "--address", address, "--units", "4", "--dial", "47.113", "--draw", "--pause", "0s"})
	root.SetOut(&out)
	root.SetErr(&progress)
	root.SetIn(typed(func() string { board.pulses[1] += 4; return "47.153\n" }))
	if err := root.ExecuteContext(context.Background()); err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	if !strings.Contains(out.String(), "{unit: 4, profile: hardwario-gauger, counter: \"2\", scale: 10 L}") || !strings.Contains(out.String(), "was not set to the dial") {
		t.Errorf("%s", &out)
	}
	err := run(t.Context(), []string{"probe", "modbus", "--address", address, "--units", "7-9", "--timeout", "200ms"}, &out, &progress)
	if err == nil || !strings.Contains(err.Error(), "none of 3 units answers at") {
		t.Errorf("%v; want that nothing answers", err)
	}
}

// typed is somebody at the keyboard, who does something first.
type typed func() string

func (f typed) Read(p []byte) (int, error) { return copy(p, f()), io.EOF }
