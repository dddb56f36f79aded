package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The reasons why a push is not taken. They are counted and answered, so they hold nothing of it.
var (
	errSender    = errors.New("sender not verified")
	errStale     = errors.New("timestamp too old or too new")
	errEnvelope  = errors.New("not as the platform sends")
	errEncrypted = errors.New("not encrypted with the key")
)

// A seal is how one feed's sender is known.
type seal struct {
	Verify
	path   string
	secret []byte
	key    []byte // of encrypted messages; nil: they are not
}

// open checks the sender and gives the message that it vouches for.
func (s *seal) open(r *http.Request, body []byte, now time.Time) ([]byte, error) {
	switch s.Scheme {
	case "onenet":
		return s.onenet(body)
	case "hmac-sha256":
		return body, s.signed(r, body, now)
	case "token":
		if !s.shown(r) {
			return nil, errSender
		}
	}
	return body, nil
}

// onenet checks and unwraps a push of OneNET, which signs its message by the token: base64(md5(token + nonce + msg)). Its time stands outside
// of what is signed, so it tells nothing; a message that is played again gives the readings it gave before.
func (s *seal) onenet(body []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil, errEnvelope
	}
	var nonce, signature, text string
	if json.Unmarshal(fields["nonce"], &nonce) != nil || json.Unmarshal(fields[s.Signature], &signature) != nil {
		return nil, errEnvelope
	}
	message := []byte(fields["msg"])
	if json.Unmarshal(message, &text) == nil {
		message = []byte(text)
	}
	if len(message) == 0 {
		return nil, errEnvelope
	}
	if !s.digested(nonce, message, signature) {
		return nil, errSender
	}
	if s.key == nil {
		return message, nil
	}
	return decrypt(message, s.key)
}

// digested says whether the signature is that of the message by the token. In an address "+" may have become a blank, and padding is left out by some.
func (s *seal) digested(nonce string, message []byte, signature string) bool {
	h := md5.New()
	h.Write(s.secret)
	h.Write([]byte(nonce))
	h.Write(message)
	signature = strings.TrimRight(strings.ReplaceAll(signature, " ", "+"), "=")
	given, err := base64.RawStdEncoding.DecodeString(signature)
	return err == nil && subtle.ConstantTimeCompare(given, h.Sum(nil)) == 1
}

// greeting answers the check of the address, which OneNET makes before it pushes: it wants its msg back, and nothing else.
func (s *seal) greeting(q url.Values) (string, bool) {
	msg := q.Get("msg")
	return msg, s.Scheme == "onenet" && msg != "" && s.digested(q.Get("nonce"), []byte(msg), q.Get("signature"))
}

// decrypt undoes AES in CBC mode with the key as the initial vector and PKCS #7 padding. The signature has been checked before, so that
// a forger learns nothing from the answer.
func decrypt(message, key []byte) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(string(message))
	block, bad := aes.NewCipher(key)
	if err != nil || bad != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errEncrypted
	}
	cipher.NewCBCDecrypter(block, key[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad == 0 || pad > aes.BlockSize || pad > len(data) {
		return nil, errEncrypted
	}
	for _, b := range data[len(data)-pad:] {
		if int(b) != pad {
			return nil, errEncrypted
		}
	}
	return data[:len(data)-pad], nil
}

// signed checks hex(HMAC-SHA256(secret, timestamp + "\n" + body)); the timestamp is in seconds since 1970.
func (s *seal) signed(r *http.Request, body []byte, now time.Time) error {
	stamp := r.Header.Get(s.Timestamp)
	mac := hmac.New(sha256.New, s.secret)
	mac.Write([]byte(stamp + "\n"))
	mac.Write(body)
	given, err := hex.DecodeString(r.Header.Get(s.Signature))
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return errSender
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > s.Window {
		return errStale
	}
	return nil
}

// shown says whether the token is shown: in a header, in the address, or as the last part of the path.
func (s *seal) shown(r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.Header != "" {
		token = r.Header.Get(s.Header)
	}
	if token == "" {
		name := s.Query
		if name == "" {
			name = "token"
		}
		token = r.URL.Query().Get(name)
	}
	if rest, ok := strings.CutPrefix(r.URL.Path, s.path+"/"); ok && token == "" {
		token = rest
	}
	given, want := sha256.Sum256([]byte(token)), sha256.Sum256(s.secret) // of one length, whatever was given
	return token != "" && subtle.ConstantTimeCompare(given[:], want[:]) == 1
}
