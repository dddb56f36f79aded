package mqtt

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
)

// A Publisher publishes to a broker by a connection of its own, which it opens when there is something to publish. Its methods may be called
// from several goroutines.
type Publisher struct {
	config Config

	mu     sync.Mutex // guards client, and is held while one is made
	client paho.Client
}

// NewPublisher gives a Publisher for a Config that Validate has nothing to say of; its topics and formats have no part in it. It opens nothing.
func NewPublisher(c Config) *Publisher { return &Publisher{config: c} }

// Publish publishes, and returns nil when the broker has said that it has it (of QoS 0: when it was written). After an error it may have it all
// the same.
func (p *Publisher) Publish(ctx context.Context, topic string, qos byte, retained bool, payload []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client, err := p.connected(ctx)
	if err != nil {
		return fmt.Errorf("publish to broker %q: %w", p.config.Name, err)
	}
	if err := settled(ctx, client.Publish(topic, qos, retained, payload)); err != nil {
		p.leave(client)
		return fmt.Errorf("publish to broker %q: %w", p.config.Name, err)
	}
	return nil
}

// connected is the connection there is, or a new one.
func (p *Publisher) connected(ctx context.Context) (paho.Client, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil && p.client.IsConnectionOpen() {
		return p.client, nil
	}
	encryption, err := p.config.tls()
	if err != nil {
		return nil, err
	}
	client := paho.NewClient(paho.NewClientOptions().AddBroker(p.config.URL).SetClientID(p.config.clientID() + "-events").
		SetUsername(p.config.Username).SetPassword(p.config.Password.Reveal()).SetTLSConfig(encryption).
		SetProtocolVersion(4).SetCleanSession(true).SetAutoReconnect(false).SetConnectRetry(false).
		SetKeepAlive(keepAlive).SetPingTimeout(keepAlive / 2).SetConnectTimeout(patience).SetWriteTimeout(patience))
	if err := settled(ctx, client.Connect()); err != nil {
		client.Disconnect(0)
		return nil, err
	}
	p.client = client
	return client, nil
}

// settled waits for what a token stands for.
func settled(ctx context.Context, t paho.Token) error {
	select {
	case <-t.Done():
		return t.Error()
	case <-ctx.Done():
		return errors.Join(errors.New("the broker does not answer"), ctx.Err())
	}
}

// leave ends a connection that did not do what it should; the next to publish opens another.
func (p *Publisher) leave(client paho.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client == client {
		p.client = nil
	}
	client.Disconnect(0)
}

// Close ends the connection, after what is being written.
func (p *Publisher) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		p.client.Disconnect(uint(flush / time.Millisecond))
		p.client = nil
	}
}
