package journal

import (
	"context"

	"github.com/hefu-io/hefu/domain"
)

// Back is an event after which about this many bytes of a stream follow, zero for the
// beginning: from where on its end is to be read. It does not go back before the first
// event of the segments whose events the store counts.
func (j *Journal) Back(ctx context.Context, s domain.Stream, bytes int64) (domain.Ref, error) {
	list, err := j.list(ctx, s)
	if err != nil {
		return domain.Ref{}, err
	}
	from := domain.Seq(1)
	for i := len(list) - 1; i >= 0; i-- {
		g := list[i]
		if g.Next == 0 {
			break
		}
		from = g.First
		if g.Bytes > bytes {
			from = g.Next - domain.Seq(bytes*g.Events/g.Bytes)
			break
		}
		bytes -= g.Bytes
	}
	if from <= 1 {
		return domain.Ref{}, nil
	}
	e, err := j.Get(ctx, s, from) // the next one vouches for it
	if err != nil {
		return domain.Ref{}, err
	}
	return e.Ref(), nil
}
