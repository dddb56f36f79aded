package delivery

import (
	"context"
	"time"

	"stillwater"
)

// collect brings in the replies of one inbox until ctx is done. What the sink did not store is read again with the next poll.
func (c *Courier) collect(ctx context.Context, inbox Inbox, wake <-chan struct{}) {
	since := c.Clock.Now().Add(-c.Config.LookBack)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		began := c.Clock.Now()
		if c.replies(ctx, inbox, since) && began.Add(-c.Config.Overlap).After(since) {
			since = began.Add(-c.Config.Overlap)
		}
		timer.Reset(c.Config.Poll)
	}
}

// replies reads the replies since a moment and says whether all of them are stored.
func (c *Courier) replies(ctx context.Context, inbox Inbox, since time.Time) bool {
	limited, cancel := context.WithTimeout(ctx, c.Config.Timeout)
	defer cancel()
	replies, err := inbox.Replies(limited, since)
	c.healthy(ctx, "inbox "+inbox.Name(), err)
	stored := err == nil
	for _, r := range replies {
		stored = c.reply(ctx, r) && stored
	}
	return stored
}

func (c *Courier) reply(ctx context.Context, r stillwater.Reply) bool {
	err := c.Sink.Reply(ctx, r)
	c.healthy(ctx, "sink", err)
	return err == nil
}
