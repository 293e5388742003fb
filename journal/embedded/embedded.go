// Package embedded starts the NATS server that Hefu brings along: in this process,
// with no port open, its store directory locked for this process alone.
package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hefu-io/hefu/journal"
)

// MaxPayload is the largest event in bytes; it must hold the largest record batch
// that a source may send.
const MaxPayload = 16 << 20

// requestTimeout bounds one request. The server is in this process: a request that
// takes longer waits for the disk, and is resolved, not failed.
const requestTimeout = 10 * time.Second

// ErrLocked says that another process holds the store directory.
var ErrLocked = errors.New("store is in use")

// Server is a running embedded server with the journal's store on it.
type Server struct {
	lock     *flock.Flock
	ns       *server.Server
	nc       *nats.Conn
	store    *journal.JetStream
	manifest *journal.FileManifest
	dir      string
}

// Open locks dir, makes it when it is new, and starts the server on it: every write
// is synced before it is acknowledged. Errors: ErrLocked, *DamagedError.
func Open(ctx context.Context, dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("journal directory: %w", err)
	}
	s := &Server{dir: dir, lock: flock.New(filepath.Join(dir, "LOCK"))}
	held, err := s.lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if !held {
		return nil, fmt.Errorf("%w: %s is locked by another process; an embedded journal belongs to one process, several need an external NATS", ErrLocked, dir)
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) (err error) {
	if s.manifest, err = journal.OpenManifest(filepath.Join(s.dir, "manifest.json")); err != nil {
		return err
	}
	if err := checkBlocks(filepath.Join(s.dir, "nats")); err != nil {
		return err
	}
	s.ns, err = server.NewServer(&server.Options{
		ServerName: "hefu-embedded", DontListen: true, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: filepath.Join(s.dir, "nats"), SyncAlways: true,
		MaxPayload: MaxPayload, MaxPending: 4 * MaxPayload,
		JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 50, // journal.max_bytes is the bound
	})
	if err != nil {
		return fmt.Errorf("embedded nats: %w", err)
	}
	refused := make(fatal, 1)
	s.ns.SetLoggerV2(refused, false, false, false)
	s.ns.Start()
	for !s.ns.ReadyForConnections(100 * time.Millisecond) {
		select {
		case why := <-refused:
			return fmt.Errorf("embedded nats on %s: %s", s.dir, why)
		case <-ctx.Done():
			return fmt.Errorf("embedded nats on %s: %w", s.dir, ctx.Err())
		default:
		}
	}
	s.nc, err = nats.Connect("", nats.InProcessServer(s.ns), nats.ReconnectBufSize(-1), nats.MaxReconnects(-1))
	if err != nil {
		return fmt.Errorf("connect to the embedded nats: %w", err)
	}
	s.store, err = journal.NewJetStream(s.nc, 1, requestTimeout)
	return err
}

// Store is where journals lie.
func (s *Server) Store() *journal.JetStream { return s.store }

// Manifest remembers which journals were made here.
func (s *Server) Manifest() *journal.FileManifest { return s.manifest }

// Close stops the server and gives the lock back. What was acknowledged is on disk
// whether or not this is called.
func (s *Server) Close() error {
	if s.nc != nil {
		s.nc.Close()
	}
	if s.ns != nil {
		s.ns.Shutdown()
		s.ns.WaitForShutdown()
	}
	if err := s.lock.Unlock(); err != nil {
		return fmt.Errorf("unlock %s: %w", s.dir, err)
	}
	return nil
}
