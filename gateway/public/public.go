// Package public is the part of the gateway that anybody on the network can reach: the signed page of a message, at /m/CODE, and the
// callbacks of providers, at /hook/NAME/….
//
// It promises that fetching a page changes nothing, so that programs which look at links before people do take nothing on; that a button
// of the page does what the same digit by text does, once however often it is pressed; that a page works without JavaScript, asks no other
// host for anything, is kept nowhere and names nobody but in short; that a code which is no link of a message somebody may still be told
// by gets the same answer whatever is the matter with it; and that bodies, time, and how often a visitor may come are bounded.
//
// Where pages go through a relay they are sealed for the key that stands after the link's #, which no browser sends: see sealed.go.
package public

import (
	"context"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/web"
	"stillwater/gateway/words"
)

// Store is what the pages are made from.
type Store interface {
	Linked(ctx context.Context, code string) (stillwater.Message, bool, error)
	Incident(ctx context.Context, id stillwater.IncidentID) (stillwater.Incident, bool, error)
}

// Households finds a home.
type Households interface {
	Household(id stillwater.HouseholdID) (stillwater.Household, bool)
}

// Links checks the codes of links; see gateway/links.
type Links interface {
	Check(code string, id stillwater.MessageID) (until time.Time, err error)
	Key(code string, id stillwater.MessageID) (string, error)
}

// Clock is the event clock.
type Clock interface {
	Now() time.Time
	Speed() float64
}

// A Look is that somebody opened the page of a message or pressed a button of it. It holds no name, number or text.
type Look struct {
	Message   stillwater.MessageID
	Incident  stillwater.IncidentID
	Household stillwater.HouseholdID
	Contact   stillwater.ContactID
	What      string // "opened", or "pressed 1"
}

// Options is what a Server works with. All are needed unless said otherwise.
type Options struct {
	Config     Config
	Words      *words.Words
	Store      Store
	Households Households
	Links      Links
	Clock      Clock
	Reply      func(context.Context, stillwater.Reply) error // takes what a button says; nil: it is committed
	Audit      func(Look)                                    // must not block; may be nil
	Wall       func() time.Time                              // the real clock; may be nil
	Log        *slog.Logger                                  // may be nil
}

// Limits. A page is small and made at once, so whatever takes longer or asks more often is none of ours; a family behind one address, or a
// carrier's customers, are well within them.
const (
	maxForm      = 4 << 10
	maxHook      = 256 << 10
	maxPush      = 1 << 20 // of a platform; a relay takes no more either
	readTime     = 10 * time.Second
	writeTime    = 30 * time.Second
	shutdownTime = 3 * time.Second
	pressTime    = 10 * time.Second // to commit what a button says
	mostAtOnce   = 256              // requests that are worked on
	remembered   = 20_000           // visitors, of each limit
)

// Server is the public server.
type Server struct {
	Options
	*web.Door
	proxies   []netip.Prefix
	templates map[string]*template.Template // by language
	mux       *http.ServeMux
	visits    *web.Limiter // by address: pages and buttons
	misses    *web.Limiter // by address: codes that are none
	uses      *web.Limiter // by code
	places    chan struct{}
}

// New makes a server that is at rest until Run.
func New(o Options) (*Server, error) {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Audit == nil {
		o.Audit = func(Look) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		Options: o, mux: http.NewServeMux(), places: make(chan struct{}, mostAtOnce), Door: web.NewDoor(),
		visits: &web.Limiter{Burst: 60, Every: time.Second, Most: remembered},
		misses: &web.Limiter{Burst: 10, Every: 10 * time.Second, Most: remembered},
		uses:   &web.Limiter{Burst: 20, Every: 3 * time.Second, Most: remembered},
	}
	for _, text := range o.Config.Proxies {
		p, err := prefix(text)
		if err != nil {
			return nil, fmt.Errorf("public: %w", err)
		}
		s.proxies = append(s.proxies, p)
	}
	var err error
	if s.templates, err = parseTemplates(o.Words); err != nil {
		return nil, fmt.Errorf("public: %w", err)
	}
	s.mux.HandleFunc("GET /m/{code}", s.open)
	s.mux.HandleFunc("POST /m/{code}", s.press)
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	s.mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "User-agent: *\nDisallow: /\n") })
	for _, f := range o.Config.Forward {
		if err := s.forward(f); err != nil {
			return nil, fmt.Errorf("public: %w", err)
		}
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.problem(w, r, http.StatusNotFound, "page.gone") })
	return s, nil
}

var hookName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// Mount lets a handler take what is asked of /hook/NAME and of everything below, the path as it came. It is to be called before Run.
func (s *Server) Mount(name string, h http.Handler) error {
	if !hookName.MatchString(name) {
		return fmt.Errorf("%q is no name for a hook; write letters, digits, dots and dashes", name)
	}
	bounded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxHook)
		h.ServeHTTP(w, r)
	})
	s.mux.Handle("/hook/"+name, bounded)
	s.mux.Handle("/hook/"+name+"/", bounded)
	return nil
}

// forward hands what is asked of a path to a server on this machine. That one knows its senders itself; its answers are its own.
func (s *Server) forward(f Forward) error {
	to, err := url.Parse(f.To)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug),
	}
	s.mux.HandleFunc(f.Path, func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxPush)
		proxy.ServeHTTP(w, r)
	})
	return nil
}

// HookURL is the address that a mounted handler has outside.
func (s *Server) HookURL(name string) string { return s.Config.Base() + "/hook/" + name }

// Handler answers those who come directly.
func (s *Server) Handler() http.Handler { return s.guard(false) }

// Relayed answers those who come through a relay: it may see the codes of links and the numbers of buttons, and nothing else of a page.
func (s *Server) Relayed() http.Handler { return s.guard(true) }

// sealedKey marks a request whose page must be sealed.
type sealedKey struct{}

func sealed(r *http.Request) bool { return r.Context().Value(sealedKey{}) != nil }

// guard sets what every answer has in common, and bounds how many there are at a time.
func (s *Server) guard(relayed bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		web.Shield(h, policy)
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		if strings.HasPrefix(s.Config.Base(), "https:") {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
		default:
			h.Set("Retry-After", "5")
			s.problem(w, r, http.StatusServiceUnavailable, "page.busy")
			return
		}
		if relayed {
			r = r.WithContext(context.WithValue(r.Context(), sealedKey{}, true))
		}
		s.mux.ServeHTTP(w, r)
	})
}

// Run serves at the configured address until ctx is done. It is called once, and only where there is an address.
func (s *Server) Run(ctx context.Context) error {
	c := s.Config
	return s.Serve(ctx, ToAnybody("public", c.Listen, c.CertFile, c.KeyFile, s.Log), s.Handler())
}

// ToAnybody is the door of whatever is open to anybody.
func ToAnybody(name, listen, certFile, keyFile string, log *slog.Logger) web.Options {
	return web.Options{Name: name, Listen: listen, CertFile: certFile, KeyFile: keyFile, Read: readTime, Write: writeTime, Shutdown: shutdownTime, Log: log}
}
