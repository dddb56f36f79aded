package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"stillwater/gateway/public"
)

// Bounds of a connection: a program that is slow must not hold up others.
const (
	maxHeader    = 16 << 10
	headerTime   = 5 * time.Second
	readTime     = 15 * time.Second
	writeTime    = 30 * time.Second
	idleTime     = time.Minute
	shutdownTime = 5 * time.Second
)

// Ready is closed when the address of its own is listened on.
func (a *API) Ready() <-chan struct{} { return a.ready }

// Addr is that address; nil before.
func (a *API) Addr() *net.TCPAddr { return a.addr.Load() }

// Run listens on the address of its own until ctx is done. It is only to be called where there is one.
func (a *API) Run(ctx context.Context) error {
	if a.Config.Listen == "" {
		return errors.New("api: no address to listen on")
	}
	listener, err := a.listen(ctx)
	if err != nil {
		return fmt.Errorf("api: %w", err)
	}
	server := &http.Server{
		Handler: a, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
	}
	close(a.ready)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("api: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if server.Shutdown(grace) != nil {
		server.Close() // whoever still reads has had its time
	}
	<-served
	return nil
}

// listen opens the address, encrypted where there is a certificate.
func (a *API) listen(ctx context.Context) (net.Listener, error) {
	var encryption *tls.Config
	if a.Config.CertFile != "" {
		certificate, err := public.Certificate(a.Config.CertFile, a.Config.KeyFile)
		if err != nil {
			return nil, err
		}
		encryption = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", a.Config.Listen)
	if err != nil {
		return nil, err
	}
	if addr, ok := listener.Addr().(*net.TCPAddr); ok {
		a.addr.Store(addr)
	}
	if encryption != nil {
		listener = tls.NewListener(listener, encryption)
	}
	return listener, nil
}
