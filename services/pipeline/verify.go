package pipeline

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/audit"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/services/config"
)

// Verification is what a look at a whole journal found.
type Verification struct {
	Pipeline string           `json:"pipeline"`
	Journal  domain.JournalID `json:"journal"`
	Deep     bool             `json:"deep"`
	Sound    bool             `json:"sound"`
	Wrong    []string         `json:"wrong"` // each with its place, and what to do
	Streams  []VerifiedStream `json:"streams"`
	Key      string           `json:"key"`   // of this data directory, empty where there is none
	Keys     map[string]int64 `json:"keys"`  // the keys of the checkpoints that were verified, and how many each signed
	Bytes    int64            `json:"bytes"` // that were read
	Seconds  float64          `json:"seconds"`
}

// VerifiedStream is a stream of it.
type VerifiedStream struct {
	Stream  domain.Stream `json:"stream"`
	First   domain.Seq    `json:"first"` // that was read: what is before is in the archive alone
	Last    domain.Seq    `json:"last"`  // that is sound
	Hash    domain.Hash   `json:"hash"`  // of the last one
	Events  int64         `json:"events"`
	Bytes   int64         `json:"bytes"`
	Batches int64         `json:"batches"` // deep: whose checksums were compared
	Rows    int64         `json:"rows"`    // deep: in them
	Heads   int           `json:"heads"`   // deep: signed roots that the events lead to
	Wrong   string        `json:"wrong,omitempty"`
}

// Verify reads a journal whole, along the chain, and compares it with the file of signed
// checkpoints beside it; deep, also every record batch, what was archived, and every root that
// was ever signed. The hub is not asked. It changes nothing. An error means that it could not
// look.
func Verify(ctx context.Context, c *config.Config, j *journal.Journal, deep bool, progress func(bytes int64)) (*Verification, error) {
	began := time.Now()
	v := &Verification{Pipeline: j.Pipeline(), Journal: j.ID(), Deep: deep, Wrong: []string{}, Keys: map[string]int64{}}
	o := audit.Options{Deep: deep, Progress: progress}
	control, err := v.control(ctx, j, &o)
	err = errors.Join(v.is(j.Attest(ctx)), v.file(ctx, c, j, &o), v.checkpoints(ctx, j, &o), err)
	if err != nil {
		return nil, err
	}
	streams, err := audit.Streams(ctx, j, control)
	if err != nil {
		return nil, err
	}
	for _, h := range o.Heads { // also those that are gone
		if !slices.Contains(streams, h.Ref.Stream) {
			streams = append(streams, h.Ref.Stream)
		}
	}
	r, err := audit.Run(ctx, j, streams, o)
	if err != nil {
		return nil, err
	}
	for _, s := range r.Streams {
		out := VerifiedStream{
			Stream: s.Stream, First: s.From, Last: s.Last.Seq, Hash: s.Last.Hash, Events: s.Events, Bytes: s.Bytes, Batches: s.Batches, Rows: s.Rows, Heads: s.Heads,
		}
		if s.Wrong != nil {
			if err := v.is(s.Wrong); err != nil {
				return nil, err
			}
			out.Wrong = s.Wrong.Error()
		}
		v.Streams = append(v.Streams, out)
	}
	v.Bytes, v.Seconds = r.Bytes(), time.Since(began).Seconds()
	v.Sound = len(v.Wrong) == 0
	return v, nil
}

// is takes what says that the journal is not what it was, once, and gives back every other
// error.
func (v *Verification) is(err error) error {
	var head *audit.HeadError
	var damaged *checkpoint.DamagedError
	if err == nil {
		return nil
	}
	if !unsound(err) && !errors.Is(err, journal.ErrMissing) && !errors.Is(err, journal.ErrDrift) && !errors.As(err, &head) && !errors.As(err, &damaged) {
		return err
	}
	text := journal.Damaged(err).Error()
	for _, known := range v.Wrong {
		if strings.Contains(known, text) || strings.Contains(text, known) {
			return nil
		}
	}
	v.Wrong = append(v.Wrong, text)
	return nil
}

// file compares the journal with the checkpoints beside it, and reads the public key there.
func (v *Verification) file(ctx context.Context, c *config.Config, j *journal.Journal, o *audit.Options) error {
	if b, err := os.ReadFile(c.KeyFile() + ".pub"); err == nil { // else there is none to compare with
		v.Key = strings.TrimSpace(string(b))
	}
	f, err := checkpoint.OpenFile(checkpoint.FilePath(c.DataDir))
	if err != nil {
		return v.is(err)
	}
	for _, h := range f.Heads() {
		if h.Ref.Stream.Pipeline != j.Pipeline() {
			continue
		}
		err := j.Check(ctx, journal.Anchor{Journal: h.Journal, Ref: h.Ref, Where: "the file " + f.Path()})
		if err := v.is(err); err != nil {
			return err
		}
		if err == nil {
			o.Heads = append(o.Heads, h.Head)
			v.Keys[h.Key]++
		}
	}
	return nil
}

// checkpoints takes those on control.
func (v *Verification) checkpoints(ctx context.Context, j *journal.Journal, o *audit.Options) error {
	if !v.Deep {
		return nil
	}
	heads, keys, err := audit.Heads(ctx, j)
	o.Heads = append(o.Heads, heads...)
	for key, n := range keys {
		v.Keys[key] += n
	}
	return v.is(err)
}

// control reads which streams there are, as far as it can be read, and takes from there what is
// in the archive alone.
func (v *Verification) control(ctx context.Context, j *journal.Journal, o *audit.Options) (*journal.Control, error) {
	control, err := j.OpenControl(ctx)
	if err != nil {
		return control, v.is(err) // the audit begins at the first event of each stream, and says what control is
	}
	control.State(func(s *domain.ControlState) { o.After = audit.Dropped(s) })
	return control, nil
}

// Unverified is what is found of a journal that cannot be opened since it is not what it was;
// another error, which is given back, means that it could not be looked at.
func Unverified(name string, err error) (*Verification, error) {
	v := &Verification{Pipeline: name, Wrong: []string{}, Keys: map[string]int64{}}
	return v, v.is(err)
}
