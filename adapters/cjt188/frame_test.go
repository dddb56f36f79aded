package cjt188

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"stillwater/adapters/bus"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// question is what a meter was asked.
func question(t testing.TB, meter, id string) frame {
	t.Helper()
	a, err := addressOf(meter)
	if err != nil {
		t.Fatal(err)
	}
	return frame{kind: 0x10, meter: a, control: readData, data: unhex(t, id)}
}

// Answers as they are found in public, from documents of makers and out of running systems.
var public = []struct {
	about, meter, id, wire, layout, status string
	litres                                 float64
	low                                    bool
	valve                                  valve
}{
	{
		"the worked example of https://hftangyu.com/563.html : 556677.00 m³; its checksum is misprinted there (08) and is right here",
		"78330011223344", "1F 90 00", "FE FE FE FE 68 10 44 33 22 11 00 33 78 81 16 1F 90 00 00 77 66 55 2C 00 77 66 55 2C 31 01 22 11 05 15 20 21 84 13 16",
		"a", statusNone, 556677000, false, valveOpen,
	},
	{
		"out of the tests of an open gateway (cn.foxtech, protocol cjt188): asked 1F 90, it answers 90 1F; 123.00 m³",
		"00000805000001", "1F 90 00", "FE FE FE 68 10 01 00 00 05 08 00 00 81 16 90 1F 00 00 23 01 00 2C 00 00 00 00 2C 00 00 00 00 00 00 00 00 00 48 16",
		"a", statusStandard, 123000, false, valveOpen,
	},
	{
		"the same: second byte of the status FF; 2.00 m³",
		"00002020120218", "90 1F 00", "FE FE FE 68 10 18 02 12 20 20 00 00 81 16 90 1F 00 00 02 00 00 2C 00 02 00 00 2C 00 00 00 00 00 00 00 00 FF 85 16",
		"a", statusStandard, 2000, false, valveOpen,
	},
	{
		"out of a running system (a phone's reader for meters): serial number 2, 12.00 m³, valve abnormal (02)",
		"00000180112996", "90 1F 02", "fe fe fe 68 10 96 29 11 80 01 00 00 81 16 90 1f 02 00 12 00 00 2c 00 00 00 00 2c 00 00 00 00 00 00 00 02 00 7d 16",
		"a", statusStandard, 12000, false, valveStuck,
	},
	{
		"out of a running system (a platform for NB-IoT meters), in litres and with the year first: 170.47 L",
		"00000051327643", "90 1F 00", "FE FE FE FE 68 10 43 76 32 51 00 00 00 81 16 90 1F 00 47 70 01 00 29 51 48 01 00 29 20 20 05 28 20 58 24 00 00 A7 16",
		"a", statusStandard, 170.47, false, valveOpen,
	},
	{
		"from the fixed vectors of an open codec: nine bytes, no unit; 123456.78 m³",
		"11223344556677", "90 1F 01", "FE FE FE 68 10 77 66 55 44 33 22 11 81 09 90 1F 01 78 56 34 12 00 FF A1 16",
		"c", statusStandard, 123456780, false, valveOpen,
	},
	{
		"made by hand after the protocol RD-W10-00101 of an ultrasonic meter (http://www.huaxinqs.com/read-gktid-1432264-uid-191014.html): 321 m³ and 0.654321, 18 °C, 2026-01-02 03:04:05, battery low",
		"00000012345678", "90 1F 00", "68 10 78 56 34 12 00 00 00 81 16 90 1F 00 21 03 00 00 21 43 65 00 00 00 18 05 04 03 02 01 26 04 00 10 16",
		"b", statusStandard, 321654.321, true, valveOpen,
	},
}

func TestPublicAnswers(t *testing.T) {
	for _, c := range public {
		raw := unhex(t, c.wire)
		reply, err := readReply(bytes.NewReader(raw), question(t, c.meter, c.id))
		if err != nil {
			t.Errorf("%s: %v (sum %02x)", c.about, err, sum(raw[bytes.IndexByte(raw, begin):len(raw)-2]))
			continue
		}
		got, err := reader{layoutAuto, c.status, 0}.read(reply.data)
		if err != nil || math.Abs(got.litres-c.litres) > 1e-6 || got.layout != c.layout || got.low != c.low || got.valve != c.valve {
			t.Errorf("%s: %+v, %v", c.about, got, err)
		}
		if again, err := readReply(iotest.OneByteReader(bytes.NewReader(raw)), question(t, c.meter, c.id)); err != nil || !bytes.Equal(again.pack(), reply.pack()) {
			t.Errorf("%s: byte by byte: %v", c.about, err)
		}
	}
}

