package modbus

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stillwater"
)

const plain = `model: Test meter
source: the test
checked: no
numbering: register
values:
  - {quantity: water.total, register: 9, type: uint32, scale: 1 L}
`

// Every mistake is told with its line, and says how to mend it.
func TestProfileMistakes(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"no source", "source: the test\n", "", "m.yaml:1: source is missing; write the document"},
		{"numbering", "numbering: register", "numbering: zero", `m.yaml:1: numbering is "zero"; write address`},
		{"key", "checked: no", "cheked: no", `m.yaml:3: unknown key "cheked"; did you mean checked?`},
		{"twice", "checked: no", "checked: no\nchecked: yes", "m.yaml:4: checked is there twice"},
		{"quantity", "water.total", "water.totl", `m.yaml:6: unknown quantity "water.totl"; did you mean water.total?`},
		{"type", "uint32", "uint33", `m.yaml:6: unknown type "uint33"; did you mean`},
		{"no type", ", type: uint32", "", "m.yaml:6: type is missing; write one of bcd16"},
		{"no scale", ", scale: 1 L", "", "m.yaml:6: scale is missing; write how much one count is, like 1 m³"},
		{"scale without unit", "1 L", "1", `m.yaml:6: scale: "1" has no unit`},
		{"nothing", "1 L", "0 L", `m.yaml:6: scale: "0 L" is nothing`},
		{"flow as volume", "quantity: water.total", "quantity: water.flow", `m.yaml:6: scale: "1 L" is no flow; write like 1 m³/h`},
		{"register 0 counted from 1", "register: 9", "register: 0", "m.yaml:6: register 0 is none that can be read; with numbering: register they go from 1 to 65536"},
		{"register in words", "register: 9", "register: nine", `m.yaml:6: register: "nine" is no whole number; write like 12 or 0x000C`},
		{"last register", "register: 9", "register: 65536", "m.yaml:6: a uint32 takes 2 registers, more than there are"},
		{"modicon", "numbering: register", "numbering: modicon", "m.yaml:6: water.total is a number, and coil holds bits"},
		{"modicon 2", "numbering: register\nvalues:\n  - {quantity: water.total, register: 9", "numbering: modicon\nvalues:\n  - {quantity: water.total, register: 20001", "m.yaml:6: register 20001 is no Modicon number"},
		{"far fraction", "scale: 1 L", "scale: 1 L, fraction: {register: 500, type: float32}", "m.yaml:6: the fraction is so far"},
		{"fraction in another table", "scale: 1 L", "scale: 1 L, fraction: {register: 11, table: input, type: float32}", "m.yaml:6: the fraction is so far"},
		{"bit of a number", "scale: 1 L", "scale: 1 L, bit: 3", "m.yaml:6: bit, bits and equals are for what is yes or no"},
		{"flag with scale", "quantity: water.total", "quantity: fault.leak", "m.yaml:6: fault.leak is yes or no; it has no scale"},
		{"flag without a bit", "quantity: water.total, register: 9, type: uint32, scale: 1 L", "quantity: fault.leak, register: 9, type: uint16", "m.yaml:6: say when it is yes"},
		{"bit too high", "quantity: water.total, register: 9, type: uint32, scale: 1 L", "quantity: fault.leak, register: 9, type: uint16, bit: 16", "m.yaml:6: bit 16 is not in a uint16"},
		{"number in bits", "register: 9", "table: coil, register: 9", "m.yaml:6: water.total is a number, and coil holds bits"},
		{"two units", "scale: 1 L", "scale: 1 L, unit_register: {register: 3, type: uint16, codes: {0: 1 L}}", "m.yaml:6: both scale and unit_register"},
		{"code", "scale: 1 L", "unit_register: {register: 3, type: uint16, codes: {0: 1 gallon}}", `m.yaml:6: code 0: "1 gallon" has the unknown unit "gallon"`},
		{"no codes", "scale: 1 L", "unit_register: {register: 3, type: uint16}", "m.yaml:6: say what the register means"},
		{"parity", "numbering: register", "numbering: register\nlink: {parity: evn}", `m.yaml:5: unknown parity "evn"; did you mean even?`},
		{"order", "numbering: register", "numbering: register\norder: BACD", `unknown order "BACD"`},
		{"limit", "numbering: register", "numbering: register\nmax_registers: 200", "max_registers is 200; write 1 to 125"},
		{"limit too small", "numbering: register", "numbering: register\nmax_registers: 1", "m.yaml:7: a uint32 takes 2 registers, more than there are"},
		{"twice the same", "\nvalues:", "\nvalues:\n  - {quantity: water.total, register: 19, type: uint32, scale: 1 L}", "m.yaml:7: water.total is there twice; give each counter a point"},
		{"no values", "values:\n  - {quantity: water.total, register: 9, type: uint32, scale: 1 L}\n", "", "values is missing, so nothing would be read"},
		{"no list", "values:\n  - {", "values:\n  {", "m.yaml:6: values is a list"},
		{"no YAML", "model: Test meter", "model: [Test", "m.yaml:"},
	} {
		text := strings.Replace(plain, c.old, c.new, 1)
		if text == plain {
			t.Fatalf("%s: nothing replaced", c.name)
		}
		if _, err := ParseProfile("m.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\nwant %s", c.name, err, c.want)
		}
	}
	if _, err := ParseProfile("m.yaml", []byte(plain)); err != nil {
		t.Error(err)
	}
	if _, err := ParseProfile("m.yaml", nil); err == nil {
		t.Error("an empty profile passed")
	}
}

