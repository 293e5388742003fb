package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/hefu-io/hefu/domain"
)

// ErrInjected is the error of a fault.
var ErrInjected = errors.New("injected fault")

// Fault is what a test makes of one Put.
type Fault uint8

// The pair of faults that every write has, and none.
const (
	FaultNone   Fault = 0
	FaultBefore Fault = 1 // failed and did not happen
	FaultAfter  Fault = 2 // failed and did happen
)

// Memory is a Store in memory: for tests, and the obvious reading of the contract.
type Memory struct {
	// OnPut, when set, decides the fate of each Put before it is looked at.
	OnPut func(s domain.Stream, seq domain.Seq, parts [][]byte) Fault
	// MaxEvent is the largest event in bytes, 0 for no bound.
	MaxEvent int

	mu      sync.Mutex
	grew    chan struct{} // closed and replaced at each change
	streams map[domain.Stream][]*memSegment
}

type memSegment struct {
	first  domain.Seq
	sealed bool
	events [][]byte
}

func (g *memSegment) size() (n int64) {
	for _, e := range g.events {
		n += int64(len(e))
	}
	return n
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{streams: map[domain.Stream][]*memSegment{}, grew: make(chan struct{})}
}

func (m *Memory) changed() {
	close(m.grew)
	m.grew = make(chan struct{})
}

// Segments implements Store.
func (m *Memory) Segments(_ context.Context, s domain.Stream) ([]Segment, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Segment
	for _, g := range m.streams[s] {
		out = append(out, Segment{
			First: g.first, Sealed: g.sealed, Bytes: g.size(), Next: g.first + domain.Seq(len(g.events)), Events: int64(len(g.events)),
		})
	}
	return out, nil
}

func (m *Memory) segment(s domain.Stream, first domain.Seq) (*memSegment, error) {
	for _, g := range m.streams[s] {
		if g.first == first {
			return g, nil
		}
	}
	return nil, fmt.Errorf("segment %s/%d: %w", s, first, ErrNotFound)
}

// Create implements Store.
func (m *Memory) Create(_ context.Context, s domain.Stream, first domain.Seq) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.segment(s, first); err == nil {
		return nil
	}
	m.streams[s] = append(m.streams[s], &memSegment{first: first})
	slices.SortFunc(m.streams[s], func(a, b *memSegment) int { return int(a.first) - int(b.first) })
	m.changed()
	return nil
}

// Seal implements Store.
func (m *Memory) Seal(_ context.Context, s domain.Stream, first domain.Seq) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := m.segment(s, first)
	if err == nil {
		g.sealed = true
	}
	return err
}

// Drop implements Store.
func (m *Memory) Drop(_ context.Context, s domain.Stream, first domain.Seq) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.streams[s] = slices.DeleteFunc(m.streams[s], func(g *memSegment) bool { return g.first == first })
	m.changed()
	return nil
}

// Put implements Store.
func (m *Memory) Put(_ context.Context, s domain.Stream, first, seq domain.Seq, parts [][]byte) error {
	fault := FaultNone
	if m.OnPut != nil {
		fault = m.OnPut(s, seq, parts)
	}
	if fault == FaultBefore {
		return fmt.Errorf("put %s@%d: %w before", s, seq, ErrInjected)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := m.segment(s, first)
	if err != nil {
		return err
	}
	stored := bytes.Join(parts, nil)
	switch {
	case m.MaxEvent > 0 && len(stored) > m.MaxEvent:
		return fmt.Errorf("put %s@%d: %d bytes: %w", s, seq, len(stored), ErrTooLarge)
	case g.sealed:
		return fmt.Errorf("put %s@%d: %w", s, seq, ErrSealed)
	case seq != g.first+domain.Seq(len(g.events)):
		return fmt.Errorf("put %s@%d: tail is %d: %w", s, seq, g.first+domain.Seq(len(g.events))-1, ErrSequence)
	}
	g.events = append(g.events, stored)
	m.changed()
	if fault == FaultAfter {
		return fmt.Errorf("put %s@%d: %w after", s, seq, ErrInjected)
	}
	return nil
}

// Get implements Store.
func (m *Memory) Get(_ context.Context, s domain.Stream, first, seq domain.Seq) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := m.segment(s, first)
	if err != nil {
		return nil, err
	}
	if seq < g.first || seq >= g.first+domain.Seq(len(g.events)) {
		return nil, fmt.Errorf("get %s@%d: %w", s, seq, ErrNotFound)
	}
	return slices.Clone(g.events[seq-g.first]), nil
}

// Last implements Store.
func (m *Memory) Last(_ context.Context, s domain.Stream, first domain.Seq) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g, err := m.segment(s, first)
	if err != nil {
		return nil, err
	}
	if len(g.events) == 0 {
		return nil, fmt.Errorf("last of %s/%d: %w", s, first, ErrNotFound)
	}
	return slices.Clone(g.events[len(g.events)-1]), nil
}

// Size implements Store.
func (m *Memory) Size(_ context.Context, pipeline string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var n int64
	for s, segments := range m.streams {
		if s.Pipeline != pipeline {
			continue
		}
		for _, g := range segments {
			n += g.size()
		}
	}
	return n, nil
}

// Attest implements Store: memory has no settings.
func (m *Memory) Attest(context.Context, string) error { return nil }

// Follow implements Store.
func (m *Memory) Follow(_ context.Context, s domain.Stream, first, seq domain.Seq) (Follower, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.segment(s, first); err != nil {
		return nil, err
	}
	return &memFollower{m: m, s: s, first: first, next: seq}, nil
}

type memFollower struct {
	m           *Memory
	s           domain.Stream
	first, next domain.Seq
}

func (f *memFollower) Next(ctx context.Context) ([]byte, error) {
	for {
		f.m.mu.Lock()
		grew := f.m.grew
		_, dropped := f.m.segment(f.s, f.first)
		f.m.mu.Unlock()
		if dropped != nil {
			return nil, dropped
		}
		stored, err := f.m.Get(ctx, f.s, f.first, f.next)
		if err == nil {
			f.next++
			return stored, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-grew:
		}
	}
}

func (f *memFollower) Close() {}

// Rewrite replaces the bytes of a stored event: what rotten storage or an
// administrator would do. For tests of readers.
func (m *Memory) Rewrite(s domain.Stream, seq domain.Seq, stored []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range m.streams[s] {
		if seq >= g.first && seq < g.first+domain.Seq(len(g.events)) {
			g.events[seq-g.first] = stored
			return nil
		}
	}
	return fmt.Errorf("rewrite %s@%d: %w", s, seq, ErrNotFound)
}

// Truncate drops the events of a stream from seq on: a restored copy of an earlier
// state. For tests.
func (m *Memory) Truncate(s domain.Stream, seq domain.Seq) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var left []*memSegment
	for _, g := range m.streams[s] {
		if g.first > seq {
			continue // made after the copy
		}
		if seq < g.first+domain.Seq(len(g.events)) {
			g.events, g.sealed = g.events[:seq-g.first], false
		}
		left = append(left, g)
	}
	m.streams[s] = left
	m.changed()
}
