package modem

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/warthog618/sms"
	"github.com/warthog618/sms/encoding/tpdu"

	"stillwater"
)

// partial is how long the missing parts of a text are waited for; then what there is is handed on.
const partial = 10 * time.Minute

// kept is one part of a text on the card.
type kept struct {
	index int
	part  *tpdu.TPDU
}

// fetch hands on the texts on the card, the oldest first, and takes off it those that are stored, and what is no text.
func (m *Modem) fetch(ctx context.Context, l *line) error {
	if m.options.Reply == nil {
		return nil
	}
	answer, err := l.Command("+CMGL=4") // all
	if err != nil {
		return fmt.Errorf("texts on the card: %w", err)
	}
	texts := map[string][]kept{}
	for i := 0; i+1 < len(answer); i++ {
		rest, ok := strings.CutPrefix(answer[i], "+CMGL:")
		if !ok {
			continue
		}
		index, err := strconv.Atoi(strings.TrimSpace(strings.Split(rest, ",")[0]))
		if err != nil {
			continue
		}
		part, ok := unmarshal(answer[i+1])
		if !ok || part.SmsType() != tpdu.SmsDeliver {
			if _, err := l.Command(fmt.Sprintf("+CMGD=%d", index)); gone(err) {
				return err
			}
			continue
		}
		texts[textOf(part, index)] = append(texts[textOf(part, index)], kept{index, part})
	}
	whole := [][]kept{}
	for _, parts := range texts {
		whole = append(whole, parts)
	}
	slices.SortFunc(whole, func(a, b []kept) int {
		return cmp.Or(a[0].part.SCTS.Compare(b[0].part.SCTS.Time), a[0].index-b[0].index)
	})
	for _, parts := range whole {
		if err := m.handOn(ctx, l, parts); err != nil {
			return err
		}
	}
	return nil
}

// textOf names the text that a part belongs to.
func textOf(part *tpdu.TPDU, index int) string {
	if segments, _, reference, ok := part.ConcatInfo(); ok && segments > 1 {
		return fmt.Sprintf("%s %d %d", part.OA.Number(), reference, segments)
	}
	return fmt.Sprintf("alone %d", index)
}

// handOn gives a text to Reply and then takes it off the card; one that is not whole waits.
func (m *Modem) handOn(ctx context.Context, l *line, parts []kept) error {
	now := m.options.Now()
	at := parts[0].part.SCTS.Time
	if at.IsZero() || at.After(now) {
		at = now
	}
	slices.SortFunc(parts, func(a, b kept) int { return number(a.part) - number(b.part) })
	once := slices.CompactFunc(slices.Clone(parts), func(a, b kept) bool { return number(a.part) == number(b.part) })
	if segments, _, _, ok := parts[0].part.ConcatInfo(); ok && len(once) < segments && now.Sub(at) < partial {
		return nil
	}
	text := wordsOf(once)
	from := m.international(parts[0].part.OA)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", from, at.Unix(), text))
	if isE164(from) && text != "" { // an operator's own name or short number is nobody's answer
		reply := stillwater.Reply{ID: "modem-" + hex.EncodeToString(sum[:12]), From: stillwater.Phone(from), Text: text, At: at}
		if err := m.options.Reply(ctx, reply); err != nil {
			return nil // it stays on the card and comes again
		}
	}
	for _, p := range parts {
		if _, err := l.Command(fmt.Sprintf("+CMGD=%d", p.index)); gone(err) {
			return err
		}
	}
	return nil
}

// number is which part of its text a part is.
func number(part *tpdu.TPDU) int {
	_, n, _, _ := part.ConcatInfo()
	return n
}

// wordsOf is what the parts of a text say: together, and each by itself where that cannot be read, so that what is missing does not hide the rest.
func wordsOf(parts []kept) string {
	var all []*tpdu.TPDU
	var text strings.Builder
	for _, p := range parts {
		all = append(all, p.part)
		if words, err := sms.Decode(all[len(all)-1:]); err == nil {
			text.Write(words)
		}
	}
	if whole, err := sms.Decode(all); err == nil {
		return string(whole)
	}
	return text.String()
}

// international is a sender's number with its country code.
func (m *Modem) international(a tpdu.Address) string {
	n := a.Number()
	if strings.HasPrefix(n, "+") || m.cfg.Country == "" || len(n) < 7 || strings.Trim(n, "0123456789") != "" {
		return n
	}
	return "+" + m.cfg.Country + strings.TrimPrefix(n, "0")
}
