package services_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/checkpoint"
	"github.com/hefu-io/hefu/projections/hub"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
)

var (
	tampers    = flag.Int("tampers", 0, "how many tamperings TestTampering tries; 0: 60")
	tamperSeed = flag.Uint64("tamper-seed", 1, "the seed from which the tamperings follow")
	tamperOnly = flag.Int("tamper-only", -1, "only the tampering of this number: the same kind, file and place as before, in the bytes of another run")
)

// Whatever is done to the files of a journal, a start either refuses it or has every event as
// it was stored. Each case is done to a copy of the same journal, and started as hefu run does
// up to where a projection would move.
func TestTampering(t *testing.T) {
	m := newTampered(t)
	n := cmp.Or(*tampers, 60)
	if testing.Short() {
		n = cmp.Or(*tampers, 20)
	}
	cases := make([]int, 0, n)
	for i := range n {
		if *tamperOnly < 0 || *tamperOnly == i {
			cases = append(cases, i)
		}
	}
	began := time.Now()
	g := errgroup.Group{}
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, i := range cases {
		g.Go(func() error { m.try(i); return nil })
	}
	_ = g.Wait()
	t.Logf("%d tamperings in %s, -tamper-seed %d\n%s", len(cases), time.Since(began).Round(time.Millisecond), *tamperSeed, m.table())
}

// tampered is a journal with everything beside it, and what came of tampering with copies.
type tampered struct {
	*testing.T
	cfg     *config.Config
	events  map[domain.Stream][]*journal.Entry
	earlier []string // copies of the data directory, the oldest first; the last is the one before an idle run
	gone    []string // names of archive files whose segments the store has not any more
	foreign string   // the data directory of another journal of the same pipeline

	mu     sync.Mutex
	counts map[string]map[string]int // kind, noticed by
}

// try does one tampering.
func (m *tampered) try(i int) {
	rng := rand.New(rand.NewPCG(*tamperSeed, uint64(i)))
	kinds := tamperings()
	k := kinds[i%len(kinds)]
	dir, err := os.MkdirTemp(m.TempDir(), "case")
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(m.cfg.DataDir))
	}
	if err != nil {
		m.Error(err)
		return
	}
	defer os.RemoveAll(dir)
	c := &tampering{m: m, rng: rng, dir: dir}
	k.do(c)
	by, says := "", error(nil)
	if c.failed == nil {
		by, says = m.start(dir)
	}
	switch {
	case c.failed != nil:
		m.Errorf("case %d, %s: %s: %v", i, k.name, c.what, c.failed)
	case by == "":
		m.Errorf("case %d, %s: %s: neither refused nor intact: %v", i, k.name, c.what, says)
	case witnesses[k.name] != "" && witnesses[k.name] != by:
		m.Errorf("case %d, %s: %s: noticed by %s and not by %s: %v", i, k.name, c.what, by, witnesses[k.name], says)
	default:
		if testing.Verbose() && *tamperOnly >= 0 {
			m.Logf("case %d, %s: %s: %s: %v", i, k.name, c.what, by, says)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.counts[k.name] == nil {
			m.counts[k.name] = map[string]int{}
		}
		m.counts[k.name][by]++
	}
}

// Who notices, as the columns of the table.
const (
	byServer   = "opening"
	bySettings = "settings"
	byManifest = "manifest"
	byFile     = "file"
	byControl  = "control"
	byTree     = "tree"
	byChain    = "chain"
	byHub      = "hub"
	byKey      = "key"
	byReader   = "reader"
	harmless   = "(intact)"
)

// start starts the pipeline on a data directory up to where a projection would move, and says
// who refuses it, or that every event is intact; empty for neither.
func (m *tampered) start(dir string) (by string, says error) {
	ctx, cancel := context.WithTimeout(m.Context(), 60*time.Second)
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	c := configOf(m.cfg, dir)
	store, err := pipeline.OpenStore(ctx, c, log)
	if err != nil {
		return m.noticed(err, byServer), err
	}
	defer store.Close()
	role := pipeline.Role{Version: "test", Legs: []domain.Leg{domain.LegIngest, domain.LegHub, domain.LegDoris}}
	j, control, err := pipeline.Vouch(ctx, c, &c.Pipelines[0], store, role, askHub, log)
	if err != nil {
		return m.noticed(err, ""), err
	}
	if _, _, err := checkpoint.OpenKey(c.KeyFile()); err != nil {
		return byKey, err
	}
	if by, says = m.intact(ctx, j, control); by == "" {
		return by, says
	}
	v, err := pipeline.Verify(ctx, c, j, true, nil)
	if err != nil && by == byReader { // a file that is not there: it could not look
		return by, err
	}
	if err != nil {
		return "", err
	}
	if v.Sound != (by == harmless) {
		return "", fmt.Errorf("%s, and verify says %v", by, v.Wrong)
	}
	return by, says
}

