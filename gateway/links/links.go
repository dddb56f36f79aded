// Package links signs the links in messages: short codes that say nothing, each of one message, good for a time.
//
// A code has twelve letters and digits, 71 bits that cannot be told from chance without the key: no name, no number, no order of
// incidents. 57 of them are an HMAC of the message's ID and the hour the code is over; the others are that hour, masked. Whoever guesses
// must hit the code of a message that is stored: with 10,000 links in force one guess in 2⁵⁷ does. The public server lets an address
// guess a handful of times a minute.
//
// The keys are made here and kept in the store. A new one is made every thirty days; an old one goes when the links it signed are over.
// Expiry is by the wall clock.
package links

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"

	"stillwater"
)

const (
	// Length is how many characters a code has.
	Length = 12
	// KeyLength is how many characters the key after a link's # has: 95 bits.
	KeyLength = 16
	// rotate is how long a key signs.
	rotate = 30 * 24 * time.Hour
	// keyName is what the keys are called in the store.
	keyName = "link"

	tagBits  = 57
	hourBits = 14 // 680 days, far more than a key lives
)

// letters are all there are in a code, in the order of math/big: no sign that a telephone might take for the end of a link.
const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Store keeps the keys.
type Store interface {
	Keys(ctx context.Context, name string, fn func(made time.Time, key []byte)) error
	AddKey(ctx context.Context, name string, made time.Time, key []byte) error
	DropKey(ctx context.Context, name string, made time.Time) error
}

// key is one of those that sign or did.
type key struct {
	made   time.Time
	secret []byte
}

// Links makes and checks codes. It is safe for use by several goroutines.
type Links struct {
	store Store
	valid time.Duration
	now   func() time.Time // the wall clock

	mu   sync.Mutex // guards everything below
	keys []key      // the newest last
}

// Open reads the keys, makes the first, and changes them when it is time.
func Open(ctx context.Context, store Store, valid time.Duration, now func() time.Time) (*Links, error) {
	l := &Links{store: store, valid: valid, now: now}
	if err := l.Rotate(ctx); err != nil {
		return nil, err
	}
	return l, nil
}

// Rotate makes a new key if the newest is old, and drops those whose links are over. It is to be called now and then.
func (l *Links) Rotate(ctx context.Context) error {
	var keys []key
	if err := l.store.Keys(ctx, keyName, func(made time.Time, secret []byte) { keys = append(keys, key{made, secret}) }); err != nil {
		return fmt.Errorf("keys of links: %w", err)
	}
	now := l.now().UTC().Truncate(time.Microsecond)
	if len(keys) == 0 || now.Sub(keys[len(keys)-1].made) >= rotate {
		fresh := key{now, make([]byte, 32)}
		rand.Read(fresh.secret) //nolint:errcheck // never fails
		if err := l.store.AddKey(ctx, keyName, fresh.made, fresh.secret); err != nil {
			return fmt.Errorf("key of links: %w", err)
		}
		keys = append(keys, fresh)
	}
	for len(keys) > 1 && now.Sub(keys[1].made) > l.valid+rotate { // its last link was signed when the next was made
		if err := l.store.DropKey(ctx, keyName, keys[0].made); err != nil {
			return fmt.Errorf("key of links: %w", err)
		}
		keys = keys[1:]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys = keys
	return nil
}

// Run changes the keys when it is time, until ctx is done. What goes wrong is told to report.
func (l *Links) Run(ctx context.Context, report func(error)) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			report(l.Rotate(ctx))
		}
	}
}

// Code is the code of a message's link, as it is signed now.
func (l *Links) Code(id stillwater.MessageID) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return code(l.keys[len(l.keys)-1].secret, id, hourOf(l.now().Add(l.valid))+1)
}

// ErrForged says that a code is none of ours, or that of another message.
var ErrForged = errors.New("no link of this message")

// Check says until when the link of a message is good; a link that is over is no error. Codes that are no link of the message are ErrForged.
func (l *Links) Check(given string, id stillwater.MessageID) (until time.Time, err error) {
	n, ok := decode(given)
	if !ok {
		return time.Time{}, ErrForged
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.keys {
		hour := unmask(k.secret, n, hourOf(l.now()))
		if hmac.Equal([]byte(code(k.secret, id, hour)), []byte(given)) {
			return time.Unix(hour*3600, 0).UTC(), nil
		}
	}
	return time.Time{}, ErrForged
}

// Shaped says whether a text could be a code at all.
func Shaped(given string) bool {
	_, ok := decode(given)
	return ok
}

// Key is what stands after the # of a link whose page goes through a relay: with it the page is sealed, and a browser never sends it. It
// belongs to the code, by the key that signed it.
func (l *Links) Key(given string, id stillwater.MessageID) (string, error) {
	n, ok := decode(given)
	if !ok {
		return "", ErrForged
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.keys {
		if code(k.secret, id, unmask(k.secret, n, hourOf(l.now()))) == given {
			sum := new(big.Int).SetBytes(sign(k.secret, "page", given)[:12])
			return write(sum.Rsh(sum, 1), KeyLength), nil
		}
	}
	return "", ErrForged
}

// code is the code of a message that is over with an hour.
func code(secret []byte, id stillwater.MessageID, hour int64) string {
	tag := binary.BigEndian.Uint64(sign(secret, "link", string(id), fmt.Sprint(hour))) >> (64 - tagBits)
	n := new(big.Int).SetUint64((uint64(hour) ^ mask(secret, tag)) % (1 << hourBits))
	n.Lsh(n, tagBits)
	return write(n.Or(n, new(big.Int).SetUint64(tag)), Length)
}

// unmask gives the hour that a code is over by, as the one nearest to now of those it may stand for.
func unmask(secret []byte, n *big.Int, now int64) int64 {
	tag := new(big.Int).And(n, big.NewInt(1<<tagBits-1)).Uint64()
	const all = 1 << hourBits
	hour := int64((new(big.Int).Rsh(n, tagBits).Uint64() ^ mask(secret, tag)) % all)
	ahead := ((hour-now)%all + all) % all
	if ahead > all/2 {
		ahead -= all
	}
	return now + ahead
}

// mask hides the hour of a code, which would tell when it was made.
func mask(secret []byte, tag uint64) uint64 {
	return binary.BigEndian.Uint64(sign(secret, "hour", fmt.Sprint(tag)))
}

func sign(secret []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, secret)
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return h.Sum(nil)
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// write is a number in so many letters.
func write(n *big.Int, length int) string {
	text := n.Text(len(letters))
	return strings.Repeat(letters[:1], length-len(text)) + text
}

// decode reads a code.
func decode(given string) (*big.Int, bool) {
	if len(given) != Length {
		return nil, false
	}
	n, base := new(big.Int), big.NewInt(int64(len(letters)))
	for _, r := range given {
		i := strings.IndexRune(letters, r)
		if i < 0 {
			return nil, false
		}
		n.Add(n.Mul(n, base), big.NewInt(int64(i)))
	}
	return n, n.BitLen() <= tagBits+hourBits
}
