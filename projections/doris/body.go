package doris

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	recordbatch "github.com/hefu-io/hefu/journal/batch"
	"github.com/hefu-io/hefu/projections"
)

// lineBuffer is how much of the body is rendered ahead of the connection.
const lineBuffer = 256 << 10

// pipeBody is a body that is rendered while it is read. Close waits for the renderer.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// Close ends the renderer. The client calls it when it is done with the request, and
// put does when the request was never made.
func (p *pipeBody) Close() error {
	p.cancel()
	err := p.PipeReader.Close()
	p.done.Wait()
	return err
}

// body renders a batch: one line a row, in the order of the hub, read from the journal
// one event at a time.
func (l *leg) body(ctx context.Context, b *batch) io.ReadCloser {
	ctx, cancel := context.WithCancel(ctx)
	pr, pw := io.Pipe()
	p := &pipeBody{PipeReader: pr, cancel: cancel}
	p.done.Go(func() {
		w := bufio.NewWriterSize(pw, lineBuffer)
		err := l.render(ctx, b, w)
		if err == nil {
			err = w.Flush()
		}
		pw.CloseWithError(err)
	})
	return p
}

func (l *leg) render(ctx context.Context, b *batch, w io.Writer) error {
	var at *journal.Reader
	var entry *journal.Entry
	defer func() {
		if at != nil {
			at.Close()
		}
	}()
	r := renderer{leg: l, w: w, format: domain.NewRowFormat(l.zone)}
	for _, c := range b.commits {
		for _, run := range c.Runs {
			for entry == nil || entry.Seq < run.Ingest {
				var err error
				if at == nil {
					at, err = l.j.ReadFrom(ctx, l.streamOf(domain.LegIngest), run.Ingest)
				}
				if err == nil {
					entry, err = at.Next(ctx)
				}
				if err != nil {
					return err
				}
			}
			in, ok := entry.Event.(*domain.Ingested)
			if !ok || entry.Seq != run.Ingest || run.Run >= len(in.Runs) {
				return fmt.Errorf("hub run names run %d of %s@%d, which is not there", run.Run, entry.Stream, run.Ingest)
			}
			if err := r.run(in, c, &run); err != nil {
				return err
			}
		}
	}
	return nil
}

// renderer writes the lines of one load.
type renderer struct {
	leg    *leg
	w      io.Writer
	format *domain.RowFormat
	dec    recordbatch.Decoder
	line   []byte
}

// run writes the rows of one hub run: n rows of the ingest run from an ordinal on, at
// consecutive hub offsets.
func (r *renderer) run(in *domain.Ingested, c *domain.HubCommitted, hub *domain.HubRun) error {
	run := &in.Runs[hub.Run]
	city, known := r.leg.cities[run.Source]
	if !known {
		return fmt.Errorf("source %s of ingest@%d is not in the configuration in force", run.Source, hub.Ingest)
	}
	row := domain.Row{
		City: city, ExtractTime: int64(in.ExtractTime), CityPartition: run.Partition,
		HubPartition: hub.Partition, HubTimestamp: c.Time.Millis(),
	}
	var n int64
	err := projections.Rows(&r.dec, run, func(ordinal int64, rec *recordbatch.Record) error {
		if ordinal < hub.First || n == hub.N {
			return nil
		}
		row.Record, row.CityOffset, row.CityTimestamp = rec.Value, rec.Offset, rec.Timestamp
		row.HubOffset = hub.Offset + n
		n++
		r.line = append(r.format.AppendDorisJSON(r.line[:0], &row), '\n')
		_, err := r.w.Write(r.line)
		return err
	}, nil)
	if err == nil && n != hub.N {
		err = fmt.Errorf("run %d of ingest@%d has %d rows of %d from ordinal %d on", hub.Run, hub.Ingest, n, hub.N, hub.First)
	}
	return err
}
