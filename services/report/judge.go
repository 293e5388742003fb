package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
)

// Places are the two places that a proof holds against each other, left first: what the right
// one should have is what the left one says.
func Places(p domain.Proof) (left, right string) {
	switch p {
	case domain.ProofCityHub:
		return "journal", "hub"
	case domain.ProofHubDoris:
		return "hub", "doris"
	case PlanTable:
		return "journal", "doris"
	case PlanTopic:
		return "journal", "topic"
	case PlanFile:
		return "journal", "file"
	default:
		return "city", "journal"
	}
}

// compared gives the rows of the left place that were held against the right one, and whether
// both places said the same; 0 where there are not two of them.
func (w *Window) compared() (rows int64, same bool) {
	if len(w.Witnesses) != 2 {
		return 0, true
	}
	left, right := w.Witnesses[0].Vector, w.Witnesses[1].Vector
	left.Xor, right.Xor = 0, 0 // an extra, which has no say
	return left.Rows, left == right
}

// add counts a window's rows.
func (c *Coverage) add(w *Window) {
	n, _ := w.compared()
	c.Rows += w.Rows
	switch w.State {
	case domain.WindowNotChecked, domain.WindowUnverifiable:
		c.NotChecked += w.Rows
		return
	case domain.WindowDiverged, domain.WindowSuspect:
		c.Diverged += n
	default:
		c.Verified += n
	}
	c.Pending += w.Pending
	c.NotChecked += w.Rows - w.Pending - n
}

// Covered counts what became of the rows, by the windows alone. What of the cities was not
// read again is not checked against the city.
func Covered(r *Report) []Coverage {
	again := Coverage{Proof: CityJournal}
	var out []Coverage
	for _, p := range r.Scope.Proofs {
		c := Coverage{Proof: p}
		for i := range r.Windows {
			if r.Windows[i].Proof == p {
				c.add(&r.Windows[i])
			}
		}
		out = append(out, c)
	}
	for i := range r.Windows {
		if r.Windows[i].Proof == CityJournal {
			again.add(&r.Windows[i])
		}
	}
	i := slices.IndexFunc(out, func(c Coverage) bool { return c.Proof == domain.ProofCityHub })
	if i < 0 {
		return out
	}
	if unread := out[i].Rows - again.Rows; unread > 0 {
		again.Rows += unread
		again.NotChecked += unread
	}
	return slices.Insert(out, 0, again)
}

// Judge gives the verdict that follows from what is in the report, and why.
//
// Diverged: a finding that nobody accepted, or a window that differs, or offsets without a row for a
// reason that is not innocent, of which no finding speaks. Not checked: anything of the pipeline's proofs that
// nobody compared. The cities' rows that were not read again are no part of these proofs;
// Coverage says how many they are.
func Judge(r *Report) (domain.Verdict, string) {
	if text := diverged(r); text != "" {
		return domain.Diverged, text
	}
	if text := notChecked(r); text != "" {
		return domain.NotChecked, text
	}
	var verified, pending []string
	for _, c := range r.Coverage {
		left, right := Places(c.Proof)
		if c.Proof == CityJournal {
			continue
		}
		verified = append(verified, fmt.Sprintf("%s rows are in %s as %s has them", humanize.Comma(c.Verified), place(right), place(left)))
		if c.Pending > 0 {
			pending = append(pending, fmt.Sprintf("%s more are on their way to %s", humanize.Comma(c.Pending), place(right)))
		}
	}
	text := strings.Join(append(verified, pending...), "; ")
	if n := len(r.Findings); n > 0 {
		text += fmt.Sprintf("; except %s that a person accepted", count(int64(n), "finding"))
	}
	return domain.Verified, text
}

func diverged(r *Report) string {
	classes := map[domain.Class]int64{}
	var list []string
	var n int64
	for i := range r.Findings {
		if f := &r.Findings[i]; f.Accepted == nil {
			n++
			classes[f.Class]++
		}
	}
	for _, c := range Classes() {
		if classes[c] > 0 {
			list = append(list, fmt.Sprintf("%s %s", humanize.Comma(classes[c]), c))
		}
	}
	if r.More > 0 {
		list = append(list, humanize.Comma(r.More)+" more that are not listed")
	}
	if n+r.More > 0 {
		return count(n+r.More, "finding") + ": " + strings.Join(list, ", ")
	}
	for i := range r.Windows {
		if w := &r.Windows[i]; w.State == domain.WindowDiverged && !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.speaksOf(w) }) {
			return fmt.Sprintf("%s %s differs, and no finding says how", w.Proof, w.name())
		}
	}
	for i := range r.Sources {
		s := &r.Sources[i]
		if n := s.guilty() - spokenOf(r, s); n > 0 {
			return fmt.Sprintf("%s of source %s partition %d have no row, for no innocent reason", count(n, "offset"), s.Source, s.Partition)
		}
	}
	return ""
}

