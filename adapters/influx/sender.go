package influx

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stillwater/adapters/influx/spool"
)

// mostDoubts is how many points, one by one, a database may refuse without saying why before the fault is taken to be with the requests.
const mostDoubts = 20

// sender takes points from the spool to the database. It belongs to one goroutine.
type sender struct {
	*History
	spool *spool.Spool
	away  time.Time // since when the database does not take points; zero: it does
	due   time.Time // when the rate allows the next batch
}

// run works until ctx is done.
func (s *sender) run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	wait := firstWait
	for ctx.Err() == nil {
		points := s.peek()
		if !s.ripe(points, time.Now()) {
			select {
			case <-ctx.Done():
			case <-tick.C:
			case <-s.full:
			}
			continue
		}
		if err := s.deliver(ctx, points); err != nil {
			if !pause(ctx, max(wait, retryAfter(err, time.Now()))) {
				return
			}
			wait = min(2*wait, longestWait)
			continue
		}
		wait = firstWait
		s.pace(ctx, len(points))
	}
}

// peek gives the oldest points, and notes since when they wait.
func (s *sender) peek() []spool.Record {
	points, err := s.spool.Peek(s.cfg.Batch)
	s.tell(reads, err)
	if err != nil {
		return nil
	}
	if len(points) == 0 {
		s.oldest.Store(0)
		return nil
	}
	s.oldest.Store(points[0].Added.UnixMicro())
	return points
}

// ripe says whether points have waited long enough for others to go with; also if the clock was set back since.
func (s *sender) ripe(points []spool.Record, now time.Time) bool {
	if len(points) == 0 {
		return false
	}
	age := now.Sub(points[0].Added)
	return len(points) >= s.cfg.Batch || age < 0 || age >= s.cfg.Every
}

// pace waits as long as the rate asks for after n points.
func (s *sender) pace(ctx context.Context, n int) {
	now := time.Now()
	if s.due.Before(now) {
		s.due = now
	}
	s.due = s.due.Add(time.Duration(n) * time.Second / time.Duration(s.cfg.Rate))
	if d := s.due.Sub(now); d > 10*time.Millisecond { // a batch now and then need not wait
		pause(ctx, d)
	}
}

// flush sends what waits, for as long as ctx allows, unless the database is away: it is safe on disk.
func (s *sender) flush(ctx context.Context) {
	for points := s.peek(); len(points) > 0 && s.away.IsZero() && ctx.Err() == nil; points = s.peek() {
		if s.deliver(ctx, points) != nil {
			return
		}
		s.pace(ctx, len(points))
	}
}

// deliver sends points until the database has taken each of them or refused it for itself, and only then takes them out of the spool. An
// error says that the same points are to be sent later.
func (s *sender) deliver(ctx context.Context, points []spool.Record) error {
	d := delivery{sender: s}
	allowed := s.allowed(points)
	var err error
	if len(allowed) > 0 {
		err = d.settle(ctx, allowed)
	}
	if err == nil && d.landed == 0 && d.doubted > 0 {
		err = d.doubt
	}
	if err != nil {
		if ctx.Err() == nil {
			s.goesAway(err)
		}
		return err
	}
	s.spool.Done(points)
	s.moved.Store(true)
	s.written.Add(int64(d.landed))
	s.withheld.Add(int64(len(points) - len(allowed)))
	if n := int64(d.refused + d.doubted); n > 0 && s.rejected.Add(n) == n { // the first; the counter tells of the others
		s.Log.Warn("the database refuses points of history; they are not sent again", "points", n, "err", plain(d.doubt))
	}
	if len(allowed) > 0 {
		s.comesBack()
	}
	return nil
}

// allowed leaves out the points of households that took their consent back while they waited.
func (s *sender) allowed(points []spool.Record) []spool.Record {
	if s.Withdrew == nil {
		return points
	}
	return slices.DeleteFunc(slices.Clone(points), func(r spool.Record) bool { return s.Withdrew(householdOf(r.Data)) })
}

// delivery is what became of one batch so far.
type delivery struct {
	*sender
	landed, refused, doubted int
	doubt                    error // the last refusal
}

// settle sends points, and halves them for as long as some are refused: those that are good land, the others are found.
func (d *delivery) settle(ctx context.Context, points []spool.Record) error {
	err := d.try(ctx, points)
	switch v := judge(err); {
	case v == taken:
		d.landed += len(points)
		return nil
	case v == later:
		return err
	case v == refused && (len(points) == 1 || allDropped(err, len(points))), v == tooLarge && len(points) == 1:
		d.refused, d.doubt = d.refused+len(points), err
		return nil
	case len(points) == 1: // doubtful
		if d.doubted, d.doubt = d.doubted+1, err; d.landed == 0 && d.doubted >= mostDoubts {
			return err
		}
		return nil
	}
	middle := len(points) / 2
	if err := d.settle(ctx, points[:middle]); err != nil {
		return err
	}
	return d.settle(ctx, points[middle:])
}

func (s *sender) try(ctx context.Context, points []spool.Record) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	lines := make([]string, len(points))
	for i, p := range points {
		lines[i] = string(p.Data)
	}
	return s.writer.WriteRecord(ctx, lines...)
}

// goesAway notes that the database does not take points.
func (s *sender) goesAway(err error) {
	err = fmt.Errorf("the database does not take points, and they wait: %w", plain(err))
	if s.away.IsZero() {
		s.away = time.Now()
		s.Log.Warn("history waits for its database", "err", err)
	}
	s.tell(database, err)
}

// comesBack notes that it takes them.
func (s *sender) comesBack() {
	if !s.away.IsZero() {
		s.look(s.spool)
		s.Log.Info("the database takes points of history again", "away_since", s.away.UTC().Truncate(time.Second), "waiting", s.Counts().Waiting)
		s.away = time.Time{}
	}
	s.tell(database, nil)
}
