package doris_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

const ods, ods2, tbl = 1, 2, 10

// memory is a Ledger that a test may look into, and that fails when told to.
type memory struct {
	kept     map[int64]doris.Txn
	reserved int64
	fail     error
}

func (m *memory) Keep(t doris.Txn) error {
	if m.fail == nil {
		m.kept[t.ID] = t
	}
	return m.fail
}

func (m *memory) Forget(ids []int64) error {
	for _, id := range ids {
		delete(m.kept, id)
	}
	return m.fail
}

func (m *memory) ReserveIDs(below int64) error { m.reserved = below; return m.fail }

// bench is an engine with a clock that stands still.
type bench struct {
	*doris.Engine
	t      *testing.T
	ledger *memory
	limits doris.Limits
	now    time.Time
	gone   bool // the table was dropped
}

func newBench(t *testing.T, limits doris.Limits) *bench {
	b := &bench{t: t, ledger: &memory{kept: map[int64]doris.Txn{}}, limits: limits, now: time.Unix(1_700_000_000, 0)}
	b.restart()
	return b
}

func (b *bench) restart() {
	b.Engine = doris.NewEngine(b.limits, func() time.Time { return b.now }, b.ledger, func(int64) bool { return !b.gone },
		slices.Collect(maps.Values(b.ledger.kept)), b.ledger.reserved)
}

func (b *bench) begin(label string) int64 {
	b.t.Helper()
	t, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: label})
	if err != nil {
		b.t.Fatalf("begin %s: %v", label, err)
	}
	return t.ID
}

// in brings a new transaction into a state.
func (b *bench) in(label string, s doris.Status) int64 {
	b.t.Helper()
	id := b.begin(label)
	steps := map[doris.Status][]func() error{
		doris.Prepare:      nil,
		doris.Precommitted: {func() error { return b.Precommit(id) }},
		doris.Committed:    {func() error { return b.Precommit(id) }, func() error { return b.Commit(ods, id) }},
		doris.Visible: {
			func() error { return b.Precommit(id) }, func() error { return b.Commit(ods, id) }, func() error { return b.Publish(id) },
		},
		doris.Aborted: {func() error { return b.Abort(ods, id) }},
	}
	for _, step := range steps[s] {
		if err := step(); err != nil {
			b.t.Fatalf("bring %s to %s: %v", label, s, err)
		}
	}
	return id
}

func (b *bench) stateOf(label string) string {
	t, ok := b.Newest(ods, label)
	if !ok {
		return "UNKNOWN"
	}
	return t.Status.String()
}

var states = []doris.Status{doris.Prepare, doris.Precommitted, doris.Committed, doris.Visible, doris.Aborted}

// TestTexts asks for everything in every state. N stands for the transaction's id, L for its label; an empty text
// means it is done.
func TestTexts(t *testing.T) {
	const running = "errCode = 2, detailMessage = running transaction not found, label=L"
	const e2 = "errCode = 2, detailMessage = "
	for _, c := range []struct {
		name string
		do   func(*bench, int64) error
		want [5]string // by state, in the order of states
	}{
		{"begin same label", func(b *bench, _ int64) error {
			_, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: "L"})
			return err
		}, [5]string{
			e2 + "Label [L] has already been used, relate to txn [N], status [PREPARE].",
			e2 + "Label [L] has already been used, relate to txn [N], status [PRECOMMITTED].",
			e2 + "Label [L] has already been used, relate to txn [N], status [COMMITTED].",
			e2 + "Label [L] has already been used, relate to txn [N], status [VISIBLE].",
			"",
		}},
		{"precommit", func(b *bench, id int64) error { return b.Precommit(id) }, [5]string{
			"", "", e2 + "transaction is already committed", e2 + "transaction is already visible", e2 + "User Abort",
		}},
		{"commit", func(b *bench, id int64) error { return b.Commit(ods, id) }, [5]string{
			e2 + "transaction [N] is prepare, not pre-committed.", "",
			e2 + "transaction [N] is already committed, not pre-committed.",
			e2 + "transaction [N] is already visible, not pre-committed.",
			e2 + "transaction [N] is already aborted. abort reason: User Abort",
		}},
		{"abort", func(b *bench, id int64) error { return b.Abort(ods, id) }, [5]string{
			"", "", e2 + "transaction [N] is already COMMITTED, could not abort.",
			e2 + "transaction [N] is already VISIBLE, could not abort.",
			e2 + "transaction [N] is already aborted, abort reason: User Abort",
		}},
		{"commit by label", func(b *bench, _ int64) error { return b.CommitLabel(ods, "L") }, [5]string{running, "", running, running, running}},
		{"abort by label", func(b *bench, _ int64) error { return b.AbortLabel(ods, "L") }, [5]string{"", "", running, running, running}},
		{"rollback", func(b *bench, id int64) error { return b.Rollback(id, "why") }, [5]string{
			"", "", e2 + "transaction [N] is already COMMITTED, could not abort.",
			e2 + "transaction not found", e2 + "transaction not found",
		}},
		{"one-phase commit", func(b *bench, id int64) error { return b.CommitPrepared(id) }, [5]string{
			"", e2 + "transaction commit failed", "", "", e2 + "User Abort",
		}},
		{"commit with the id of another database", func(b *bench, id int64) error { return b.Commit(ods2, id) }, [5]string{
			e2 + "transaction [N] not found", e2 + "transaction [N] not found", e2 + "transaction [N] not found",
			e2 + "transaction [N] not found", e2 + "transaction [N] not found",
		}},
		{"commit after the table was dropped", func(b *bench, id int64) error { b.gone = true; return b.Commit(ods, id) }, [5]string{
			e2 + "transaction [N] is prepare, not pre-committed.",
			"errCode = 7, detailMessage = table not found, tableId=10",
			e2 + "transaction [N] is already committed, not pre-committed.",
			e2 + "transaction [N] is already visible, not pre-committed.",
			e2 + "transaction [N] is already aborted. abort reason: User Abort",
		}},
	} {
		for i, state := range states {
			t.Run(c.name+" "+state.String(), func(t *testing.T) {
				b := newBench(t, doris.DefaultLimits())
				id := b.in("L", state)
				got := ""
				if err := c.do(b, id); err != nil {
					got = err.Error()
				}
				if want := strings.ReplaceAll(c.want[i], "[N]", fmt.Sprintf("[%d]", id)); got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			})
		}
	}
}

