package modbus

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// A recording is a case in testdata/<profile>: what a device answers, and what that means.
type recording struct {
	About string `yaml:"about"` // where it is from
	Unit  struct {
		Scale   string `yaml:"scale"`
		Order   string `yaml:"order"`
		Counter string `yaml:"counter"`
	} `yaml:"unit"`
	Frames    []struct{ Ask, Reply string } `yaml:"frames"`    // as they go over a serial line, checksums too
	Registers map[string]map[string]string  `yaml:"registers"` // table, address on the wire, words
	Values    map[string]float64            `yaml:"values"`    // quantity, and behind a blank the counter
	Error     string                        `yaml:"error"`     // part of it
	Model     *bool                         `yaml:"recognised"`
	Serial    string                        `yaml:"serial"`
	dump      map[string]map[int][2]byte    // table, address
}

// Every profile that comes with the gateway is right in itself, and decodes what its maker's document, or a device, has.
func TestProfilesAgainstRecordings(t *testing.T) {
	for _, name := range Profiles() {
		cases, err := filepath.Glob("testdata/" + name + "/*.yaml")
		if err != nil || len(cases) == 0 {
			t.Errorf("%s: no recording in testdata/%s", name, name)
		}
		for _, file := range cases {
			t.Run(name+"/"+strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) { readRecording(t, file).check(t, name) })
		}
	}
	folders, _ := filepath.Glob("testdata/*/*.yaml")
	for _, file := range folders {
		if _, err := FindProfile(filepath.Base(filepath.Dir(file)), "", ""); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func readRecording(t *testing.T, file string) *recording {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseRecording(t, file, text)
}

func parseRecording(t *testing.T, file string, text []byte) *recording {
	t.Helper()
	r := &recording{dump: map[string]map[int][2]byte{}}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if r.About == "" {
		t.Errorf("%s does not say where it is from", file)
	}
	for table, runs := range r.Registers {
		for address, words := range runs {
			var at int
			if _, err := fmt.Sscanf(address, "%v", &at); err != nil {
				t.Fatalf("address %q: %v", address, err)
			}
			r.note(table, at, unhex(t, words))
		}
	}
	for _, f := range r.Frames {
		r.frame(t, unhex(t, f.Ask), unhex(t, f.Reply))
	}
	return r
}

func (r *recording) note(table string, at int, raw []byte) {
	if r.dump[table] == nil {
		r.dump[table] = map[int][2]byte{}
	}
	for i := 0; i+1 < len(raw); i += 2 {
		r.dump[table][at+i/2] = [2]byte(raw[i:])
	}
}

// frame takes what was answered out of two frames of a serial line.
func (r *recording) frame(t *testing.T, ask, reply []byte) {
	t.Helper()
	for _, frame := range [][]byte{ask, reply} {
		if n := len(frame) - 2; n < 3 || binary.LittleEndian.Uint16(frame[n:]) != slowCRC(frame[:n]) {
			t.Fatalf("% x has a wrong checksum", frame)
		}
	}
	count := int(binary.BigEndian.Uint16(ask[4:]))
	if ask[0] != reply[0] || ask[1] != reply[1] || int(reply[2]) != 2*count || len(reply) != 5+2*count {
		t.Fatalf("% x does not answer % x", reply, ask)
	}
	r.note(map[byte]string{3: "holding", 4: "input"}[ask[1]], int(binary.BigEndian.Uint16(ask[2:])), reply[3:len(reply)-2])
}

// slowCRC is the checksum of a serial line bit by bit, as the standard describes it.
func slowCRC(frame []byte) uint16 {
	crc := uint16(0xffff)
	for _, b := range frame {
		crc ^= uint16(b)
		for range 8 {
			odd := crc&1 != 0
			crc >>= 1
			if odd {
				crc ^= 0xa001
			}
		}
	}
	return crc
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return b
}

// get gives what the recording has of a need.
func (r *recording) get(n need) []byte {
	var raw []byte
	for i := range n.count {
		word, ok := r.dump[n.table][n.first+i]
		if !ok {
			return nil
		}
		raw = append(raw, word[:]...)
	}
	return raw
}

func (r *recording) check(t *testing.T, name string) {
	u := Unit{Unit: 1, Profile: name, Order: r.Unit.Order, Counter: r.Unit.Counter}
	if r.Unit.Scale != "" {
		if err := u.Scale.UnmarshalText([]byte(r.Unit.Scale)); err != nil {
			t.Fatal(err)
		}
	}
	c := Config{Units: []Unit{u}}
	c.Units[0].validate(&c, func(_ any, problem string) { t.Fatal(problem) }, map[string]bool{})
	u = c.Units[0]
	got, err := u.values(r.get)
	if (err == nil) != (r.Error == "") || err != nil && !strings.Contains(err.Error(), r.Error) {
		t.Errorf("error %v, want %q", err, r.Error)
	}
	for _, v := range got {
		key := strings.TrimSpace(string(v.quantity) + " " + strings.TrimPrefix(strings.TrimPrefix(v.point, "1"), "-"))
		want, known := r.Values[key]
		if !known || math.Abs(v.value-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s is %v, want %v", key, v.value, want)
		}
		delete(r.Values, key)
	}
	for key, want := range r.Values {
		t.Errorf("%s is missing, want %v", key, want)
	}
	p, _ := FindProfile(name, "", "")
	if r.Model != nil && p.recognises(r.get) != *r.Model {
		t.Errorf("recognised is %v", !*r.Model)
	}
	if serial := p.serial(r.get); serial != r.Serial {
		t.Errorf("serial number %q, want %q", serial, r.Serial)
	}
}

// What the document says of a device, in one place: no request is larger than it takes, and nobody's profile is a stub.
func TestProfilesSayWhereTheyAreFrom(t *testing.T) {
	if n := len(Profiles()); n < 13 {
		t.Errorf("%d profiles", n)
	}
	for _, name := range Profiles() {
		p, err := FindProfile(name, "", "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name != "generic" && !strings.Contains(p.Source, "http") && !strings.Contains(p.Source, "Manual") && !strings.HasPrefix(p.Checked, "no") && !strings.HasPrefix(p.Checked, "against") {
			t.Errorf("%s: checked is %q without an address in source", name, p.Checked)
		}
		for _, n := range p.plan().needs() {
			if n.count > p.most() {
				t.Errorf("%s: %v is more than %d registers", name, n, p.most())
			}
		}
	}
}

func TestRollover(t *testing.T) {
	for _, c := range []struct {
		unit  Unit
		point string
		want  stillwater.Litres
	}{
		{Unit{Unit: 3, Scale: 10}, "3", 10 << 32},
		{Unit{Unit: 3, Type: "bcd32", Scale: 1}, "3", 1e8},
		{Unit{Unit: 3, Type: "float32"}, "3", 0},
		{Unit{Unit: 4, Profile: "hardwario-gauger", Scale: 10}, "4-2", 655360},
		{Unit{Unit: 4, Profile: "hardwario-gauger", Scale: 10}, "4", 0},
		{Unit{Unit: 4, Profile: "tuf-2000m"}, "4", 0},
	} {
		if got := c.unit.withDefaults().Rollover(c.point); got != c.want {
			t.Errorf("%+v %s: %v, want %v", c.unit, c.point, got, c.want)
		}
	}
}

// The examples of the page for newcomers are a profile and a recording that belong together.
func TestAddYourDevice(t *testing.T) {
	page, err := os.ReadFile("../ADD-YOUR-DEVICE.md")
	if err != nil {
		t.Fatal(err)
	}
	var profile, recorded string
	for i, part := range strings.Split(string(page), "```") {
		text, isYAML := strings.CutPrefix(part, "yaml\n")
		switch {
		case i%2 == 0 || !isYAML:
		case strings.HasPrefix(text, "model:"):
			profile = text
		case strings.HasPrefix(text, "about:"):
			recorded = text
		}
	}
	file := filepath.Join(t.TempDir(), "acme-wm20.yaml")
	if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
		t.Fatal(err)
	}
	parseRecording(t, "the page's recording", []byte(recorded)).check(t, file)
	for _, name := range Profiles() {
		readme, err := os.ReadFile("README.md")
		if err != nil || !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("%s is not in the table of README.md", name)
		}
	}
}
