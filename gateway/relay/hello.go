package relay

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The handshake: the relay gives a challenge that it never gives again; the gateway says who it is and proves by it that it has the key;
// and the relay proves the same by a challenge of the gateway's. Who hears it all can neither repeat it nor learn the key.
type (
	challenge struct {
		Nonce []byte `json:"nonce"`
	}
	proof struct {
		ID    string `json:"id"`
		Nonce []byte `json:"nonce"`
		MAC   []byte `json:"mac"`
	}
	welcome struct {
		MAC []byte `json:"mac"`
	}
)

// ErrKey says that one side has not the key it should have.
var ErrKey = errors.New("the key is not the right one")

const nonceLength = 32

func nonce() []byte {
	b := make([]byte, nonceLength)
	rand.Read(b) //nolint:errcheck // never fails
	return b
}

// prove is the proof of one side. The parts are of fixed length but for the last.
func prove(key, side string, theirs, ours []byte, id string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	fmt.Fprintf(h, "stillwater relay 1 %s\n%s%s%s", side, theirs, ours, id)
	return h.Sum(nil)
}

// greet is the gateway's side.
func greet(c *conn, id, key string) error {
	var their challenge
	if err := c.receiveInto(&their); err != nil {
		return err
	}
	if len(their.Nonce) != nonceLength {
		return errors.New("a challenge of the wrong length")
	}
	ours := nonce()
	if err := c.send(kindHello, 0, proof{id, ours, prove(key, "gateway", their.Nonce, ours, id)}); err != nil {
		return err
	}
	var w welcome
	if err := c.receiveInto(&w); err != nil {
		return fmt.Errorf("refused; is the key the same on both sides? %w", err)
	}
	if !hmac.Equal(w.MAC, prove(key, "relay", their.Nonce, ours, id)) {
		return fmt.Errorf("relay: %w", ErrKey)
	}
	return nil
}

// admit is the relay's side; it says which gateway came.
func admit(c *conn, keyOf func(id string) (string, bool)) (id string, err error) {
	ours := nonce()
	if err := c.send(kindHello, 0, challenge{ours}); err != nil {
		return "", err
	}
	var p proof
	if err := c.receiveInto(&p); err != nil {
		return "", err
	}
	key, known := keyOf(p.ID)
	if right := hmac.Equal(p.MAC, prove(key, "gateway", ours, p.Nonce, p.ID)); !known || !right || key == "" || len(p.Nonce) != nonceLength {
		return "", ErrKey
	}
	return p.ID, c.send(kindHello, 0, welcome{prove(key, "relay", ours, p.Nonce, p.ID)})
}
