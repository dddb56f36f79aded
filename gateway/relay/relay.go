// Package relay lets a gateway that cannot be reached from outside be reached all the same: Server is the small public counterpart, and
// Client is the gateway's end of the one connection between them, which the gateway makes.
//
// Whatever is asked of the relay below /ID/ is handed to the gateway ID and answered with what it says. The relay understands none of it,
// logs none of it and has no disk: it holds a request while it is answered. The pages of links come sealed (see gateway/public), so that
// the relay sees codes, the numbers of buttons at worst, and ciphertext; what providers and platforms send it sees as they send it. README.md
// says plainly what that comes to.
//
// A gateway proves itself by a key it shares with the relay, and the relay to the gateway, besides TLS, by the same. Everything is bounded:
// requests at a time, their size, how long they wait, how often a visitor comes.
package relay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"stillwater/gateway/public"
	"stillwater/gateway/web"
)

const (
	// connectPath is where gateways connect; no gateway can have it as its ID.
	connectPath = "/.gateway"
	protocol    = "stillwater-relay-1"

	answerWithin     = 15 * time.Second
	helloWithin      = 10 * time.Second
	mostOfOne        = 32  // requests under way of one gateway
	mostLarge        = 32  // bodies that are read at a time, of all gateways
	mostSmall        = 256 // the same of bodies no larger than a form
	small            = 16 << 10
	mostOfOneVisitor = 16 // bodies read at a time of one visitor, who may be slow on purpose
	mostHellos       = 16 // gateways that are proving themselves
	remembered       = 50_000
)

// Options is what a Server works with.
type Options struct {
	Config Config // valid, its secrets resolved
	Log    *slog.Logger
}

// Server is the relay.
type Server struct {
	Options
	*web.Door
	visits, tries *web.Limiter
	large, forms  chan struct{} // places for bodies
	hellos        chan struct{}

	mu       sync.Mutex // guards everything below
	gateways map[string]*gateway
	reading  map[string]int // bodies that are read, by visitor
	closed   bool
}

// New makes a relay that is at rest until Run.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Server{
		Options: o, gateways: map[string]*gateway{}, reading: map[string]int{}, Door: web.NewDoor(), large: make(chan struct{}, mostLarge), forms: make(chan struct{}, mostSmall), hellos: make(chan struct{}, mostHellos),
		visits: &web.Limiter{Burst: 120, Every: 200 * time.Millisecond, Most: remembered},
		tries:  &web.Limiter{Burst: 10, Every: 6 * time.Second, Most: remembered},
	}
}

// Run serves until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	defer s.shut()
	c := s.Config
	return s.Serve(ctx, public.ToAnybody("relay", c.Listen, c.CertFile, c.KeyFile, s.Log), s.Handler())
}

// shut lets go of the gateways: a server does not close connections it has given away.
func (s *Server) shut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, g := range s.gateways {
		g.conn.close()
	}
}

// Handler is all the relay answers.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+connectPath, s.connect)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /robots.txt", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "User-agent: *\nDisallow: /\n") })
	mux.HandleFunc("/{id}/", s.forward)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusNotFound) })
	return mux
}

// key is the key of a gateway.
func (s *Server) key(id string) (string, bool) {
	for i := range s.Config.Gateways {
		if s.Config.Gateways[i].ID == id {
			return s.Config.Gateways[i].Key.Reveal(), true
		}
	}
	return "", false
}

// connect takes the connection of a gateway, and keeps it.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	hijacker, can := w.(http.Hijacker)
	if r.Header.Get("Upgrade") != protocol || !can {
		tell(w, http.StatusNotFound)
		return
	}
	if !s.tries.Allow(s.visitor(r), time.Now()) || !place(s.hellos) {
		tell(w, http.StatusTooManyRequests)
		return
	}
	raw, rw, err := hijacker.Hijack()
	if err != nil {
		<-s.hellos
		return
	}
	id, c, err := s.admit(raw, rw.Reader)
	<-s.hellos
	if err != nil {
		s.Log.Warn("a gateway was not let in", "id", id, "err", err)
		return
	}
	s.hold(id, c)
}

// place takes a place if there is one.
func place(places chan struct{}) bool {
	select {
	case places <- struct{}{}:
		return true
	default:
		return false
	}
}

// admit goes through the handshake of a connection.
func (s *Server) admit(raw net.Conn, reader *bufio.Reader) (id string, c *conn, err error) {
	_ = raw.SetDeadline(time.Now().Add(helloWithin))
	if _, err = fmt.Fprintf(raw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol); err == nil {
		c = newConn(raw, reader)
		id, err = admit(c, s.key)
	}
	if err != nil {
		if c != nil {
			c.close()
		}
		raw.Close()
		return id, nil, err
	}
	_ = raw.SetDeadline(time.Time{}) // from here on the connection watches itself
	return id, c, nil
}

// gateway is one that is connected.
type gateway struct {
	conn   *conn
	places chan struct{}
	gone   chan struct{}

	mu      sync.Mutex // guards everything below
	last    uint32
	waiting map[uint32]chan answer
}

