package words

import (
	"slices"
	"strings"
)

// A piece is one sentence of a text, in one or several wordings, the fullest first; the last may be empty.
type piece []wording

// A wording gives way to the next when the text is too long.
type wording struct {
	text  string
	yield weight
}

// A weight says what of a text that is too long yields first. Who, what, since when and up to when there is data never yield.
type weight int

// The weights, from what yields first to what yields last.
const (
	byNight    weight = iota // that it was night
	byChance                 // how often a year so much is to be expected
	byLife                   // the last signs of life by kind: the last of all is in the sentence itself
	byDay                    // the longest stillness of a day, where that of the hour is told
	byAmount                 // litres in all, and an hour
	byNoDoor                 // that there never was a door contact
	byStep                   // that the meter counts in large steps
	byCadence                // that data come seldom
	byLength                 // a longer wording
	byDigits                 // the longer wording of how to reply
	byHole                   // that nothing is known of some of the time
	byLeak                   // that protection is reduced
	byUsual                  // what is usual at this hour
	byMembers                // which homes of a group
	bySentence               // the longer wording of what it is about, or is asked
	byTogether               // that several live there, so that it cannot be told who
	byDoubt                  // that the door is not believed, so that out or in cannot be told
	byReply                  // all digits but the first; what is asked, and that it is told again
	never
)

// always is a sentence that stays, in the shortest of its wordings at least; they stand between bars.
func always(text string) piece { return worded(text, bySentence) }

// hardly is a sentence that goes when nothing else can: a question that how to reply asks too, or that it is not the first word.
func hardly(text string) piece {
	p := always(text)
	p[len(p)-1].yield = byReply
	return append(p, wording{"", never})
}

// unless is a sentence that goes by its weight, its longer wordings before that.
func unless(yield weight, text string) piece {
	if text == "" {
		return nil
	}
	p := worded(text, min(yield, byLength))
	p[len(p)-1].yield = yield
	return append(p, wording{"", never})
}

// worded are wordings of which each gives way to the next by the weight.
func worded(text string, yield weight) (p piece) {
	for t := range strings.SplitSeq(text, "|") {
		p = append(p, wording{t, yield})
	}
	return p
}

// fit is the text that frame makes of the pieces, in at most so many segments, as far as they can yield. What has yielded and has room after
// all, for something longer has yielded since, comes back.
func fit(pieces []piece, segments int, joint string, frame func(body string) string) string {
	fits := func() (text string, ok bool) {
		text = frame(join(pieces, joint))
		n, _ := Segments(text)
		return text, n <= segments
	}
	text, ok := fits()
	var yielded []yielding
	for ; !ok; text, ok = fits() {
		y, any := yield(pieces)
		if !any {
			return text
		}
		yielded = append(yielded, y)
	}
	for _, y := range slices.Backward(yielded) {
		now := pieces[y.at]
		if len(now) != len(y.from)-1 {
			continue // a later wording of it has no room
		}
		pieces[y.at] = y.from
		if fuller, ok := fits(); ok {
			text = fuller
		} else {
			pieces[y.at] = now
		}
	}
	return text
}

// yielding is that a piece gave way to its next wording.
type yielding struct {
	at   int
	from piece
}

// yield takes the next wording of the piece that yields first, of those that weigh the same the later one.
func yield(pieces []piece) (y yielding, any bool) {
	least := never
	for i, p := range pieces {
		if len(p) > 1 && p[0].yield <= least && p[0].yield < never {
			y, any, least = yielding{i, p}, true, p[0].yield
		}
	}
	if any {
		pieces[y.at] = y.from[1:]
	}
	return y, any
}

func join(pieces []piece, joint string) string {
	var texts []string
	for _, p := range pieces {
		if len(p) > 0 && p[0].text != "" {
			texts = append(texts, p[0].text)
		}
	}
	return strings.Join(texts, joint)
}
