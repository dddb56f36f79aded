package influx

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
	"github.com/influxdata/influxdb-client-go/v2/api"
	influxhttp "github.com/influxdata/influxdb-client-go/v2/api/http"
	"github.com/influxdata/influxdb-client-go/v2/api/write"

	"stillwater"
)

const (
	// lastFlush is how long Run goes on writing once it is told to stop: well within what the gateway allows its parts.
	lastFlush = 2 * time.Second
	// firstWait and longestWait bound the pause after a refused or lost request; it doubles in between.
	firstWait   = 500 * time.Millisecond
	longestWait = time.Minute
)

// earliest is before every moment a gateway knows of, and within what InfluxDB can count.
var earliest = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)

// Options is what a History is made of.
type Options struct {
	Config Config // its secret read
	Log    *slog.Logger
	TLS    *tls.Config     // nil: the system's certificates
	Health func(err error) // may be nil; called by Run when the database goes away, and with nil when it is back
}

// Counts is what became of the points so far.
type Counts struct {
	Queued   int   // waiting now, those of the request under way included
	Written  int64 // taken by the database
	Dropped  int64 // pushed out of the full queue, or left at the stop
	Rejected int64 // not to be said in InfluxDB, or in a request it refused (of which it may have taken the others); not sent again
}

// History is the way to InfluxDB. Its methods may be called from several goroutines.
type History struct {
	cfg    Config
	log    *slog.Logger
	health func(error)
	queue  *queue
	client influxdb2.Client
	writer api.WriteAPIBlocking

	inHand                  atomic.Int64 // points of the request under way
	since                   atomic.Int64 // when the oldest of them was queued, in unix nanoseconds
	written, left, rejected atomic.Int64
}

// New gives a History for a Config that Validate has nothing to say of. It opens nothing until Run.
func New(o Options) (*History, error) {
	var problems []error
	o.Config.Validate(func(_ any, problem string) { problems = append(problems, errors.New(problem)) })
	if o.Config.Token.Named() && o.Config.Token.Reveal() == "" {
		problems = append(problems, fmt.Errorf("%v is empty", o.Config.Token))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("influx: %w", err)
	}
	o.Config.complete()
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = o.TLS
	options := influxdb2.DefaultOptions().
		SetUseGZip(true).
		SetPrecision(time.Microsecond).
		SetLogLevel(0). // it would log to standard error, and URLs
		SetHTTPClient(&http.Client{Transport: transport})
	h := &History{cfg: o.Config, log: o.Log, health: o.Health, queue: newQueue(o.Config.Queue, o.Config.Batch)}
	h.client = influxdb2.NewClientWithOptions(o.Config.URL, o.Config.Token.Reveal(), options)
	h.writer = h.client.WriteAPIBlocking(o.Config.Org, o.Config.Bucket)
	return h, nil
}

// Write queues a reading.
func (h *History) Write(r stillwater.Reading) {
	h.put(item{reading: r, queued: time.Now()}, r.Value, r.At)
}

// WriteFinding queues a finding that began or ended.
func (h *History) WriteFinding(f stillwater.Finding) {
	h.put(item{finding: &f, queued: time.Now()}, float64(f.Facts.Litres), f.Began)
}

// put queues what can be said in InfluxDB's protocol; one point that cannot would spoil the request it goes in.
func (h *History) put(i item, number float64, at time.Time) {
	if math.IsNaN(number) || math.IsInf(number, 0) || at.Before(earliest) {
		h.rejected.Add(1)
		return
	}
	h.queue.put(i)
}

// Lag is how long the point that waits longest has waited, by the wall clock; 0 when none waits.
func (h *History) Lag() time.Duration {
	if h.inHand.Load() > 0 {
		return max(0, time.Since(time.Unix(0, h.since.Load())))
	}
	at, n, _ := h.queue.oldest()
	if n == 0 {
		return 0
	}
	return max(0, time.Since(at))
}

// Counts says what became of the points so far.
func (h *History) Counts() Counts {
	_, n, dropped := h.queue.oldest()
	return Counts{Queued: n + int(h.inHand.Load()), Written: h.written.Load(), Dropped: dropped + h.left.Load(), Rejected: h.rejected.Load()}
}

