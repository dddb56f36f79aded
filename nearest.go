package stillwater

import "strings"

// Nearest is the name somebody most likely meant by a word, "" when none is near. It is for every place in a configuration where
// people write names.
func Nearest(word string, names []string) string {
	plain := strings.NewReplacer("-", "", " ", "", "_", "").Replace
	want, best, least := strings.ToLower(plain(word)), "", 100
	for _, name := range names {
		have := strings.ToLower(plain(name))
		d := distance(want, have)
		if len(want) >= 3 && len(have) >= 3 && (strings.HasPrefix(have, want) || strings.HasPrefix(want, have)) {
			d = min(d, 1)
		}
		if d <= max(1, len(have)/3) && d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to add, remove, change or swap with the next to get from a to b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s)+len(t) > 200 { // nobody meant that
		return 200
	}
	rows := make([][]int, len(s)+1)
	for i := range rows {
		rows[i] = make([]int, len(t)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(s); i++ {
		for j := 1; j <= len(t); j++ {
			change := 1
			if s[i-1] == t[j-1] {
				change = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+change)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(s)][len(t)]
}
