package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

const (
	// readWithin bounds how long a sender may take for its push; a slow one holds one of the places for that long.
	readWithin = 30 * time.Second
	// headerWithin bounds the same for what comes before the body.
	headerWithin = 5 * time.Second
	// idleFor is how long a connection is kept for the next push.
	idleFor = 90 * time.Second
	// maxHeader bounds the head of a request.
	maxHeader = 16 << 10
	// maxConnections bounds open connections: beyond them, new ones wait in the operating system's queue.
	maxConnections = 512
	// watchEvery is how often it is looked whether a feed is late.
	watchEvery = time.Second
	// stopWithin bounds how long a stop waits for pushes to be answered.
	stopWithin = 3 * time.Second
)

// A Clock is the event clock, which may run fast.
type Clock interface{ Now() time.Time }

// Options is what a Server needs.
type Options struct {
	Config Config // valid: see Config.Validate; its secrets are resolved
	Clock  Clock
	Health func(feed string, err error)     // told whether a feed is well, on changes only; called from one goroutine; may be nil
	Reject func(feed string, reason string) // told of everything that is not taken; reasons are few and fixed; called from any goroutine; may be nil
	Known  func(source string) bool         // says whether a household has the device: what is pushed of others is emitted again when it comes again; nil: all are known
	Log    *slog.Logger                     // may be nil
}

// A Server receives the pushes of one address.
type Server struct {
	config Config
	clock  Clock
	health func(string, error)
	reject func(string, string)
	known  func(string) bool
	log    *slog.Logger
	feeds  map[string]*feed // by path
	places chan struct{}    // one for each push that is worked on
	desks  chan struct{}    // one for each that is read, which takes ten times its size for a moment
	bound  chan string      // the address once it listens
	now    func() time.Time // the real clock; another in tests
}

// emitter is how readings leave; see Run.
type emitter = func(ctx context.Context, readings []stillwater.Reading, done func()) error

// New makes a server that is at rest until Run. It reads the profiles.
func New(o Options) (*Server, error) {
	s := &Server{config: o.Config.withDefaults(), clock: o.Clock, health: o.Health, reject: o.Reject, known: o.Known, log: o.Log,
		feeds: map[string]*feed{}, bound: make(chan string, 1), now: time.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.health == nil {
		s.health = func(string, error) {}
	}
	if s.reject == nil {
		s.reject = func(string, string) {}
	}
	if s.known == nil {
		s.known = func(string) bool { return true }
	}
	s.places, s.desks = make(chan struct{}, s.config.AtOnce), make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range s.config.Feeds {
		f, err := newFeed(&s.config.Feeds[i])
		if err != nil {
			return nil, fmt.Errorf("push feed %q: %w", s.config.Feeds[i].Name, err)
		}
		s.feeds[f.Path] = f
	}
	return s, nil
}

// Run serves until ctx is done, and then returns nil. The readings of one push are one call of emit; several pushes call it at a time. A push
// is answered with success once done is called, and otherwise, or after the timeout, with a word to come again. It can be called once.
func (s *Server) Run(ctx context.Context, emit func(ctx context.Context, readings []stillwater.Reading, done func()) error) error {
	l, err := s.listen(ctx)
	if err != nil {
		return fmt.Errorf("push %s: %w", s.config.Listen, err)
	}
	s.begin(s.clock.Now())
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, emit) }),
		ReadHeaderTimeout: headerWithin, ReadTimeout: readWithin, WriteTimeout: readWithin + s.config.Timeout + stopWithin, IdleTimeout: idleFor,
		MaxHeaderBytes: maxHeader, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: log.New(discreet{s.log}, "", 0),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	s.bound <- l.Addr().String()
	s.log.Info("pushes are taken", "address", l.Addr().String(), "feeds", len(s.feeds))
	err = s.watch(ctx, ended)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close() // what is still open has had its time
	}
	return err
}

// begin makes the feeds wait for what is to come.
func (s *Server) begin(now time.Time) {
	for _, f := range s.feeds {
		f.watch = platform.NewWatch(f.Expect, now)
	}
}

// watch looks after the feeds until the server or ctx ends.
func (s *Server) watch(ctx context.Context, ended <-chan error) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return fmt.Errorf("push %s: %w", s.config.Listen, err)
		case <-tick.C:
			now := s.clock.Now()
			for _, f := range s.feeds {
				f.tell(now, s.health)
			}
		}
	}
}

// listen opens the address.
func (s *Server) listen(ctx context.Context) (net.Listener, error) {
	var config *tls.Config
	if s.config.CertFile != "" {
		c := &certificate{cert: s.config.CertFile, key: s.config.KeyFile}
		if _, err := c.get(nil); err != nil {
			return nil, err
		}
		config = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get}
	}
	if s.config.ClientCAFile != "" {
		pem, err := os.ReadFile(s.config.ClientCAFile)
		if err != nil {
			return nil, err
		}
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%q holds no certificates (PEM)", s.config.ClientCAFile)
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return nil, err
	}
	l = limit(l, maxConnections)
	if config != nil {
		l = tls.NewListener(l, config)
	}
	return l, nil
}

// discreet keeps what net/http complains of, which names senders, for those who look closely.
type discreet struct{ log *slog.Logger }

func (d discreet) Write(p []byte) (int, error) {
	d.log.Debug("push connection", "problem", string(p))
	return len(p), nil
}

// serve answers one request.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, emit emitter) {
	f := s.feedAt(r.URL.Path)
	switch {
	case f == nil:
		http.NotFound(w, r)
	case r.Method == http.MethodGet && f.seal.Scheme == "onenet":
		s.greet(w, r, f)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		answer(w, http.StatusMethodNotAllowed, outcome{Reason: "push with POST"})
	default:
		code, o := s.receive(w, r, f, emit)
		if code >= 500 {
			w.Header().Set("Retry-After", "30")
		}
		answer(w, code, o)
	}
}

// feedAt is the feed of a path; nil: there is none.
func (s *Server) feedAt(path string) *feed {
	if f := s.feeds[path]; f != nil {
		return f
	}
	for i := len(path) - 1; i > 0; i-- {
		if path[i] != '/' {
			continue
		}
		if f := s.feeds[path[:i]]; f != nil && f.seal.Scheme == "token" {
			return f // its token is the rest
		}
		break
	}
	return nil
}

// greet answers the check of an address.
func (s *Server) greet(w http.ResponseWriter, r *http.Request, f *feed) {
	msg, ok := f.seal.greeting(r.URL.Query())
	if !ok {
		s.turnAway(f, errSender.Error())
		answer(w, http.StatusUnauthorized, outcome{Reason: errSender.Error()})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte(msg)) // who has hung up asks again
}

// errBusy and errLate tell a sender to come again.
var (
	errBusy   = errors.New("too many pushes at a time; come again")
	errLate   = errors.New("not committed in time; come again")
	errLarge  = errors.New("too large")
	errBroken = errors.New("broke off")
	errCoded  = errors.New("compressed")
	errEmpty  = errors.New("no record where the profile looks for them")
	errUseful = errors.New("no usable reading")
)
