package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"stillwater"
	"stillwater/gateway/links"
	"stillwater/gateway/pipeline"
	"stillwater/gateway/public"
	"stillwater/gateway/relay"
	"stillwater/gateway/words"
)

// answering is what people outside reach the gateway by: the links in messages, and the pages they lead to.
type answering struct {
	links   *links.Links
	client  *relay.Client // nil: it is reached directly
	reacher *reacher
}

// openLinks makes what signs links, where they lead somewhere.
func (g *gateway) openLinks(ctx context.Context) (err error) {
	g.answering.reacher = g.config.reacher()
	if g.config.Public == nil {
		return nil
	}
	g.answering.links, err = links.Open(ctx, g.store, g.config.Public.Valid(), time.Now)
	return err
}

// link is the page of a message; "" while nobody could open it.
func (g *gateway) link(m stillwater.Message) string {
	o := g.answering
	if o.links == nil || o.client != nil && !o.client.Up() {
		return ""
	}
	code := o.links.Code(m.ID)
	link := g.config.Public.Base() + "/m/" + code
	if o.client == nil {
		return link
	}
	key, err := o.links.Key(code, m.ID)
	if err != nil {
		return ""
	}
	return link + "#" + key
}

// ways are the ways to answer a message that its text offers besides its link: by digits, if the provider that is preferred for it takes
// answers.
func (g *gateway) ways(m stillwater.Message) words.Ways {
	w := words.Ways{}
	if g.config.Public != nil {
		w.Duty = stillwater.Phone(g.config.Public.DutyPhone)
	}
	r := g.answering.reacher
	for i := range r.routes {
		if r.routes[i].Serves(m) {
			w.Digits = r.back[r.routes[i].Name]
			break
		}
	}
	return w
}

// text is the text of a message, by its channel and the ways to answer that there are.
func (g *gateway) text(m stillwater.Message, i stillwater.Incident, h stillwater.Household) string {
	if m.By() == stillwater.Voice {
		return g.words.Voice(m, i, h)
	}
	return g.words.SMSBy(g.ways(m), m, i, h)
}

// wirePublic makes the public server, with what providers call back, and the connection to the relay. It is to be called after wireDelivery.
func (g *gateway) wirePublic() error {
	if g.config.Public == nil {
		return nil
	}
	s, err := public.New(public.Options{
		Config: *g.config.Public, Words: g.words, Store: g.store, Households: g.registry, Links: g.answering.links, Clock: g.clock, Reply: g.answered,
		Audit: g.looked, Log: g.log,
	})
	if err != nil {
		return err
	}
	for name, h := range g.hooks {
		if err := s.Mount(name, h); err != nil {
			return fmt.Errorf("callbacks of provider %q: %w", name, err)
		}
	}
	g.add("links", func(ctx context.Context) error { return g.answering.links.Run(ctx, g.healthOf("links")) })
	if g.config.Public.Listen != "" {
		g.add("public", s.Run)
	}
	if r := g.config.Public.Relay; r != nil {
		g.answering.client, err = relay.NewClient(relay.ClientOptions{
			URL: r.URL, ID: r.ID, Key: r.Key.Reveal(), CAFile: r.CAFile, Handler: s.Relayed(), Health: g.healthOf("relay"), Log: g.log,
		})
		if err != nil {
			return err
		}
		g.add("relay", g.answering.client.Run)
	}
	return nil
}

// answered takes what a button of a page says.
func (g *gateway) answered(ctx context.Context, r stillwater.Reply) error {
	if err := g.Reply(ctx, r); !errors.Is(err, pipeline.ErrUnderWay) {
		return err
	}
	return nil
}

// looked notes that somebody opened the page of a message.
func (g *gateway) looked(l public.Look) {
	g.log.LogAttrs(context.Background(), slog.LevelInfo, "page of a link", slog.String("what", l.What), slog.String("message", string(l.Message)), slog.String("incident", string(l.Incident)))
}
