package hub_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/hub"
)

var errLost = errors.New("the answer is lost")

// faults decides what becomes of the writes of all senders of a hub.
type faults struct {
	mu      sync.Mutex
	produce journal.Fault // of the next one
	commit  journal.Fault
	// before, when set, is called before each Produce with the number of rows; its
	// error is the answer, and nothing is written.
	before func(rows int) error
	// producing and ending, when set, are called before the next Produce and Commit.
	producing, ending func()
}

func (f *faults) set(change func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// takes is the value, which is used up by that.
func takes[T any](f *faults, of *T) T {
	f.mu.Lock()
	defer f.mu.Unlock()
	var none T
	v := *of
	*of = none
	return v
}

func (f *faults) wrap(s hub.Sender) hub.Sender { return &faultySender{s, f} }

type faultySender struct {
	hub.Sender
	f *faults
}

func (s *faultySender) Produce(ctx context.Context, p *hub.Packed, at int64) error {
	if s.f.before != nil {
		if err := s.f.before(len(p.Ends)); err != nil {
			return err
		}
	}
	if wait := takes(s.f, &s.f.producing); wait != nil {
		wait()
	}
	fault := takes(s.f, &s.f.produce)
	if fault == journal.FaultBefore {
		return errLost
	}
	err := s.Sender.Produce(ctx, p, at)
	if fault == journal.FaultAfter {
		return errors.Join(err, errLost)
	}
	return err
}

func (s *faultySender) Commit(ctx context.Context, record []byte) (int64, error) {
	if wait := takes(s.f, &s.f.ending); wait != nil {
		wait()
	}
	fault := takes(s.f, &s.f.commit)
	if fault == journal.FaultBefore {
		return 0, errLost
	}
	at, err := s.Sender.Commit(ctx, record)
	if fault == journal.FaultAfter {
		return 0, errors.Join(err, errLost)
	}
	return at, err
}

// wire cuts a connection at a request: on the way there, or on the way back when the
// broker has done what it was asked.
type wire struct {
	mu    sync.Mutex
	key   kmsg.Key
	skip  int // requests of the key to let pass
	fault journal.Fault
	cuts  int
}

func (w *wire) arm(key kmsg.Key, skip int, fault journal.Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key, w.skip, w.fault, w.cuts = key, skip, fault, 0
}

// cut reports how often a connection was cut since arm.
func (w *wire) cut() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cuts
}

func (w *wire) option() kgo.Opt {
	return kgo.Dialer(func(ctx context.Context, network, host string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, host)
		return &cutConn{Conn: c, w: w}, err
	})
}

// fate is what becomes of a request, whose frame begins with its length and key.
func (w *wire) fate(frame []byte) journal.Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault == journal.FaultNone || len(frame) < 6 || kmsg.Key(binary.BigEndian.Uint16(frame[4:])) != w.key {
		return journal.FaultNone
	}
	if w.skip > 0 {
		w.skip--
		return journal.FaultNone
	}
	fault := w.fault
	w.fault = journal.FaultNone
	w.cuts++
	return fault
}

type cutConn struct {
	net.Conn
	w *wire

	mu    sync.Mutex
	dying bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	switch c.w.fate(b) {
	case journal.FaultNone:
	case journal.FaultBefore:
		return 0, errors.Join(io.ErrUnexpectedEOF, c.Close())
	case journal.FaultAfter:
		c.mu.Lock()
		c.dying = true
		c.mu.Unlock()
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dying && n > 0 {
		return 0, errors.Join(io.EOF, c.Close())
	}
	return n, err
}
