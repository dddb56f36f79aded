package wecom

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// The reasons why a callback does not count. They hold nothing of it.
var (
	errSignature = errors.New("signature not right")
	errEncrypted = errors.New("not encrypted with the key")
	errReceiver  = errors.New("meant for another office")
)

// A crypt opens what WeCom calls back (加解密方案, developer.work.weixin.qq.com/document/path/90968).
type crypt struct {
	token, receiver string
	key             []byte
}

// newCrypt is of a token and a key as they were entered, for an office.
func newCrypt(token, aesKey, receiver string) (*crypt, error) {
	key, err := base64.StdEncoding.DecodeString(aesKey + "=") // two bits of 43 letters are of no use, and may be set
	if err != nil || len(key) != 32 {
		return nil, errors.New("the EncodingAESKey is not 32 bytes in base64")
	}
	return &crypt{token, receiver, key}, nil
}

// signature is the SHA-1 of the token and three values, sorted and joined.
func (c *crypt) signature(timestamp, nonce, encrypted string) string {
	parts := []string{c.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

// blockSize is that of the padding, which is PKCS #7 to 32 bytes.
const blockSize = 32

// open checks the signature of what was encrypted and gives what it says: 16 bytes by chance, the length, the message, the receiver.
func (c *crypt) open(signature, timestamp, nonce, encrypted string) ([]byte, error) {
	if subtle.ConstantTimeCompare([]byte(c.signature(timestamp, nonce, encrypted)), []byte(signature)) != 1 {
		return nil, errSignature
	}
	data, err := base64.StdEncoding.DecodeString(encrypted)
	block, bad := aes.NewCipher(c.key)
	if err != nil || bad != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errEncrypted
	}
	cipher.NewCBCDecrypter(block, c.key[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad == 0 || pad > blockSize || pad > len(data) {
		return nil, errEncrypted
	}
	for _, b := range data[len(data)-pad:] {
		if int(b) != pad {
			return nil, errEncrypted
		}
	}
	data = data[:len(data)-pad]
	if len(data) < 20 {
		return nil, errEncrypted
	}
	length := int64(binary.BigEndian.Uint32(data[16:20]))
	if length > int64(len(data)-20) {
		return nil, errEncrypted
	}
	message, receiver := data[20:20+length], data[20+length:]
	if string(receiver) != c.receiver {
		return nil, errReceiver
	}
	return message, nil
}
