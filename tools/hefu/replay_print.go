package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/config"
	"github.com/hefu-io/hefu/services/replay"
)

// printer shows replays to people.
type printer struct {
	w      io.Writer
	config string // the configuration file, for the commands that it prints
}

// line prints a fact.
func (p *printer) line(key, format string, args ...any) {
	fmt.Fprintf(p.w, "  %-10s %s\n", key, fmt.Sprintf(format, args...))
}

// plan prints what a plan does.
func (p *printer) plan(r *replay.Shown) {
	plan := &r.Plan
	fmt.Fprintf(p.w, "replay %s of pipeline %s, planned by %s: %s\n", r.ID, r.Pipeline, r.Who, r.Why)
	p.line("rows", "%s", strings.Join(scopeText(plan), ", "))
	p.line("into", "%s", targetText(plan))
	p.line("does", "%s", doesText(plan))
	for _, name := range plan.Expect.Names {
		p.line(namesKey(plan), "%s", name)
	}
	if mode := plan.Target.Mode; mode == domain.ModeFillMissing || mode == domain.ModeDeleteDuplicates {
		p.line("present", "%s", presentText(plan))
	}
	p.line("limits", "%s", limitsText(r.Limits))
	if s := plan.Expect.Seconds; s > 0 {
		p.line("lasts", "%s at least, by these limits", time.Duration(s)*time.Second)
	}
	for _, l := range plan.Lanes {
		p.line("reads", "%s@%d to @%d", l.Last.Stream, l.First, l.Last.Seq)
	}
	for i := range plan.Undecided {
		p.line("undecided", "%s", undecidedText(&plan.Undecided[i]))
	}
	for _, note := range plan.Notes {
		p.line("note", "%s", note)
	}
	p.line("digest", "%s", r.Digest)
}

// scopeText says which rows a plan is about.
func scopeText(plan *domain.Plan) (out []string) {
	s := &plan.Scope
	if s.AsOf != nil {
		text := "as of"
		if s.AsOf.Time != nil {
			text += " " + timeOf(*s.AsOf.Time)
		}
		for _, at := range s.AsOf.Positions {
			text += " " + at.String()
		}
		out = append(out, text)
	}
	if s.Report != nil {
		text := "what report " + s.Report.String()[:12] + " found"
		if n := len(s.Findings); n > 0 {
			text += fmt.Sprintf(" (%s of it)", counted(int64(n), "finding"))
		}
		out = append(out, text)
	}
	for _, id := range s.Sources {
		out = append(out, "source "+string(id))
	}
	for _, c := range s.Cities {
		out = append(out, fmt.Sprintf("source %s partition %d%s", c.Source, c.Partition, offsetsText(c.Span)))
	}
	for _, h := range s.Hub {
		out = append(out, fmt.Sprintf("hub partition %d%s", h.Partition, offsetsText(h.Span)))
	}
	for _, in := range s.Seqs {
		out = append(out, fmt.Sprintf("events %d to %d of shard %d", in.First, in.Last, in.Shard))
	}
	if s.From != nil {
		out = append(out, "ingested from "+timeOf(*s.From))
	}
	if s.To != nil {
		out = append(out, "ingested before "+timeOf(*s.To))
	}
	if s.Quarantine {
		out = append(out, "quarantined")
	}
	if len(out) == 0 {
		out = append(out, "every one that is committed")
	}
	return out
}

func offsetsText(s domain.Span) string {
	switch {
	case s.First == 0 && s.Next == math.MaxInt64:
		return ""
	case s.Next == math.MaxInt64:
		return fmt.Sprintf(" offsets from %d on", s.First)
	default:
		return fmt.Sprintf(" offsets %d to %d", s.First, s.Next-1)
	}
}

// timeOf is a time for people, in the zone of this host.
func timeOf(m domain.Micros) string { return time.UnixMicro(int64(m)).Format(time.RFC3339) }

// targetText says where the rows go.
func targetText(plan *domain.Plan) string {
	t := &plan.Target
	switch {
	case t.Kind == domain.TargetNull:
		return "nothing: they are read and counted"
	case t.Kind == domain.TargetFile:
		return "files"
	case t.Mode == domain.ModeShadow && !t.Shadow.IsZero():
		return fmt.Sprintf("%s %s, that of replay %s", t.Kind, t.Name, t.Shadow)
	case t.Mode == domain.ModeShadow:
		return fmt.Sprintf("%s %s, a shadow", t.Kind, t.Name)
	default:
		return fmt.Sprintf("%s %s, live: %s", t.Kind, t.Name, t.Mode)
	}
}