// Numbers are read as register tables write them; a zero in front is no octal.
func TestNumberingOnTheWire(t *testing.T) {
	for _, c := range []struct {
		numbering, register, table string
		want                       need
	}{
		{"address", "0012", "", need{"holding", 12, 2}},
		{"address", "0x0C", "input", need{"input", 12, 2}},
		{"register", "0009", "", need{"holding", 8, 2}},
		{"modicon", "40001", "", need{"holding", 0, 2}},
		{"modicon", "30011", "", need{"input", 10, 2}},
		{"modicon", "465535", "", need{"holding", 65534, 2}},
	} {
		text := strings.Replace(plain, "register: 9", "register: "+c.register, 1)
		text = strings.Replace(text, "numbering: register", "numbering: "+c.numbering, 1)
		if c.table != "" {
			text = strings.Replace(text, "type:", "table: "+c.table+", type:", 1)
		}
		p, err := ParseProfile("m.yaml", []byte(text))
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if got := p.plan().needs()[0]; got != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// A profile of one's own is found beside the configuration, by its path or by its name in a folder, and an unknown one names the nearest.
func TestFindProfile(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"mine.yaml", "own/tuf-2000m.yaml", "own/other.yaml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), []byte(strings.Replace(plain, "Test meter", f, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ name, own, model, problem string }{
		{"./mine.yaml", "", "mine.yaml", ""},
		{"mine.yaml", "", "mine.yaml", ""},
		{filepath.Join(dir, "mine.yaml"), "", "mine.yaml", ""},
		{"tuf-2000m", "own", "own/tuf-2000m.yaml", ""},
		{"tuf-2000m", "", "TUF-2000M and TUF-2000F ultrasonic flow meters (clamp-on)", ""},
		{"tuf2000", "", "", `unknown profile "tuf2000"; did you mean tuf-2000m?`},
		{"othr", "own", "", `unknown profile "othr"; did you mean other?`},
		{"zzz", "", "", `known are abb-aquamaster3`},
		{"./none.yaml", "", "", "no such file"},
		{"../" + filepath.Base(dir), "", "", "is no profile"},
	} {
		p, err := FindProfile(c.name, dir, c.own)
		if c.problem != "" {
			if err == nil || !strings.Contains(err.Error(), c.problem) {
				t.Errorf("%s: %v, want %s", c.name, err, c.problem)
			}
			continue
		}
		if err != nil || p.Model != c.model {
			t.Errorf("%s: %v, %v", c.name, p, err)
		}
	}
}

// A unit with a profile is checked against it.
func TestUnitMistakes(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		want string
	}{
		{Unit{Unit: 1, Profile: "tuf-2000n"}, "did you mean tuf-2000m?"},
		{Unit{Unit: 1, Profile: "tuf-2000m", Register: 3}, "the profile says register, function and type"},
		{Unit{Unit: 1, Profile: "tuf-2000m", Counter: "2"}, "tuf-2000m has no counters to choose from"},
		{Unit{Unit: 1, Profile: "advantech-adam-4150"}, "write it, like scale: 10 L"},
		{Unit{Unit: 1, Profile: "advantech-adam-4150", Scale: 1, Counter: "7"}, `unknown counter "7"`},
		{Unit{Unit: 1, Counter: "2"}, "here the register says which; remove it"},
		{Unit{Unit: 1, Type: "uint33"}, `"uint33" is not a type of counter`},
		{Unit{Unit: 1, Profile: "tuf-2000m", Scale: 1, Order: "ABCD"}, ""},
		{Unit{Unit: 1, Type: "bcd32", Order: "DCBA"}, ""},
	} {
		config := Config{Units: []Unit{c.unit}}
		var problems []string
		config.Units[0].validate(&config, func(_ any, problem string) { problems = append(problems, problem) }, map[string]bool{})
		if got := strings.Join(problems, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.unit, got, c.want)
		}
	}
	config := Config{Units: []Unit{{Unit: 1, Profile: "hardwario-gauger", Scale: 1}, {Unit: 1, Profile: "hardwario-gauger", Counter: "2", Scale: 1}}}
	seen, twice := map[string]bool{}, ""
	for i := range config.Units {
		config.Units[i].validate(&config, func(_ any, problem string) { twice += problem }, seen)
	}
	if !strings.Contains(twice, `"1-2" is there twice`) {
		t.Errorf("the same counter twice: %q", twice)
	}
}