// The questions of the same documents.
func TestPublicQuestions(t *testing.T) {
	for _, c := range []struct{ meter, id, wire string }{
		{"78330011223344", "1F 90 00", "68 10 44 33 22 11 00 33 78 01 03 1F 90 00 80 16"},
		{"00000805000001", "1F 90 00", "68 10 01 00 00 05 08 00 00 01 03 1F 90 00 39 16"},
		{"12", "90 1F 00", "68 10 12 00 00 00 00 00 00 01 03 90 1F 00 3D 16"},
		{"11223344556677", "90 1F 01", "68 10 77 66 55 44 33 22 11 01 03 90 1F 01 08 16"},
	} {
		if got := question(t, c.meter, c.id).pack(); !bytes.Equal(got, unhex(t, c.wire)) {
			t.Errorf("%s: % x, want %s", c.meter, got, c.wire)
		}
	}
	everyone := frame{kind: 0x10, meter: everybody, control: readData, data: unhex(t, "90 1F 01")}
	if got := everyone.pack(); !bytes.Equal(got, unhex(t, "68 10 AA AA AA AA AA AA AA 01 03 90 1F 01 D2 16")) {
		t.Errorf("everybody: % x", got)
	}
}

// The example as it is printed has a wrong checksum, and is refused as damaged.
func TestMisprintedChecksum(t *testing.T) {
	raw := unhex(t, strings.Replace(public[0].wire, "84 13 16", "84 08 16", 1))
	_, err := readReply(bytes.NewReader(raw), question(t, public[0].meter, public[0].id))
	if _, garbled := errors.AsType[*bus.Garbled](err); !garbled {
		t.Errorf("%v", err)
	}
}

func TestAddresses(t *testing.T) {
	for digits, want := range map[string]string{
		"00000012345678": "00000012345678", "12345678": "00000012345678", "1": "00000000000001", "99999999999999": "99999999999999",
	} {
		a, err := addressOf(digits)
		if err != nil || a.String() != want {
			t.Errorf("%s: %s, %v", digits, a, err)
		}
	}
	for _, digits := range []string{"", "123456789012345", "AAAAAAAAAAAAAA", "1234x", " 12", "-1", "１２"} {
		if a, err := addressOf(digits); err == nil {
			t.Errorf("%q is %s", digits, a)
		}
	}
}

// Whatever is changed in an answer, it is refused, or it is the same answer.
func FuzzReadReply(f *testing.F) {
	for _, c := range public {
		f.Add(unhex(f, c.wire))
	}
	f.Add(append(question(f, "12345678", "1F 90 00").pack(), unhex(f, public[6].wire)...))
	f.Add(bytes.Repeat([]byte{wake}, 50))
	asked := question(f, "00000012345678", "90 1F 00")
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bytes.NewReader(wire)
		reply, err := readReply(r, asked)
		if err != nil {
			return
		}
		if reply.meter != asked.meter || reply.kind != asked.kind || reply.control != 0x81 || len(reply.data) < 3 {
			t.Fatalf("% x answers % x", wire, asked.pack())
		}
		packed := reply.pack()
		read := len(wire) - r.Len()
		if !bytes.HasSuffix(wire[:read], packed) {
			t.Fatalf("% x is not at the end of % x", packed, wire[:read])
		}
		for _, layout := range []string{layoutAuto, layoutA, layoutB, layoutC} {
			for _, status := range []string{statusStandard, statusReversed, statusNone} {
				made, err := reader{layout, status, 0}.read(reply.data)
				if err == nil && !(made.litres >= 0 && made.litres <= 1e13) {
					t.Fatalf("%s %s: %v L of % x", layout, status, made.litres, reply.data)
				}
			}
		}
	})
}

// One bit that was changed on the way is never a reading.
func TestOneWrongBit(t *testing.T) {
	for _, c := range public {
		raw := unhex(t, c.wire)
		first := bytes.IndexByte(raw, begin)
		for bit := 8 * first; bit < 8*len(raw); bit++ {
			wrong := bytes.Clone(raw)
			wrong[bit/8] ^= 1 << (bit % 8)
			if reply, err := readReply(bytes.NewReader(wrong), question(t, c.meter, c.id)); err == nil {
				t.Fatalf("%s: bit %d: % x", c.about, bit, reply.pack())
			}
		}
	}
}

