package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/kafka"
	"github.com/hefu-io/hefu/services/devstack/nats"
	"github.com/hefu-io/hefu/services/devstack/stack"
)

func newDevstack() *cobra.Command {
	c := &cobra.Command{
		Use:   "devstack",
		Short: "Run stand-ins for Kafka and Doris, for demos and tests by hand",
		Long: `Devstack starts what Hefu moves rows between: the cities' Kafka, the hub's Kafka and
Doris, all three stand-ins, each in a process of its own; makes topics, table and a
hefu.yaml that fits; and runs until Ctrl-C. In a directory that holds a stack already,
such as that of a kept demo, it starts that one again at the same addresses.`,
		Example: "  hefu devstack\n  hefu devstack --dir /tmp/hefu-demo-1234\n  hefu devstack --fe 3 --be 2 --control 127.0.0.1:8100\n  hefu devstack nats --dir /tmp/nats --listen 127.0.0.1:4222",
		Args:    cobra.NoArgs,
	}
	dir := c.Flags().String("dir", "hefu-devstack", "where everything lies, made when missing")
	cluster := dorisFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := cluster.check(); err != nil {
			return err
		}
		return runDevstack(cmd.Context(), *dir, *cluster, cmd.OutOrStdout())
	}
	c.AddCommand(newDevstackKafka(), newDevstackDoris(), newDevstackNATS())
	return c
}

func runDevstack(ctx context.Context, dir string, cluster dorisCluster, out io.Writer) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program that runs: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	s, err := stack.Start(ctx, program, dir, citySources(len(cityCodes)), stack.Options{FrontEnds: cluster.fe, BackEnds: cluster.be, Control: cluster.control})
	if err != nil {
		return err
	}
	a := s.Addresses()
	host, port, err := net.SplitHostPort(a.MySQL)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintf(out, "stand-ins, not the real things, until Ctrl-C:\n")
	fmt.Fprintf(out, "  city Kafka  %s  (%d topics of %d partitions)\n", a.Cities, len(s.Sources()), stack.CityPartitions)
	fmt.Fprintf(out, "  hub Kafka   %s  (topic %s of %d partitions)\n", a.Hub, stack.HubTopic, stack.HubPartitions)
	fmt.Fprintf(out, "  Doris       http://%s, mysql -h%s -P%s -uroot  (table %s.%s)\n", a.FE, host, port, stack.Database, stack.Table)
	printCluster(out, s.Doris())
	fmt.Fprintf(out, "  hefu.yaml   %s\nnext:\n  hefu run -c %s\n", s.ConfigFile(), s.ConfigFile())
	err = s.Wait(ctx)
	return errors.Join(err, s.Close())
}

// standIn is one server that a command runs until it is told to stop.
type standIn interface{ Close() error }

// serve says on one line of output that a server listens, and runs it until the context
// ends.
func serve(ctx context.Context, out io.Writer, s standIn, ready any) error {
	err := json.NewEncoder(out).Encode(ready)
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, s.Close())
}

// serverFlags adds --dir and --listen.
func serverFlags(c *cobra.Command) (dir, listen *string) {
	dir = c.Flags().String("dir", "", "where its data lies, made when missing")
	listen = c.Flags().String("listen", "127.0.0.1:0", "host:port; port 0 takes a free one")
	_ = c.MarkFlagRequired("dir") // it exists, see two lines above
	return dir, listen
}

func newDevstackKafka() *cobra.Command {
	c := &cobra.Command{
		Use:     "kafka",
		Short:   "Run one Kafka stand-in",
		Long:    "Kafka runs a stand-in for a Kafka cluster of one broker until SIGTERM, and says on one\nline of JSON where it listens.",
		Example: "  hefu devstack kafka --dir /tmp/kafka --listen 127.0.0.1:9092",
		Args:    cobra.NoArgs,
	}
	dir, listen := serverFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := kafka.Open(cmd.Context(), kafka.Config{Dir: *dir, Addr: *listen, Log: newLog(config.Log{})})
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cmd.OutOrStdout(), s, stack.KafkaReady{Kafka: s.Addr(), Notice: "a stand-in, not Kafka"})
	}
	return c
}

func newDevstackNATS() *cobra.Command {
	c := &cobra.Command{
		Use:   "nats",
		Short: "Run the real NATS server, for an external journal",
		Long: `Nats runs the NATS server that Hefu embeds (no stand-in: JetStream, every write synced)
as a process of its own until SIGTERM, and says on one line of JSON where it listens.`,
		Example: "  hefu devstack nats --dir /tmp/nats --listen 127.0.0.1:4222",
		Args:    cobra.NoArgs,
	}
	dir, listen := serverFlags(c)
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := nats.Open(cmd.Context(), nats.Config{Dir: *dir, Addr: *listen})
		if err != nil {
			return err
		}
		return serve(cmd.Context(), cmd.OutOrStdout(), s, struct {
			NATS   string `json:"nats"`
			Notice string `json:"notice"`
		}{s.URL(), "the real NATS server, one node"})
	}
	return c
}
