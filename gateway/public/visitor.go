package public

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// visitor is whom limits count: the address a request comes from, of IPv6 the network of a line. What a proxy says of it is taken from one
// on this machine and from those that are trusted, the last they did not say of themselves.
func (s *Server) visitor(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	addr := at.Addr().Unmap()
	if err != nil {
		return r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusted(addr); i-- {
		before, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = before.Unmap()
	}
	if addr.Is6() {
		line, _ := addr.Prefix(64)
		return line.String()
	}
	return addr.String()
}

func (s *Server) trusted(a netip.Addr) bool {
	if a.IsLoopback() {
		return true
	}
	for _, p := range s.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// ownPage says whether a request certainly comes from a page of this server: a browser says so in one header or the other, and one that
// says neither is refused, too.
func ownPage(r *http.Request, base string) bool {
	site, origin := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Origin")
	if site == "" && origin == "" || site != "" && site != "same-origin" {
		return false
	}
	if origin == "" {
		return true
	}
	from, err := url.Parse(origin)
	own, _ := url.Parse(base)
	return err == nil && own != nil && from.Scheme == own.Scheme && strings.EqualFold(from.Host, own.Host)
}
