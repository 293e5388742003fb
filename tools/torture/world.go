package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql"
	"github.com/goccy/go-yaml"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hefu-io/hefu/deploy"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/doris"
	"github.com/hefu-io/hefu/services/devstack/kafka"
	"github.com/hefu-io/hefu/services/devstack/nats"
	"github.com/hefu-io/hefu/services/devstack/realkafka"
)

const (
	hubTopic      = "ODS_QL_JC_SSJC"
	hubPartitions = 6
	cities        = 3
)

// world is everything around hefu: brokers, table, configuration, feeder.
type world struct {
	o       options
	dir     string
	hefu    string // the binary, built with crash points
	brokers string
	broker  *realkafka.Broker // nil with the stand-in
	standIn *kafka.Server     // nil with a real one
	doris   *doris.Server
	cfg     *config.Config
	file    string // hefu.yaml
	feeder  *feeder
	closers []func() error

	db        *sql.DB // of doris
	without   bool    // the file is without the last city
	noLineage string  // why there is none
}

func (w *world) close() error {
	if w.feeder != nil {
		w.feeder.stop()
	}
	var errs []error
	for i := len(w.closers) - 1; i >= 0; i-- {
		errs = append(errs, w.closers[i]())
	}
	if w.o.dir == "" {
		errs = append(errs, os.RemoveAll(w.dir))
	}
	return errors.Join(errs...)
}

func newWorld(ctx context.Context, o options, scenario string) (w *world, err error) {
	w = &world{o: o, dir: o.dir}
	if w.dir == "" {
		if w.dir, err = os.MkdirTemp("", "hefu-torture-"); err != nil {
			return nil, err
		}
	}
	steps := []func(context.Context) error{w.build, w.startKafka, w.makeTopics, w.configure}
	switch scenario {
	case "zombies":
		steps = append(steps, w.startNATS)
	case "points", "kills":
		steps = append(steps, w.switchOn)
	case "rebuild":
		steps = append(steps, w.inManyBatches)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	if err := w.write(w.file, w.cfg); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if w.feeder, err = newFeeder(w.brokers, o.rate); err != nil {
		return nil, errors.Join(err, w.close())
	}
	if scenario != "rebuild" {
		w.feeder.start(ctx)
	}
	return w, nil
}

func (w *world) build(ctx context.Context) error {
	w.hefu = filepath.Join(w.dir, "hefu")
	c := exec.CommandContext(ctx, "go", "build", "-tags", "crash", "-o", w.hefu, "github.com/hefu-io/hefu/tools/hefu")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("build hefu with crash points: %w", err)
	}
	return nil
}

func (w *world) startKafka(ctx context.Context) error {
	if !w.o.real {
		k, err := kafka.Open(ctx, kafka.Config{Dir: filepath.Join(w.dir, "kafka"), Log: silent()})
		if err != nil {
			return err
		}
		w.standIn, w.brokers = k, k.Addr()
		w.closers = append(w.closers, k.Close)
		return nil
	}
	b, err := realkafka.Start(ctx, w.realConfig())
	if err != nil {
		return err
	}
	w.broker, w.brokers = b, b.Addr()
	w.closers = append(w.closers, func() error { return w.broker.Stop() })
	return nil
}

func (w *world) realConfig() realkafka.Config {
	return realkafka.Config{Version: "4.4.0", Dir: filepath.Join(w.dir, "realkafka"), Heap: "512m"}
}

func (w *world) startNATS(ctx context.Context) error {
	n, err := nats.Open(ctx, nats.Config{Dir: filepath.Join(w.dir, "nats")})
	if err != nil {
		return err
	}
	w.closers = append(w.closers, n.Close)
	w.cfg.Journal.Mode, w.cfg.Journal.Servers = config.ModeExternal, []string{n.URL()}
	if err := w.write(w.file, w.cfg); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, w.hefu, "apply", "-c", w.file).CombinedOutput()
	if err != nil {
		return fmt.Errorf("hefu apply: %w: %s", err, out)
	}
	return nil
}

func (w *world) makeTopics(ctx context.Context) error {
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.brokers))
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	if _, err := adm.CreateTopic(ctx, hubPartitions, 1, nil, hubTopic); err != nil {
		return fmt.Errorf("make topic %s: %w", hubTopic, err)
	}
	for c := range cities {
		if _, err := adm.CreateTopic(ctx, 2, 1, nil, cityTopic(c)); err != nil {
			return fmt.Errorf("make topic %s: %w", cityTopic(c), err)
		}
	}
	return nil
}

func cityTopic(c int) string { return fmt.Sprintf("QL_JC_SSJC_%d", c) }

func (w *world) configure(ctx context.Context) error {
	d, err := doris.Open(ctx, doris.Config{Dir: filepath.Join(w.dir, "doris"), Log: silent()})
	if err != nil {
		return err
	}
	w.doris = d
	w.closers = append(w.closers, d.Close)
	db, err := sql.Open("mysql", "root@tcp("+d.MySQLAddr()+")/?interpolateParams=true")
	if err != nil {
		return err
	}
	w.db = db
	w.closers = append(w.closers, db.Close)
	for _, q := range deploy.DorisStatements() {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("make the table: %w", err)
		}
	}
	c := config.Default()
	c.Instance, c.DataDir, c.API.Listen = "torture", filepath.Join(w.dir, "data"), "127.0.0.1:0"
	p := config.DefaultPipeline()
	p.Name = "torture"
	p.Hub.Brokers, p.Hub.Topic, p.Hub.ProgressTopic = []string{w.brokers}, hubTopic, "hefu-progress-torture"
	t := config.DefaultDoris()
	t.FE, t.MySQL, t.Database, t.Table, t.User = []string{d.FEURL()}, []string{d.MySQLAddr()}, "ods", hubTopic, "root"
	t.Batch.Age, t.Batch.Interval = 200*time.Millisecond, 0
	p.Doris = &t
	for n := range cities {
		s := config.DefaultSource()
		s.ID, s.City, s.Topic, s.Brokers = fmt.Sprintf("city-%d", n), fmt.Sprintf("3201%02d", n), cityTopic(n), []string{w.brokers}
		p.Sources = append(p.Sources, s)
	}
	c.Pipelines = []config.Pipeline{p}
	w.cfg, w.file = &c, filepath.Join(w.dir, "hefu.yaml")
	return nil
}

func (w *world) write(file string, c *config.Config) error {
	text, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// tail is the end of a file, for people.
func tail(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}
