package doris

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// answered goes on after Doris answered a load of so many rows, or did not: it fences a
// prepared one, settles the intent, and returns nil once the load is committed. An
// answer that is not clear is an error with the intent still open: opened again, the leg
// asks Doris. After a clear refusal the intent is settled as aborted, and the error is
// the answer, or the incident where no later load will do better.
func (l *leg) answered(ctx context.Context, in *intent, a *dorisconn.Answer, rows int64) error {
	in.said = a
	if a.Meaning == dorisconn.Prepared || a.Meaning == dorisconn.Committed {
		crash.Point("doris.load.after")
	}
	if in.unasked() {
		return l.assume(ctx, in, rows)
	}
	switch counted := a.Rows == rows; {
	case a.Meaning == dorisconn.Unknown:
		return l.failed(in, rows)
	case a.Meaning == dorisconn.Committed && !counted:
		return l.short(ctx, in, rows)
	case a.Meaning == dorisconn.Prepared && !counted:
		return l.miscounted(in, rows)
	case a.Meaning == dorisconn.Prepared:
		if err := l.fence(ctx, in); err != nil {
			return err
		}
	}
	if err := l.settle(ctx, in); err != nil {
		return err
	}
	if l.w.Trail().Commit < in.ref.Seq {
		return l.undone(ctx, in, rows)
	}
	return nil
}

// unasked reports whether Doris is never asked what became of the load.
func (in *intent) unasked() bool { return in.ev.Settle(false, "") == domain.DorisAssume }

// assume is answered for the semantic none: a clear refusal is no load, nor is what no
// back end was sent, and whatever else came back, or did not, counts as loaded.
func (l *leg) assume(ctx context.Context, in *intent, rows int64) error {
	a := in.said
	if a.Meaning == dorisconn.Committed && a.Rows != rows {
		return l.short(ctx, in, rows)
	}
	if !neverSent(a) && !refusal(a.Meaning) {
		return l.settle(ctx, in)
	}
	if err := l.aborted(ctx, in, "Doris answered "+a.Error(), domain.IncidentID{}); err != nil {
		return err
	}
	return l.undone(ctx, in, rows)
}

// refusal reports whether an answer says that there is no load.
func refusal(m dorisconn.Meaning) bool {
	return m == dorisconn.Aborted || m == dorisconn.BadRows || m == dorisconn.Refused || m == dorisconn.TryAgain
}

// neverSent reports whether no back end has the body of a load. A front end is sent none,
// so that a cluster that is away loses nothing whatever is promised.
func neverSent(a *dorisconn.Answer) bool {
	var dial *net.OpError
	return a.Phase == dorisconn.PhaseFE || errors.As(a.Err, &dial) && dial.Op == "dial"
}

// broken goes on after a body broke off on our side, so that no back end has all of it,
// and returns why. Where Doris is never asked the journal has to know at once: opened
// again, the leg would take the load for done.
func (l *leg) broken(ctx context.Context, in *intent, why error) error {
	if in.unasked() {
		if err := l.aborted(ctx, in, "the body broke off: "+why.Error(), domain.IncidentID{}); err != nil {
			return err
		}
	}
	return why
}

// fence appends DorisPrepared: without its ack there is no commit.
func (l *leg) fence(ctx context.Context, in *intent) error {
	crash.Point("doris.prepared.before")
	_, err := l.w.Append(ctx, &domain.DorisPrepared{
		Owned: l.w.Owned(), Trail: l.w.Trail(), Begun: in.ref, Label: domain.Label(in.ref), Txn: in.said.Txn, Backend: in.said.Host,
		Rows: in.said.Rows, Bytes: in.said.Bytes,
	})
	if err != nil {
		return err
	}
	crash.Point("doris.prepared.after")
	return nil
}

// undone is what a load that is settled as aborted means for the next one.
func (l *leg) undone(ctx context.Context, in *intent, rows int64) error {
	if in.said.Meaning == dorisconn.Refused {
		return l.refused(ctx, in)
	}
	return l.failed(in, rows)
}

// failed is a load's answer as an error.
func (l *leg) failed(in *intent, rows int64) error {
	return fmt.Errorf("load %s (%d rows) into %s: %w", domain.Label(in.ref), rows, l.table(), in.said)
}

func (l *leg) miscounted(in *intent, rows int64) error {
	return fmt.Errorf("load %s into %s: Doris counted %d rows of %d", domain.Label(in.ref), l.table(), in.said.Rows, rows)
}

// refused files that Doris refuses loads whatever their rows are. Trying again by itself
// would only fill Doris's memory of labels. The label is not evidence, so that a second
// look, which has another one, finds the same incident.
func (l *leg) refused(ctx context.Context, in *intent) error {
	words := strings.ReplaceAll(strings.TrimSpace(in.said.Status+": "+in.said.Text), domain.Label(in.ref), "(its label)")
	_, err := l.file(ctx, domain.NewIncident(domain.IncidentDorisRefused, l.stream, "", nil,
		domain.Fact{Key: "found", Value: "Doris refuses the load, whatever its rows are"},
		domain.Fact{Key: "table", Value: l.table()},
		domain.Fact{Key: "Doris says", Value: words},
		domain.Fact{Key: "do", Value: "mend what Doris says, then resolve with retry; the last DorisAborted names the label"}))
	return err
}

// short files that Doris committed a load and counted other rows than it was sent: it
// cannot be taken back, and the state of the transaction will not tell.
func (l *leg) short(ctx context.Context, in *intent, rows int64) error {
	_, err := l.file(ctx, domain.NewIncident(domain.IncidentDorisRefused, l.stream, "", nil,
		domain.Fact{Key: "found", Value: fmt.Sprintf("Doris committed a load and counted %d rows of %d", in.said.Rows, rows)},
		domain.Fact{Key: "table", Value: l.table()},
		domain.Fact{Key: "label", Value: domain.Label(in.ref)},
		domain.Fact{Key: "do", Value: "find out with reconcile what is missing; resolved with retry it counts as loaded"}))
	return err
}
