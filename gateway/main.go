// Command stillwater is the gateway: it watches over people who live alone, from their water meter and their front door.
//
// main is signals and an exit code; run is the program, and wire is the one place that knows which parts there are. Each
// long-lived part is a blocking Run(ctx) error, and together is the one function that starts goroutines for them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // a small machine may have no time zones of its own
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, errTold) {
			fmt.Fprintln(os.Stderr, "stillwater:", err)
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			fmt.Fprintln(os.Stderr, "Another program listens there. Stop it, or choose another address: --listen 127.0.0.1:8081 for the demo, console.listen for run.")
		}
		stop()
		os.Exit(1)
	}
}

// errTold is an error whose text the user has already seen.
var errTold = errors.New("")

// run is the whole program, so that tests can call it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	root := commands()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// A task is a part of the program that works until its context is done.
type task struct {
	name string
	run  func(context.Context) error
}

// upon runs the ground first, and the rest upon it once ready says that it stands. The ground ends last.
func upon(ctx context.Context, ground task, ready <-chan struct{}, rest ...task) error {
	groundCtx, stopGround := context.WithCancel(context.WithoutCancel(ctx))
	defer stopGround()
	return together(groundCtx, ground, task{"", func(groundCtx context.Context) error {
		defer stopGround()
		select {
		case <-ready:
		case <-groundCtx.Done():
			return nil
		case <-ctx.Done():
			return nil
		}
		restCtx, stopRest := context.WithCancel(ctx)
		defer context.AfterFunc(groundCtx, stopRest)()
		return together(restCtx, rest...)
	}})
}

// stopWithin is how long the parts have to end once they are asked to.
const stopWithin = 5 * time.Second

// together runs tasks until one of them ends or ctx is done, then stops the rest and waits for them. No other function starts a
// goroutine that outlives it. Its error names the task that failed first.
func together(ctx context.Context, tasks ...task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type end struct {
		task string
		err  error
	}
	ends := make(chan end, len(tasks))
	for _, t := range tasks {
		go func() { ends <- end{t.name, t.run(ctx)} }()
	}
	var first error
	var late <-chan time.Time
	asked := ctx.Done()
	for left := len(tasks); left > 0; {
		select {
		case e := <-ends:
			left--
			if first == nil && e.err != nil && !errors.Is(e.err, context.Canceled) {
				first = e.err
				if e.task != "" && !strings.HasPrefix(e.err.Error(), e.task+": ") {
					first = fmt.Errorf("%s: %w", e.task, e.err)
				}
			}
			cancel()
		case <-asked:
			asked, late = nil, time.After(stopWithin)
		case <-late:
			return errors.Join(first, fmt.Errorf("not every part ended within %v", stopWithin))
		}
	}
	return first
}