func TestReadReplyLeavesTheRest(t *testing.T) {
	raw := unhex(t, public[1].wire)
	r := bytes.NewReader(append(bytes.Clone(raw), 1, 2, 3))
	if _, err := readReply(r, question(t, public[1].meter, public[1].id)); err != nil || r.Len() != 3 {
		t.Errorf("%d bytes left, %v", r.Len(), err)
	}
	if _, err := readReply(bytes.NewReader(raw[:len(raw)-1]), question(t, public[1].meter, public[1].id)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		about, layout, body string
		count               float64
		litres              float64
		problem             string
	}{
		{"m³", "auto", "34 12 00 00 2C 00 00 00 00 2C 00 00 00 00 00 00 00 00 00", 0, 12340, ""},
		{"litres that could be digits", "auto", "34 12 00 00 29 00 00 00 00 29 00 00 00 01 01 26 20 00 00", 0, 12.34, ""},
		{"a fraction that could be litres", "auto", "34 12 00 00 29 43 65 00 00 00 18 05 04 03 02 01 26 00 00", 0, 1234654.329, ""},
		{"no date, so not the second", "auto", "34 12 00 00 21 43 65 00 00 00 18 99 04 03 02 01 26 00 00", 0, 0, "unit 21 is no volume"},
		{"said to be the second", "b", "34 12 00 00 21 43 65 00 00 00 18 99 04 03 02 01 26 00 00", 0, 1234654.321, ""},
		{"said to be the first", "a", "34 12 00 00 21 43 65 00 00 00 18 05 04 03 02 01 26 00 00", 0, 0, "unit 21 is no volume"},
		{"unit of energy", "auto", "34 12 00 00 05 00 00 00 00 05 00 00 00 00 00 00 00 00 00", 0, 0, "unit 05 is no volume"},
		{"unit of energy, but the scale is said", "a", "34 12 00 00 05 00 00 00 00 05 00 00 00 00 00 00 00 00 00", 1, 1234, ""},
		{"no digits", "auto", "3A 12 00 00 2C 00 00 00 00 2C 00 00 00 00 00 00 00 00 00", 0, 0, "no decimal digits"},
		{"all ones", "auto", "FF FF FF FF 2C FF FF FF FF 2C FF FF FF FF FF FF FF FF FF", 0, 0, "no decimal digits"},
		{"ten cubic metres", "auto", "34 12 00 00 2D 00 00 00 00 2D 00 00 00 00 00 00 00 00 00", 0, 123400, ""},
		{"short", "auto", "34 12 00 00 00 00", 0, 12340, ""},
		{"short but said to be long", "a", "34 12 00 00 00 00", 0, 0, "none of the known layouts"},
		{"long but said to be short", "c", "34 12 00 00 2C 00 00 00 00 2C 00 00 00 00 00 00 00 00 00", 0, 0, "none of the known layouts"},
		{"something else", "auto", "34 12 00", 0, 0, "none of the known layouts"},
		{"nothing", "auto", "", 0, 0, "none of the known layouts"},
	} {
		r := reader{layout: c.layout, status: statusStandard}
		if c.count > 0 {
			r.count = 1
		}
		got, err := r.read(append([]byte{0x90, 0x1F, 0}, unhex(t, c.body)...))
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: %+v, %v; want %s", c.about, got, err, c.problem)
			}
			continue
		}
		if err != nil || math.Abs(got.litres-c.litres) > 1e-6 {
			t.Errorf("%s: %+v, %v; want %v L", c.about, got, err, c.litres)
		}
	}
}

func TestStatus(t *testing.T) {
	for _, c := range []struct {
		how   string
		first byte
		want  report
	}{
		{statusStandard, 0x00, report{known: true}},
		{statusStandard, 0x01, report{known: true, valve: valveClosed}},
		{statusStandard, 0x03, report{known: true, valve: valveStuck}},
		{statusStandard, 0x04, report{known: true, low: true}},
		{statusStandard, 0xFF, report{}},
		{statusReversed, 0x40, report{known: true, valve: valveClosed}},
		{statusReversed, 0xC0, report{known: true, valve: valveStuck}},
		{statusReversed, 0x20, report{known: true, low: true}},
		{statusReversed, 0x04, report{known: true}},
		{statusNone, 0x07, report{}},
	} {
		var got report
		got.status(c.how, []byte{c.first, 0})
		if got != c.want {
			t.Errorf("%s %02x: %+v", c.how, c.first, got)
		}
	}
}

// Each field of an answer has to fit its question, with everything else right.
func TestStrictReply(t *testing.T) {
	asked := question(t, "12345678", "1F 90 05")
	right := frame{kind: 0x10, meter: asked.meter, control: 0x81, data: unhex(t, "1F 90 05 34 12 00 00 00 00")}
	if _, err := readReply(bytes.NewReader(right.pack()), asked); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(*frame)
	}{
		{"meter 00000012345679 answered", func(f *frame) { f.meter[0] = 0x79 }},
		{"a meter of type 11 answered", func(f *frame) { f.kind = 0x11 }},
		{"control 84 answered", func(f *frame) { f.control = 0x84 }},
		{"control a1 answered", func(f *frame) { f.control = 0xA1 }},
		{"control 01 answered", func(f *frame) { f.control = 0x01 }},
		{"says no", func(f *frame) { f.control = 0xC1 }},
		{"data identifier d120 answered", func(f *frame) { f.data[0], f.data[1] = 0xD1, 0x20 }},
		{"serial number 6 answered", func(f *frame) { f.data[2] = 6 }},
		{"2 bytes of data", func(f *frame) { f.data = f.data[:2] }},
		{"101 bytes of data", func(f *frame) { f.data = append(f.data, make([]byte, 101-len(f.data))...) }},
	} {
		wrong := right
		wrong.data = bytes.Clone(right.data)
		c.change(&wrong)
		if _, err := readReply(bytes.NewReader(wrong.pack()), asked); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	twice := append(asked.pack(), asked.pack()...) // an adapter hears itself once; what it hears twice is no answer
	if _, err := readReply(bytes.NewReader(twice), asked); err == nil {
		t.Error("the question was taken for its answer")
	}
	if _, err := readReply(bytes.NewReader(make([]byte, 100)), asked); err == nil || !strings.Contains(err.Error(), "no frame begins") {
		t.Errorf("nothing but noise: %v", err)
	}
}
