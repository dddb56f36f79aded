package mqtt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"strconv"
)

// A decoder reads the bytes of a device as its maker's own decoder does, into the same names.
type decoder func(port int, data []byte) (map[string]any, error)

// decoders is every decoder, by the name that formats use.
var decoders = map[string]decoder{
	"milesight":          milesight,
	"dragino-lds02":      draginoLDS02,
	"dragino-lds03a":     draginoLDS03A,
	"dragino-sw3l":       draginoSW3L,
	"dragino-sw3l-log":   draginoSW3LLog,
	"dragino-lds03a-log": draginoLDS03ALog,
}

var errBytes = errors.New("not the bytes of this device")

func number(n float64) json.Number {
	return json.Number(strconv.FormatFloat(n, 'f', -1, 64))
}

// A channel of Milesight's payloads: id and type, how long, and what it says. What says nothing for us is there for its length.
type channel struct {
	id, kind byte
	length   int
	read     func(doc map[string]any, b []byte)
}

// milesightChannels is what EM300-MCS, WS301 and EM300-DI send. Channel 3 is the temperature of one and the magnet of the other; the type
// tells them apart.
var milesightChannels = []channel{
	{0x01, 0x75, 1, func(d map[string]any, b []byte) { d["battery"] = number(float64(b[0])) }},
	{0x03, 0x67, 2, nil},
	{0x04, 0x68, 1, nil},
	{0x03, 0x00, 1, func(d map[string]any, b []byte) { d["magnet_status"] = oneOf(b[0], "close", "open") }},
	{0x06, 0x00, 1, func(d map[string]any, b []byte) { d["magnet_status"] = oneOf(b[0], "close", "open") }},
	{0x04, 0x00, 1, func(d map[string]any, b []byte) { d["tamper_status"] = oneOf(b[0], "installed", "uninstalled") }},
	{0x05, 0x00, 1, nil},
	{0x85, 0x00, 2, nil},
	{0x05, 0xc8, 4, func(d map[string]any, b []byte) { d["pulse"] = number(float64(binary.LittleEndian.Uint32(b))) }},
	{0x05, 0xe1, 8, milesightWater},
	{0x85, 0xe1, 9, milesightWater},
	{0xff, 0x01, 1, nil}, {0xff, 0x09, 2, nil}, {0xff, 0x0a, 2, nil}, {0xff, 0xff, 2, nil}, {0xff, 0x16, 8, nil}, {0xff, 0x08, 6, nil},
	{0xff, 0x0f, 1, nil}, {0xff, 0xfe, 1, nil}, {0xff, 0x0b, 1, nil},
}

func oneOf(b byte, zero, one string) any {
	switch b {
	case 0:
		return zero
	case 1:
		return one
	}
	return "unknown"
}

func milesightWater(d map[string]any, b []byte) {
	if litres := float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4:]))); !math.IsNaN(litres) && !math.IsInf(litres, 0) {
		d["water"] = number(litres)
	}
}

// milesight reads channel after channel. What comes after one that is not known cannot be read, and is left, as the maker's decoder does.
func milesight(_ int, data []byte) (map[string]any, error) {
	doc := map[string]any{}
	for len(data) >= 2 {
		id, kind, rest := data[0], data[1], data[2:]
		n := 0
		if id == 0x20 && kind == 0xce || id == 0x21 && kind == 0xce {
			n = milesightHistory(doc, id, rest)
		} else {
			n = milesightChannel(doc, id, kind, rest)
		}
		if n == 0 {
			break
		}
		data = rest[n:]
	}
	if len(doc) == 0 && len(data) > 0 {
		return nil, errBytes
	}
	return doc, nil
}

// milesightChannel reads one channel and says how long it was; 0: it is not known, or cut off.
func milesightChannel(doc map[string]any, id, kind byte, rest []byte) int {
	for _, c := range milesightChannels {
		if c.id == id && c.kind == kind && len(rest) >= c.length {
			if c.read != nil {
				c.read(doc, rest)
			}
			return c.length
		}
	}
	return 0
}

// milesightHistory reads one record of what was. Its form is that of the device: a contact's is 8 bytes long, a pulse counter's 13, and
// one with litres 18. A contact's record ends in 0 or 1; a counter has there the kind of its input, 1 or 2, and goes on.
func milesightHistory(doc map[string]any, id byte, b []byte) int {
	point := map[string]any{}
	n := 0
	switch {
	case id == 0x21 && len(b) >= 18:
		n = 18
		if b[8] == 2 {
			milesightWater(point, b[10:])
		}
	case id == 0x20 && len(b) >= 13 && (b[7] == 2 || b[7] == 1) && (len(b) == 13 || b[13] == 0x20 && b[14] == 0xce && len(b)%15 == 13):
		n = 13
		if b[7] == 2 {
			point["pulse"] = number(float64(binary.LittleEndian.Uint32(b[9:])))
		}
	case id == 0x20 && len(b) >= 8:
		n = 8
		point["magnet_status"] = oneOf(b[7], "close", "open")
	default:
		return 0
	}
	point["timestamp"] = number(float64(binary.LittleEndian.Uint32(b)))
	list, _ := doc["history"].([]any)
	doc["history"] = append(list, point)
	return n
}

