package mqtt

import (
	"encoding/json"
	"strings"

	"stillwater/adapters/jsonfield"
)

// maxNested bounds how deep a payload may be nested; sensors need five.
const maxNested = 100

// parseJSON gives what encoding/json gives with numbers as they are written and objects as jsonfield.Object, in a tenth of its time: payloads are small, many, and read for a
// few of their values. Strings are parts of the text and not copies. What is not plain (escapes, other than ASCII) is left to encoding/json.
func parseJSON(payload []byte) (any, bool) {
	p := &parser{text: string(payload)}
	v, ok := p.value(0)
	p.space()
	return v, ok && p.at == len(p.text)
}

// A parser is at a place of a text.
type parser struct {
	text string
	at   int
}

func (p *parser) space() {
	for p.at < len(p.text) && (p.text[p.at] == ' ' || p.text[p.at] == '\n' || p.text[p.at] == '\t' || p.text[p.at] == '\r') {
		p.at++
	}
}

// take goes past a byte, if it is the next.
func (p *parser) take(b byte) bool {
	if p.at < len(p.text) && p.text[p.at] == b {
		p.at++
		return true
	}
	return false
}

func (p *parser) value(depth int) (any, bool) {
	p.space()
	if p.at >= len(p.text) || depth > maxNested {
		return nil, false
	}
	switch p.text[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		return p.quoted()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	}
	return p.number()
}

func (p *parser) word(w string) bool {
	if !strings.HasPrefix(p.text[p.at:], w) {
		return false
	}
	p.at += len(w)
	return true
}

func (p *parser) object(depth int) (any, bool) {
	p.at++
	m := make(jsonfield.Object, 0, 16)
	if p.space(); p.take('}') {
		return m, true
	}
	for {
		p.space()
		if p.at >= len(p.text) || p.text[p.at] != '"' {
			return nil, false
		}
		key, ok := p.quoted()
		if p.space(); !ok || !p.take(':') {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		m = append(m, jsonfield.Member{Key: key, Value: v})
		if p.space(); p.take('}') {
			return m, true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

func (p *parser) array(depth int) (any, bool) {
	p.at++
	list := []any{}
	if p.space(); p.take(']') {
		return list, true
	}
	for {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		list = append(list, v)
		if p.space(); p.take(']') {
			return list, true
		}
		if !p.take(',') {
			return nil, false
		}
	}
}

// quoted reads a string; the next byte is its quotation mark.
func (p *parser) quoted() (string, bool) {
	begin := p.at
	plain := true
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			if plain {
				return p.text[begin+1 : p.at-1], true
			}
			var s string
			err := json.Unmarshal([]byte(p.text[begin:p.at]), &s)
			return s, err == nil
		case c == '\\':
			plain = false
			p.at++
		case c < ' ':
			return "", false
		case c >= 0x80:
			plain = false
		}
	}
	return "", false
}

// number reads a number as it is written.
func (p *parser) number() (any, bool) {
	begin := p.at
	p.take('-')
	if !p.take('0') && !p.digits() {
		return nil, false
	}
	if p.take('.') && !p.digits() {
		return nil, false
	}
	if p.take('e') || p.take('E') {
		if !p.take('-') {
			p.take('+')
		}
		if !p.digits() {
			return nil, false
		}
	}
	return json.Number(p.text[begin:p.at]), true
}

// digits goes past digits; false: there are none.
func (p *parser) digits() bool {
	begin := p.at
	for p.at < len(p.text) && '0' <= p.text[p.at] && p.text[p.at] <= '9' {
		p.at++
	}
	return p.at > begin
}
