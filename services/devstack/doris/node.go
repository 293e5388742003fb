package doris

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// node is a process of the cluster, a front end or a back end, that can be stopped and started again where it was.
type node struct {
	addrs []string // host:port of each of its ports, HTTP first
	up    bool     // guarded by Server.mu
	life  *life    // nil while it is stopped; guarded by Server.ops
}

// life is one run of a node, from its start to its stop. It owns the node's goroutines.
type life struct {
	ports   []net.Listener
	http    *http.Server
	sql     *mysqlPort // of front ends
	stop    context.CancelFunc
	inside  gate
	running sync.WaitGroup
}

// open takes the node's ports. Those that were left to the system are kept from then on.
func (n *node) open(ctx context.Context, listen func(context.Context, string, string) (net.Listener, error)) error {
	l := &life{}
	for i, addr := range n.addrs {
		port, err := listen(ctx, "tcp", addr)
		if err != nil {
			return errors.Join(err, l.closePorts())
		}
		l.ports = append(l.ports, port)
		if got := port.Addr().String(); got != addr {
			n.addrs[i] = got
		}
	}
	n.life = l
	return nil
}

// serve answers at the ports that open took; sql may be nil.
func (l *life) serve(web http.Handler, sql *mysqlPort) {
	ctx, stop := context.WithCancel(context.Background())
	l.stop, l.sql = stop, sql
	l.http = &http.Server{
		Handler: l.inside.handler(web), ReadHeaderTimeout: time.Minute,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	l.running.Go(func() { _ = l.http.Serve(l.ports[0]) }) // returns ErrServerClosed, by end
	if sql != nil {
		l.running.Go(func() { sql.serve(ctx) })
	}
}

// shutdown lets running requests finish, as long as the context lasts.
func (l *life) shutdown(ctx context.Context) error {
	if l.http == nil {
		return nil
	}
	if err := l.http.Shutdown(ctx); err != nil {
		return l.http.Close()
	}
	return nil
}

// sever breaks every connection where it is. That comes before handlers are told to end: what they would still say
// must not reach anybody.
func (l *life) sever() error {
	var err error
	if l.http != nil {
		err = l.http.Close()
	}
	err = errors.Join(err, l.closePorts())
	if l.sql != nil {
		l.sql.closeAll()
	}
	return err
}

// end breaks every connection, and returns when nothing of the node runs any more.
func (l *life) end() error {
	err := l.sever()
	if l.http == nil {
		return err
	}
	l.stop()
	l.inside.shut()
	l.running.Wait()
	return err
}

func (l *life) closePorts() error {
	var err error
	for _, p := range l.ports {
		if e := p.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// nth is the address of the i-th node when this is the first one's: the ports follow each other; port 0 stays, and
// takes a free one each time.
func nth(addr string, i int) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // whoever listens there says what is wrong with it
	}
	n, err := strconv.Atoi(port)
	if err != nil || n == 0 {
		return addr
	}
	return net.JoinHostPort(host, strconv.Itoa(n+i))
}
