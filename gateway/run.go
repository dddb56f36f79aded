package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"stillwater"
	"stillwater/gateway/clock"
)

// ExerciseConfig makes the event clock run fast, for a gateway beside a simulator.
type ExerciseConfig struct {
	Speed float64   `yaml:"speed" doc:"how many seconds of event time pass in one"`
	Wall  time.Time `yaml:"wall" doc:"a moment of the real clock …"`
	Event time.Time `yaml:"event" doc:"… and the event time that belongs to it; both as the simulator prints them"`
}

// Validate refuses what no clock can do.
func (c *ExerciseConfig) Validate(report func(field any, problem string)) {
	if !(c.Speed > 0 && c.Speed <= clock.MaxSpeed) {
		report(&c.Speed, fmt.Sprintf("speed %v is out of range; write a number above 0 and up to %d", c.Speed, clock.MaxSpeed))
	}
	if c.Wall.IsZero() || c.Event.IsZero() {
		report(c, "the exercise needs wall and event, as the simulator prints them when it starts")
	}
}

// runGateway is the command run.
func runGateway(ctx context.Context, path string, stdout, stderr io.Writer) error {
	c, doc, problems := loadConfig(path)
	if len(problems) == 0 {
		problems = doc.ResolveSecrets()
	}
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	s := setting{clock: clock.Real(), log: log, texts: func(m stillwater.Message) { printText(stdout, m) }}
	if e := c.Exercise; e != nil {
		log.Warn("EXERCISE: the clock does not show the real time; nobody may rely on this gateway", "speed", e.Speed)
		s.clock = clock.Anchored(e.Wall, e.Event, e.Speed)
	}
	g, err := wire(ctx, c, s)
	if err != nil {
		return ignoreDone(ctx, err)
	}
	log.Info("stillwater runs", "households", len(g.registry.All()), "rules", len(c.on()), "console", "http://"+c.Console.Listen)
	err = g.run(ctx)
	log.Info("stillwater stops")
	return errors.Join(err, g.close())
}

// printText shows a text or a call that went to a phone, as one line.
func printText(w io.Writer, m stillwater.Message) {
	fmt.Fprintf(w, "%s → %s %s\n", strings.ToUpper(string(m.By())), m.To, strings.ReplaceAll(m.Text, "\n", " "))
}
