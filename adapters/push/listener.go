package push

import (
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"
)

// limit bounds the open connections of a listener.
func limit(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, places: make(chan struct{}, n), closed: make(chan struct{})}
}

type limited struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

// Accept waits for a place, and then for a connection.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: c, leave: func() { <-l.places }}, nil
}

// Close closes the listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed is a connection that gives its place back.
type placed struct {
	net.Conn
	once  sync.Once
	leave func()
}

// Close closes the connection.
func (p *placed) Close() error {
	err := p.Conn.Close()
	p.once.Do(p.leave)
	return err
}

// lookAgain is how often it is looked whether a certificate was renewed; those of public authorities live for weeks.
const lookAgain = time.Minute

// A certificate is read again when its file changes, so that a renewal needs no restart.
type certificate struct {
	cert, key string

	mu      sync.Mutex // guards everything below
	looked  time.Time
	changed time.Time
	pair    *tls.Certificate
}

// get is the certificate as it stands. One that cannot be read any more leaves the last one in use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && time.Since(c.looked) < lookAgain {
		return c.pair, nil
	}
	c.looked = time.Now()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.changed) {
		return c.pair, nil
	}
	pair, bad := tls.LoadX509KeyPair(c.cert, c.key)
	if bad != nil && c.pair == nil {
		return nil, bad
	}
	if bad == nil && err == nil {
		c.pair, c.changed = &pair, info.ModTime()
	}
	return c.pair, nil
}
