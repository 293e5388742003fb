package doris

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"github.com/hefu-io/hefu/services/devstack/dirlock"
)

// Server is a running stand-in: front ends, each with its MySQL port, and back ends.
type Server struct {
	cfg    Config
	zone   *time.Location
	clock  clock
	faults Faults

	mu       sync.Mutex // guards what follows, and which nodes are up
	engine   *Engine
	catalog  *Catalog
	accounts *accounts // guards itself
	master   int       // place in fes, or nobody
	turn     int       // whose turn the next load is, in bes

	rows  *rowStore
	stale staleRows
	meta  *metaStore
	stage stage

	ops     sync.Mutex // one change of the cluster at a time; taken before mu
	fes     []*frontEnd
	bes     []*backEnd
	control *control
	ended   bool // Close or Kill has begun

	wake    chan struct{} // there may be something to publish
	visible *broadcast    // something became visible
	killed  atomic.Bool   // nothing may reach the disk any more
	lock    *flock.Flock
	stop    context.CancelFunc
	running sync.WaitGroup
	closed  sync.Once
	err     error // of closing
}

// Open starts a stand-in on what its folder holds: transactions from PRECOMMITTED on, databases, tables and rows are
// as they were, PREPARE transactions are gone. The first front end is the master. The context covers the opening
// only; Close ends the server.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{cfg: cfg.withDefaults(), wake: make(chan struct{}, 1), visible: newBroadcast()}
	s.clock.base, s.cfg.Now = s.cfg.Now, s.clock.now
	s.faults.changed = s.faultChanged
	var err error
	if s.zone, err = zone(s.cfg.TimeZone); err != nil {
		return nil, fmt.Errorf("open Doris stand-in: %w", err)
	}
	if err := s.openStores(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open Doris stand-in in %s: %w", s.cfg.Dir, err), s.closeStores(ctx))
	}
	if err := s.openNodes(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open Doris stand-in: %w", err), s.endNodes(), s.closeStores(ctx))
	}
	s.serve() //nolint:contextcheck // ctx bounds the opening only; Close ends what serves
	return s, nil
}

func (s *Server) openStores(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(s.cfg.Dir, "errors"), 0o755); err != nil {
		return err
	}
	var err error
	if s.lock, err = dirlock.Take(ctx, s.cfg.Dir); err != nil {
		return err
	}
	drv, err := newDriver()
	if err != nil {
		return err
	}
	if s.meta, err = openMeta(ctx, openSQLite(drv, filepath.Join(s.cfg.Dir, "meta.db"), 1, false)); err != nil {
		return err
	}
	rowsPath := filepath.Join(s.cfg.Dir, "rows.db")
	write, read := openSQLite(drv, rowsPath, 1, false), openSQLite(drv, rowsPath, readers, true)
	if s.rows, err = openRows(ctx, write, read); err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	if s.stage, err = openStage(filepath.Join(s.cfg.Dir, "stage")); err != nil {
		return err
	}
	if s.catalog, err = openCatalog(ctx, s.meta); err != nil {
		return err
	}
	if s.accounts, err = openAccounts(ctx, s.meta, s.cfg); err != nil {
		return err
	}
	if s.engine, err = s.newEngine(ctx); err != nil {
		return err
	}
	return s.stage.sweep(func(id int64) bool {
		t, ok := s.engine.txns[id]
		return ok && (t.Status == Precommitted || t.Status == Committed)
	})
}

func (s *Server) openNodes(ctx context.Context) error {
	for i := range s.cfg.FrontEnds {
		f := &frontEnd{Server: s, n: i, node: node{addrs: []string{nth(s.cfg.FEAddr, i), nth(s.cfg.MySQLAddr, i)}, up: true}}
		if err := f.open(ctx, s.cfg.Listen); err != nil {
			return err
		}
		s.fes = append(s.fes, f)
	}
	for i := range s.cfg.BackEnds {
		b := &backEnd{Server: s, n: i, id: firstBackEnd + int64(i), node: node{addrs: []string{nth(s.cfg.BEAddr, i)}, up: true}}
		if err := b.open(ctx, s.cfg.Listen); err != nil {
			return err
		}
		s.bes = append(s.bes, b)
	}
	var err error
	s.control, err = openControl(ctx, s)
	return err
}

