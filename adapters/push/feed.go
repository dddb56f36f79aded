package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"stillwater"
	"stillwater/adapters/platform"
)

// placeWithin is how long a push waits for its turn.
const placeWithin = time.Second

// A feed is one platform as the server knows it.
type feed struct {
	*Feed
	seal       seal
	strict     bool
	reader     *platform.Reader
	retries    *retries
	watch      *platform.Watch
	came       atomic.Bool  // something has, since the start
	turnedAway atomic.Int64 // since something last came
	leftAlone  atomic.Int64 // messages that the profile says hold no readings
	lastReason atomic.Value // string
	well       *bool        // as last told; nil at first; of the goroutine that watches
}

func newFeed(c *Feed) (*feed, error) {
	p, err := c.profile()
	if err != nil {
		return nil, err
	}
	f := &feed{Feed: c, strict: p.Strict, retries: newRetries()}
	f.seal = seal{Verify: p.Verify, path: c.Path, secret: []byte(c.Secret.Reveal())}
	if p.Verify.Scheme != "none" && len(f.seal.secret) == 0 {
		return nil, fmt.Errorf("%v is empty", c.Secret)
	}
	if c.Key.Named() {
		if f.seal.key = []byte(c.Key.Reveal()); len(f.seal.key) != 16 {
			return nil, fmt.Errorf("%v has %d characters; OneNET's AES keys have 16", c.Key, len(f.seal.key))
		}
	}
	f.reader, err = platform.NewReader(p.Layout)
	return f, err
}

// tell reports whether the feed is well, if that has changed. Nothing is said before something has come or should have.
func (f *feed) tell(now time.Time, health func(string, error)) {
	err := f.watch.Late(now)
	if err == nil && !f.came.Load() {
		return
	}
	well := err == nil
	if f.well != nil && *f.well == well {
		return
	}
	f.well = &well
	if n := f.turnedAway.Load(); err != nil && n > 0 {
		err = fmt.Errorf("%w; %d pushes were turned away meanwhile: %v", err, n, f.lastReason.Load())
	}
	if err != nil {
		err = fmt.Errorf("push feed %q: %w", f.Name, err)
	}
	health(f.Name, err)
}

// arrived notes that readings came.
func (f *feed) arrived(now time.Time) {
	f.watch.Came(now)
	f.came.Store(true)
	f.turnedAway.Store(0)
}

// An outcome is what a sender is told.
type outcome struct {
	Result   string         `json:"result"` // ok, refused or again
	Reason   string         `json:"reason,omitempty"`
	Readings int            `json:"readings,omitempty"` // that were taken
	Unknown  int            `json:"unknown,omitempty"`  // devices that no household has; nothing of them is kept
	Refused  map[string]int `json:"refused,omitempty"`  // records and values by reason
}

func answer(w http.ResponseWriter, code int, o outcome) {
	switch {
	case code >= 500:
		o.Result = "again"
	case code >= 400:
		o.Result = "refused"
	default:
		o.Result = "ok"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(o) // who has hung up sends again
}

// turnAway counts a push that is not taken, and logs the first of its kind after something was.
func (s *Server) turnAway(f *feed, reason string) {
	s.reject(f.Name, reason)
	f.lastReason.Store(reason)
	if f.turnedAway.Add(1) == 1 {
		s.log.Warn("push turned away", "feed", f.Name, "reason", reason)
	}
}

// receive takes one push and says how it is answered.
func (s *Server) receive(w http.ResponseWriter, r *http.Request, f *feed, emit emitter) (int, outcome) {
	refuse := func(code int, err error) (int, outcome) {
		s.turnAway(f, err.Error())
		return code, outcome{Reason: err.Error()}
	}
	leave, err := s.place(r.Context())
	if err != nil {
		return refuse(http.StatusServiceUnavailable, err)
	}
	defer leave()
	body, code, err := s.body(w, r)
	if err != nil {
		return refuse(code, err)
	}
	message, err := f.seal.open(r, body, s.now()) // senders' timestamps are of the real clock
	switch {
	case errors.Is(err, errSender) || errors.Is(err, errStale):
		return refuse(http.StatusUnauthorized, err)
	case err != nil:
		return refuse(http.StatusBadRequest, err)
	}
	return s.take(r.Context(), f, message, emit, refuse)
}

// place waits for a turn, so that no more is held in memory than is worked on.
func (s *Server) place(ctx context.Context) (leave func(), err error) {
	leave = func() { <-s.places }
	select {
	case s.places <- struct{}{}:
		return leave, nil
	default:
	}
	late := time.NewTimer(placeWithin)
	defer late.Stop()
	select {
	case s.places <- struct{}{}:
		return leave, nil
	case <-late.C:
	case <-ctx.Done():
	}
	return nil, errBusy
}

// body reads what is pushed.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (body []byte, code int, err error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, http.StatusUnsupportedMediaType, errCoded
	}
	body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, int64(s.config.MaxBody)))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, http.StatusRequestEntityTooLarge, errLarge
	case err != nil:
		return nil, http.StatusBadRequest, errBroken
	}
	return body, 0, nil
}

