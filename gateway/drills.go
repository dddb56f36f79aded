package main

import (
	"context"
	"time"

	"stillwater/gateway/drill"
)

// drillLook is how often it is looked whether a drill is due, on the wall's clock.
const drillLook = 20 * time.Second

// holdDrills holds the drill of each month when it is due.
func (g *gateway) holdDrills(ctx context.Context) error {
	var failed drill.Month // that was logged
	for wait(ctx, drillLook) {
		month, due := g.config.Drills.Due(g.clock.Now())
		if !due {
			continue
		}
		held, err := g.pipeline.Drill(ctx, month)
		if (!held || err != nil) && ctx.Err() == nil && failed != month {
			failed = month
			g.log.Warn("drill not held: the rules found no surge in its water, or the pipeline took none", "month", month, "err", err)
		}
	}
	return nil
}
