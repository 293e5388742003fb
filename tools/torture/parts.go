package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/devstack/clickhouse"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/report"
	"github.com/hefu-io/hefu/services/status"
)

// switchOn adds the parts that a pipeline can do without: segments are small, and archived and
// dropped as soon as may be; the reconciler looks each second; the lineage goes to a ClickHouse,
// where this machine has one.
func (w *world) switchOn(ctx context.Context) error {
	a := config.DefaultArchive()
	a.Dir, a.Drop, a.Interval = filepath.Join(w.dir, "archive"), true, time.Second
	w.cfg.Journal.SegmentBytes, w.cfg.Journal.Archive = 1<<20, &a
	w.cfg.Journal.Checkpoint.Interval = 500 * time.Millisecond
	p := &w.cfg.Pipelines[0]
	p.Reconcile.Interval, p.Reconcile.KafkaBytes, p.Reconcile.DorisPause = time.Second, 0, 0
	ch, err := clickhouse.Start(ctx, filepath.Join(w.dir, "clickhouse"), 0)
	if errors.Is(err, clickhouse.ErrNotInstalled) {
		w.noLineage = err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	w.closers = append(w.closers, ch.Stop)
	l := config.DefaultLineage()
	l.Addresses, l.Database = []string{ch.Addr()}, "hefu"
	l.Batch = config.LineageBatch{Rows: 100, Age: 200 * time.Millisecond}
	p.Lineage = &l
	return nil
}

// traced is how many rows have a lineage, in all and by place, each however often it was sent
// once.
func (w *world) traced(ctx context.Context) (rows, places uint64, err error) {
	l := w.cfg.Pipelines[0].Lineage
	conn, err := clickhouseconn.Open(ctx, l.Conn())
	if err != nil {
		return 0, 0, err
	}
	defer conn.Close()
	n, of := proto.ColUInt64{0}, proto.ColUInt64{0}
	err = conn.Ask(ctx, "SELECT count() AS n, uniqExact(source, generation, city_partition, city_offset) AS places FROM "+
		clickhouseconn.Name(l.Database, l.Table)+" FINAL", proto.Results{{Name: "n", Data: &n}, {Name: "places", Data: &of}}, func() error { return nil })
	return n[0], of[0], err
}

// loaded is how many rows the table has.
func (w *world) loaded(ctx context.Context) (n uint64, err error) {
	t := w.cfg.Pipelines[0].Doris
	err = w.db.QueryRowContext(ctx, "SELECT count(*) FROM "+t.Database+"."+t.Table).Scan(&n)
	return n, err
}

// arrived reports whether every row that was fed is in the table, and has its lineage. Where a
// transaction of the feeder ended in an error nobody knows what was fed.
func (w *world) arrived(ctx context.Context) bool {
	n, err := w.loaded(ctx)
	if err != nil || w.feeder.failed.Load() == 0 && int64(n) < w.feeder.committed.Load() {
		return false
	}
	if w.cfg.Pipelines[0].Lineage == nil {
		return true
	}
	_, places, err := w.traced(ctx)
	return err == nil && places >= n
}

// compareParts looks at what is beside the rows: the journal is what was signed, whatever is
// called a report verifies, the looks of the reconciler found nothing, and the table has what
// was fed, with one lineage for each row.
func (w *world) compareParts(ctx context.Context, x *result) error {
	wrong := func(format string, args ...any) { x.other, x.note = x.other+1, fmt.Sprintf(format, args...) }
	store, err := pipeline.OpenStore(ctx, w.cfg, silent())
	if err != nil {
		return err
	}
	defer store.Close()
	j, err := store.OpenJournal(ctx, w.cfg, w.cfg.Pipelines[0].Name, silent())
	if err != nil {
		return err
	}
	v, err := pipeline.Verify(ctx, w.cfg, j, true, nil)
	if err != nil {
		return err
	}
	if !v.Sound {
		wrong("the journal: %v", v.Wrong)
	}
	control, err := j.OpenControl(ctx)
	if err != nil {
		return err
	}
	control.State(func(s *domain.ControlState) {
		for _, f := range s.Findings {
			wrong("the reconciler found: %+v", *f)
		}
	})
	list, err := report.InFolder(filepath.Join(w.cfg.DataDir, report.Folder)).List()
	if err != nil {
		return err
	}
	for _, e := range list {
		file, err := os.ReadFile(e.File)
		if err != nil {
			return err
		}
		if _, err := report.Verify(file, v.Key); err != nil {
			wrong("report %s: %v", e.Name, err)
		}
	}
	want, err := w.loaded(ctx)
	if err != nil {
		return err
	}
	if fed := w.feeder.committed.Load(); w.feeder.failed.Load() == 0 && int64(want) != fed {
		wrong("%d rows were fed, the table has %d", fed, want)
	}
	if w.cfg.Pipelines[0].Lineage == nil {
		return nil
	}
	rows, places, err := w.traced(ctx)
	if err == nil && (rows != want || places != want) {
		wrong("%d rows of %d places have a lineage, the table has %d", rows, places, want)
	}
	return err
}

// caughtUp is settled for some looks on end, and everything arrived.
func (w *world) caughtUp(ctx context.Context) func(status.Report) bool {
	holds := steady(w.settled, 10) // settled at one look may be the moment between two batches
	return func(r status.Report) bool { return holds(r) && w.arrived(ctx) }
}
