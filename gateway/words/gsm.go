package words

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The letters of GSM 03.38, in which an SMS holds 160 characters; those of the extension cost two. Any other letter
// turns the whole text into UCS-2, of which 70 characters fit.
const (
	gsmBasic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "^{}\\[~]|€"
)

// Segments is how many SMS a text takes, and how many characters of the alphabet it needs.
func Segments(text string) (segments, length int) {
	single, joined := 160, 153
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			length++
		case strings.ContainsRune(gsmExtended, r):
			length += 2
		default:
			return ucs2Segments(text)
		}
	}
	return parts(length, single, joined), length
}

func ucs2Segments(text string) (segments, length int) {
	for _, r := range text {
		length++
		if r > 0xFFFF {
			length++
		}
	}
	return parts(length, 70, 67), length
}

func parts(length, single, joined int) int {
	if length <= single {
		return 1
	}
	return (length + joined - 1) / joined
}

// ToGSM7 writes a text in the letters of GSM 03.38: marks are taken off letters it lacks, and what then remains unknown becomes "?".
func ToGSM7(text string) string {
	var b strings.Builder
	for _, r := range text {
		if gsm7(r) {
			b.WriteRune(r)
			continue
		}
		written := false
		for _, part := range norm.NFKD.String(string(r)) {
			if gsm7(part) {
				b.WriteRune(part)
				written = true
			} else if unicode.Is(unicode.Mn, part) {
				written = true
			}
		}
		if !written {
			b.WriteByte('?')
		}
	}
	return b.String()
}

func gsm7(r rune) bool {
	return strings.ContainsRune(gsmBasic, r) || strings.ContainsRune(gsmExtended, r)
}

// plainLetters says whether a language is written in those letters, judged by a text of its catalogue.
func plainLetters(text string) bool {
	for _, r := range text {
		if !gsm7(r) {
			return false
		}
	}
	return true
}