// speaksOf reports whether a finding may be why a window differs: one of a row in it. Of two rows that
// were exchanged one is named, and of one that has other coordinates the place where it should be; a
// row out of order moves those between; and of a tail that the hub lost the first row is named.
func (f *Finding) speaksOf(w *Window) bool {
	moved := []string{"sscsdm", "city_partition_id", "city_offset_id", "hw_partition_id", "hw_offset_id"}
	if isPlan(w.Proof) || f.Class == domain.Swapped || slices.Contains(moved, f.Column) {
		return true
	}
	ours, offset := string(f.Source) == string(w.Source) && f.CityPartition == w.Partition, f.CityOffset
	if ofHub(w.Proof) {
		ours, offset = f.HubPartition == w.Partition, f.HubOffset
	}
	in := w.within(domain.Span{Next: math.MaxInt64})
	return ours && (in.Contains(offset) || f.Class == domain.Reordered || f.Class == domain.Lost && f.Where == "hub" && offset < in.First)
}

// guilty is the number of offsets without a row and without an innocent reason.
func (s *Source) guilty() (n int64) {
	for name, offsets := range s.Gaps {
		if guilt(name) == 0 {
			n += offsets
		}
	}
	return n
}

// spokenOf is how many of them lie in a gap of which a finding speaks.
func spokenOf(r *Report, s *Source) (n int64) {
	for i := range r.Gaps {
		g := &r.Gaps[i]
		if g.key() == s.key() && g.Runs == 1 && guilt(g.Reason) == 0 && slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Class == domain.Unexplained && string(f.Source) == s.Source && f.Generation == s.Generation && f.CityPartition == s.Partition &&
				domain.Span{First: g.First, Next: g.Next}.Contains(f.CityOffset)
		}) {
			n += g.Offsets
		}
	}
	return n
}

func notChecked(r *Report) string {
	if len(r.Scope.Proofs) == 0 {
		return "no two places were compared"
	}
	for _, u := range r.Unchecked {
		return fmt.Sprintf("%s could not be compared in %s: %s", count(u.Rows, "row"), place(u.Where), u.Why)
	}
	for i := range r.Windows {
		w := &r.Windows[i]
		switch w.State {
		case domain.WindowVerified, domain.WindowOpen, domain.WindowDiverged:
			continue
		default:
			if w.Proof == CityJournal && w.State != domain.WindowSuspect {
				continue // a sample that could not be taken
			}
		}
		text := fmt.Sprintf("%s %s is %s", w.Proof, w.name(), w.State)
		if w.Why != "" {
			text += ": " + w.Why
		}
		return text
	}
	for _, c := range r.Coverage {
		if c.Proof != CityJournal && c.NotChecked > 0 {
			return fmt.Sprintf("%s of proof %s were not compared", count(c.NotChecked, "row"), c.Proof)
		}
	}
	for _, s := range r.Journal.Streams {
		if s.After == "" {
			return fmt.Sprintf("nobody signed what stream %s of the journal was", s.Stream)
		}
	}
	if len(r.Journal.Streams) == 0 {
		return "nothing says which journal it was"
	}
	return ""
}

// Classes are all classes of finding, the worst first.
func Classes() []domain.Class {
	return []domain.Class{
		domain.Lost, domain.Doubled, domain.Altered, domain.Swapped, domain.Strayed, domain.Former,
		domain.Reordered, domain.Unexplained,
	}
}

func (w *Window) name() string { return "window " + domain.Window(w.WindowID).String() }

// place is a place as a sentence has it.
func place(name string) string {
	switch name {
	case "doris":
		return "Doris"
	case "city":
		return "the city"
	default:
		return "the " + name
	}
}

// count is "1 row", "2,000 rows".
func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return humanize.Comma(n) + " " + what + "s"
}
