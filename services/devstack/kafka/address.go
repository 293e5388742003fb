package kafka

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// addressFile remembers the address: clients that knew the last server find the
// next one.
const addressFile = "address"

// listen listens at the address asked for, the one remembered or a free one, in
// this order, and remembers it.
func listen(ctx context.Context, c Config) (net.Listener, error) {
	host, port := "127.0.0.1", "0"
	if c.Addr != "" {
		var err error
		if host, port, err = net.SplitHostPort(c.Addr); err != nil {
			return nil, err
		}
	}
	file := filepath.Join(c.Dir, addressFile)
	if port == "0" {
		known, err := os.ReadFile(file)
		if err == nil {
			host, port, err = net.SplitHostPort(strings.TrimSpace(string(known)))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	l, err := listenAt(ctx, host, port)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(file, []byte(l.Addr().String()+"\n"), 0o644); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// listenAt listens at a port; for 0 at a free one below those that systems give
// to outgoing connections (32768 and up on Linux, 49152 by IANA): one of these
// could sit on the port when the server comes back to it.
func listenAt(ctx context.Context, host, port string) (l net.Listener, err error) {
	var lc net.ListenConfig
	if port != "0" {
		return lc.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	}
	for range 100 {
		port := strconv.Itoa(20000 + rand.IntN(12000))
		if l, err = lc.Listen(ctx, "tcp", net.JoinHostPort(host, port)); err == nil {
			return l, nil
		}
	}
	return nil, err
}
