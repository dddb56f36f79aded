package relay

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilence: a connection on which nothing comes is taken for dead, and one that is pinged is not.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		ours, theirs := newConn(a, nil), newConn(b, nil)
		ctx, cancel := context.WithCancel(t.Context())
		go ping(ctx, theirs)
		began := time.Now()
		time.AfterFunc(10*time.Minute, cancel)
		var err error
		for n := 0; err == nil; n++ {
			_, _, _, err = ours.receive(maxFrame)
			if err == nil {
				theirs.silent.Reset(silentFor) // it hears as well
			}
		}
		if took := time.Since(began); took < 10*time.Minute || took > 10*time.Minute+silentFor {
			t.Errorf("dead after %v", took)
		}
		ours.close()
		theirs.close()
	})
}

// TestNobodyReads: who does not read is let go of, and keeps nobody waiting for longer than that.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		c := newConn(a, nil)
		began := time.Now()
		if err := c.send(kindRequest, 1, request{Path: "/"}); err == nil || time.Since(began) != writeWithin {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		c.close()
		b.Close()
	})
}
