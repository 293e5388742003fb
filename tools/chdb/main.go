// Command chdb serves the engine of a modern ClickHouse, libchdb, over the native protocol, for
// tests and hand use: the engine is the real one, the server before it is not. It is a module
// of its own, so that nothing of it gets into the product.
//
//	CHDB_LIB_PATH=…/libchdb.so chdb -dir DIR
//
// It prints its address, host:port, and serves until it is told to stop. libchdb comes with the
// npm package @chdb/lib-linux-x64-gnu, among others; see .ci/tier2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hefu-io/hefu/services/devstack/clickhouse"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chdb:", err)
		os.Exit(2) //nolint:gocritic // nothing is left to stop
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("chdb", flag.ContinueOnError)
	dir := flags.String("dir", "", "where the data lies")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		return errors.New("-dir is missing")
	}
	e, err := openEngine(*dir)
	if err != nil {
		return err
	}
	defer e.close()
	major, minor, err := e.version(ctx)
	if err != nil {
		return err
	}
	f, err := clickhouse.OpenFront(ctx, clickhouse.FrontConfig{Engine: e, User: "default", Major: major, Minor: minor, Revision: revision})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fmt.Fprintln(out, f.Addr())
	<-ctx.Done()
	return nil
}
