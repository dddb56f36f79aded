package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/web"
)

// strangerRate is how many requests a minute are answered to an address that has no key: enough to find out what is wrong with one.
const strangerRate = 60

// mostStrangers bounds the addresses that are remembered.
const mostStrangers = 10_000

// limiter counts by name, so many a minute.
type limiter struct {
	*web.Limiter
}

// newLimiter lets a sixth of a minute's requests come at once.
func newLimiter(perMinute int) limiter {
	return limiter{&web.Limiter{Burst: max(1, perMinute/6), Every: time.Minute / time.Duration(perMinute), Most: mostStrangers}}
}

// key is one program that may ask.
type key struct {
	name   string
	hash   [sha256.Size]byte // of its secret: all are of one length, and compared in one time
	scopes []Scope
	area   stillwater.Place
	limit  limiter
}

// ready reads the secret of a key.
func (k Key) ready() (*key, error) {
	secret := k.Secret.Reveal()
	if len(secret) < leastSecret {
		return nil, fmt.Errorf("%v has %d characters, and can be guessed; make one of at least %d by: openssl rand -hex 32", k.Secret, len(secret), leastSecret)
	}
	rate := k.Rate
	if rate == 0 {
		rate = defaultRate
	}
	return &key{name: k.Name, hash: sha256.Sum256([]byte(secret)), scopes: k.Scopes, area: k.Area, limit: newLimiter(rate)}, nil
}

// may says whether the key has a scope.
func (k *key) may(s Scope) bool { return slices.Contains(k.scopes, s) }

// everywhere says whether the key's area is the whole grid.
func (k *key) everywhere() bool { return k.area == stillwater.Place{} }

// keyOf finds the key of a request. Every key is compared with, so that the time says nothing about them.
func (a *API) keyOf(r *http.Request) (*key, error) {
	from := r.RemoteAddr
	if host, _, err := net.SplitHostPort(from); err == nil {
		from = host
	}
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	hash := sha256.Sum256([]byte(strings.TrimSpace(secret)))
	var found *key
	for _, k := range a.keys {
		if subtle.ConstantTimeCompare(hash[:], k.hash[:]) == 1 {
			found = k
		}
	}
	switch {
	case found != nil && strings.EqualFold(scheme, "Bearer"):
		return found, a.limited(found.limit, found.name)
	case a.limited(a.strangers, from) != nil:
		return nil, a.limited(a.strangers, from)
	}
	return nil, problem("no-key", "Send the key as the header Authorization: Bearer …; it is one of api.keys of the gateway's configuration.")
}

// limited counts a request; its error says that there were too many.
func (a *API) limited(l limiter, who string) error {
	if l.Allow(who, a.Now()) {
		return nil
	}
	p := problem("too-many", "Too many requests: %d a minute are answered. Wait as long as Retry-After says, and fetch lists with If-None-Match.", time.Minute/l.Every)
	p.retry = max(l.Every, time.Second)
	return p
}
