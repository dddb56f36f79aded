package modbus

import (
	"fmt"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"stillwater"
)

// A Profile is what there is to know of one model on the wire: which registers hold what, and how. It is data, one file a model: see
// ADD-YOUR-DEVICE.md in the folder above. Everything in it is as its maker's document has it; `source` names the document.
type Profile struct {
	Name      string  // of its file, without .yaml
	Model     string  `yaml:"model"`              // maker and model as people know it
	Source    string  `yaml:"source"`             // the document that the registers are from
	Checked   string  `yaml:"checked"`            // yes or no, and how
	Notes     string  `yaml:"notes,omitempty"`    // what an installer must know
	Numbering string  `yaml:"numbering"`          // how the document counts registers: see numberings
	Link      Link    `yaml:"link,omitempty"`     // as delivered
	Most      int     `yaml:"max_registers"`      // in one request; 0: as many as Modbus allows
	Table     string  `yaml:"table,omitempty"`    // of every place that names none; default holding
	Order     string  `yaml:"order,omitempty"`    // of every place that names none; default ABCD
	Values    []Gauge `yaml:"values"`             // what the device measures, and says of itself
	Identify  []Sign  `yaml:"identify,omitempty"` // all of them true: it is this model
	Serial    *Place  `yaml:"serial,omitempty"`   // its number, as printed on it

	at
}

// Link is how the serial port of a device stands when it is delivered.
type Link struct {
	Baud   int    `yaml:"baud,omitempty"`
	Parity string `yaml:"parity,omitempty"` // none, even or odd
	Stop   int    `yaml:"stop,omitempty"`
	Pause  string `yaml:"pause,omitempty"` // rest that it needs between two requests, like 50ms

	at
}

// A Place is where a number stands, and how.
type Place struct {
	Table    string   `yaml:"table,omitempty"`
	Register Number   `yaml:"register"` // as the document counts it
	Type     string   `yaml:"type,omitempty"`
	Length   int      `yaml:"registers,omitempty"` // of text alone
	Order    string   `yaml:"order,omitempty"`
	None     []Number `yaml:"none,omitempty"` // the bits, highest byte first, that mean no value

	at
}

// A Gauge is one value of a device. Which keys it has depends on its quantity: a volume, a flow and a level have a scale, a flag has bits.
type Gauge struct {
	Place    `yaml:",inline"`
	Quantity stillwater.Quantity `yaml:"quantity"`
	Point    string              `yaml:"point,omitempty"` // tells several counters of one unit apart

	Scale         string            `yaml:"scale,omitempty"` // how much one count is; "ask": it depends on what is connected
	Fraction      *Fraction         `yaml:"fraction,omitempty"`
	ScaleRegister *Lookup           `yaml:"scale_register,omitempty"`
	UnitRegister  *Lookup           `yaml:"unit_register,omitempty"`
	Rollover      stillwater.Litres `yaml:"rollover,omitempty"` // first volume that the counter cannot show

	Bit    *int    `yaml:"bit,omitempty"`    // of the register, 0 is the lowest: set means yes
	Bits   *Number `yaml:"bits,omitempty"`   // any of these set means yes
	Equals *Number `yaml:"equals,omitempty"` // the register, or what Bits leaves of it, is just this: yes
}

// A Fraction is the second half of a number that is split in two: what follows the decimal point.
type Fraction struct {
	Place `yaml:",inline"`
	Parts Number `yaml:"parts,omitempty"` // how many make one of the first half; left out: the register holds a part of 1, like 0.25
}

// A Lookup is a setting of the device that says how to read a value.
type Lookup struct {
	Place `yaml:",inline"`
	Codes map[int64]string `yaml:"codes,omitempty"` // what each number in the register means
	Power *int             `yaml:"power,omitempty"` // the scale is ten to the power of the register and this
}

// A Sign is what only this model answers.
type Sign struct {
	Place  `yaml:",inline"`
	Equals *Number `yaml:"equals,omitempty"`
	Text   string  `yaml:"text,omitempty"` // with which the text begins
}

// at is the line that something stands in.
type at struct{ line int }

// numberings is how documents count registers, and what has to be taken away to get the address on the wire. A Modicon number names the
// table by its first digit.
var numberings = map[string]int{"address": 0, "register": 1, "modicon": 1}

// A Number is a whole number as people write it in register tables: 12, 0012 (never octal) or 0x0C.
type Number int64

// UnmarshalYAML reads a number.
func (n *Number) UnmarshalYAML(node *yaml.Node) error {
	text := strings.ToLower(strings.ReplaceAll(node.Value, "_", ""))
	if hex, is := strings.CutPrefix(text, "0x"); is {
		u, err := strconv.ParseUint(hex, 16, 64)
		*n = Number(u)
		return numberError(node, err)
	}
	i, err := strconv.ParseInt(text, 10, 64)
	*n = Number(i)
	return numberError(node, err)
}

func numberError(node *yaml.Node, err error) error {
	if err != nil || node.Kind != yaml.ScalarNode {
		return fmt.Errorf("%q is no whole number; write like 12 or 0x000C", node.Value)
	}
	return nil
}

// wire is the table and the address on the wire that a place means. problem is empty if it means one.
func (p *Profile) wire(l Place) (table string, address int, problem string) {
	table = first(l.Table, p.Table, "holding")
	n := int(l.Register)
	if p.Numbering != "modicon" {
		address = n - numberings[p.Numbering]
		if address < 0 || address > 65535 {
			return table, 0, fmt.Sprintf("register %d is none that can be read; with numbering: %s they go from %d to %d",
				n, p.Numbering, numberings[p.Numbering], 65535+numberings[p.Numbering])
		}
		return table, address, ""
	}
	digit, address := n/10000, n%10000
	if n >= 100000 { // six digits, for more than 9,999 registers
		digit, address = n/100000, n%100000
	}
	meant, known := map[int]string{0: "coil", 1: "discrete", 3: "input", 4: "holding"}[digit]
	if !known || address < 1 || address > 65536 {
		return table, 0, fmt.Sprintf("register %d is no Modicon number; they begin with 4 (holding), 3 (input), 1 (discrete) or 0 (coil), like 40001", n)
	}
	if l.Table != "" && l.Table != meant {
		return table, 0, fmt.Sprintf("register %d is in the table %s by its first digit, not in %s; remove table", n, meant, l.Table)
	}
	return meant, address - 1, ""
}

// encoding is how the number of a place is written.
func (p *Profile) encoding(l Place) encoding {
	e := encoding{kind: l.Type, order: first(l.Order, p.Order, "ABCD")}
	for _, n := range l.None {
		e.none = append(e.none, uint64(n))
	}
	return e
}

// isFlag says whether a quantity is a yes or a no.
func isFlag(q stillwater.Quantity) bool {
	return q == stillwater.Door || q.OfDevice() && q != stillwater.Signal
}

// isBits says whether a table holds bits, not registers.
func isBits(table string) bool { return table == "coil" || table == "discrete" }

// first is the first text that is one.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
