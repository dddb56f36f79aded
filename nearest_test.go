package stillwater

import "testing"

// TestNearest: slips of the pen are understood, and other words are not taken for them.
func TestNearest(t *testing.T) {
	names := []string{"silence", "silence-learned", "leak-running", "night-exit"}
	for word, want := range map[string]string{
		"silense": "silence", "Silence": "silence", "silence_learned": "silence-learned", "leakrunning": "leak-running", "nihgt-exit": "night-exit",
		"stillness": "", "x": "", "": "",
	} {
		if got := Nearest(word, names); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