// Run writes what is queued until ctx is done, then what is left for at most two seconds. It is called once.
func (h *History) Run(ctx context.Context) error {
	defer h.client.Close()
	defer h.client.Options().HTTPClient().CloseIdleConnections()
	tick := time.NewTicker(h.cfg.Every)
	defer tick.Stop()
	s := sender{History: h}
	for ctx.Err() == nil {
		take := h.queue.takeWhole
		select {
		case <-ctx.Done():
			continue
		case <-tick.C:
			take = h.queue.take
		case <-h.queue.full:
		}
		for items := take(); len(items) > 0 && s.send(ctx, items); {
			items = take()
		}
	}
	h.flush(ctx, &s)
	return nil
}

// flush writes what is left and counts what could not be.
func (h *History) flush(ctx context.Context, s *sender) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer cancel()
	items := s.unsent
	if len(items) == 0 {
		items = h.queue.take()
	}
	for len(items) > 0 && s.send(ctx, items) {
		items = h.queue.take()
	}
	left := len(items)
	if left == 0 {
		return
	}
	for rest := h.queue.take(); len(rest) > 0; rest = h.queue.take() {
		left += len(rest)
	}
	h.left.Add(int64(left))
	h.inHand.Store(0)
	h.log.Warn("history points left unwritten at stop", "points", left)
}

// sender is the state of Run.
type sender struct {
	*History
	away   bool   // the last request was lost or refused for now
	unsent []item // taken from the queue and not written when ctx was done
}

// send writes items until the database has taken or refused them; false: ctx was done before, and they are in s.unsent.
func (s *sender) send(ctx context.Context, items []item) bool {
	points := make([]*write.Point, len(items))
	for i := range items {
		points[i] = items[i].point()
	}
	s.since.Store(items[0].queued.UnixNano())
	s.inHand.Store(int64(len(items)))
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := s.try(ctx, points)
		pause := max(wait, retryAfter(err))
		switch verdict := judge(err); {
		case ctx.Err() != nil && verdict == later:
			s.unsent = items
			return false
		case verdict == tooLarge && len(items) > 1:
			middle := len(items) / 2
			if !s.send(ctx, items[:middle]) {
				s.unsent = items
				return false
			}
			return s.send(ctx, items[middle:])
		case verdict == later:
			s.goesAway(err)
		default:
			s.done(len(items), verdict, err)
			return true
		}
		select {
		case <-ctx.Done():
			s.unsent = items
			return false
		case <-time.After(pause):
		}
	}
}

func (s *sender) try(ctx context.Context, points []*write.Point) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	return s.writer.WritePoint(ctx, points...)
}

// goesAway reports the first of a run of failures.
func (s *sender) goesAway(err error) {
	if s.away {
		return
	}
	s.away = true
	err = fmt.Errorf("write history to influx: %w", plain(err))
	s.log.Warn("history does not take points; they wait", "err", err)
	if s.health != nil {
		s.health(err)
	}
}

// done counts points that are over with and reports the first answer after failures.
func (s *sender) done(n int, v verdict, err error) {
	s.inHand.Store(0)
	if v == taken {
		s.written.Add(int64(n))
	} else {
		if s.rejected.Add(int64(n)) == int64(n) { // the first; the counter tells of the others
			s.log.Warn("history refused points; they are not sent again", "points", n, "err", plain(err))
		}
	}
	if !s.away {
		return
	}
	s.away = false
	s.log.Info("history takes points again")
	if s.health != nil {
		s.health(nil)
	}
}

// A verdict is what an answer means for the points.
type verdict int

const (
	taken    verdict = iota
	refused          // these points will never do
	tooLarge         // fewer at once may do
	later            // the same request may do later
)

// judge reads an answer. What is wrong with the account or the bucket is mended by people, so those points wait too.
func judge(err error) verdict {
	if err == nil {
		return taken
	}
	answer, ok := errors.AsType[*influxhttp.Error](err)
	if !ok {
		return refused // it could not even be put into a request
	}
	switch answer.StatusCode {
	case http.StatusBadRequest, http.StatusUnprocessableEntity: // a field of another type, older than is kept
		return refused
	case http.StatusRequestEntityTooLarge:
		return tooLarge
	}
	return later
}

func retryAfter(err error) time.Duration {
	if answer, ok := errors.AsType[*influxhttp.Error](err); ok {
		return min(time.Duration(answer.RetryAfter)*time.Second, longestWait)
	}
	return 0
}

// maxError keeps an answer with every refused line in it out of the log.
const maxError = 300

// plain is the error without the address and shortened.
func plain(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	if text := err.Error(); len(text) > maxError {
		return errors.New(text[:maxError] + "…")
	}
	return err
}
