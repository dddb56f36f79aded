package words

import (
	"slices"
	"strings"
)

// optIn are the words that undo those of optOut.
var optIn = []string{"START", "UNSTOP"}

// Of 退订 and 恢复 people write more than the word alone. "不退订" is none of it.
var (
	outWords = []string{"退订", "拒收"}
	inWords  = []string{"取消退订", "恢复短信", "恢复订阅", "恢复接收", "恢复"}
	besides  = []string{"我要", "我想", "请", "回复", "短信", "谢谢", "了", "吧", "TD", "T", "N"}
)

// ParseOptOut says whether a text that came in is a carrier's word: then out is true for those after which no text may go to the number,
// and false for those that undo that. The word must stand alone: "the end" ends nothing. No such word is a command, whatever stands
// beside it (see ParseReply).
func ParseOptOut(reply string) (out, ok bool) {
	line, _ := lines(reply)
	if at := bracketed.FindStringIndex(asciiUpper(line)); at != nil {
		line = line[:at[0]] + line[at[1]:] // the code of the text it answers
	}
	line = strings.ToUpper(strings.Trim(line, signs))
	switch {
	case slices.Contains(optOut, line):
		return true, true
	case slices.Contains(optIn, line) || standsAlone(line, inWords):
		return false, true
	}
	return true, standsAlone(line, outWords)
}

// standsAlone says whether a line is one of the words, with nothing of its own beside it.
func standsAlone(line string, words []string) bool {
	for _, word := range words {
		before, after, found := strings.Cut(line, word)
		if found && nothing(before) && nothing(after) {
			return true
		}
	}
	return false
}

// nothing says whether words only surround the one that counts.
func nothing(words string) bool {
	for words = strings.Trim(words, signs); words != ""; words = strings.Trim(words, signs) {
		i := slices.IndexFunc(besides, func(b string) bool { return strings.HasPrefix(words, b) })
		if i < 0 {
			return false
		}
		words = words[len(besides[i]):]
	}
	return true
}
