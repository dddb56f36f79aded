package web

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

// certificateEvery is how often it is looked whether a certificate was renewed.
const certificateEvery = time.Minute

// readCertificate reads a certificate and its key, and gives what a server asks for them by: they are read again when they were renewed, and
// those before stay while what is there cannot be read.
func readCertificate(certFile, keyFile string) (func(*tls.ClientHelloInfo) (*tls.Certificate, error), error) {
	c := &certificate{cert: certFile, key: keyFile}
	if err := c.read(); err != nil {
		return nil, err
	}
	return func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if time.Since(c.looked) > certificateEvery {
			_ = c.read() // the one before is as good as any
		}
		return c.pair, nil
	}, nil
}

type certificate struct {
	cert, key string

	mu      sync.Mutex // guards everything below
	pair    *tls.Certificate
	looked  time.Time
	changed time.Time
}

func (c *certificate) read() error {
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if c.pair != nil && info.ModTime().Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("certificate %q with key %q: %w", c.cert, c.key, err)
	}
	c.pair, c.changed = &pair, info.ModTime()
	return nil
}
