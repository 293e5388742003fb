// Command kafka keeps one real Kafka broker for the tests that want one:
//
//	export HEFU_TEST_KAFKA=$(go run ./tools/kafka -dir DIR up)
//	go test ./...
//	go run ./tools/kafka -dir DIR down
//
// up starts the broker, or finds it running, and prints its address; the broker
// stays when the command has ended. down stops it, kill ends it as a crash would.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

func main() {
	var c realkafka.Config
	flag.StringVar(&c.Dir, "dir", "", "the broker's `directory`: data, configuration, log")
	flag.IntVar(&c.Port, "port", 0, "`port` on 127.0.0.1; 0 is the one it had, or any free one")
	flag.StringVar(&c.Version, "version", "4.4.0", "Apache Kafka `version`")
	flag.StringVar(&c.Heap, "heap", "512m", "heap `size` of the JVM")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: kafka -dir DIR [flags] up|down|kill")
		flag.PrintDefaults()
	}
	flag.Parse()
	if c.Dir == "" || flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, c, flag.Arg(0))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kafka:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, c realkafka.Config, what string) error {
	b, err := realkafka.Find(c.Dir)
	running := err == nil
	if err != nil && !errors.Is(err, realkafka.ErrNotRunning) {
		return err
	}
	switch {
	case what == "up":
		if !running {
			if b, err = realkafka.Start(ctx, c); err != nil {
				return err
			}
		}
		fmt.Println(b.Addr())
		return nil
	case what != "down" && what != "kill":
		return fmt.Errorf("%q is none of up, down, kill", what)
	case !running:
		return nil
	case what == "down":
		return b.Stop()
	default:
		return b.Kill()
	}
}
