package archive

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/archive"
	"github.com/hefu-io/hefu/journal/crash"
)

// Job is one look at the segments of a pipeline. It may be repeated at any time, by any
// process: each step is found done, or done again.
type Job struct {
	Journal *journal.Journal
	Control *journal.Control
	Archive *archive.Store
	Has     func(domain.Leg) bool    // the pipeline's legs: whose cursors count
	Owns    func(domain.Stream) bool // the streams to look at; nil: all
	Shards  int
	Drop    bool // else segments are archived, and none is dropped
	Look    bool // only say what would be done
	Log     *slog.Logger
}

// Segment is what became of one.
type Segment struct {
	Stream  string `json:"stream"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
	Bytes   int64  `json:"bytes" doc:"in the store"`
	File    string `json:"file,omitempty" doc:"in the archive"`
	Archive int64  `json:"archive_bytes,omitempty" doc:"of the file"`
	Done    string `json:"done" enum:"archived,dropped,archived and dropped,kept,failed" doc:"in this pass"`
	Why     string `json:"why,omitempty" doc:"it is not dropped"`
}

// What became of a segment.
const (
	archived = "archived"
	dropped  = "dropped"
	both     = "archived and dropped"
	kept     = "kept"
	failed   = "failed"
)

// Report is what a pass did. Segments that the store had are listed, but for the last one
// of each stream, which grows.
type Report struct {
	Pipeline string    `json:"pipeline"`
	Place    string    `json:"place"`
	Before   int64     `json:"bytes_before" doc:"of the journal in its store"`
	After    int64     `json:"bytes_after"`
	Segments []Segment `json:"segments"`
}

// Failed is the first segment that could not be archived or dropped; nil for none.
func (r *Report) Failed() *Segment {
	for i := range r.Segments {
		if r.Segments[i].Done == failed {
			return &r.Segments[i]
		}
	}
	return nil
}

// segment is one that the store has.
type segment struct {
	stream      domain.Stream
	first, last domain.Seq
	rows        spans
	archived    *domain.Archived // nil: it is not
	said        bool             // Dropped stands on control
}

// Pass archives what is sealed and drops what may be. A segment that fails keeps back those
// of its stream behind it and no others.
func (j *Job) Pass(ctx context.Context) (*Report, error) {
	r := &Report{Pipeline: j.Journal.Pipeline(), Place: j.Archive.Place().String(), Segments: []Segment{}}
	var err error
	if r.Before, err = j.Journal.Size(ctx); err != nil {
		return nil, err
	}
	if err := j.Control.CatchUp(ctx); err != nil {
		return nil, err
	}
	for _, s := range j.streams() {
		if err := j.stream(ctx, s, r); err != nil {
			return nil, err
		}
	}
	r.After, err = j.Journal.Size(ctx)
	return r, err
}

func (j *Job) streams() (all []domain.Stream) {
	j.Control.State(func(c *domain.ControlState) { all = c.Streams(j.Journal.Pipeline(), j.Shards) })
	if j.Owns == nil {
		return all
	}
	return slices.DeleteFunc(all, func(s domain.Stream) bool { return !j.Owns(s) })
}

func (j *Job) stream(ctx context.Context, s domain.Stream, r *Report) error {
	list, err := j.Archive.Stored(ctx, s)
	if err != nil || len(list) < 2 {
		return err // nothing, or what grows
	}
	reached, err := j.reached(ctx, s)
	if err != nil {
		return err
	}
	for i, g := range list[:len(list)-1] {
		seg := &segment{stream: s, first: g.First, last: list[i+1].First - 1}
		row := Segment{Stream: s.String(), First: uint64(seg.first), Last: uint64(seg.last), Bytes: g.Bytes}
		if err := j.segment(ctx, seg, g.Sealed, reached, &row); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			row.Done, row.Why = failed, err.Error()
		}
		r.Segments = append(r.Segments, row)
		if row.Done == failed {
			return nil
		}
	}
	return nil
}

// segment does what is to be done with one.
func (j *Job) segment(ctx context.Context, seg *segment, isSealed bool, reached map[domain.Leg]domain.Seq, row *Segment) error {
	j.Control.State(func(c *domain.ControlState) {
		if a, ok := c.Archived[seg.stream][seg.first]; ok {
			seg.archived = &a
		}
		seg.said = c.Dropped[seg.stream] >= seg.last
	})
	row.Done = kept
	if seg.archived == nil && !j.Look {
		if err := j.archive(ctx, seg, isSealed); err != nil {
			return err
		}
		row.Done = archived
	}
	if seg.archived != nil {
		row.File, row.Archive = seg.archived.File, seg.archived.Bytes
	}
	var err error
	if seg.rows, err = readSpans(ctx, j.Journal, seg.stream, seg.first, seg.last); err != nil {
		return err
	}
	why := j.keeps(seg, reached)
	if len(why) == 0 && !j.Drop && !seg.said {
		why = []string{"journal.archive.drop is false"}
	}
	if row.Why = strings.Join(why, "; "); row.Why != "" || j.Look {
		return nil
	}
	if err := j.drop(ctx, seg); err != nil {
		return err
	}
	row.Done = map[string]string{kept: dropped, archived: both}[row.Done]
	return nil
}

// archive writes a segment's file, reads it back, and says so on control. A process that
// dies before the last step finds the file, and reads it back again.
func (j *Job) archive(ctx context.Context, seg *segment, isSealed bool) error {
	if !isSealed { // rolled, and the process died before it was sealed
		if err := j.Archive.Seal(ctx, seg.stream, seg.first); err != nil {
			return err
		}
	}
	var root domain.Hash
	j.Control.State(func(c *domain.ControlState) {
		if h := c.Heads[seg.stream]; h.Ref.Seq == seg.last {
			root = h.Root
		}
	})
	a, err := j.Archive.Write(ctx, j.Journal, seg.stream, seg.first, seg.last, root)
	if err != nil {
		return err
	}
	crash.Point("archive.archived.before")
	_, err = j.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if have, ok := c.Archived[seg.stream][seg.first]; ok && have == *a {
			return nil, nil
		}
		return a, nil
	})
	if err != nil {
		return err
	}
	crash.Point("archive.archived.after")
	seg.archived = a
	j.Log.InfoContext(ctx, "segment is archived and was read back", "stream", seg.stream.String(), "first", seg.first, "last", seg.last, "file", a.File, "bytes", a.Bytes)
	return nil
}

// drop says that a segment is dropped, once more after the file was held against it, and
// takes it from the store. Whoever comes next repeats the deletion if the process dies.
func (j *Job) drop(ctx context.Context, seg *segment) error {
	if !seg.said {
		err := j.Archive.Verify(ctx, j.Journal, seg.archived)
		if errors.Is(err, archive.ErrNoFile) { // lost since; what is to be in it is still here
			err = j.archive(ctx, seg, true)
		}
		if err != nil {
			return err
		}
		crash.Point("archive.dropped.before")
		_, err = j.Control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
			have, ok := c.Archived[seg.stream][seg.first]
			switch {
			case c.Dropped[seg.stream] >= seg.last:
				return nil, nil
			case !ok || have != *seg.archived:
				return nil, errors.New("control names another file by now: looked at again in the next pass")
			}
			return &domain.Dropped{Stream: seg.stream, First: seg.first, Last: seg.last}, nil
		})
		if err != nil {
			return err
		}
		crash.Point("archive.dropped.after")
	}
	if err := j.Archive.Drop(ctx, seg.stream, seg.first); err != nil {
		return fmt.Errorf("drop segment %s/%d: %w", seg.stream, seg.first, err)
	}
	crash.Point("archive.drop.after")
	j.Log.InfoContext(ctx, "segment is dropped, readers have it from the archive", "stream", seg.stream.String(), "first", seg.first, "last", seg.last)
	return nil
}
