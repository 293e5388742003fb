package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hefu-io/hefu/deploy"
	"github.com/hefu-io/hefu/domain/flink"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// The table of deploy/doris.sql.
const (
	dorisDatabase = "ods"
	dorisTable    = "ODS_QL_JC_SSJC"
)

// dorisOptions are what a person may choose of `bench doris`.
type dorisOptions struct {
	rows int64
	size int
	runs int
	dir  string
	out  io.Writer
}

// benchDoris measures the Doris leg alone: rows of a journal that was prepared
// beforehand, into the stand-in in a process of its own.
func benchDoris(ctx context.Context, args []string) int {
	o := dorisOptions{out: os.Stdout}
	f := flag.NewFlagSet("bench doris", flag.ContinueOnError)
	f.Int64Var(&o.rows, "rows", 2_000_000, "`rows` that are loaded")
	f.IntVar(&o.size, "size", 200, "`bytes` of a row, as the city sent it")
	f.IntVar(&o.runs, "runs", 3, "`times` that it is measured; medians are printed")
	return work(f, args, &o.dir, func() error { return runDoris(ctx, o) })
}

func runDoris(ctx context.Context, o dorisOptions) (err error) {
	prepared := filepath.Join(o.dir, "prepared")
	if err := prepareJournal(ctx, prepared, o.rows, o.size); err != nil {
		return fmt.Errorf("prepare a journal of %d rows: %w", o.rows, err)
	}
	report := dorisReport{dorisOptions: o}
	for n := range o.runs {
		dir := filepath.Join(o.dir, fmt.Sprintf("run-%d", n))
		r, err := measureDoris(ctx, prepared, dir, o.rows)
		if err != nil {
			return err
		}
		report.measured = append(report.measured, *r)
		report.encoder = append(report.encoder, encoderSpeed(o.size))
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return report.print()
}

// dorisRun is one way of all rows into an empty table.
type dorisRun struct {
	leg     legResult
	standin usage
}

// measureDoris copies the journal, so that its doris stream is new, and starts a
// stand-in with an empty table, and then the leg.
func measureDoris(ctx context.Context, prepared, dir string, rows int64) (r *dorisRun, err error) {
	w, err := newDorisWorld(ctx, prepared, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if r, err = w.run(ctx, wayLive, ""); err != nil {
		return nil, err
	}
	return r, holds(ctx, w.cluster, dorisTable, rows)
}

// dorisWorld is a copy of a journal, and a stand-in that has an empty table.
type dorisWorld struct {
	dir, self string
	at        [3]string // front end, back end, SQL
	standin   *process
	cluster   *dorisconn.Cluster
}

func newDorisWorld(ctx context.Context, prepared, dir string) (w *dorisWorld, err error) {
	w = &dorisWorld{dir: dir}
	if err := os.CopyFS(filepath.Join(dir, "journal"), os.DirFS(prepared)); err != nil {
		return nil, err
	}
	if w.self, err = os.Executable(); err != nil {
		return nil, err
	}
	for i := range w.at {
		port, err := freePort(ctx)
		if err != nil {
			return nil, err
		}
		w.at[i] = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	}
	w.standin, err = start(dir, "doris-standin", w.self, "doris-standin", filepath.Join(dir, "doris"), w.at[0], w.at[1], w.at[2])
	if err != nil {
		return nil, err
	}
	w.cluster, err = dorisconn.Open(dorisconn.Config{FE: []string{"http://" + w.at[0]}, MySQL: []string{w.at[2]}, User: "root"})
	if err == nil {
		if err = makeTable(ctx, w.standin, w.cluster, dorisTable); err == nil {
			return w, nil
		}
	}
	return nil, errors.Join(err, w.close())
}

func (w *dorisWorld) close() error {
	if w.cluster != nil {
		w.cluster.Close()
	}
	return w.standin.stop()
}

// run carries all rows one way.
func (w *dorisWorld) run(ctx context.Context, by way, profile string) (*dorisRun, error) {
	before, err := w.standin.usage()
	if err != nil {
		return nil, err
	}
	r := &dorisRun{}
	if err := runLeg(ctx, w.dir, w.self, w.at, w.standin, by, profile, &r.leg); err != nil {
		return nil, err
	}
	if r.standin, err = w.standin.usage(); err != nil {
		return nil, err
	}
	r.standin.cpu -= before.cpu
	return r, nil
}

// makeTable waits for the stand-in and makes the table of deploy/doris.sql under a name.
func makeTable(ctx context.Context, p *process, cluster *dorisconn.Cluster, name string) error {
	return eventually(ctx, startTimeout, func() (bool, error) {
		if err := p.running(); err != nil {
			return false, err
		}
		err := cluster.Ask(ctx, func(c *sql.Conn) error {
			for _, statement := range deploy.DorisStatements() {
				if _, err := c.ExecContext(ctx, strings.ReplaceAll(statement, dorisTable, name)); err != nil {
					return err
				}
			}
			return nil
		})
		var refused *net.OpError
		if errors.As(err, &refused) {
			return false, nil
		}
		return err == nil, err
	})
}

// holds demands that a table has just the rows: doubled ones must not pass for speed.
func holds(ctx context.Context, cluster *dorisconn.Cluster, table string, rows int64) error {
	return cluster.Ask(ctx, func(c *sql.Conn) error {
		var n int64
		if err := c.QueryRowContext(ctx, "SELECT count(*) FROM "+dorisDatabase+"."+table).Scan(&n); err != nil {
			return err
		}
		if n != rows {
			return fmt.Errorf("the table has %d rows, the journal %d", n, rows)
		}
		return nil
	})
}

// encoderTime is how long the encoder alone is measured.
const encoderTime = time.Second

// encoderSpeed is how many bytes of JSON a second one core makes of rows of a size.
func encoderSpeed(size int) float64 {
	format := flink.NewRowFormat(time.FixedZone("", 8*60*60))
	row := flink.Row{City: "320100", Record: appendRow(nil, time.Now(), 1, size), HubOffset: 1 << 30}
	var line []byte
	var bytes int64
	began := time.Now()
	for time.Since(began) < encoderTime {
		for range 10_000 {
			row.CityOffset++
			row.HubOffset++
			row.CityTimestamp++
			line = format.AppendDorisJSON(line[:0], &row)
			bytes += int64(len(line))
		}
	}
	return float64(bytes) / time.Since(began).Seconds()
}
