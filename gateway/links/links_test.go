package links

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stillwater"
)

// shelf is a store of keys.
type shelf struct{ keys []key }

func (s *shelf) Keys(_ context.Context, _ string, fn func(time.Time, []byte)) error {
	for _, k := range s.keys {
		fn(k.made, k.secret)
	}
	return nil
}

func (s *shelf) AddKey(_ context.Context, _ string, made time.Time, secret []byte) error {
	s.keys = append(s.keys, key{made, secret})
	return nil
}

func (s *shelf) DropKey(_ context.Context, _ string, made time.Time) error {
	s.keys = slices.DeleteFunc(s.keys, func(k key) bool { return k.made.Equal(made) })
	return nil
}

// bench is links with a clock that a test sets.
type bench struct {
	*Links
	shelf *shelf
	at    time.Time
}

const valid = 72 * time.Hour

func newBench(t interface {
	Fatal(...any)
}) *bench {
	b := &bench{shelf: &shelf{}, at: time.Date(2025, 11, 4, 16, 30, 0, 0, time.UTC)}
	b.open(t)
	return b
}

func (b *bench) open(t interface{ Fatal(...any) }) {
	var err error
	if b.Links, err = Open(context.Background(), b.shelf, valid, func() time.Time { return b.at }); err != nil {
		t.Fatal(err)
	}
}

// TestCodes: a code is twelve letters and digits, good for what was promised and at most an hour longer, for its message alone, before
// and after a restart.
func TestCodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench(t)
		b.at = b.at.Add(time.Duration(rapid.IntRange(0, 29*24*3600).Draw(t, "second")) * time.Second)
		id := stillwater.MessageID(rapid.StringMatching(`[A-Z]{3}-[0-9]{1,3}`).Draw(t, "id"))
		made := b.at
		c := b.Code(id)
		if len(c) != Length || strings.Trim(c, letters) != "" || !Shaped(c) {
			t.Fatalf("code %q", c)
		}
		b.at = b.at.Add(time.Duration(rapid.IntRange(0, 59*24).Draw(t, "later")) * time.Hour)
		b.open(t)
		until, err := b.Check(c, id)
		if err != nil || until.Before(made.Add(valid)) || until.After(made.Add(valid+time.Hour)) {
			t.Fatalf("good until %v (%v), made %v", until, err, made)
		}
		if _, err := b.Check(c, id+"1"); !errors.Is(err, ErrForged) {
			t.Fatalf("the code of one message is taken for another's: %v", err)
		}
		i := rapid.IntRange(0, Length-1).Draw(t, "where")
		other := c[:i] + string(rapid.SampledFrom([]rune(letters)).Filter(func(r rune) bool { return byte(r) != c[i] }).Draw(t, "letter")) + c[i+1:]
		if _, err := b.Check(other, id); !errors.Is(err, ErrForged) {
			t.Fatalf("%q is taken for %q: %v", other, c, err)
		}
	})
}

// TestCodesSayNothing: codes of neighbouring messages, hours and gateways have nothing in common, and every letter comes in every place
// (but the first, whose last few the length does not reach).
func TestCodesSayNothing(t *testing.T) {
	b, seen := newBench(t), map[string]bool{}
	var letter [Length]map[byte]int
	for i := range 6000 {
		if i%2000 == 0 {
			b.at = b.at.Add(time.Hour)
		}
		c := b.Code(stillwater.MessageID(fmt.Sprintf("K7M-%d", i)))
		if seen[c] {
			t.Fatalf("%q twice", c)
		}
		seen[c] = true
		for at := range Length {
			if letter[at] == nil {
				letter[at] = map[byte]int{}
			}
			letter[at][c[at]]++
		}
	}
	for at, counts := range letter {
		if want := 62; len(counts) < want && at > 0 || len(counts) < 40 {
			t.Errorf("place %d has only %d letters", at, len(counts))
		}
		for l, n := range counts {
			if n > 6000/40+80 {
				t.Errorf("place %d is %c %d times in 6000", at, l, n)
			}
		}
	}
	if other := newBench(t); other.Code("K7M-1") == b.Code("K7M-1") {
		t.Error("two gateways make the same codes")
	}
}

// TestRotation: keys change, what an old one signed stays good for its time and readable for a month more, and then the key is gone.
func TestRotation(t *testing.T) {
	b := newBench(t)
	b.at = b.at.Add(rotate - time.Minute)
	if err := b.Rotate(t.Context()); err != nil || len(b.shelf.keys) != 1 {
		t.Fatalf("%d keys before it is time, %v", len(b.shelf.keys), err)
	}
	old, made := b.Code("K7M-1"), b.at
	for _, c := range []struct {
		after time.Duration
		keys  int
		known bool
	}{{time.Hour, 2, true}, {valid, 2, true}, {rotate, 2, true}, {rotate + valid + 2*time.Hour, 2, false}} {
		b.at = made.Add(c.after)
		if err := b.Rotate(t.Context()); err != nil || len(b.shelf.keys) < c.keys {
			t.Fatalf("after %v: %d keys, %v", c.after, len(b.shelf.keys), err)
		}
		if _, err := b.Check(old, "K7M-1"); (err == nil) != c.known {
			t.Errorf("after %v: %v, want known %v", c.after, err, c.known)
		}
		if fresh := b.Code("K7M-1"); fresh == old {
			t.Errorf("after %v: still signed by the old key", c.after)
		}
	}
}

// TestKeys: the key after the # belongs to the code, and cannot be had from another message.
func TestKeys(t *testing.T) {
	b := newBench(t)
	c := b.Code("K7M-1")
	k, err := b.Key(c, "K7M-1")
	if err != nil || len(k) != KeyLength || strings.Contains(k, c[:4]) {
		t.Fatalf("%q, %v", k, err)
	}
	b.at = b.at.Add(40 * 24 * time.Hour)
	b.open(t)
	if again, err := b.Key(c, "K7M-1"); again != k || err != nil {
		t.Errorf("another key %q after the keys changed: %v", again, err)
	}
	if other, err := b.Key(b.Code("K7M-2"), "K7M-2"); other == k || err != nil {
		t.Errorf("two messages have one key: %v", err)
	}
	if _, err := b.Key(c, "K7M-2"); !errors.Is(err, ErrForged) {
		t.Errorf("a key for another's code: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	b := newBench(f)
	good := b.Code("K7M-1")
	for _, s := range []string{"", good, good + "0", "000000000000", "ZZZZZZZZZZZZ", "\xff", "十二个字的中文码在这里了吗"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		if _, err := b.Check(given, "K7M-1"); err == nil && given != good {
			t.Fatalf("%q is taken", given)
		}
	})
}
