package doris

import (
	"context"
	"errors"
	"fmt"
)

// nobody is the master while no front end is up.
const nobody = -1

var errClosed = errors.New("the stand-in is closed")

// frontEndAt finds a front end by its number, from 0.
func (s *Server) frontEndAt(i int) (*frontEnd, error) {
	if i < 0 || i >= len(s.fes) {
		return nil, fmt.Errorf("there is no front end %d, they count from 0 to %d", i, len(s.fes)-1)
	}
	return s.fes[i], nil
}

func (s *Server) backEndAt(i int) (*backEnd, error) {
	if i < 0 || i >= len(s.bes) {
		return nil, fmt.Errorf("there is no back end %d, they count from 0 to %d", i, len(s.bes)-1)
	}
	return s.bes[i], nil
}

// change makes one change of the cluster, after the one before.
func (s *Server) change(what string, i int, do func() error) error {
	s.ops.Lock()
	defer s.ops.Unlock()
	err := errClosed
	if !s.ended {
		err = do()
	}
	if err != nil {
		return fmt.Errorf("%s %d: %w", what, i, err)
	}
	return nil
}

// FailOver makes another front end the master, and the old one a follower. The new one knows what is on disk: PREPARE
// transactions are forgotten, their labels free, ids jump, and PRECOMMITTED ones get the configured time-out anew
// (doris-wire.md §11.2, a front end that restarts).
func (s *Server) FailOver(to int) error {
	return s.change("fail over to front end", to, func() error {
		f, err := s.frontEndAt(to)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case !f.up:
			return errors.New("it is stopped")
		case f.isMaster():
			return errors.New("it is the master already")
		}
		return s.elect(context.Background(), to)
	})
}

// elect makes a front end the master; the server's lock must be held. After an error the old one still is.
func (s *Server) elect(ctx context.Context, to int) error {
	e, err := s.newEngine(ctx)
	if err != nil {
		return err
	}
	s.engine, s.master = e, to
	s.committed()
	return nil
}

// newEngine is the transactions as they are on disk.
func (s *Server) newEngine(ctx context.Context) (*Engine, error) {
	kept, err := s.meta.transactions(ctx)
	if err != nil {
		return nil, err
	}
	reserved, err := s.meta.counter(ctx, "txn")
	if err != nil {
		return nil, err
	}
	tableIs := func(id int64) bool { return s.catalog.tables[id] != nil }
	return NewEngine(*s.cfg.Limits, s.cfg.Now, ledger{s.meta, s.stage, &s.killed}, tableIs, kept, reserved), nil
}

// StopFE breaks every connection to a front end; its ports refuse until StartFE. When it was the master, the next one
// that is up takes over, as FailOver describes; with none, back ends get no answer and nothing is published. (A real
// cluster needs the majority of its front ends up; the stand-in needs one.)
func (s *Server) StopFE(i int) error {
	return s.change("stop front end", i, func() error {
		f, err := s.frontEndAt(i)
		if err != nil {
			return err
		}
		if f.life == nil {
			return errors.New("it is stopped already")
		}
		s.mu.Lock()
		f.up = false
		if f.isMaster() {
			err = s.succeed(i)
		}
		s.mu.Unlock()
		err = errors.Join(err, f.life.end())
		f.life = nil
		return err
	})
}

// succeed finds the master's successor; the server's lock must be held.
func (s *Server) succeed(gone int) error {
	s.master = nobody
	for k := range s.fes {
		if next := (gone + k) % len(s.fes); s.fes[next].up {
			return s.elect(context.Background(), next)
		}
	}
	return nil
}

// StartFE starts a stopped front end at the addresses it had. Without a master it becomes that.
func (s *Server) StartFE(i int) error {
	return s.change("start front end", i, func() error {
		f, err := s.frontEndAt(i)
		if err != nil {
			return err
		}
		if f.life != nil {
			return errors.New("it is running already")
		}
		if err := f.open(context.Background(), s.cfg.Listen); err != nil {
			return err
		}
		s.mu.Lock()
		f.up = true
		if s.master == nobody {
			err = s.elect(context.Background(), i)
		}
		s.mu.Unlock()
		f.start()
		return err
	})
}

// StopBE breaks every connection to a back end; its port refuses until StartBE. Front ends send nobody to it, and
// while no back end is up nothing is published and no row can be read. Its PREPARE transactions are aborted when it
// comes back, or has been gone for Limits.LostHeartbeat (doris-wire.md §11.1, row 22).
func (s *Server) StopBE(i int) error {
	return s.change("stop back end", i, func() error {
		b, err := s.backEndAt(i)
		if err != nil {
			return err
		}
		if b.life == nil {
			return errors.New("it is stopped already")
		}
		s.mu.Lock()
		b.up = false
		s.engine.Lose(b.id)
		s.mu.Unlock()
		err = b.life.end()
		b.life = nil
		return err
	})
}

// StartBE starts a stopped back end at the address it had.
func (s *Server) StartBE(i int) error {
	return s.change("start back end", i, func() error {
		b, err := s.backEndAt(i)
		if err != nil {
			return err
		}
		if b.life != nil {
			return errors.New("it is running already")
		}
		if err := b.open(context.Background(), s.cfg.Listen); err != nil {
			return err
		}
		s.mu.Lock()
		b.up = true
		if s.master != nobody { // else the next one will not know what was PREPARE
			err = s.engine.Regain(b.id)
		}
		s.mu.Unlock()
		b.start()
		s.committed()
		return err
	})
}