func TestUnknown(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	for _, c := range []struct {
		err  error
		want string
	}{
		{b.Precommit(77), "transaction not found"},
		{b.Commit(ods, 77), "transaction [77] not found"},
		{b.Commit(ods, -1), "transaction [-1] not found"},
		{b.Abort(ods, 0), "transaction [0] not found"},
		{b.CommitLabel(ods, "L"), "transaction not found, label=L"},
		{b.AbortLabel(ods, "L"), "transaction not found, label=L"},
		{b.Rollback(77, "x"), "transaction not found"},
	} {
		if c.err == nil || c.err.Error() != "errCode = 2, detailMessage = "+c.want {
			t.Errorf("got %v, want %s", c.err, c.want)
		}
	}
}

func TestExistingJobStatus(t *testing.T) {
	for state, want := range map[doris.Status]string{
		doris.Prepare: "RUNNING", doris.Precommitted: "PRECOMMITTED", doris.Committed: "FINISHED", doris.Visible: "FINISHED",
	} {
		b := newBench(t, doris.DefaultLimits())
		id := b.in("L", state)
		_, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: "L"})
		var refused *doris.Refusal
		if !errors.As(err, &refused) || refused.Code != "LABEL_ALREADY_EXISTS" || refused.Existing != want || refused.TxnID != id {
			t.Errorf("%s: %+v", state, refused)
		}
	}
}

func TestBeginArguments(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	format := func(l string) string {
		return `Label format error. regex: ^[\-_A-Za-z0-9:\p{L}]{1,128}$, label: ` + l
	}
	for _, c := range []struct {
		label   string
		timeout time.Duration
		want    string
	}{
		{"", 0, "empty label in begin request"},
		{"a.b", 0, format("a.b")},
		{"a b", 0, format("a b")},
		{"a/b", 0, format("a/b")},
		{"a+b", 0, format("a+b")},
		{strings.Repeat("x", 129), 0, format(strings.Repeat("x", 129))},
		{strings.Repeat("x", 128), 0, ""},
		{"a:b-_9", 0, ""},
		{"合符", 0, ""},
		{"case", 0, ""},
		{"Case", 0, ""},
		{"t0", -1, "Invalid timeout: 0. Timeout should be higher than Config.min_load_timeout_second: 1"},
		{"t1", 259201 * time.Second, "Invalid timeout: 259201. Timeout should be lower than Config.max_stream_load_timeout_second: 259200"},
		{"t2", 259200 * time.Second, ""},
	} {
		_, err := b.Begin(doris.BeginRequest{DB: ods, Table: tbl, Label: c.label, Timeout: c.timeout})
		got := ""
		if err != nil {
			got = strings.TrimPrefix(err.Error(), "errCode = 2, detailMessage = ")
		}
		if got != c.want {
			t.Errorf("label %q timeout %v: %q, want %q", c.label, c.timeout, got, c.want)
		}
	}
}

func TestBeginAgain(t *testing.T) {
	b := newBench(t, doris.DefaultLimits())
	same := doris.BeginRequest{DB: ods, Table: tbl, Label: "L", RequestID: "r"}
	first, err := b.Begin(same)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := b.Begin(same); err != nil || second.ID != first.ID {
		t.Errorf("same request again: %d, %v", second.ID, err)
	}
	if err := b.Abort(ods, first.ID); err != nil {
		t.Fatal(err)
	}
	third, err := b.Begin(same)
	if err != nil || third.ID == first.ID {
		t.Errorf("same request after an abort: %d, %v", third.ID, err)
	}
	if got := b.stateOf("L"); got != "PREPARE" {
		t.Errorf("state of a label is that of its newest transaction: %s", got)
	}
	if err := b.Precommit(third.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.CommitLabel(ods, "L"); err != nil { // of an ABORTED and a PRECOMMITTED it takes the latter
		t.Error(err)
	}
	other, err := b.Begin(doris.BeginRequest{DB: ods2, Table: 11, Label: "L"})
	if err != nil || other.ID != third.ID+1 {
		t.Errorf("labels are per database and ids are not: %d after %d, %v", other.ID, third.ID, err)
	}
}
