package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"stillwater/gateway/config"
	"stillwater/gateway/relay"
)

func relayCommand() *cobra.Command {
	var path, listen string
	cmd := &cobra.Command{
		Use:   "relay --config FILE [--listen ADDRESS]",
		Short: "Run the public counterpart of gateways that cannot be reached from outside",
		Long: `Runs a relay until it is told to stop. Gateways connect to it (public.relay in their configuration), and whatever is asked of
https://RELAY/ID/… is handed to the gateway ID: the pages of links, which come sealed, and the callbacks of providers and platforms.
It keeps nothing: there is no disk, and no database. Its file lists who may connect:

  listen: ":443"
  cert_file: relay.pem
  key_file: relay.key
  gateways:
    - {id: k7, key: {file: k7.key}}     # openssl rand -hex 32; the same on the gateway`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runRelay(cmd.Context(), path, listen, cmd.ErrOrStderr())
		},
	}
	configFlag(cmd, &path)
	cmd.Flags().StringVar(&listen, "listen", "", "address and port, in place of the file's")
	return cmd
}

// runRelay is the command relay.
func runRelay(ctx context.Context, path, listen string, stderr io.Writer) error {
	c := &relay.Config{Listen: listen}
	doc, problems := config.Load(path, c)
	if len(problems) == 0 {
		problems = doc.ResolveSecrets()
	}
	for i := range c.Gateways {
		if err := relay.CheckKey(c.Gateways[i].Key.Reveal()); err != nil && len(problems) == 0 {
			problems = append(problems, doc.Problem(&c.Gateways[i].Key, err.Error()))
		}
	}
	if len(problems) > 0 {
		return tell(stderr, problems)
	}
	if listen != "" {
		c.Listen = listen
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	s := relay.New(relay.Options{Config: *c, Log: log})
	log.Info("relay runs", "listen", c.Listen, "gateways", len(c.Gateways))
	if err := ignoreDone(ctx, s.Run(ctx)); err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	log.Info("relay stops")
	return nil
}
