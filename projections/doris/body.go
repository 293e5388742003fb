package doris

import (
	"bufio"
	"context"
	"errors"
	"io"
	"sync"
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

// body starts to render a batch. A renderer that fails breaks the request off: the back
// end sees a body without its end, never a shorter one.
func (l *leg) body(ctx context.Context, b *draft) *pipeBody {
	ctx, cancel := context.WithCancel(ctx)
	pr, pw := io.Pipe()
	p := &pipeBody{PipeReader: pr, cancel: cancel}
	p.done.Go(func() {
		w := bufio.NewWriterSize(pw, lineBuffer)
		p.err = l.render(ctx, b, w)
		if p.err == nil {
			p.err = w.Flush()
		}
		pw.CloseWithError(p.err)
	})
	return p
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
