package doris

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
)

// Server is a running stand-in: front end, back end and MySQL port.
type Server struct {
	cfg    Config
	zone   *time.Location
	faults Faults

	mu      sync.Mutex // guards engine and catalog
	engine  *Engine
	catalog *Catalog

	rows  *rowStore
	meta  *metaStore
	stage stage

	fe, be, sql net.Listener
	http        []*http.Server
	mysql       *mysqlPort

	wake     chan struct{} // something was committed
	visible  *broadcast    // something became visible
	killed   atomic.Bool   // nothing may reach the disk any more
	lock     *flock.Flock
	stop     context.CancelFunc
	requests gate
	running  sync.WaitGroup
	closed   sync.Once
	err      error // of closing
}

// Open starts a stand-in on what its folder holds: transactions from PRECOMMITTED on, databases, tables and rows are
// as they were, PREPARE transactions are gone. The context covers the opening only; Close ends the server.
func Open(ctx context.Context, cfg Config) (*Server, error) {
	s := &Server{cfg: cfg.withDefaults(), wake: make(chan struct{}, 1), visible: newBroadcast()}
	var err error
	if s.zone, err = zone(s.cfg.TimeZone); err != nil {
		return nil, fmt.Errorf("open Doris stand-in: %w", err)
	}
	if err := s.openStores(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open Doris stand-in in %s: %w", s.cfg.Dir, err), s.closeStores())
	}
	if err := s.listen(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open Doris stand-in: %w", err), s.closeListeners(), s.closeStores())
	}
	s.serve() //nolint:contextcheck // ctx bounds the opening only; Close ends what serves
	return s, nil
}

func (s *Server) openStores(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(s.cfg.Dir, "errors"), 0o755); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockFolder(s.cfg.Dir); err != nil {
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
	write, read := openSQLite(drv, rowsPath, 1, false), openSQLite(drv, rowsPath, 4, true)
	if s.rows, err = openRows(ctx, write, read); err != nil {
		return errors.Join(err, read.Close(), write.Close())
	}
	if s.stage, err = openStage(filepath.Join(s.cfg.Dir, "stage")); err != nil {
		return err
	}
	if s.catalog, err = openCatalog(ctx, s.meta); err != nil {
		return err
	}
	kept, err := s.meta.transactions(ctx)
	if err != nil {
		return err
	}
	reserved, err := s.meta.counter(ctx, "txn")
	if err != nil {
		return err
	}
	tableIs := func(id int64) bool { return s.catalog.tables[id] != nil }
	s.engine = NewEngine(*s.cfg.Limits, s.cfg.Now, ledger{s.meta, s.stage, &s.killed}, tableIs, kept, reserved)
	return s.stage.sweep(func(id int64) bool {
		t, ok := s.engine.txns[id]
		return ok && (t.Status == Precommitted || t.Status == Committed)
	})
}

func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	for _, l := range []struct {
		at   *net.Listener
		addr string
	}{{&s.fe, s.cfg.FEAddr}, {&s.be, s.cfg.BEAddr}, {&s.sql, s.cfg.MySQLAddr}} {
		var err error
		if *l.at, err = lc.Listen(ctx, "tcp", l.addr); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) serve() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for _, h := range []struct {
		l net.Listener
		h http.Handler
	}{{s.fe, s.feHandler()}, {s.be, s.beHandler()}} {
		hs := &http.Server{Handler: s.requests.handler(h.h), ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
		s.http = append(s.http, hs)
		s.running.Go(func() { _ = hs.Serve(h.l) }) // returns ErrServerClosed, by Close or Kill
	}
	s.mysql = newMySQLPort(s, s.sql)
	s.running.Go(func() { s.mysql.serve(ctx) })
	s.running.Go(func() { s.publishLoop(ctx) })
}

// FEURL is the front end's HTTP address, as http://host:port.
func (s *Server) FEURL() string { return "http://" + s.fe.Addr().String() }

// BEURL is the back end's HTTP address, as http://host:port.
func (s *Server) BEURL() string { return "http://" + s.announced() }

// announced is host:port of the back end for clients.
func (s *Server) announced() string {
	if s.cfg.BEAnnounce != "" {
		return s.cfg.BEAnnounce
	}
	return s.be.Addr().String()
}

// MySQLAddr is host:port of the MySQL port.
func (s *Server) MySQLAddr() string { return s.sql.Addr().String() }

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

const closeGrace = 5 * time.Second

// Close lets running requests finish (for some seconds), stops every goroutine and closes the files.
func (s *Server) Close() error {
	s.closed.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
		defer cancel()
		for _, h := range s.http {
			if err := h.Shutdown(ctx); err != nil {
				s.err = errors.Join(s.err, h.Close())
			}
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
		s.stop()
		for _, h := range s.http {
			s.err = errors.Join(s.err, h.Close())
		}
		s.err = errors.Join(s.err, s.halt())
	})
	return s.err
}

func (s *Server) halt() error {
	s.stop()
	err := s.closeListeners()
	s.mysql.closeAll()
	s.requests.shut()
	s.running.Wait()
	return errors.Join(err, s.closeStores())
}

func (s *Server) closeListeners() error {
	var err error
	for _, l := range []net.Listener{s.fe, s.be, s.sql} {
		if l == nil {
			continue
		}
		if e := l.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (s *Server) closeStores() error {
	var err error
	if s.rows != nil {
		err = s.rows.close()
	}
	if s.meta != nil {
		err = errors.Join(err, s.meta.db.Close())
	}
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}
