package templatesms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// codeShape is that of our codes, which providers carry as OutId and SessionContext.
var codeShape = regexp.MustCompile(`^[0-9A-Za-z-]{1,32}$`)

// A receipt is what a provider must be asked with about a text: all of it, the number, too. It travels as the provider's name for the
// message, sealed, because such names are logged and shown.
type receipt struct {
	phone string
	sent  time.Time
	code  string
	id    string // the provider's own name for it; empty where it was found by its code
}

var errReceipt = errors.New("this is no identifier of this provider, or its secret has been changed since")

// sealer seals receipts by a key made of the account's secret: an identifier is of use to nobody else, and needs no store.
type sealer struct{ key [32]byte }

func newSealer(secret string) sealer {
	return sealer{sha256.Sum256([]byte("stillwater: identifier of a text\n" + secret))}
}

func (s sealer) aead() cipher.AEAD {
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic(err) // the key has 32 bytes
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return gcm
}

// seal gives the identifier of a receipt; the same receipt has the same.
func (s sealer) seal(r receipt) string {
	plain := []byte(strings.Join([]string{r.phone, strconv.FormatInt(r.sent.Unix(), 36), r.code, r.id}, "|"))
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write(plain)
	gcm := s.aead()
	nonce := mac.Sum(nil)[:gcm.NonceSize()] // of the plaintext, so no two have the same
	return base64.RawURLEncoding.EncodeToString(gcm.Seal(nonce, nonce, plain, nil))
}

// open reads an identifier.
func (s sealer) open(id string) (receipt, error) {
	data, err := base64.RawURLEncoding.DecodeString(id)
	gcm := s.aead()
	if err != nil || len(data) < gcm.NonceSize() {
		return receipt{}, errReceipt
	}
	plain, err := gcm.Open(nil, data[:gcm.NonceSize()], data[gcm.NonceSize():], nil)
	if err != nil {
		return receipt{}, errReceipt
	}
	parts := strings.SplitN(string(plain), "|", 4)
	if len(parts) != 4 {
		return receipt{}, errReceipt
	}
	at, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil {
		return receipt{}, errReceipt
	}
	return receipt{phone: parts[0], sent: time.Unix(at, 0).UTC(), code: parts[2], id: parts[3]}, nil
}

// word is a provider's own word for something, as far as it may be logged: letters, digits and a few signs, and no run of digits that
// could be a number.
func word(s string) string {
	if len(s) > 60 || strings.IndexFunc(s, func(r rune) bool {
		return r > 0x7e || r <= ' ' || strings.ContainsRune("\"'<>{}", r)
	}) >= 0 || digitRun.MatchString(s) {
		return "(unreadable)"
	}
	return s
}

var digitRun = regexp.MustCompile(`[0-9]{6}`)