func askHub(ctx context.Context, p *config.Pipeline, shard int) ([]journal.Anchor, error) {
	return hub.Anchors(ctx, hub.Config{Kafka: p.Hub.Config, Shard: shard, ProgressTopic: p.Hub.ProgressTopic})
}

// configOf is the configuration with another data directory.
func configOf(c *config.Config, dir string) *config.Config {
	out := *c
	out.DataDir = dir
	out.Journal.Archive = &config.Archive{Dir: filepath.Join(dir, "archive"), Drop: true, Interval: c.Journal.Archive.Interval}
	return &out
}

// noticed says by what an error was found; otherwise for one that is none of the refusals.
func (*tampered) noticed(err error, otherwise string) string {
	var breach *journal.BreachError
	var broken *journal.IntegrityError
	var unknown *journal.UnknownKindError
	var file *checkpoint.DamagedError
	var tree *checkpoint.TreeError
	switch {
	case errors.As(err, &breach) && breach.Anchor.Where != "":
		for _, w := range []struct{ in, by string }{{"in the hub's", byHub}, {"the file ", byFile}, {"the tree ", byTree}, {"on control", byControl}} {
			if strings.Contains(breach.Anchor.Where, w.in) {
				return w.by
			}
		}
		return byChain
	case errors.As(err, &breach), errors.As(err, &broken), errors.As(err, &unknown):
		return byChain
	case errors.As(err, &file):
		return byFile
	case errors.As(err, &tree):
		return byTree
	case errors.Is(err, journal.ErrDrift):
		return bySettings
	case errors.Is(err, journal.ErrMissing), errors.Is(err, journal.ErrAnotherJournal):
		return byManifest
	default:
		return otherwise
	}
}

// intact compares every event with the original. What is in the archive alone is not read by
// a start; its reader has to refuse it.
func (m *tampered) intact(ctx context.Context, j *journal.Journal, control *journal.Control) (by string, says error) {
	dropped := map[domain.Stream]domain.Seq{}
	control.State(func(s *domain.ControlState) {
		for at, seq := range s.Dropped {
			dropped[at] = seq
		}
	})
	by = harmless
	for s, events := range m.events {
		tail, err := j.Tail(ctx, s)
		if err != nil {
			return "", err
		}
		if last := events[len(events)-1].Ref(); tail.Ref() != last {
			return "", fmt.Errorf("ends at %s and not at %s", tail.Ref(), last)
		}
		inArchive := dropped[s]
		for seq := domain.Seq(1); seq <= tail.Seq; seq++ {
			e, err := j.Get(ctx, s, seq)
			switch {
			case err != nil && seq <= inArchive:
				by, says = byReader, err
			case err != nil:
				return "", err
			case e.Hash != events[seq-1].Hash:
				return "", fmt.Errorf("%s is another event than %s", e.Ref(), events[seq-1].Ref())
			}
		}
	}
	return by, says
}

// table is what came of it: kinds by who noticed.
func (m *tampered) table() string {
	columns := []string{byServer, bySettings, byManifest, byFile, byControl, byTree, byChain, byHub, byKey, byReader, harmless}
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(name string, cells func(by string) int) {
		sum := 0
		var line strings.Builder
		for _, by := range columns {
			sum += cells(by)
			if n := cells(by); n > 0 {
				fmt.Fprintf(&line, "%d\t", n)
			} else {
				line.WriteString("·\t")
			}
		}
		_, _ = io.WriteString(w, fmt.Sprintf("%s\t%d\t%s\n", name, sum, line.String()))
	}
	_, _ = io.WriteString(w, "kind\ttried\t"+strings.Join(columns, "\t")+"\t\n")
	total := map[string]int{}
	var names []string
	for _, k := range tamperings() {
		if !slices.Contains(names, k.name) {
			names = append(names, k.name)
		}
	}
	for _, name := range names {
		if m.counts[name] == nil {
			continue
		}
		row(name, func(by string) int { return m.counts[name][by] })
		for by, n := range m.counts[name] {
			total[by] += n
		}
	}
	row("all", func(by string) int { return total[by] })
	_ = w.Flush()
	return out.String()
}
