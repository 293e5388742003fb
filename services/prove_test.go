package services_test

import (
	"log/slog"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/checkpoint"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/pipeline"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/report"
)

// withJournal opens a pipeline's journal, whose process has ended.
func withJournal(t *testing.T, c *config.Config, name string, do func(*journal.Journal)) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	store, err := pipeline.OpenStore(t.Context(), c, log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	j, err := store.OpenJournal(t.Context(), c, name, log)
	if err != nil {
		t.Fatal(err)
	}
	do(j)
}

// prove compares a pipeline whose process has ended, down to every row of its cities, and
// demands that the report verifies.
func prove(t *testing.T, c *config.Config, p *config.Pipeline) *report.Report {
	t.Helper()
	return proveScope(t, c, p, reconcile.Scope{Deep: true})
}

func proveScope(t *testing.T, c *config.Config, p *config.Pipeline, scope reconcile.Scope) *report.Report {
	t.Helper()
	var out *report.Report
	withJournal(t, c, p.Name, func(j *journal.Journal) {
		signing, err := checkpoint.OpenStill(t.Context(), j, c.DataDir, c.KeyFile())
		if err != nil {
			t.Fatal(err)
		}
		defer signing.Close()
		prover := reconcile.New(p, j, scope, nil)
		defer prover.Close()
		var file []byte
		if out, file, err = reconcile.Prove(t.Context(), prover, signing, reconcile.Maker{Version: "test", Sync: "always"}); err != nil {
			t.Fatal(err)
		}
		if _, err := report.Verify(file, out.Journal.Key); err != nil {
			t.Errorf("the report does not verify: %v", err)
		}
	})
	return out
}

// isVerified demands a verdict.
func isVerified(t *testing.T, r *report.Report) {
	t.Helper()
	if r.Verdict != domain.Verified {
		t.Errorf("verdict %s: %s: %+v", r.Verdict, r.Why, r.Findings)
	}
}

// sum adds up the books of a source, or of all.
func sum(r *report.Report, source string) report.Source {
	out := report.Source{Source: source, Gaps: map[string]int64{}}
	for _, s := range r.Sources {
		if source != "" && s.Source != source {
			continue
		}
		out.Rows, out.InHub, out.ExcludedHub, out.Pending = out.Rows+s.Rows, out.InHub+s.InHub, out.ExcludedHub+s.ExcludedHub, out.Pending+s.Pending
		out.InDoris, out.ExcludedDoris, out.PendingDoris = out.InDoris+s.InDoris, out.ExcludedDoris+s.ExcludedDoris, out.PendingDoris+s.PendingDoris
		for reason, n := range s.Gaps {
			out.Gaps[reason] += n
		}
	}
	return out
}

// covered is what became of the rows of a proof.
func covered(r *report.Report, p domain.Proof) report.Coverage {
	for _, c := range r.Coverage {
		if c.Proof == p {
			return c
		}
	}
	return report.Coverage{}
}

// count is the number of findings of a class.
func count(r *report.Report, class domain.Class) (n int) {
	for i := range r.Findings {
		if r.Findings[i].Class == class {
			n++
		}
	}
	return n
}

// ofOthers is the number of rows that are not of the books.
func ofOthers(r *report.Report) (n int64) {
	for _, o := range r.Others {
		n += o.Rows
	}
	return n
}
