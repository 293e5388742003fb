package ingest

import "context"

// reading is a source that runs.
type reading struct {
	stop  context.CancelFunc
	ended chan struct{}
}

// attend keeps those sources running that are wanted and not paused, until the context
// ends. It returns when none runs any more.
func (l *leg) attend(ctx context.Context) {
	running := map[*source]*reading{}
	defer func() {
		for _, r := range running {
			r.stop()
		}
		for _, r := range running {
			<-r.ended
		}
	}()
	for {
		wanted, changed := l.configured()
		if l.end(ctx, running, wanted) != nil {
			return
		}
		for i := range wanted {
			l.begin(ctx, running, &wanted[i])
		}
		l.order(wanted)
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

// end stops what is not wanted as it is: all at once, then one after the other is drained,
// and closed if it is gone for good. The error is the context's.
func (l *leg) end(ctx context.Context, running map[*source]*reading, wanted []Source) error {
	var ending []*source
	for _, s := range l.list() {
		if s.reads(wantedBy(wanted, s.ID)) {
			continue
		}
		ending = append(ending, s)
		if r := running[s]; r != nil {
			r.stop()
		}
	}
	for _, s := range ending {
		if r := running[s]; r != nil {
			<-r.ended
			delete(running, s)
		}
		if err := l.queue.drained(ctx, s.number); err != nil {
			return err
		}
		if w := wantedBy(wanted, s.ID); w != nil {
			l.set(s, *w)
			continue
		}
		if err := l.close(ctx, s); err != nil {
			return err
		}
		l.queue.leave(s.number)
		l.forget(s)
	}
	return nil
}

// begin makes a source run, unless it does or is paused.
func (l *leg) begin(ctx context.Context, running map[*source]*reading, w *Source) {
	s := l.source(w.ID)
	if s == nil {
		s = l.take(*w)
		l.queue.join(s.number)
	}
	switch {
	case running[s] != nil:
		return
	case w.Paused:
		s.pause(l)
		return
	}
	inner, cancel := context.WithCancel(ctx)
	r := &reading{stop: cancel, ended: make(chan struct{})}
	running[s] = r
	go func() {
		defer close(r.ended)
		s.run(inner, l)
	}()
}

// pause is what a source says of itself that is not read.
func (s *source) pause(l *leg) {
	for _, p := range l.done.of(s.ID) {
		s.progress(p.Partition, p.Next, 0)
	}
	s.enter(Paused, "")
}