// The sources of a unit with several counters, with and without names of one's own.
func TestPoints(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		want string
	}{
		{Unit{Unit: 3}, "3"},
		{Unit{Unit: 3, Point: "kitchen"}, "kitchen"},
		{Unit{Unit: 3, Profile: "tuf-2000m"}, "3"},
		{Unit{Unit: 3, Profile: "hardwario-gauger"}, "3-1 3-2 3-3 3-4"},
		{Unit{Unit: 3, Profile: "hardwario-gauger", Point: "riser"}, "riser-1 riser-2 riser-3 riser-4"},
		{Unit{Unit: 3, Profile: "hardwario-gauger", Counter: "2"}, "3-2"},
		{Unit{Unit: 3, Profile: "hardwario-gauger", Counter: "2", Point: "3-hot"}, "3-hot"},
	} {
		if got := strings.Join(c.unit.withDefaults().Points(), " "); got != c.want {
			t.Errorf("%+v: %s, want %s", c.unit, got, c.want)
		}
	}
}

// Flags of a board with bits, and a door.
func TestDoorContact(t *testing.T) {
	p, err := ParseProfile("m.yaml", []byte(strings.Replace(plain, "  - {quantity: water.total, register: 9, type: uint32, scale: 1 L}",
		"  - {quantity: door, point: d1, table: discrete, register: 3}\n  - {quantity: door, point: d2, table: discrete, register: 4, equals: 0}", 1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, bit := range []byte{0, 1} {
		values, err := p.plan().read(func(n need) []byte { return []byte{bit | 0xfe} })
		if err != nil || len(values) != 2 || values[0].value != float64(bit) || values[1].value != 1-float64(bit) || values[0].quantity != stillwater.Door {
			t.Errorf("bit %d: %v, %v", bit, values, err)
		}
	}
}

// A unit's own scale takes the place of all that the profile has, its settings in registers too; without one, a total whose scale nobody
// knows is no total. A counter by itself comes with what the device says of itself.
func TestUnitOverProfile(t *testing.T) {
	tuf := Unit{Unit: 1, Profile: "tuf-2000m", Scale: 10}.withDefaults()
	values, err := tuf.values(func(n need) []byte {
		if n.first > 1000 { // the settings
			return nil
		}
		raw := make([]byte, 2*n.count)
		if n.first == 8 {
			raw[1] = 7
		}
		return raw
	})
	if err != nil || values[0].value != 70 {
		t.Errorf("a scale of its own: %v, %v", values, err)
	}
	for _, n := range tuf.needs() {
		if n.first > 1000 {
			t.Errorf("%v is read in vain", n)
		}
	}
	pulses := Unit{Unit: 1, Profile: "generic"}.withDefaults()
	if values, err := pulses.values(func(n need) []byte { return make([]byte, 4) }); err == nil {
		t.Errorf("pulses without a scale: %v", values)
	}
	p, err := ParseProfile("m.yaml", []byte(strings.Replace(plain, "values:\n", "values:\n  - {quantity: fault.battery, register: 1, type: uint16, bit: 0}\n  - {quantity: water.total, point: b, register: 19, type: uint32, scale: 1 L}\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	one := Unit{Unit: 1, Point: "cold", Counter: "b", plan: p.plan().only("b")}
	values, err = one.values(func(n need) []byte { return make([]byte, 2*n.count) })
	if err != nil || len(values) != 2 || values[0] != (value{stillwater.BatteryLow, "cold", 0}) || values[1] != (value{stillwater.WaterTotal, "cold", 0}) {
		t.Errorf("one counter: %v, %v", values, err)
	}
}

// The serial line is as its devices are delivered, unless the configuration says otherwise; devices that cannot share it are told.
func TestSerialLineAsDelivered(t *testing.T) {
	tuf, bove := Unit{Unit: 1, Profile: "tuf-2000m"}, Unit{Unit: 2, Profile: "bove-ultrasonic"}
	one := Config{Name: "b", Units: []Unit{bove, {Unit: 3}}}
	one.Serial = "/dev/ttyUSB0"
	if got := one.withDefaults().Link; got.Baud != 2400 || got.Parity != "even" || got.StopBits != 1 {
		t.Errorf("one model: %+v", got)
	}
	one.Baud = 9600
	if got := one.withDefaults().Link; got.Baud != 9600 || got.Parity != "" {
		t.Errorf("said: %+v", got)
	}
	both := Config{Name: "b", Units: []Unit{tuf, bove}}
	both.Serial = "/dev/ttyUSB0"
	problems := func() (all string) {
		both.Validate(func(_ any, problem string) { all += problem })
		return all
	}
	if got := problems(); !strings.Contains(got, "tuf-2000m is delivered with 9600 baud and parity none, bove-ultrasonic with 2400 and even") {
		t.Errorf("two models: %q", got)
	}
	both.Baud = 9600
	if got := problems(); got != "" {
		t.Errorf("two models, and the speed said: %q", got)
	}
	both.Baud, both.Serial, both.Address = 0, "", "10.0.0.5:502"
	if got := problems(); got != "" {
		t.Errorf("behind a Modbus TCP gateway: %q", got)
	}
}

// What the maker calls no value makes a total a fault.
func TestProfileNone(t *testing.T) {
	for _, none := range []string{"0x7FFFFFFF", "2147483647"} {
		p, err := ParseProfile("m.yaml", []byte(strings.Replace(plain, "scale: 1 L", "scale: 1 L, none: [0, "+none+"]", 1)))
		if err != nil {
			t.Fatal(err)
		}
		for raw, bad := range map[string]bool{"\x7f\xff\xff\xff": true, "\x00\x00\x00\x00": true, "\x7f\xff\xff\xfe": false} {
			if values, err := p.plan().read(func(need) []byte { return []byte(raw) }); (err != nil) != bad {
				t.Errorf("none %s: % x is %v, %v", none, raw, values, err)
			}
		}
	}
}
