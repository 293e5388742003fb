package clickhouse

import (
	"context"
	"net"
	"strings"
	"sync"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// Block is columns of equal length with their names and types, as they are sent and answered.
type Block = proto.Results

// Request is what a client asks for.
type Request struct {
	Query    string
	Settings map[string]string
}

// Insert reports whether the request brings rows.
func (r Request) Insert() bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(r.Query)), "INSERT")
}

// Engine answers for a Front. An error that is a *ch.Exception reaches the client as it is. An
// engine is called by as many goroutines as there are connections.
type Engine interface {
	// Query runs a request that brings no rows; nil for no result.
	Query(ctx context.Context, r Request) ([]Block, error)
	// Head gives the columns that an INSERT wants, without rows.
	Head(ctx context.Context, r Request) (Block, error)
	// Insert takes one block; when it returns nil the rows are there for good.
	Insert(ctx context.Context, r Request, b Block) error
}

// Cut is where the connection of a request breaks off.
type Cut int

// The cuts: none; before the engine gets the request; after it has done it, unanswered.
const (
	CutNone Cut = iota
	CutBefore
	CutAfter
)

// FrontConfig is how a Front behaves.
type FrontConfig struct {
	Engine   Engine
	User     string
	Password string
	// Major, Minor and Revision are what the server calls itself. Below the revision 54429
	// no settings are read; between 54032 and 54419 every query is refused unless the client
	// tells about itself, as the real one of 2018 does.
	Major, Minor, Revision int
	// OnRequest is asked before each request, with its block where it brings rows; it may
	// take its time. nil: nothing is cut.
	OnRequest func(Request) Cut
}

// Front speaks ClickHouse's native protocol for an Engine, on a port of the loopback. It is a
// stand-in for tests and hand use: one user, no TLS, and no part of a real server's code.
type Front struct {
	cfg      FrontConfig
	listener net.Listener
	ctx      context.Context //nolint:containedctx // of the front's own life, which its connections share
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

// OpenFront listens on a free port.
func OpenFront(ctx context.Context, cfg FrontConfig) (*Front, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Front{cfg: cfg, listener: l, open: map[net.Conn]bool{}}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	f.running.Go(f.accept)
	return f, nil
}

// Addr is host:port.
func (f *Front) Addr() string { return f.listener.Addr().String() }

// Close breaks all connections and waits until nothing is left of them.
func (f *Front) Close() error {
	err := f.listener.Close()
	f.cancel()
	f.mu.Lock()
	f.closed = true
	for c := range f.open {
		_ = c.Close() // its goroutine notices
	}
	f.mu.Unlock()
	f.running.Wait()
	return err
}

func (f *Front) accept() {
	for {
		c, err := f.listener.Accept()
		if err != nil {
			return // closed
		}
		if !f.track(c) {
			return
		}
		f.running.Go(func() {
			defer f.forget(c)
			_ = newSession(f, c).serve(f.ctx) // the client sees its end
		})
	}
}

func (f *Front) track(c net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		_ = c.Close()
		return false
	}
	f.open[c] = true
	return true
}

func (f *Front) forget(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = c.Close()
	delete(f.open, c)
}

// Refuse makes the error that a client sees as one of the server.
func Refuse(code proto.Error, text string) error {
	return &ch.Exception{Code: code, Name: "DB::Exception", Message: "DB::Exception: " + text}
}
