package doris

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

const (
	orphanInterval = 5 * time.Minute
	orphanPatience = 30 * time.Second // for the whole question
	shownOrphans   = 20
)

// watchOrphans looks for orphans from time to time until the context ends.
func (l *leg) watchOrphans(ctx context.Context) error {
	t := time.NewTicker(l.lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			l.lookForOrphans(ctx)
		}
	}
}

// lookForOrphans asks Doris for loads under this shard's labels that are neither
// committed nor aborted, and aborts those that this journal settled as aborted: a late
// owner sent them, nobody has their DorisPrepared, and until they expire they keep
// partitions and transactions busy. Whatever else is found is only told. It changes no
// row, so a look that fails is no error: it is told as well.
func (l *leg) lookForOrphans(ctx context.Context) {
	patient, cancel := context.WithTimeout(ctx, orphanPatience)
	defer cancel()
	o := &l.orphans
	found, err := l.unfinished(patient)
	if err == nil {
		found, err = l.disown(patient, found)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		o.Unchecked = err.Error()
	} else {
		o.Checked, o.Unchecked = time.Now(), ""
		o.Found, o.More = found[:min(len(found), shownOrphans)], max(0, len(found)-shownOrphans)
	}
	told := *o
	told.Found = slices.Clone(o.Found)
	l.reporter.Update(func(s *projections.Status) { s.Orphans = &told })
}

// unfinished are the transactions of this shard's labels in PREPARE and PRECOMMITTED.
func (l *leg) unfinished(ctx context.Context) (out []projections.Orphan, err error) {
	all, err := Transactions(ctx, l.conn, l.cfg.Database, domain.LabelPrefix(l.stream))
	for _, o := range all {
		if _, ours := l.ownLabel(o.Label); !ours {
			continue
		}
		if s := domain.DorisState(o.State); s == domain.DorisPrepare || s == domain.DorisPrecommitted {
			out = append(out, o)
		}
	}
	return out, err
}

// Transactions are the loads into a database whose labels begin so, as far as Doris remembers
// them. Doris takes the pattern for a regular expression, in which no character of a label
// means anything else (doris-wire.md §11.1, 6); other pipelines whose names begin alike are
// told apart by reading the label.
func Transactions(ctx context.Context, conn *dorisconn.Cluster, database, prefix string) (out []projections.Orphan, err error) {
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		rows, err := c.QueryContext(ctx, "SHOW TRANSACTION FROM "+dorisconn.Quoted(database)+" WHERE label LIKE ?", prefix+"%")
		if err != nil {
			return err
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			return err
		}
		cells := make([]sql.NullString, len(names))
		to := make([]any, len(names))
		for i := range cells {
			to[i] = &cells[i]
		}
		cell := func(name string) string {
			if i := slices.Index(names, name); i >= 0 {
				return cells[i].String
			}
			return ""
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				return err
			}
			state := cell("TransactionStatus")
			txn, err := strconv.ParseInt(cell("TransactionId"), 10, 64)
			if err != nil || state == "" {
				return fmt.Errorf("SHOW TRANSACTION answers with the columns %q", names)
			}
			out = append(out, projections.Orphan{Label: cell("Label"), Txn: txn, State: state})
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("ask for unfinished loads: %w", err)
	}
	return out, nil
}

// disown ends the orphans of this journal, says so of each, and leaves out the load that
// is under way.
func (l *leg) disown(ctx context.Context, found []projections.Orphan) (out []projections.Orphan, err error) {
	for _, o := range found {
		parts, _ := l.ownLabel(o.Label)
		outcome, err := l.outcomeOf(ctx, parts)
		switch {
		case err != nil:
			return nil, err
		case outcome == "": // of the load that is under way
			continue
		case outcome == string(domain.KindDorisAborted):
			if o.Done, err = l.endOrphan(ctx, o); err != nil {
				return nil, err
			}
		default:
			o.Done = "left alone: " + outcome
		}
		out = append(out, o)
	}
	return out, nil
}

// endOrphan aborts an orphan by its label and says what came of it.
func (l *leg) endOrphan(ctx context.Context, o projections.Orphan) (string, error) {
	a := l.conn.Abort(ctx, l.cfg.Database, o.Label)
	state, err := l.conn.State(ctx, l.cfg.Database, o.Label)
	if err != nil {
		return "", err
	}
	if state == domain.DorisPrepare || state == domain.DorisPrecommitted {
		return "not aborted: " + a.Error(), nil
	}
	l.orphans.Aborted++
	l.log.WarnContext(ctx, "orphaned load aborted", "label", o.Label, "txn", o.Txn, "was", o.State)
	return "aborted", nil
}

// outcomeOf is how this journal settled the intent of a label: the kind of its outcome,
// or in words why it has none here; empty while it is open.
func (l *leg) outcomeOf(ctx context.Context, parts domain.LabelParts) (string, error) {
	const foreign = "no intent of this journal"
	tail, err := l.j.Tail(ctx, l.stream)
	if err != nil {
		return "", err
	}
	if parts.Seq == 0 || parts.Seq > tail.Seq {
		return foreign, nil
	}
	e, err := l.j.Get(ctx, l.stream, parts.Seq)
	if err != nil {
		return "", err
	}
	begun := e.Ref()
	if _, ok := e.Event.(*domain.DorisBegun); !ok || !parts.Names(begun) {
		return foreign, nil
	}
	for seq := parts.Seq + 1; seq <= tail.Seq; seq++ {
		if e, err = l.j.Get(ctx, l.stream, seq); err != nil {
			return "", err
		}
		switch ev := e.Event.(type) {
		case *domain.DorisAborted:
			if ev.Begun == begun {
				return string(ev.Kind()), nil
			}
		case *domain.DorisCommitted:
			if ev.Begun == begun {
				return "this journal has it as committed", nil
			}
		}
	}
	return "", nil
}

// ownLabel reads a label of this leg's stream and no other: what other shards, pipelines and
// replays sent is theirs to look for, also where their labels begin alike.
func (l *leg) ownLabel(label string) (domain.LabelParts, bool) {
	parts, ours := domain.ParseLabel(label)
	return parts, ours && parts.Stream == l.stream
}
