// Package provider pretends to be a provider of text messages that speaks the part of Twilio's REST API (2010-04-01) a
// gateway uses: sending a message, listing messages by number and date, page by page, and looking at one. Behind it are
// people with phones: a page shows what they got and lets them answer.
//
// It promises: every accepted message is kept, in order, for tests to look at; what becomes of it depends on how long ago it was
// accepted, so nothing runs in the background; and it can be told to fail in every way a provider does, for all numbers or for
// one. It never sends anything anywhere, and is to listen on a loopback address only: its page asks for no password.
package provider

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"stillwater"
)

// What is used where Options say nothing.
const (
	DefaultAccount = "AC00000000000000000000000000000000"
	DefaultToken   = "simulated"
	DefaultNumber  = stillwater.Phone("+8610000000000")
)

// Options say what provider it is.
type Options struct {
	Account string           // SID; default DefaultAccount
	Token   string           // default DefaultToken
	Number  stillwater.Phone // the gateway's own, which people answer to; default DefaultNumber

	Now          func() time.Time // wall clock; default time.Now
	SentAfter    time.Duration    // queued for so long; default 500 ms, below zero: at once
	DeliverAfter time.Duration    // sent but not delivered for so long; default 2 s, below zero: at once
	ListedAfter  time.Duration    // a message can be listed only after so long; default at once

	// Names are shown on the page beside the numbers.
	Names map[stillwater.Phone]string
	// AutoReply, where it is set, says what a person answers and how long after the delivery; "": nothing.
	AutoReply func(Text) (answer string, after time.Duration)
	// Accepted, where it is set, is told of every accepted message. It must not block.
	Accepted func(Text)
}

// A Text is one message, to a person or from one.
type Text struct {
	SID      string           `json:"sid"`
	From     stillwater.Phone `json:"from"`
	To       stillwater.Phone `json:"to"`
	Body     string           `json:"body"`
	Inbound  bool             `json:"inbound"`
	At       time.Time        `json:"at"`                // accepted, or received
	Lost     bool             `json:"lost,omitempty"`    // accepted and never delivered
	Unheard  bool             `json:"unheard,omitempty"` // accepted, but the answer did not arrive
	Callback string           `json:"callback,omitempty"`
}

// A Server is the provider. It is safe for concurrent use.
type Server struct {
	o       Options
	handler http.Handler
	done    chan struct{} // closed when Run ends: hanging requests end with it
	stop    sync.Once

	mu      sync.Mutex // guards everything below
	texts   []Text     // in the order they were accepted or received
	faults  map[stillwater.Phone]*Fault
	stopped map[stillwater.Phone]bool // said STOP
}

// New makes a provider; Handler or Run puts it to use.
func New(o Options) *Server {
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Token == "" {
		o.Token = DefaultToken
	}
	if o.Number == "" {
		o.Number = DefaultNumber
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.SentAfter == 0 {
		o.SentAfter = 500 * time.Millisecond
	}
	if o.DeliverAfter == 0 {
		o.DeliverAfter = 2 * time.Second
	}
	s := &Server{o: o, done: make(chan struct{}), faults: map[stillwater.Phone]*Fault{}, stopped: map[stillwater.Phone]bool{}}
	s.handler = s.routes()
	return s
}

// Handler serves the API, the page of phones at "/", and the control API under "/control/".
func (s *Server) Handler() http.Handler { return s.handler }

// Run listens until ctx is done. ready, which may be nil, is told the address once it does; port 0 takes a free one.
func (s *Server) Run(ctx context.Context, listen string, ready func(address string)) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if ready != nil {
		ready(l.Addr().String())
	}
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		s.Close()
		err = server.Close()
		<-served
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close ends the requests that hang on purpose. Whoever serves Handler himself calls it before he closes his server.
func (s *Server) Close() { s.stop.Do(func() { close(s.done) }) }

// routes is what is answered where.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	api := "/2010-04-01/Accounts/{account}/Messages"
	mux.HandleFunc("POST "+api+".json", s.authorised(s.create))
	mux.HandleFunc("GET "+api+".json", s.authorised(s.list))
	mux.HandleFunc("GET "+api+"/{sid}", s.authorised(s.fetch))
	s.control(mux)
	s.page(mux)
	return http.NewCrossOriginProtection().Handler(mux) // a page from elsewhere must not answer for these people
}

// Sent is every message accepted from the gateway, in order.
func (s *Server) Sent() []Text {
	var sent []Text
	for _, t := range s.Texts() {
		if !t.Inbound {
			sent = append(sent, t)
		}
	}
	return sent
}

// Texts is every message to and from the people, in order.
func (s *Server) Texts() []Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.o.Now()
	var texts []Text
	for _, t := range s.texts {
		if !t.At.After(now) { // an answer that will come
			texts = append(texts, t)
		}
	}
	slices.SortStableFunc(texts, func(a, b Text) int { return a.At.Compare(b.At) })
	return texts
}

// Reply lets a person send a text to the gateway, and gives its SID. Carriers' opt-out words do what they do at carriers.
func (s *Server) Reply(from stillwater.Phone, body string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.receive(from, body, s.o.Now())
}

// receive takes in a person's text; the caller holds mu.
func (s *Server) receive(from stillwater.Phone, body string, at time.Time) string {
	switch strings.ToUpper(strings.TrimSpace(body)) {
	case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT":
		s.stopped[from] = true
	case "START", "YES", "UNSTOP":
		delete(s.stopped, from)
	}
	t := Text{SID: s.sid(), From: from, To: s.o.Number, Body: body, Inbound: true, At: at}
	s.texts = append(s.texts, t)
	return t.SID
}

// accept takes in a message to a person and lets him answer it, if he does so by himself; the caller holds mu.
func (s *Server) accept(t Text) Text {
	t.SID, t.At = s.sid(), s.o.Now()
	s.texts = append(s.texts, t)
	if s.o.AutoReply != nil && !t.Lost {
		if answer, after := s.o.AutoReply(t); answer != "" {
			s.receive(t.To, answer, t.At.Add(max(0, s.o.SentAfter)+max(0, s.o.DeliverAfter)+after))
		}
	}
	return t
}
