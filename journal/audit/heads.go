package audit

import (
	"context"

	"golang.org/x/mod/sumdb/note"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
)

// Heads reads control along its chain and gives the signed checkpoints on it, each verified
// with the key that it names, and how many there are of each key: whose keys they are, the
// caller judges. After an error they are those before it. Errors: *HeadError, and those of a
// journal.Reader.
func Heads(ctx context.Context, j *journal.Journal) (heads []checkpoint.Head, keys map[string]int64, err error) {
	keys = map[string]int64{}
	s := domain.ControlStream(j.Pipeline())
	tail, err := j.Tail(ctx, s)
	if err != nil {
		return nil, keys, err
	}
	r, err := j.Read(ctx, s, domain.Cursor{})
	if err != nil {
		return nil, keys, err
	}
	defer r.Close()
	for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
		e, err := r.Next(ctx)
		if err != nil {
			return heads, keys, err
		}
		ev, is := e.Event.(*domain.Checkpoint)
		if !is {
			continue
		}
		for _, h := range ev.Heads {
			head, err := headOf(h, ev.Key)
			switch {
			case err != nil:
				return heads, keys, &HeadError{checkpoint.Head{Journal: j.ID(), Ref: h.Ref, Root: h.Root}, "its note is none: " + err.Error()}
			case head.Journal != j.ID() || head.Ref != h.Ref || head.Root != h.Root:
				return heads, keys, &HeadError{checkpoint.Head{Journal: j.ID(), Ref: h.Ref, Root: h.Root}, "its note says something else"}
			}
			head.Note = "" // there may be millions
			heads = append(heads, head)
			keys[ev.Key]++
		}
	}
	return heads, keys, nil
}

func headOf(h domain.TreeHead, key string) (checkpoint.Head, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return checkpoint.Head{}, err
	}
	return checkpoint.Parse(h.Note, v)
}
