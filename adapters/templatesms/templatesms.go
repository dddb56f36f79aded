package templatesms

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"stillwater"
	"stillwater/adapters/httpcall"
)

// A Provider sends texts. Where it can be asked what became of them, it is an Asker, too: Aliyun, Tencent Cloud, and a generic provider
// whose receipts are described.
type Provider interface {
	Name() string
	Send(ctx context.Context, m stillwater.Message) (id string, err error)
	Close()
}

// An Asker can be asked what it has.
type Asker interface {
	Find(ctx context.Context, to stillwater.Address, code string, since time.Time) (id string, found bool, err error)
	Status(ctx context.Context, id string) (state stillwater.DeliveryState, detail string, err error)
}

// New gives a provider for a Config that Validate has nothing to say of, its secret read.
func New(cfg Config, o Options) (Provider, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("template texts by %s: %w", cfg.Provider, err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	cfg.Region = cmp.Or(cfg.Region, "ap-guangzhou")
	a := account{cfg: cfg, now: o.Now, calls: httpcall.New(cfg.Timeout), sealer: newSealer(cfg.Secret.Reveal())}
	switch {
	case cfg.Provider == aliyun:
		return &Aliyun{a}, nil
	case cfg.Provider == tencent:
		return &Tencent{a}, nil
	case cfg.Generic.Receipts != nil:
		return &AskedGeneric{Described{a}}, nil
	}
	return &Described{a}, nil
}

// account is what the providers have in common.
type account struct {
	cfg    Config
	now    func() time.Time
	calls  *httpcall.Caller
	sealer sealer
}

// Name is the provider's name in the configuration.
func (a *account) Name() string { return a.cfg.Provider }

// Close lets go of idle connections. It is not needed for anything to be sent.
func (a *account) Close() { a.calls.Close() }

// failed says which call of which provider failed.
func (a *account) failed(what string, err error) error {
	return fmt.Errorf("%s by %s: %w", what, a.cfg.Provider, err)
}

// decode reads a provider's answer.
func decode(answer httpcall.Answer, into any) error {
	if err := json.Unmarshal(answer.Body, into); err != nil {
		return answer.Strange()
	}
	return nil
}

// beijing is the time by which the providers keep their days.
var beijing = time.FixedZone("Asia/Shanghai", 8*3600)
