// Package file writes the rows of a replay's lane to a file of JSON lines, the very lines that
// a load of the pipeline's Doris table has, in the order of the lane; or, of the target null,
// makes them and counts them only.
//
// The file is a function of the journal and the plan. So there is one intent and one outcome a
// lane, and nothing to settle in between: whoever goes on with a file that is not finished
// writes the same bytes to the same places. What a cursor beside it says of the beginning is
// believed only as far as the bytes have the digest that it names.
//
// The events are those of the leg whose lines they are: DorisBegun, whose Table is the file,
// and DorisCommitted, whose How has the digest (Digest).
package file

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
)

// Config of a lane's file.
type Config struct {
	Pipeline domain.PipelineConfig // as journaled
	// Configured gives the configuration in force; nil: Pipeline is it.
	Configured projections.Configured
	DataDir    string // below which the file is made; of the target null nothing
	Replay     *projections.Replay
}

// File opens the leg of one lane.
type File struct {
	cfg         Config
	j           *journal.Journal
	stream      domain.Stream
	incarnation domain.Seq
	config      domain.Seq
	reporter    *projections.Reporter
	log         *slog.Logger
	zone        *time.Location

	saveEvery int64 // bytes between two cursors
	// Tests put their faults in the way, before and after each write.
	fault func(step string) error
}

// saveEvery is how much of a file is written again after a crash, in bytes: a second's work.
const saveEvery = 64 << 20

// New makes the opener of a lane's leg. incarnation is the seq of the process's Started, config
// that of the PipelineConfigured in force. Nothing is touched yet. Errors:
// *projections.Refusal.
func New(cfg Config, j *journal.Journal, incarnation, config domain.Seq, reporter *projections.Reporter, log *slog.Logger) (*File, error) {
	plan := cfg.Replay.Plan
	if k := plan.Target.Kind; k != domain.TargetFile && k != domain.TargetNull {
		return nil, &projections.Refusal{Reason: fmt.Sprintf("plan %s: target %s is no file", plan.ID, k)}
	}
	zone, err := time.LoadLocation(cfg.Pipeline.Timezone)
	if err != nil {
		return nil, fmt.Errorf("plan %s: timezone %q: %w", plan.ID, cfg.Pipeline.Timezone, err)
	}
	return &File{
		cfg: cfg, j: j, stream: cfg.Replay.Stream(), incarnation: incarnation, config: config, reporter: reporter, log: log, zone: zone,
		saveEvery: saveEvery, fault: func(string) error { return nil },
	}, nil
}

// Name is a lane's file below the data directory, with slashes.
func Name(plan domain.PlanID, shard int) string {
	return "replays/" + plan.String() + "/" + strconv.Itoa(shard) + ".jsonl"
}

// name is what the events call the target.
func (f *File) name() string {
	if f.null() {
		return string(domain.TargetNull)
	}
	return Name(f.cfg.Replay.Plan.ID, f.stream.Shard)
}

func (f *File) null() bool { return f.cfg.Replay.Plan.Target.Kind == domain.TargetNull }

func (f *File) path() string {
	return filepath.Join(f.cfg.DataDir, filepath.FromSlash(Name(f.cfg.Replay.Plan.ID, f.stream.Shard)))
}

// point is a step of a write at which the process may die, or the write fail.
func (f *File) point(step string) error {
	crash.Point("file." + step)
	return f.fault(step)
}

// how is the text of an outcome; Digest reads it.
const how = "lines of %d bytes, sha256 %s (left out, as no rows of the hub: %d)"

// Digest is what an outcome says of the lane's lines: their SHA-256 and their bytes.
func Digest(c *domain.DorisCommitted) (sum domain.Hash, bytes int64, err error) {
	var hex string
	var left int64
	if _, err = fmt.Sscanf(c.How, how, &bytes, &hex, &left); err == nil {
		sum, err = domain.ParseHash(hex)
	}
	if err != nil {
		return sum, 0, fmt.Errorf("outcome %q is not that of a file: %w", c.How, err)
	}
	return sum, bytes, nil
}

// Open implements projections.Opener: it takes the replay's stream over and finds out whether
// the lane is done. Errors: *journal.FencedError, those of the journal.
func (f *File) Open(ctx context.Context) (projections.Leg, error) {
	_, seq := f.inForce()
	w, err := f.j.Takeover(ctx, f.stream, f.incarnation, seq)
	if err != nil {
		return nil, err
	}
	l := &leg{f: f, w: w}
	switch t := w.Trail(); {
	case t.Commit != 0:
		c, err := event[*domain.DorisCommitted](ctx, f, t.Commit, &l.outcome)
		if err != nil {
			return nil, err
		}
		l.cursor = c.Cursor
	case t.Open():
		if l.intent, err = event[*domain.DorisBegun](ctx, f, t.Begun, &l.begun); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// event reads one event of the leg's own stream, which has to be of a kind.
func event[E domain.Event](ctx context.Context, f *File, seq domain.Seq, ref *domain.Ref) (E, error) {
	var none E
	e, err := f.j.Get(ctx, f.stream, seq)
	if err != nil {
		return none, err
	}
	ev, ok := e.Event.(E)
	if !ok {
		return none, &journal.IntegrityError{Stream: f.stream, Seq: seq, What: fmt.Sprintf("is %s, the tail says %s", e.Event.Kind(), none.Kind())}
	}
	*ref = e.Ref()
	return ev, nil
}

// inForce is the configuration in force and its event.
func (f *File) inForce() (domain.PipelineConfig, domain.Seq) {
	if f.cfg.Configured == nil {
		return f.cfg.Pipeline, f.config
	}
	return f.cfg.Configured()
}
