// Package nats runs the NATS server as a program of its own, for an external journal
// at hand: the real server, with JetStream, every write synced before it is
// acknowledged. It is one node on loopback without a login, so it is for demos and
// tests; a journal that has to outlive a host wants three (architecture.md,
// "Identity").
package nats

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/hefu-io/hefu/journal/embedded"
)

// Config says where a server lives.
type Config struct {
	// Dir holds the streams. One process at a time.
	Dir string
	// Addr is host:port to listen at; 127.0.0.1 and a free port by default.
	Addr string
}

// Server is a running server.
type Server struct{ ns *server.Server }

// Open starts a server on what Dir holds. The context bounds the opening only.
func Open(ctx context.Context, c Config) (*Server, error) {
	host, port := "127.0.0.1", server.RANDOM_PORT
	if c.Addr != "" {
		h, p, err := net.SplitHostPort(c.Addr)
		if err != nil {
			return nil, fmt.Errorf("nats address: %w", err)
		}
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return nil, fmt.Errorf("nats address %s: port: %w", c.Addr, err)
		}
		if host = h; n != 0 {
			port = int(n)
		}
	}
	if err := free(ctx, host, port); err != nil {
		return nil, err
	}
	ns, err := server.NewServer(&server.Options{
		ServerName: "hefu-devstack", Host: host, Port: port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: c.Dir, SyncAlways: true,
		// The same as the embedded one, so that both take the same journal.
		MaxPayload: embedded.MaxPayload, MaxPending: 4 * embedded.MaxPayload,
	})
	if err != nil {
		return nil, fmt.Errorf("nats on %s: %w", c.Dir, err)
	}
	ns.Start()
	s := &Server{ns}
	for !ns.ReadyForConnections(100 * time.Millisecond) {
		if ctx.Err() != nil || !ns.Running() {
			return nil, errors.Join(fmt.Errorf("nats at %s on %s does not start", c.Addr, c.Dir), ctx.Err(), s.Close())
		}
	}
	return s, nil
}

// free tries an address: the server would only log that it cannot have it, and wait.
func free(ctx context.Context, host string, port int) error {
	if port == server.RANDOM_PORT {
		return nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("nats: %w", err)
	}
	return l.Close()
}

// URL is what clients connect to, nats://host:port.
func (s *Server) URL() string { return s.ns.ClientURL() }

// Close stops the server. What was acknowledged is on disk whether or not this is
// called.
func (s *Server) Close() error {
	s.ns.Shutdown()
	s.ns.WaitForShutdown()
	return nil
}
