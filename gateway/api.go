package main

import (
	"context"
	"errors"
	"fmt"

	"stillwater"
	"stillwater/adapters/mqtt"
	"stillwater/adapters/sqlite"
	"stillwater/adapters/webhook"
	"stillwater/gateway/api"
	"stillwater/gateway/health"
)

// programs is how other programs reach the gateway, and what they are sent.
type programs struct {
	api      *api.API
	notifier *api.Notifier // nil: nobody is sent events
}

// apiView is the gateway as the interface for programs sees it.
type apiView struct{ *view }

// IncidentPage gives a page of incidents.
func (v apiView) IncidentPage(ctx context.Context, q api.Query) ([]stillwater.Incident, error) {
	return v.store.IncidentPage(ctx, sqlite.PageQuery(q))
}

// Devices gives how every device is.
func (v apiView) Devices(ctx context.Context) ([]health.Device, error) {
	gear, err := v.view.Devices(ctx)
	return gear.Devices, err
}

// wireAPI makes the interface for programs, and what sends them events. It is to be called before wireConsole, which shows it below /api/v1/.
func (g *gateway) wireAPI() error {
	c := g.config.API
	if c == nil {
		return nil
	}
	v := apiView{&view{g}}
	var err error
	g.programs.api, err = api.New(api.Options{
		Config: *c, Words: g.words, Clock: g.clock, Standings: g.pipeline, Households: g.registry, Incidents: v, Acts: v, Absences: v, Devices: v,
		Health: g.health, Ledger: g.store, Log: g.log,
	})
	if err != nil {
		return err
	}
	if c.Listen != "" {
		g.add("api", g.programs.api.Run)
	}
	return g.wireEvents(c.Events)
}

// wireEvents makes what publishes to each receiver of events.
func (g *gateway) wireEvents(receivers []api.Receiver) error {
	if len(receivers) == 0 {
		return nil
	}
	o := api.NotifierOptions{
		Receivers: receivers, Publishers: map[string]api.Publisher{}, Households: g.registry, Queue: g.store, History: g.store, Clock: g.clock,
		Health: g.health.Report, Log: g.log,
	}
	var closers []func()
	for _, r := range receivers {
		p, close, err := g.publisher(r)
		if err != nil {
			return fmt.Errorf("receiver %q of events: %w", r.Name, err)
		}
		o.Publishers[r.Name], closers = p, append(closers, close)
	}
	n, err := api.NewNotifier(o)
	if err != nil {
		return err
	}
	g.programs.notifier = n
	g.add("events", func(ctx context.Context) error {
		for _, close := range closers {
			defer close()
		}
		return n.Run(ctx)
	})
	return nil
}

// publisher is what takes events to a receiver.
func (g *gateway) publisher(r api.Receiver) (api.Publisher, func(), error) {
	for _, m := range g.config.MQTT {
		if r.Broker != "" && m.Name == r.Broker {
			p := mqtt.NewPublisher(m)
			return api.MQTT{Client: p}, p.Close, nil
		}
	}
	for _, p := range g.config.Providers {
		if p.Webhook == nil || r.Webhook == "" {
			continue
		}
		for _, h := range p.Webhook.Hooks {
			if h.Name == r.Webhook {
				hooks, err := webhook.New(*p.Webhook, webhook.Options{})
				if err != nil {
					return nil, nil, err
				}
				return posts{hooks, h.Name}, hooks.Close, nil
			}
		}
	}
	return nil, nil, errors.New("there is no such webhook or broker") // Validate says so before
}

// posts publishes events to a webhook.
type posts struct {
	*webhook.Webhooks
	hook string
}

// Publish posts an event.
func (p posts) Publish(ctx context.Context, id, _ string, body []byte) error {
	return p.Post(ctx, p.hook, id, body)
}

// validateEvents wants each receiver of events to be one that there is.
func (c *Config) validateEvents(report func(field any, problem string)) {
	if c.API == nil {
		return
	}
	hooks, brokers := map[string]bool{}, map[string]bool{}
	for _, p := range c.Providers {
		if p.Webhook != nil {
			for _, h := range p.Webhook.Hooks {
				hooks[h.Name] = true
			}
		}
	}
	for _, m := range c.MQTT {
		brokers[m.Name] = true
	}
	for i := range c.API.Events {
		r := &c.API.Events[i]
		if r.Webhook != "" && !hooks[r.Webhook] {
			report(&r.Webhook, fmt.Sprintf("%q is no webhook of providers; there are %s", r.Webhook, list(hooks)))
		}
		if r.Broker != "" && !brokers[r.Broker] {
			report(&r.Broker, fmt.Sprintf("%q is no broker of mqtt; there are %s", r.Broker, list(brokers)))
		}
	}
}
