package mqtt

import (
	"slices"
	"strconv"
	"strings"

	"stillwater/adapters/jsonfield"
)

// What is kept of messages that no format knows.
const (
	maxLeaves = 20_000
	maxTexts  = 4 // different values of one place: a door has two
	maxDepth  = 6
)

// A leaf is one place in the payloads of one topic, and what stood there.
type leaf struct {
	topic, path string
	texts       []string // different ones, in order of coming
	last        string
	changes     int
	live        bool // at least once as it was sent
}

// leaf notes everything in a message that no format knows.
func (h *Hearing) leaf(m message) {
	if len(m.payload) > maxPayload {
		return
	}
	doc, err := parsePayload(m.payload, true)
	if err == nil {
		h.walk(m, doc, "", 0)
	}
}

func (h *Hearing) walk(m message, doc any, path string, depth int) {
	if depth > maxDepth {
		return
	}
	deeper := func(key string) string { return strings.TrimPrefix(path+"."+key, ".") }
	switch doc := doc.(type) {
	case jsonfield.Object:
		for _, one := range jsonfield.Members(doc) {
			h.walk(m, one.Value, deeper(one.Key), depth+1)
		}
	case []any:
		for i, one := range doc {
			h.walk(m, one, deeper(strconv.Itoa(i)), depth+1)
		}
	default:
		if text := jsonfield.Text(doc); text != "" {
			h.noteLeaf(m, path, text)
		}
	}
}

func (h *Hearing) noteLeaf(m message, path, text string) {
	key := m.topic + "\n" + path
	l := h.leaves[key]
	if l == nil {
		if len(h.order) >= maxLeaves {
			return
		}
		l = &leaf{topic: m.topic, path: path}
		h.leaves[key] = l
		h.order = append(h.order, l)
	}
	if l.last != "" && l.last != text {
		l.changes++
	}
	l.last, l.live = text, l.live || !m.retained
	if !slices.Contains(l.texts, text) && len(l.texts) < maxTexts {
		l.texts = append(l.texts, text)
	}
}

// Others are the topics that no format knows, in order.
func (h *Hearing) Others() []string {
	var list []string
	for _, l := range h.order {
		if !slices.Contains(list, l.topic) {
			list = append(list, l.topic)
		}
	}
	slices.Sort(list)
	return list
}
