package api

import (
	"context"
	"errors"
	"time"

	"stillwater/gateway/web"
)

// How long a program may take: one that is slow must not hold up others.
const (
	readTime     = 15 * time.Second
	writeTime    = 30 * time.Second
	shutdownTime = 5 * time.Second
)

// Run listens on the address of its own until ctx is done. It is only to be called where there is one.
func (a *API) Run(ctx context.Context) error {
	c := a.Config
	if c.Listen == "" {
		return errors.New("api: no address to listen on")
	}
	door := web.Options{Name: "api", Listen: c.Listen, CertFile: c.CertFile, KeyFile: c.KeyFile, Read: readTime, Write: writeTime, Shutdown: shutdownTime, Log: a.Log}
	return a.Serve(ctx, door, a)
}