// take makes the readings of a message whose sender is known, and waits until they are committed.
func (s *Server) take(ctx context.Context, f *feed, message []byte, emit emitter, refuse func(int, error) (int, outcome)) (int, outcome) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	d := digestOf(f.Name, message)
	flight, mine := f.retries.begin(d, s.now())
	if flight == nil {
		return refuse(http.StatusServiceUnavailable, errBusy)
	}
	var o outcome
	if mine {
		var err error
		if o, err = s.fly(ctx, f, message, flight, d, emit); err != nil {
			return refuse(http.StatusBadRequest, err)
		}
	}
	select {
	case <-flight.landed:
	case <-ctx.Done():
	}
	select {
	case <-flight.landed:
		if flight.ok {
			return http.StatusOK, o
		}
	default:
	}
	return refuse(http.StatusServiceUnavailable, errLate)
}

// fly emits the readings of a message; its flight ends when they are committed, or at once where there are none. An error is for a message
// that is no good, however often it comes.
func (s *Server) fly(ctx context.Context, f *feed, message []byte, flight *flight, d digest, emit emitter) (outcome, error) {
	now := s.clock.Now()
	end := func(ok, remember bool) { f.retries.end(d, flight, ok, remember, s.now()) }
	s.desks <- struct{}{}
	result, err := f.read(message, now)
	<-s.desks
	s.count(f, result.Refused)
	if err != nil {
		end(false, false)
		return outcome{}, err
	}
	if result.Ignored && f.leftAlone.Add(1) == 1 {
		s.log.Info("push left alone: the profile reads other messages", "feed", f.Name)
	}
	readings := result.Readings
	o := outcome{Readings: len(readings), Refused: result.Refused}
	if len(readings) == 0 {
		end(true, false)
		return o, nil
	}
	for i := range readings {
		readings[i].Source = f.Name + "/" + readings[i].Source
	}
	f.arrived(now)
	o.Unknown = s.unknown(readings)
	if err := emit(ctx, readings, func() { end(true, o.Unknown == 0) }); err != nil {
		end(false, false)
	}
	return o, nil
}

// read makes the readings of a message. A strict feed's sender is told of a message without one.
func (f *feed) read(message []byte, now time.Time) (platform.Result, error) {
	doc, err := platform.Decode(message)
	if err != nil {
		return platform.Result{}, err
	}
	result := f.reader.Read(doc, now)
	switch {
	case result.Ignored || len(result.Readings) > 0 || !f.strict:
		return result, nil
	case result.Records == 0:
		return result, errEmpty
	}
	return result, fmt.Errorf("%w: %w", errUseful, reason(result.Refused))
}

// reason is the one reason of all that was refused.
func reason(refused map[string]int) error {
	if len(refused) == 1 {
		for r := range refused {
			return errors.New(r)
		}
	}
	return errors.New("several reasons")
}

// count counts what was refused of a message.
func (s *Server) count(f *feed, refused map[string]int) {
	for reason, n := range refused {
		for range n {
			s.reject(f.Name, reason)
		}
	}
}

// unknown is how many devices of the readings no household has. They are emitted and answered like all others: the pipeline counts them, and their
// platform would send them for ever.
func (s *Server) unknown(readings []stillwater.Reading) int {
	strangers := map[string]bool{}
	for i := range readings {
		if source := readings[i].Source; !s.known(source) {
			strangers[source] = true
		}
	}
	return len(strangers)
}
