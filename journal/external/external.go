// Package external connects the journal to a NATS that runs by itself.
package external

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hefu-io/hefu/journal"
)

// requestTimeout bounds one request: longer than a step-down of the leader would
// only hide it; an append without an answer is resolved (architecture.md, "One
// writer per stream").
const requestTimeout = time.Second

// Config says where the NATS is. Secrets are paths to files.
type Config struct {
	Servers         []string
	CredentialsFile string
	CAFile          string
	Replicas        int
	// Dir holds the manifest of this instance.
	Dir string
	Log *slog.Logger // nil: silent
}

// Conn is a connection with the journal's store on it.
type Conn struct {
	nc       *nats.Conn
	store    *journal.JetStream
	manifest *journal.FileManifest
}

// Open connects, trying again with back-off until the context ends; each new reason
// why it does not is logged once.
func Open(ctx context.Context, c Config) (*Conn, error) {
	if err := os.MkdirAll(c.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := journal.OpenManifest(filepath.Join(c.Dir, "manifest.json"))
	if err != nil {
		return nil, err
	}
	opts := []nats.Option{
		nats.Name("hefu"), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1),
		nats.PingInterval(time.Second), nats.MaxPingsOutstanding(2), nats.Timeout(2 * time.Second),
	}
	if c.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredentialsFile))
	}
	if c.CAFile != "" {
		opts = append(opts, nats.RootCAs(c.CAFile))
	}
	nc, err := connect(ctx, strings.Join(c.Servers, ","), opts, c.Log)
	if err != nil {
		return nil, err
	}
	store, err := journal.NewJetStream(nc, c.Replicas, requestTimeout)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &Conn{nc: nc, store: store, manifest: m}, nil
}

func connect(ctx context.Context, servers string, opts []nats.Option, log *slog.Logger) (*nats.Conn, error) {
	said := ""
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		nc, err := nats.Connect(servers, opts...)
		if err == nil {
			return nc, nil
		}
		if errors.Is(err, nats.ErrAuthorization) {
			err = fmt.Errorf("wrong credentials: %w", err)
		}
		if text := err.Error(); text != said {
			said = text
			log.WarnContext(ctx, "nats is not reachable, trying again", "servers", servers, "error", err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("connect to nats %s: %w", servers, err)
		case <-time.After(wait):
		}
	}
}

// Store is where journals lie.
func (c *Conn) Store() *journal.JetStream { return c.store }

// Manifest remembers which journals this instance has seen.
func (c *Conn) Manifest() *journal.FileManifest { return c.manifest }

// MaxPayload is the largest event that the server takes, in bytes.
func (c *Conn) MaxPayload() int64 { return c.nc.MaxPayload() }

// Close ends the connection.
func (c *Conn) Close() error {
	c.nc.Close()
	return nil
}
