package dorisconn

import (
	"context"
	"net"
	"sync/atomic"
)

// deaf is a connection on which what a host says counts more than that it stopped
// listening. A back end that refuses a load for its first bad row answers and hangs up
// while the body is still on its way (doris-wire.md §1.7); net/http would report the
// broken write and drop the answer. From the first error on, what is written goes nowhere,
// and reading ends the request: with the answer, or with the error.
type deaf struct {
	net.Conn
	gone atomic.Bool
}

func (d *deaf) Write(b []byte) (int, error) {
	if d.gone.Load() {
		return len(b), nil
	}
	n, err := d.Conn.Write(b)
	if err == nil {
		return n, nil
	}
	d.gone.Store(true)
	return len(b), nil // reading finds out
}

func (c *Cluster) dialLoad(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &deaf{Conn: conn}, nil
}
