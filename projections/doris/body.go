package doris

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/hefu-io/hefu/domain"
)

// lineBuffer is how much of the body is rendered ahead of the connection.
const lineBuffer = 256 << 10

// pipeBody is a body that is rendered while it is read. Its owner closes it and then
// asks for its failure.
type pipeBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   sync.WaitGroup
	err    error // of the renderer
}

// body starts to render a batch, or the rows of it that a probe takes. A renderer that fails breaks the request off: the back
// end sees a body without its end, never a shorter one.
func (l *leg) body(ctx context.Context, b *draft, only *domain.DorisProbe) *pipeBody {
	ctx, cancel := context.WithCancel(ctx)
	pr, pw := io.Pipe()
	p := &pipeBody{PipeReader: pr, cancel: cancel}
	p.done.Go(func() {
		w := bufio.NewWriterSize(pw, lineBuffer)
		p.err = l.compressed(ctx, b, only, w)
		if p.err == nil {
			p.err = w.Flush()
		}
		pw.CloseWithError(p.err)
	})
	return p
}

// compressed renders as the framing says: flate's fastest level, since the network to a
// back end is rarely as slow as a better one.
func (l *leg) compressed(ctx context.Context, b *draft, only *domain.DorisProbe, w io.Writer) error {
	if !l.framing.gzip {
		return l.render(ctx, b, only, w)
	}
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return err
	}
	if err := l.render(ctx, b, only, z); err != nil {
		return err
	}
	return z.Close()
}

// Close ends the renderer and waits for it. The HTTP client calls it too when it is
// done with the request, perhaps at the same time.
func (p *pipeBody) Close() error {
	p.cancel()
	err := p.PipeReader.Close()
	p.done.Wait()
	return err
}

// failure is why the body came to no good end, after Close; nil when it did, or when it
// was merely not wanted any more.
func (p *pipeBody) failure() error {
	if errors.Is(p.err, io.ErrClosedPipe) || errors.Is(p.err, context.Canceled) {
		return nil
	}
	return p.err
}
