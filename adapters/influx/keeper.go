package influx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stillwater"
	"stillwater/adapters/influx/spool"
)

// keeper takes what is in hand to the spool. It belongs to one goroutine.
type keeper struct {
	*History
	spool  *spool.Spool
	mark   spool.Mark // all of the journal up to it is in the spool
	synced spool.Mark // and all up to this is certain
	behind bool       // something after mark is neither in the spool nor in hand: the journal has it
	rest   [][]byte   // lines that the disk has not taken; mark is theirs once it has
	dirty  bool       // there is something to sync
	due    time.Time  // when the next sync is due
	begun  time.Time  // since when points are dropped, now and then; zero: they are not
	drops  int64      // points dropped when it was last looked at
	brim   int64      // points that waited at the last drop
}

// run works until ctx is done.
func (k *keeper) run(ctx context.Context) {
	tick := time.NewTicker(min(k.cfg.Sync, time.Second))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			k.turn(ctx)
			if k.synced == (spool.Mark{}) {
				k.sync() // from here on nothing is missed, whatever happens
			}
		case now := <-tick.C:
			k.turn(ctx)
			if !now.Before(k.due) {
				k.sync()
				k.due = now.Add(k.cfg.Sync)
			}
			k.watch(now)
		}
	}
}

// turn takes what is in hand to the spool, after what has waited for that longer.
func (k *keeper) turn(ctx context.Context) {
	if len(k.rest) > 0 && !k.add(nil, k.mark) {
		return
	}
	hand, missed := k.take()
	switch {
	case missed == 0:
	case k.Missed == nil:
		k.dropped.Add(int64(missed))
	default:
		k.behind = true
	}
	if k.behind && !k.catchUp(ctx) {
		return // what was in hand is in the journal too
	}
	for _, p := range hand {
		lines, mark := k.say(p.entries, p.findings)
		if !k.add(append(lines, p.lines...), mark) {
			k.behind = k.Missed != nil // of the parcels after it
			return
		}
	}
	if k.spool.Counts().Waiting >= int64(k.cfg.Batch) {
		signal(k.full)
	}
}

// say writes entries and findings as lines, and gives the mark after them.
func (k *keeper) say(entries []stillwater.Entry, findings []stillwater.Finding) (lines [][]byte, mark spool.Mark) {
	mark = k.mark
	put := func(b []byte) {
		if b == nil {
			k.rejected.Add(1)
			return
		}
		lines = append(lines, b)
	}
	for _, e := range entries {
		if e.Reading != nil {
			put(readingLine(e.Seq, *e.Reading))
		}
		mark.Seq = max(mark.Seq, e.Seq)
		if at := moment(e); at.After(mark.At) {
			mark.At = at
		}
	}
	for _, f := range findings {
		put(findingLine(f))
	}
	return lines, mark
}

// moment is when a line of the journal was written.
func moment(e stillwater.Entry) time.Time {
	switch {
	case e.Reading != nil:
		return e.Reading.Received
	case !e.Tick.IsZero():
		return e.Tick
	case !e.Resumed.IsZero():
		return e.Resumed
	}
	return e.At
}

// add adds lines to the spool, after those that it has not taken before; false: it does not take all of them now.
func (k *keeper) add(lines [][]byte, mark spool.Mark) bool {
	k.rest, k.mark = append(k.rest, lines...), mark
	n, err := k.spool.Append(time.Now(), k.rest)
	if k.rest = k.rest[n:]; len(k.rest) == 0 {
		k.rest = nil
	}
	k.dirty = k.dirty || n > 0 || err == nil
	k.tell(disk, err)
	return err == nil
}

// errWaits ends the reading of the journal while the disk does not take what is read.
var errWaits = errors.New("the disk does not take it")

// catchUp takes what is missing from the journal to the spool; false: not all of it.
func (k *keeper) catchUp(ctx context.Context) bool {
	from, readings := k.mark, 0
	err := k.Missed(ctx, from.Seq, from.At, func(b *stillwater.Batch) error {
		lines, mark := k.say(b.Entries, b.Findings)
		for _, i := range b.Incidents {
			lines = append(lines, incidentLines(i, true)...)
		}
		readings += len(b.Entries)
		if !k.add(lines, mark) {
			return errWaits
		}
		return nil
	})
	if err != nil {
		if !errors.Is(err, errWaits) && ctx.Err() == nil {
			k.tell(disk, fmt.Errorf("journal for history: %w", err))
		}
		return false
	}
	if k.behind = false; readings > 0 {
		k.Log.Info("history fetched from the journal what was not safe on disk yet", "lines", readings, "after", from.Seq)
	}
	return true
}

// sync makes certain what was added and what was sent. After an error all that was not certain before is fetched once more.
func (k *keeper) sync() {
	moved := k.moved.Swap(false)
	if !k.dirty && !moved || len(k.rest) > 0 {
		return // with lines at rest mark is not true yet
	}
	if err := k.spool.Sync(k.mark); err != nil {
		k.tell(disk, err)
		k.moved.Store(true)
		k.mark, k.behind, k.dirty = k.synced, k.Missed != nil, true
		return
	}
	k.tell(disk, nil)
	k.synced, k.dirty = k.mark, false
}

// watch tells when the oldest point waits too long, and when points were dropped.
func (k *keeper) watch(now time.Time) {
	k.look(k.spool)
	since := time.UnixMicro(k.oldest.Load())
	if late := k.Lag() > k.cfg.Late; late {
		k.tell(lag, fmt.Errorf("the oldest point that the database does not have came at %s; more than %v is too long", since.UTC().Format(time.RFC3339), k.cfg.Late))
	} else {
		k.tell(lag, nil)
	}
	c := k.Counts()
	switch dropped := c.Dropped > k.drops; {
	case dropped && !k.begun.IsZero():
		k.brim = c.Waiting
	case dropped:
		k.begun, k.brim = now, c.Waiting
		k.Log.Warn("history drops its oldest points for want of room", "dropped", c.Dropped, "waiting", c.Waiting, "bytes", c.Bytes)
		k.tell(limits, fmt.Errorf("the oldest points are dropped since %s, for the spool is at its limit, or the disk: mend the database, make room on the disk, or raise spool_mb", now.UTC().Format(time.RFC3339)))
	case !k.begun.IsZero() && c.Waiting <= k.brim/2: // drops come in fits: only a spool that empties has none to come
		k.Log.Info("history drops no points any more", "since", k.begun.UTC(), "dropped", c.Dropped)
		k.begun = time.Time{}
		k.tell(limits, nil)
	}
	k.drops = c.Dropped
}
