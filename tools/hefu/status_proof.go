package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
	"github.com/hefu-io/hefu/services/status"
)

// printProven says in a line each what is signed of a pipeline's journal, how far its archive
// is, and whether the proof holds; nil proofs were not asked for.
func printProven(w io.Writer, p *status.PipelineReport, proofs []reconcile.State) {
	if p.Checkpoint != nil {
		fmt.Fprintf(w, "signed   %s\n", signedText(p.Checkpoint, p.Name))
	}
	if p.Archive != nil {
		fmt.Fprintf(w, "archive  %s\n", archiveText(p.Archive, p.Name))
	}
	i := slices.IndexFunc(proofs, func(st reconcile.State) bool { return st.Pipeline == p.Name })
	switch {
	case proofs == nil:
		return
	case i < 0:
		fmt.Fprintln(w, "proof    NOT KNOWN: no look came to its end in this process (reconcile.interval); hefu reconcile looks now")
	default:
		fmt.Fprintf(w, "proof    %s\n", proofText(&proofs[i]))
	}
}

func signedText(c *status.Checkpoint, pipeline string) string {
	s := "every event"
	if c.Unsigned > 0 {
		s = fmt.Sprintf("all but %s (no checkpoint for %s)", counted(c.Unsigned, "event"), time.Since(c.At).Round(time.Second))
	}
	if len(c.Through) > 0 {
		s += ", up to " + ends(c.Through, pipeline)
	}
	return fmt.Sprintf("%s; %s; key %s", s, c.Anchored, keyID(c.Key))
}

// keyID is a verifier key without the key: its name and the hash that notes name it by.
func keyID(key string) string {
	parts := strings.SplitN(key, "+", 3)
	return strings.Join(parts[:min(2, len(parts))], "+")
}

func archiveText(a *status.Archive, pipeline string) string {
	s := "nothing is archived yet"
	if a.Segments > 0 {
		s = counted(int64(a.Segments), "segment") + ", up to " + ends(a.Archived, pipeline)
	}
	if len(a.Dropped) > 0 {
		s += "; dropped from the store up to " + ends(a.Dropped, pipeline)
	}
	switch {
	case a.Error != "":
		s += "; NOT KNOWN what waits for it: " + a.Error
	case a.Behind > 0:
		s += fmt.Sprintf("; %s not archived yet (hefu journal archive ls)", counted(int64(a.Behind), "sealed segment"))
	}
	return s + "; in " + a.Place
}

// ends lists how far streams go, in short names; many of them by their number only.
func ends(through map[string]uint64, pipeline string) string {
	const most = 8
	if len(through) > most {
		return fmt.Sprintf("the ends of %d streams (-o json lists them)", len(through))
	}
	var out []string
	for _, s := range slices.Sorted(maps.Keys(through)) {
		out = append(out, fmt.Sprintf("%s@%d", strings.TrimPrefix(s, pipeline+"."), through[s]))
	}
	return strings.Join(out, ", ")
}

// refuted reports whether the proof does not hold: something was found, or differs for good,
// and nobody accepted it.
func refuted(st reconcile.State) bool {
	return open(&st) > 0 || st.Accepted == 0 && windows(&st, domain.WindowDiverged) > 0
}

// open counts the findings that nobody accepted.
func open(st *reconcile.State) int64 {
	n := st.More
	for _, of := range st.Findings {
		n += int64(of)
	}
	return n
}

// windows counts those of all proofs in a state.
func windows(st *reconcile.State, state domain.WindowState) (n int) {
	for _, of := range st.Windows {
		n += of[state]
	}
	return n
}

// proofText says first whether the proof holds, then what was looked at.
func proofText(st *reconcile.State) string {
	var looked []string
	if st.Last == nil {
		looked = append(looked, "no look came to its end yet")
	} else {
		looked = append(looked, fmt.Sprintf("looked %s ago", time.Since(*st.Last).Round(time.Second)))
	}
	for _, proof := range slices.Sorted(maps.Keys(st.Windows)) {
		var states []string
		for _, state := range slices.Sorted(maps.Keys(st.Windows[proof])) {
			states = append(states, fmt.Sprintf("%d %s", st.Windows[proof][state], state))
		}
		looked = append(looked, fmt.Sprintf("%s windows %s, %s rows", proof, strings.Join(states, ", "), humanize.Comma(st.Rows[proof])))
	}
	if st.Report != "" {
		looked = append(looked, "newest report "+st.Report)
	}
	return verdictText(st) + "; " + strings.Join(looked, "; ")
}

func verdictText(st *reconcile.State) string {
	suspect := windows(st, domain.WindowSuspect)
	switch n := open(st); {
	case refuted(*st) && n > 0:
		return fmt.Sprintf("DOES NOT HOLD: %s that nobody accepted (%s): hefu findings", counted(n, "finding"), classes(st))
	case refuted(*st):
		return fmt.Sprintf("DOES NOT HOLD: %s for good: hefu reconcile", counted(int64(windows(st, domain.WindowDiverged)), "window")+" differing")
	case st.Error != "":
		return "NOT KNOWN, the last look failed: " + st.Error
	case st.Last == nil:
		return "NOT KNOWN"
	case suspect > 0:
		return fmt.Sprintf("NOT SETTLED: %s are looked at again", counted(int64(suspect), "window")+" differing")
	case st.Accepted > 0:
		return fmt.Sprintf("holds, but for %s", counted(int64(st.Accepted), "accepted finding"))
	default:
		return "holds"
	}
}

func classes(st *reconcile.State) string {
	var out []string
	for _, class := range slices.Sorted(maps.Keys(st.Findings)) {
		out = append(out, fmt.Sprintf("%d %s", st.Findings[class], class))
	}
	if st.More > 0 {
		out = append(out, fmt.Sprintf("%d not listed", st.More))
	}
	return strings.Join(out, ", ")
}

// counted is "1 event", "12 events".
func counted(n int64, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return humanize.Comma(n) + " " + of + "s"
}