// doesText says what is done.
func doesText(plan *domain.Plan) string {
	e, kind := &plan.Expect, plan.Target.Kind
	rows := counted(e.Rows, "row")
	size := rows + ", " + humanize.IBytes(uint64(e.Bytes)) //nolint:gosec // a sum of sizes
	switch {
	case plan.Target.Mode == domain.ModeDeleteDuplicates:
		return "deletes " + rows + ", by exact keys"
	case kind == domain.TargetTable:
		return fmt.Sprintf("loads %s, in %s or more", size, counted(e.Batches, "Stream Load"))
	case kind == domain.TargetTopic && plan.Target.Mode == domain.ModeFillMissing:
		return "writes " + size + ", at the offsets that they had"
	case kind == domain.TargetTopic:
		return fmt.Sprintf("sends %s, in %s or more", size, counted(e.Batches, "transaction"))
	case kind == domain.TargetFile:
		return "writes " + size
	default:
		return "reads " + size
	}
}

// presentText says what of the scope need not be done.
func presentText(plan *domain.Plan) string {
	rows := counted(plan.Expect.Present, "row")
	if plan.Target.Kind == domain.TargetTopic {
		return rows + " of the scope lie before the ends of the partitions, and are not looked at"
	}
	return rows + " of the scope are in the table as they must be"
}

// namesKey is what Expect.Names are.
func namesKey(plan *domain.Plan) string {
	switch plan.Target.Kind {
	case domain.TargetTable:
		return "labels"
	case domain.TargetTopic:
		return "sends as"
	default:
		return "file"
	}
}

func limitsText(l domain.PlanLimits) string {
	var out []string
	if l.Rows > 0 {
		out = append(out, counted(l.Rows, "row")+" a second")
	}
	if l.Bytes > 0 {
		out = append(out, config.Bytes(l.Bytes).String()+" a second")
	}
	if l.Concurrency > 0 {
		out = append(out, counted(int64(l.Concurrency), "shard")+" at once")
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}

func undecidedText(u *domain.Undecided) string {
	text := u.Begun.String() + " had begun"
	if u.Outcome.Seq > 0 {
		text += fmt.Sprintf(", its %s came with @%d", counted(u.Rows, "row"), u.Outcome.Seq)
	} else {
		text += " and has no outcome yet"
	}
	if u.Taken {
		return text + ": taken (--take-undecided)"
	}
	return text + ": left out"
}

// moves prints what became of a plan.
func (p *printer) moves(r *replay.Shown) {
	for _, m := range r.Moves {
		who := "hefu"
		if m.Who != "" {
			who = m.Who
		}
		if m.Limits != nil {
			p.line("limits", "%s, by %s: %s", limitsText(*m.Limits), who, m.Why)
			continue
		}
		p.line(string(m.To), "by %s: %s", who, m.Why)
		if m.Report != "" {
			p.line("", "report %s", m.Report)
		}
	}
	if r.Progress != nil && goesOn(r.State) {
		p.line("now", "%s", progressText(r))
	}
	p.trouble(r)
}

// trouble prints what goes wrong and is tried again.
func (p *printer) trouble(r *replay.Shown) {
	if r.Progress == nil {
		return
	}
	if r.Progress.Error != "" {
		p.line("trouble", "%s", r.Progress.Error)
	}
	for _, l := range r.Progress.Lanes {
		if l.Error != "" {
			p.line("trouble", "shard %d: %s", l.Shard, l.Error)
		}
	}
}

// next prints the command that a person may want to type now.
func (p *printer) next(r *replay.Shown) {
	id, tail := r.ID.String(), ""
	if p.config != "hefu.yaml" {
		tail = " -c " + p.config
	}
	approve := fmt.Sprintf("hefu replay approve %s --digest %s --why …%s", id, r.Digest.String()[:12], tail)
	switch r.State {
	case domain.PlanPlanned:
		p.line("next", "%s", approve)
	case domain.PlanRunning, domain.PlanVerifying:
		p.line("next", "hefu replay status -w %s%s", id, tail)
	case domain.PlanPaused:
		p.line("next", "hefu replay resume %s --why …%s", id, tail)
	case domain.PlanFailed:
		if next := lastNext(r); next != "" {
			p.line("do", "%s", next)
		}
		p.line("go on", "%s", approve)
	case domain.PlanDone:
		for command := range strings.Lines(lastNext(r)) {
			p.line("next", "%s%s", strings.TrimSuffix(command, "\n"), tail)
		}
		t := &r.Plan.Target
		if t.Kind == domain.TargetTable && t.Mode == domain.ModeShadow && r.Plan.Scope.Everything() {
			p.line("next", "hefu swap %s --why …%s", id, tail)
		}
	case domain.PlanCancelled:
		p.left(r)
	}
}

// lastMove is the step that took a replay to its state, nil where it is only planned.
func lastMove(r *replay.Shown) *replay.Move {
	for i := len(r.Moves) - 1; i >= 0; i-- {
		if r.Moves[i].Limits == nil {
			return &r.Moves[i]
		}
	}
	return nil
}

// lastNext is what that step says is to be done, empty for nothing.
func lastNext(r *replay.Shown) string {
	if last := lastMove(r); last != nil {
		return last.Next
	}
	return ""
}

func comma(n int64) string { return humanize.Comma(n) }
