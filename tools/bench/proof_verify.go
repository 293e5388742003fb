package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	reports "github.com/hefu-io/hefu/services/report" // report is what bench prints
)

// verification is one check of rows that somebody wrote before.
type verification struct {
	what      string
	took, cpu time.Duration
	rows      int64
	bytes     int64
	windows   int // of a report
}

// timed measures this process while it does something.
func (v *verification) timed(do func() error) error {
	before, err := cpuOfSelf()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	v.took = time.Since(began)
	after, err := cpuOfSelf()
	v.cpu = after - before
	return err
}

// audit reads the whole journal as `hefu journal verify` does.
func (w *proofWorld) audit(ctx context.Context, deep bool) (v *verification, err error) {
	store, j, err := openJournalOf(ctx, filepath.Join(w.dir, proofPipeline, "hefu.yaml"), proofPipeline)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	control, err := j.OpenControl(ctx)
	if err != nil {
		return nil, err
	}
	streams, err := audit.Streams(ctx, j, control)
	if err != nil {
		return nil, err
	}
	v = &verification{what: "journal, every event", rows: w.rows}
	if deep {
		v.what = "journal, --deep: every record too"
	}
	err = v.timed(func() error {
		r, err := audit.Run(ctx, j, streams, audit.Options{Deep: deep})
		if err == nil {
			err = r.Wrong()
		}
		if err != nil {
			return err
		}
		v.bytes = r.Bytes()
		for _, s := range r.Streams {
			if deep && s.Stream.Leg == domain.LegIngest && s.Rows != w.rows {
				return fmt.Errorf("%s has %d rows, %d were sent", s.Stream, s.Rows, w.rows)
			}
		}
		return nil
	})
	return v, err
}

// openJournalOf opens the journal of a pipeline that does not run. The store is to be closed.
func openJournalOf(ctx context.Context, file, name string) (*pipeline.Store, *journal.Journal, error) {
	cfg, err := config.Load(file)
	if err != nil {
		return nil, nil, err
	}
	store, err := pipeline.OpenStore(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	j, err := store.OpenJournal(ctx, cfg, name, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, errors.Join(err, store.Close())
	}
	return store, j, nil
}

// verify checks a report offline, and one of so many times its sources and windows.
func (w *proofWorld) verify(file string, times int) (*verification, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	v := &verification{what: "report, offline"}
	if times > 1 {
		v.what = fmt.Sprintf("report of %d times the sources", times)
		key, _, err := checkpoint.OpenKey(filepath.Join(w.dir, proofPipeline, "data", "hefu.key"))
		if err != nil {
			return nil, err
		}
		first, err := reports.Verify(text)
		if err != nil {
			return nil, err
		}
		multiply(first.Report, times, int32(w.cities)*partitions)
		if text, err = reports.Seal(first.Report, key); err != nil {
			return nil, err
		}
	}
	v.bytes = int64(len(text))
	return v, v.timed(func() error {
		r, err := reports.Verify(text)
		if err != nil {
			return err
		}
		v.windows = len(r.Report.Windows)
		for _, c := range r.Report.Coverage {
			v.rows = max(v.rows, c.Verified)
		}
		if r.Report.Verdict != domain.Verified {
			return fmt.Errorf("the report says %s: %s", r.Report.Verdict, r.Report.Why)
		}
		return nil
	})
}

// multiply makes of a report one of so many times the sources and hub partitions.
func multiply(r *reports.Report, times int, hubPartitions int32) {
	sources, hub, windows, gaps := slices.Clone(r.Sources), slices.Clone(r.Hub), slices.Clone(r.Windows), slices.Clone(r.Gaps)
	for n := 1; n < times; n++ {
		name := func(source string) string { return fmt.Sprintf("%s-%d", source, n) }
		for _, s := range sources {
			s.Source = name(s.Source)
			r.Sources = append(r.Sources, s)
		}
		for _, h := range hub {
			h.Partition += int32(n) * hubPartitions
			r.Hub = append(r.Hub, h)
		}
		for _, one := range windows {
			if one.Source == "" {
				one.Partition += int32(n) * hubPartitions
			} else {
				one.Source = domain.SourceID(name(string(one.Source)))
			}
			r.Windows = append(r.Windows, one)
		}
		for _, g := range gaps {
			g.Source = name(g.Source)
			r.Gaps = append(r.Gaps, g)
		}
	}
}