func uint24(b []byte) float64 { return float64(int(b[0])<<16 | int(b[1])<<8 | int(b[2])) }

// draginoLDS02 reads ten bytes: battery and states, mode, times and duration.
func draginoLDS02(_ int, b []byte) (map[string]any, error) {
	if len(b) < 10 {
		return nil, errBytes
	}
	doc := map[string]any{"MOD": number(float64(b[2])), "BAT_V": number(float64(binary.BigEndian.Uint16(b)&0x3fff) / 1000)}
	if b[2] == 1 || b[2] == 3 {
		doc["DOOR_OPEN_STATUS"] = number(float64(b[0] >> 7))
	}
	if b[2] == 2 || b[2] == 3 {
		doc["WATER_LEAK_STATUS"] = number(float64(b[0] >> 6 & 1))
	}
	if b[2] == 1 {
		doc["DOOR_OPEN_TIMES"] = number(uint24(b[3:]))
	}
	return doc, nil
}

// draginoLDS03A reads port 2: the door's state, how often and how long it was open, and the device's time; the log is port 3.
func draginoLDS03A(port int, b []byte) (map[string]any, error) {
	switch {
	case port == 3:
		return draginoLDS03ALog(port, b)
	case port == 4 || port == 5:
		return map[string]any{}, nil // settings and versions
	case len(b) != 11 && len(b) != 18:
		return nil, errBytes
	}
	doc := map[string]any{"DOOR_OPEN_STATUS": oneOf(b[0]&1, "CLOSE", "OPEN"), "DOOR_OPEN_TIMES": number(uint24(b[1:]))}
	if len(b) == 18 {
		doc = map[string]any{
			"DOOR1_OPEN_STATUS": oneOf(b[0]&1, "CLOSE", "OPEN"), "DOOR1_OPEN_TIMES": number(uint24(b[1:])),
			"DOOR2_OPEN_STATUS": oneOf(b[11]&1, "CLOSE", "OPEN"), "DOOR2_OPEN_TIMES": number(uint24(b[12:])),
		}
	}
	return doc, nil
}

// draginoLDS03ALog reads what the door did before, eleven bytes each.
func draginoLDS03ALog(_ int, b []byte) (map[string]any, error) {
	return draginoLog(b, func(b []byte) map[string]any {
		return map[string]any{"DOOR_OPEN_STATUS": oneOf(b[0]&1, "CLOSE", "OPEN")}
	})
}

// draginoSW3L reads port 2: a pulse count since the beginning, or since the message before in mode 1.
func draginoSW3L(port int, b []byte) (map[string]any, error) {
	switch {
	case port == 3:
		return draginoSW3LLog(port, b)
	case port == 4 || port == 5:
		return map[string]any{}, nil
	case len(b) < 11:
		return nil, errBytes
	}
	doc := map[string]any{"MOD": number(float64(b[5])), "Calculate_flag": number(float64(b[0] >> 2)), "Data_time": number(float64(binary.BigEndian.Uint32(b[7:])))}
	pulses := number(float64(binary.BigEndian.Uint32(b[1:])))
	if b[5] == 1 {
		doc["Last_pulse"] = pulses
	} else {
		doc["Total_pulse"] = pulses
	}
	return doc, nil
}

// draginoSW3LLog reads the log. Of a record in mode 1 nothing can be used: what was counted in it belongs to a span of its own.
func draginoSW3LLog(_ int, b []byte) (map[string]any, error) {
	return draginoLog(b, func(b []byte) map[string]any {
		doc := map[string]any{"Calculate_flag": number(float64(b[0] >> 2)), "MOD": number(float64(b[1]))}
		if b[1] != 1 {
			doc["Total_pulse"] = number(float64(binary.BigEndian.Uint32(b[3:])))
		}
		return doc
	})
}

func draginoLog(b []byte, read func([]byte) map[string]any) (map[string]any, error) {
	const length = 11
	if len(b) == 0 || len(b)%length != 0 {
		return nil, errBytes
	}
	var list []any
	for ; len(b) > 0; b = b[length:] {
		record := read(b)
		record["timestamp"] = number(float64(binary.BigEndian.Uint32(b[7:])))
		list = append(list, record)
	}
	return map[string]any{"log": list}, nil
}
