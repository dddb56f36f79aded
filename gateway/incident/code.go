package incident

import (
	"hash/fnv"
	"strconv"
	"strings"

	"stillwater"
)

// letters are the characters of codes: none that is mistaken for another on a small screen or over the telephone.
const letters = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

// blocks are the lengths of codes. The first character says how long a code is, so that what follows it in the code of a
// message is never taken for a part of it; a code begins with a letter as long as there are fewer than a million incidents,
// so that it is not mistaken for the number of a reply.
var blocks = []struct {
	first string
	rest  int // how many characters follow
}{
	{"ABCDEFGHJKMNPQRSTUVW", 2},
	{"XY", 3},
	{"Z", 4},
	{"23456789", 7},
}

// spread is a prime that divides the size of no block: neighbouring numbers get codes that do not look alike.
const spread = 7919

// NewCode is the code of the incident with a number: short, unambiguous and unique. Numbers begin at 0 and are not reused.
func NewCode(number int64) string {
	n := max(0, number)
	for _, b := range blocks {
		size := int64(len(b.first))
		for range b.rest {
			size *= int64(len(letters))
		}
		if n >= size {
			n -= size
			continue
		}
		n = n * spread % size
		code := make([]byte, b.rest+1)
		for i := b.rest; i > 0; i-- {
			code[i] = letters[n%int64(len(letters))]
			n /= int64(len(letters))
		}
		code[0] = b.first[n]
		return string(code)
	}
	return "2" + strconv.FormatInt(number, 10) // after 2·10¹¹ incidents
}

// messageCode is the code of the nth message of an incident.
func messageCode(incident string, n int) string {
	if n < len(letters) {
		return incident + letters[n:n+1]
	}
	return messageCode(incident, n/len(letters)) + letters[n%len(letters):n%len(letters)+1]
}

// messageID names the nth message of an incident.
func messageID(id stillwater.IncidentID, n int) stillwater.MessageID {
	return stillwater.MessageID(string(id) + "-" + strconv.Itoa(n))
}

// ordinal is the n of a messageID.
func ordinal(id stillwater.MessageID) int {
	_, n, _ := strings.Cut(string(id), "-")
	i, _ := strconv.Atoi(n)
	return i
}

// AnswerCode is the code of the answer to a reply with an ID of the provider: it begins with the incident's, and no message of the
// ladder has it, nor, as far as chance allows (1 in 900,000), the answer to another reply.
func AnswerCode(incident, reply string) string {
	h := fnv.New32a()
	h.Write([]byte(reply)) //nolint:errcheck // never fails
	n := int(h.Sum32() & 0x7fffffff)
	code := incident + "W"
	for range 4 {
		code += letters[n%len(letters) : n%len(letters)+1]
		n /= len(letters)
	}
	return code
}