// hold serves the connection of a gateway until it ends. A gateway that comes again takes the place of its old connection, which it has
// lost.
func (s *Server) hold(id string, c *conn) {
	g := &gateway{conn: c, places: make(chan struct{}, mostOfOne), gone: make(chan struct{}), waiting: map[uint32]chan answer{}}
	s.mu.Lock()
	old := s.gateways[id]
	s.gateways[id] = g
	closed := s.closed
	s.mu.Unlock()
	if old != nil {
		old.conn.close()
	}
	if !closed {
		s.Log.Info("a gateway is connected", "id", id)
		s.Log.Info("a gateway is gone", "id", id, "err", g.listen())
	}
	c.close()
	close(g.gone)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gateways[id] == g {
		delete(s.gateways, id)
	}
}

// listen takes the gateway's answers to whoever waits.
func (g *gateway) listen() error {
	for {
		kind, n, body, err := g.conn.receive(maxFrame)
		if err != nil {
			return err
		}
		switch kind {
		case kindPing:
			if err := g.conn.send(kindPong, n, nil); err != nil {
				return err
			}
		case kindAnswer:
			var a answer
			if err := json.Unmarshal(body, &a); err != nil {
				return err
			}
			if waits, ok := g.take(n); ok {
				waits <- a
			}
		}
	}
}

func (g *gateway) take(n uint32) (chan answer, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waits, ok := g.waiting[n]
	delete(g.waiting, n)
	return waits, ok
}

var errAway = errors.New("the gateway is away")

// ask hands a request on and waits for the answer.
func (g *gateway) ask(ctx context.Context, r request) (answer, error) {
	waits := make(chan answer, 1)
	g.mu.Lock()
	g.last++
	n := g.last
	g.waiting[n] = waits
	g.mu.Unlock()
	defer g.take(n)
	if err := g.conn.send(kindRequest, n, r); err != nil {
		return answer{}, err
	}
	select {
	case a := <-waits:
		return a, nil
	case <-g.gone:
		return answer{}, errAway
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// forward hands a request to its gateway.
func (s *Server) forward(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	from := s.visitor(r)
	if !s.visits.Allow(from, time.Now()) {
		tell(w, http.StatusTooManyRequests)
		return
	}
	s.mu.Lock()
	g := s.gateways[id]
	s.mu.Unlock()
	if _, known := s.key(id); !known {
		tell(w, http.StatusNotFound)
		return
	}
	if g == nil {
		tell(w, http.StatusServiceUnavailable)
		return
	}
	body, status := s.read(w, r, from)
	if status == 0 && !place(g.places) {
		status = http.StatusServiceUnavailable
	}
	if status != 0 {
		tell(w, status)
		return
	}
	defer func() { <-g.places }()
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	a, err := g.ask(ctx, request{r.Method, strings.TrimPrefix(r.URL.RequestURI(), "/"+id), r.Host, from, endToEnd(r.Header), body})
	if err != nil || a.Status < 200 || a.Status > 599 {
		s.Log.Debug("no answer of a gateway", "id", id, "err", err)
		tell(w, http.StatusServiceUnavailable)
		return
	}
	for name, values := range endToEnd(a.Header) {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // who has hung up asks again
}

// read reads the body of a request. Only so many are read at a time, of all and of one visitor: who sends by drops has what he takes for as
// long as the server lets a request be read, and keeps nobody else waiting.
func (s *Server) read(w http.ResponseWriter, r *http.Request, from string) (body []byte, status int) {
	if r.Body == nil || r.ContentLength == 0 {
		return nil, 0
	}
	places := s.large
	if r.ContentLength > 0 && r.ContentLength <= small {
		places = s.forms
	}
	if !s.begin(from) {
		return nil, http.StatusTooManyRequests
	}
	defer s.end(from)
	if !place(places) {
		return nil, http.StatusServiceUnavailable
	}
	defer func() { <-places }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge
	case err != nil:
		return nil, http.StatusBadRequest
	}
	return body, 0
}

// begin counts a body that a visitor sends; false: these are enough.
func (s *Server) begin(from string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[from] >= mostOfOneVisitor {
		return false
	}
	s.reading[from]++
	return true
}

func (s *Server) end(from string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reading[from]--; s.reading[from] == 0 {
		delete(s.reading, from)
	}
}

// hopByHop are headers of one connection, and what the relay says itself.
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "X-Forwarded-For", "Forwarded", "X-Real-Ip", "Content-Length"}

// endToEnd are the headers that are handed on.
func endToEnd(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range strings.Split(strings.Join(h.Values("Connection"), ","), ",") {
		h.Del(strings.TrimSpace(name))
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
	return h
}

// visitor is the address a request comes from; behind a proxy on this machine, the one it says.
func (s *Server) visitor(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	addr := at.Addr().Unmap()
	if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); addr.IsLoopback() {
		if before, err := netip.ParseAddr(strings.TrimSpace(hops[len(hops)-1])); err == nil {
			addr = before.Unmap()
		}
	}
	return addr.String()
}

// tell says in both languages what is the matter. The relay has no other words, and knows no telephone number.
func tell(w http.ResponseWriter, status int) {
	text := "这里没有这个页面。 There is no such page."
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
		text = "暂时连不上，请过一会儿再试；急事请直接打电话。 Cannot be reached for the moment: please try again in a while, and telephone if it is urgent."
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
		text = "打开得太频繁，请过一分钟再试。 Too many visits at once: please try again in a minute."
	case http.StatusRequestEntityTooLarge:
		text = "内容太长。 Too long."
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
