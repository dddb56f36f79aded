package rules

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"stillwater"
)

// The same part of memory in two releases: the second took two fields out and has three new ones.
type (
	releaseA struct {
		Since, Until instant
		Count        int64
		Name         string
		Inner        run
		Level        float64
		Ring         [4]uint16
		Last         instant
	}
	releaseB struct {
		Since, Checked instant
		Count          int64
		Ring           [6]uint16
		Many           []run
		Ratio          float64
		Last           instant
	}
)

func (p *releaseA) fields(c *codec) {
	c.time(1, &p.Since)
	c.time(2, &p.Until)
	c.int64(3, &p.Count)
	text(c, 4, &p.Name)
	c.part(5, &p.Inner)
	c.float(6, &p.Level)
	numbers(c, 7, p.Ring[:])
	c.time(11, &p.Last)
}

func (p *releaseB) fields(c *codec) {
	c.time(1, &p.Since)
	c.int64(3, &p.Count)
	numbers(c, 7, p.Ring[:])
	c.time(8, &p.Checked)
	parts(c, 9, &p.Many)
	c.float(10, &p.Ratio)
	c.time(11, &p.Last)
}

// TestReleases holds the promise that a release may add fields and take them out, and that one can go back.
func TestReleases(t *testing.T) {
	now := instantOf(monday)
	a := releaseA{Since: now, Until: now + 5, Count: -7, Name: "x", Inner: run{SlotFrom: now + 9, SlotML: 3}, Level: 0.1, Ring: [4]uint16{1, 0, 3, 0}, Last: now + 1000}
	data, err := encode(nil, &a)
	if err != nil {
		t.Fatal(err)
	}
	var b releaseB
	if err := decode(data, &b); err != nil || b.Since != a.Since || b.Count != a.Count || b.Ring != [6]uint16{1, 0, 3} || b.Checked != 0 || b.Last != a.Last {
		t.Errorf("the next release reads %+v, %v", b, err)
	}
	b.Checked, b.Many, b.Ratio, b.Ring[5] = now+77, []run{{}, {SlotML: 4}, {flow: flow{Since: now, To: now + 3}}}, 2.5, 9
	if data, err = encode(nil, &b); err != nil {
		t.Fatal(err)
	}
	var again releaseB
	if err := decode(data, &again); err != nil || fmt.Sprint(again) != fmt.Sprint(b) {
		t.Errorf("got %+v, %v, want %+v", again, err, b)
	}
	var back releaseA
	if err := decode(data, &back); err != nil || back.Since != b.Since || back.Count != b.Count || back.Ring != [4]uint16{1, 0, 3} || back.Name != "" || back.Until != 0 || back.Last != b.Last {
		t.Errorf("the release before reads %+v, %v", back, err)
	}
}

// lived are memories of all kinds of homes.
func lived(t testing.TB) (*Engine, map[stillwater.HouseholdID][]byte) {
	entries := town(rand.New(rand.NewPCG(7, 7)), 10)
	e := placed(New(townRules(1)), 0x155)
	runAll(e, entries)
	return e, snapshots(t, e)
}

func snapshots(t testing.TB, e *Engine) map[stillwater.HouseholdID][]byte {
	all := map[stillwater.HouseholdID][]byte{}
	if err := e.Changed(func(stillwater.HouseholdID) bool { return true }, func(id stillwater.HouseholdID, data []byte) { all[id] = data }); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSnapshotIsWhole wants the same bytes from a memory that was written and read.
func TestSnapshotIsWhole(t *testing.T) {
	_, written := lived(t)
	again := placed(New(townRules(1)), 0x155)
	for id, data := range written {
		if err := again.Restore(id, data); err != nil {
			t.Fatal(err)
		}
	}
	for id, data := range snapshots(t, again) {
		if !bytes.Equal(data, written[id]) {
			t.Errorf("memory of %s\n%x, written again\n%x", id, written[id], data)
		}
	}
}

// TestForeignSnapshots wants errors that say what to do, and the home as it was.
func TestForeignSnapshots(t *testing.T) {
	e, written := lived(t)
	data := written["h0"]
	for name, c := range map[string]struct{ data, want string }{
		"JSON":            {`{"first":"2026-11-02T00:00:00Z"}`, "delete the stored states"},
		"nothing":         {"", "ends in the middle"},
		"cut short":       {string(data[:len(data)/2]), "delete the stored state"},
		"another release": {"\x09" + string(data[1:]), "version 9: was written by another release"},
	} {
		if err := e.Restore("h0", []byte(c.data)); err == nil || !strings.Contains(err.Error(), `household "h0"`) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(snapshots(t, e)["h0"], data) {
		t.Error("a snapshot that was refused changed the memory")
	}
}

// FuzzRestore wants an error or a memory that can be lived with, never a panic and no more memory than the snapshot is worth.
func FuzzRestore(f *testing.F) {
	_, written := lived(f)
	for _, data := range written {
		f.Add(data)
	}
	f.Add([]byte{codecVersion, 0xff, 0xff, 0xff, 0xff, 0x0f})
	entries := town(rand.New(rand.NewPCG(8, 8)), 1)
	f.Fuzz(func(t *testing.T, data []byte) {
		e := placed(New(townRules(1)), 0x155)
		if e.Restore("h0", data) != nil {
			return
		}
		if memory := e.homes.of("h0"); cap(memory.Devices) > 2*len(data)+4 {
			t.Errorf("%d bytes make room for %d devices", len(data), cap(memory.Devices))
		}
		e.Protection("h0", monday)
		e.Standing("h0", monday)
		for i := range min(len(entries), 60) {
			e.Step(&entries[i])
		}
		e.Changed(func(stillwater.HouseholdID) bool { return true }, func(stillwater.HouseholdID, []byte) {})
		e.Step(&stillwater.Entry{Tick: monday.Add(time.Hour)})
	})
}

// TestOptionalEmpty: a part that is there with nothing in it yet is there after a restart. A contact that is known is not taken for a new one.
func TestOptionalEmpty(t *testing.T) {
	m := memory{Doorway: &doorway{}, Devices: []device{{ID: "door", said: unsaid, Trust: &doorTrust{}, Counter: &counter{}}}}
	data, err := encode(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	var back memory
	if err := decode(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.Doorway == nil || len(back.Devices) != 1 || back.Devices[0].Trust == nil || back.Devices[0].Counter == nil {
		t.Errorf("got back %+v", back)
	}
}
