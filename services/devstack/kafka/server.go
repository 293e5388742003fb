// Package kafka is a Kafka stand-in for demos and tests: franz-go's kfake with
// its data on disk, at an address that stays the same. It speaks the protocol,
// transactions and read_committed included, and is no Kafka: answers to fenced
// producers differ, CONCURRENT_TRANSACTIONS never comes, and after a hard kill
// in the middle of a transaction it hides records that were committed. What
// depends on those is tested on a real broker (package realkafka).
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/hefu-io/hefu/services/devstack/dirlock"
)

// Config says where a stand-in lives.
type Config struct {
	// Dir holds everything that must survive a restart. One process at a time.
	Dir string
	// Addr is the address to listen at and to advertise, as host:port with a host
	// that clients can reach. Empty, or with port 0, it is the address that Dir
	// had before, or else a free port, on 127.0.0.1 if no host is given.
	Addr string
	// Log gets a warning when the last run in Dir was not closed, and what the
	// stand-in itself reports as errors.
	Log *slog.Logger
}

// Server is one stand-in cluster of one broker.
type Server struct {
	cluster *kfake.Cluster
	config  Config
	dir     string
	addr    string
	lock    *flock.Flock
}

// dataDir is where kfake keeps what it has, inside Config.Dir.
const dataDir = "data"

// runningFile exists while a server is open, and after one that was not closed.
const runningFile = "running"

// Open starts a stand-in, with the topics, records, transactional ids and groups
// that an earlier one in the same Dir had when it was closed. Any number of them
// may be open at once, each in its own Dir; each has its own cluster id, kept in
// Dir, that begins with "standin". ctx bounds the opening only.
func Open(ctx context.Context, c Config) (*Server, error) {
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := dirlock.Take(ctx, c.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{config: c, dir: c.Dir, lock: lock}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open kafka stand-in in %s: %w", c.Dir, err), lock.Close())
	}
	return s, nil
}

func (s *Server) open(ctx context.Context) error {
	c := s.config
	id, err := clusterID(c.Dir)
	if err != nil {
		return err
	}
	l, err := listen(ctx, c)
	if err != nil {
		return err
	}
	running := filepath.Join(c.Dir, runningFile)
	if _, err := os.Stat(running); err == nil {
		c.Log.WarnContext(ctx, "kafka stand-in was not closed, records of transactions then open may be hidden or shown wrongly", "dir", c.Dir)
	}
	if err := os.WriteFile(running, nil, 0o644); err != nil {
		return errors.Join(err, l.Close())
	}
	s.addr = l.Addr().String()
	s.cluster, err = kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.ClusterID(id),
		kfake.DataDir(filepath.Join(c.Dir, dataDir)),
		kfake.WithLogger(standinLog{c.Log}),
		// The listener is made above, where ctx, the host and the remembered port
		// are known; kfake would listen on 127.0.0.1 only.
		kfake.ListenFn(func(string, string) (net.Listener, error) { return l, nil }),
	)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return nil
}

// Addr is the address that clients connect to, host:port.
func (s *Server) Addr() string { return s.addr }

// Close stops the stand-in and writes to disk what the next Open needs; a
// process that ends without it leaves open transactions in a state that the next
// one reads wrongly. Connections are cut.
func (s *Server) Close() error {
	s.cluster.Close()
	return errors.Join(os.Remove(filepath.Join(s.dir, runningFile)), s.lock.Close())
}
