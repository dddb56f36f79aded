package main

import (
	"stillwater/adapters/pull"
	"stillwater/adapters/push"
)

// wirePlatforms makes the feeds of platforms: those that are pushed, and those that are fetched.
func (g *gateway) wirePlatforms() error {
	for _, c := range g.config.Push {
		server, err := push.New(push.Options{Config: c, Clock: g.clock, Health: g.feedHealth, Reject: g.metrics.rejected, Known: g.known, Log: g.log})
		if err != nil {
			return err
		}
		g.addSource("push "+c.Listen, server)
	}
	for _, c := range g.config.Pull {
		puller, err := pull.New(pull.Options{Config: c, Clock: g.clock, Health: g.feedHealth, Reject: g.metrics.rejected, Known: g.known, Log: g.log})
		if err != nil {
			return err
		}
		g.addSource("pull "+c.Name, puller)
	}
	return nil
}

// known says whether a household has the device.
func (g *gateway) known(source string) bool {
	_, _, ok := g.registry.BySource(source)
	return ok
}