func (s *Server) serve() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, f := range s.fes {
		f.start()
	}
	for _, b := range s.bes {
		b.start()
	}
	s.running.Go(func() { s.publishLoop(ctx) })
	s.control.start()
}

// FEURL is the first front end's HTTP address, as http://host:port.
func (s *Server) FEURL() string { return s.FEURLs()[0] }

// FEURLs are the front ends' HTTP addresses, by number.
func (s *Server) FEURLs() []string {
	all := make([]string, len(s.fes))
	for i, f := range s.fes {
		all[i] = "http://" + f.addrs[0]
	}
	return all
}

// BEURL is the first back end's HTTP address, as http://host:port.
func (s *Server) BEURL() string { return s.BEURLs()[0] }

// BEURLs are the back ends' HTTP addresses, by number.
func (s *Server) BEURLs() []string {
	all := make([]string, len(s.bes))
	for i, b := range s.bes {
		all[i] = b.url()
	}
	return all
}

// MySQLAddr is host:port of the first front end's MySQL port.
func (s *Server) MySQLAddr() string { return s.MySQLAddrs()[0] }

// MySQLAddrs are host:port of the front ends' MySQL ports, by number.
func (s *Server) MySQLAddrs() []string {
	all := make([]string, len(s.fes))
	for i, f := range s.fes {
		all[i] = f.addrs[1]
	}
	return all
}

// Faults are the server's switches for tests.
func (s *Server) Faults() *Faults { return &s.faults }

// ForgetLabel forgets a finished label of a database at once, as eviction by 2,000 later transactions would.
func (s *Server) ForgetLabel(db, label string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	schema, ok := s.catalog.dbs[db]
	if !ok {
		return refuseMissing(codeAnalysis, "unknown database, database=%s", db)
	}
	return s.engine.Clean(schema.ID, label)
}

const (
	closeGrace = 5 * time.Second
	readers    = 5 // connections that read rows; one may be a stale follower's
)

// Close lets running requests finish (for some seconds), stops every goroutine and closes the files.
func (s *Server) Close() error {
	s.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		s.err = s.control.end()
		s.ops.Lock()
		defer s.ops.Unlock()
		s.ended = true
		for _, l := range s.lives() {
			s.err = errors.Join(s.err, l.shutdown(ctx))
		}
		s.err = errors.Join(s.err, s.halt())
	})
	return s.err
}

// Kill stops as kill -9 would: connections break where they are, nothing more is decided. What was acknowledged is in
// the files; a load in the middle of its body is not.
func (s *Server) Kill() error {
	s.closed.Do(func() {
		s.killed.Store(true)
		s.err = s.control.end()
		s.ops.Lock()
		defer s.ops.Unlock()
		s.ended = true
		s.stop()
		s.err = errors.Join(s.err, s.halt())
	})
	return s.err
}

func (s *Server) halt() error {
	s.stop()
	err := s.endNodes()
	s.running.Wait()
	return errors.Join(err, s.closeStores(context.Background()))
}

// lives are those of the nodes that are not stopped.
func (s *Server) lives() []*life {
	var all []*life
	for _, f := range s.fes {
		all = append(all, f.life)
	}
	for _, b := range s.bes {
		all = append(all, b.life)
	}
	return slices.DeleteFunc(all, func(l *life) bool { return l == nil })
}

// endNodes first breaks all connections, then waits for each node.
func (s *Server) endNodes() error {
	lives := s.lives()
	var err error
	for _, l := range lives {
		err = errors.Join(err, l.sever())
	}
	for _, l := range lives {
		err = errors.Join(err, l.end())
	}
	return err
}

func (s *Server) closeStores(ctx context.Context) error {
	var err error
	if s.rows != nil {
		err = errors.Join(s.stale.release(ctx), s.rows.close())
	}
	if s.meta != nil {
		err = errors.Join(err, s.meta.db.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}
