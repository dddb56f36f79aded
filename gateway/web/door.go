// Package web is where what the gateway serves over HTTP is reached: one door for the pages, the public pages, the interface for programs and the relay.
// It listens, encrypted where there is a certificate, bounds what a connection may take, and when it is told to stop lets those who are being
// answered finish for a while. It never knows what is served, and leaves no goroutine.
package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Bounds of a connection that are the same for all: whoever is slow must not hold up others.
const (
	maxHeader  = 16 << 10
	headerTime = 5 * time.Second
	idleTime   = time.Minute
)

// Options is where a door is and how long its visitors may take.
type Options struct {
	Name              string // of what is served, in errors
	Listen            string
	CertFile, KeyFile string        // empty: not encrypted
	Read, Write       time.Duration // for a request, and for its answer
	Shutdown          time.Duration // for those who are being answered when it stops
	Log               *slog.Logger
}

// A Door is one address. Its methods may be called from several goroutines; Serve once.
type Door struct {
	ready chan struct{}
	addr  atomic.Pointer[net.TCPAddr]
}

// NewDoor gives a door that is shut until Serve.
func NewDoor() *Door { return &Door{ready: make(chan struct{})} }

// Ready is closed once the address is listened on.
func (d *Door) Ready() <-chan struct{} { return d.ready }

// Addr is the address that is listened on, "" before Ready.
func (d *Door) Addr() string {
	if a := d.addr.Load(); a != nil {
		return a.String()
	}
	return ""
}

// Serve listens and serves until ctx is done.
func (d *Door) Serve(ctx context.Context, o Options, handler http.Handler) error {
	listener, err := d.listen(ctx, o)
	if err != nil {
		return fmt.Errorf("%s: %w", o.Name, err)
	}
	server := &http.Server{
		Handler: handler, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTime, ReadTimeout: o.Read, WriteTimeout: o.Write, IdleTimeout: idleTime,
	}
	close(d.ready)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("%s: %w", o.Name, err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.Shutdown)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close() // whoever still reads has had its time
	}
	<-served
	return nil
}

// listen opens the address. A certificate that cannot be read is told before anybody could come.
func (d *Door) listen(ctx context.Context, o Options) (net.Listener, error) {
	var encryption *tls.Config
	if o.CertFile != "" {
		certificate, err := readCertificate(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, err
		}
		encryption = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate, NextProtos: []string{"http/1.1"}} // a relay takes connections over, which HTTP/2 does not allow
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok {
		d.addr.Store(a)
	}
	if encryption != nil {
		listener = tls.NewListener(listener, encryption)
	}
	return listener, nil
}

// Shield sets what keeps a page to itself: it is shown in no other, tells no other where its reader came from, loads what the policy allows, and is
// kept nowhere.
func Shield(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
