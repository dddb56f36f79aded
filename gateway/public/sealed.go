package public

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"

	"stillwater"
)

// The page that goes through a relay is sealed: AES-256-GCM with a key made from the one after the link's #, one for each direction, and
// the code as what it belongs to. A short script of the page opens it, and seals what is pressed. Without JavaScript the page shows the
// code that stands in the text, and the buttons: what is pressed is then no secret from the relay, and no day can be given.
//
// A relay that sent another script could have it tell the key. That is so of every page that one asks a server for: whoever runs the relay
// is trusted to hand it on as it is, and what is sealed keeps the pages out of its logs, its memory and its disk.

// The directions.
const (
	toBrowser = "stillwater page "
	toGateway = "stillwater form "
)

var (
	noHome stillwater.Household
	encode = base64.RawURLEncoding
)

func dutyOf(c Config) stillwater.Phone { return stillwater.Phone(c.DutyPhone) }

// sealPage is the page that shows nothing but the code and the buttons, with the true one sealed in it.
func (s *Server) sealPage(p page, m matter) (page, error) {
	key, err := s.Links.Key(m.code, m.message.ID)
	if err != nil {
		return p, err
	}
	inner, err := s.inner(p)
	if err != nil {
		return p, err
	}
	box, err := seal(toBrowser, key, m.code, []byte(inner))
	return page{
		Lang: p.Lang, Code: p.Code, TextCode: p.TextCode, Answer: p.Answer, Self: p.Self, Once: p.Once, Languages: p.Languages, Sealed: box,
	}, err
}

// unseal opens what a browser sealed.
func (s *Server) unseal(box string, m matter) (url.Values, error) {
	key, err := s.Links.Key(m.code, m.message.ID)
	if err != nil {
		return nil, err
	}
	text, err := open(toGateway, key, m.code, box)
	if err != nil {
		return nil, err
	}
	return url.ParseQuery(string(text))
}

func aead(direction, key string) (cipher.AEAD, error) {
	sum := sha256.Sum256([]byte(direction + key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func seal(direction, key, code string, text []byte) (string, error) {
	a, err := aead(direction, key)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce) //nolint:errcheck // never fails
	return encode.EncodeToString(a.Seal(nonce, nonce, text, []byte(code))), nil
}

func open(direction, key, code, box string) ([]byte, error) {
	a, err := aead(direction, key)
	if err != nil {
		return nil, err
	}
	sealed, err := encode.DecodeString(box)
	if err != nil || len(sealed) < a.NonceSize() {
		return nil, fmt.Errorf("sealed form: %w", errForm)
	}
	return a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], []byte(code))
}
