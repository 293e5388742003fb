package explain

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/projections/file"
)

// place is an event's place within its shard: "hub@57".
func place(r domain.Ref) string { return fmt.Sprintf("%s@%d", r.Stream.Leg, r.Seq) }

// stretch is "hub@57", or "hub@57 to hub@60".
func stretch(first, last domain.Ref) string {
	if first.Seq == last.Seq {
		return place(first)
	}
	return place(first) + " to " + place(last)
}

// words say what an event of a shard's stream is, on one line.
func words(e *journal.Entry) string {
	if text := lines(e); text != "" {
		return text
	}
	switch ev := e.Event.(type) {
	case *domain.Opened:
		return fmt.Sprintf("incarnation %d takes the %s stream over", ev.Incarnation, e.Stream.Leg)
	case *domain.HubBegun:
		return fmt.Sprintf("hub transaction begins: %s, %s%s", stretch(ev.First, ev.Last), semantic(ev.Semantic), without(ev.Excluded))
	case *domain.HubCommitted:
		return fmt.Sprintf("%s is committed: %s, %s; progress record at %d%s%s",
			place(ev.Begun), count(ev.Rows, "row"), count(ev.Bytes, "byte"), ev.ProgressOffset, by(ev.FoundBy), decided(ev.Incident))
	case *domain.HubAborted:
		return fmt.Sprintf("%s did not happen: %s%s%s", place(ev.Begun), oneLine(ev.Why), by(ev.FoundBy), decided(ev.Incident))
	case *domain.DorisBegun:
		return loadBegins(e.Ref(), ev)
	case *domain.DorisPrepared:
		return fmt.Sprintf("%s is prepared: transaction %d on %s, %s, %s", place(ev.Begun), ev.Txn, ev.Backend, count(ev.Rows, "row"), count(ev.Bytes, "byte"))
	case *domain.DorisCommitted:
		txn := ""
		if ev.Txn != 0 {
			txn = fmt.Sprintf("transaction %d, ", ev.Txn)
		}
		return fmt.Sprintf("%s is visible: %s%s; known by: %s%s%s", place(ev.Begun), txn, count(ev.Rows, "row"), ev.How, by(ev.FoundBy), decided(ev.Incident))
	case *domain.DorisAborted:
		return fmt.Sprintf("%s did not happen: %s%s%s", place(ev.Begun), oneLine(ev.Why), by(ev.FoundBy), decided(ev.Incident))
	case *domain.LineageBegun:
		return fmt.Sprintf("lineage of %s, %s, begins to be written to ClickHouse", stretch(ev.First, ev.Last), count(ev.Rows, "row"))
	case *domain.LineageCommitted:
		return fmt.Sprintf("%s is in ClickHouse: %s; known by: %s", place(ev.Begun), count(ev.Rows, "row"), ev.How)
	default:
		return ""
	}
}

// lines say what an event is of a replay whose rows go into a file, or are counted only; "" for any
// other. It has the words of a load, and Doris does not know of it.
func lines(e *journal.Entry) string {
	id, replay := e.Stream.Leg.Plan()
	if !replay {
		return ""
	}
	switch ev := e.Event.(type) {
	case *domain.DorisBegun:
		if ev.Table == file.Name(id, e.Stream.Shard) || ev.Table == string(domain.TargetNull) {
			return fmt.Sprintf("lines into %s begin: %s", ev.Table, stretch(ev.First, ev.Last))
		}
	case *domain.DorisCommitted:
		if _, _, err := file.Digest(ev); err == nil {
			return fmt.Sprintf("%s is done: %s; %s", place(ev.Begun), count(ev.Rows, "row"), ev.How)
		}
	}
	return ""
}

func loadBegins(at domain.Ref, ev *domain.DorisBegun) string {
	if p := ev.Probe; p != nil {
		return fmt.Sprintf("probe %s begins: rows %d to %d of %s, to find those that Doris refuses; it is never committed",
			domain.Label(at), p.First, p.Next-1, stretch(ev.First, ev.Last))
	}
	return fmt.Sprintf("load %s into %s begins: %s, %s%s", domain.Label(at), ev.Table, stretch(ev.First, ev.Last), semantic(ev.Semantic), without(ev.Excluded))
}

// opening says where a partition begins.
func opening(ev *domain.SourceOpened, start *domain.Start) string {
	s := fmt.Sprintf("source %s generation %d is opened: topic %s on cluster %s; start %s: partition %d begins at %d (%s)",
		ev.Source, ev.Generation, ev.Topic, ev.ClusterID, ev.StartPolicy, start.Partition, start.First, start.How)
	if start.LogStart < start.First {
		s += fmt.Sprintf(", its log at %d", start.LogStart)
	}
	if start.Bounded {
		s += fmt.Sprintf(", and ends at %d (%s)", start.Stop, start.StopHow)
	}
	return s + decided(ev.Incident)
}

// fetching says what was fetched.
func fetching(f *fetched, row *Row) string {
	run := f.run()
	s := fmt.Sprintf("fetched: %s of %s/%d partition %d, %s, leader epoch %d",
		domain.Span{First: run.First, Next: run.Next}, run.Source, run.Generation, run.Partition, count(run.Rows, "row"), run.LeaderEpoch)
	if f.gap != nil {
		return s + fmt.Sprintf("; [%d,%d) holds none: %s", f.gap.First, f.gap.Next, f.gap.Reason) + decided(f.event.Incident)
	}
	return s + fmt.Sprintf("; the row is number %d of run %d", row.Ordinal+1, f.index) + decided(f.event.Incident)
}

// trouble says what an event of control is.
func trouble(ev domain.Event) string {
	switch ev := ev.(type) {
	case *domain.Started:
		return fmt.Sprintf("process begins: instance %s on %s, pid %d, version %s", ev.Instance, ev.Host, ev.PID, ev.Version)
	case *domain.Incident:
		of := ""
		if ev.Source != "" {
			of = " of source " + string(ev.Source)
		}
		found := ""
		for _, f := range ev.Evidence {
			if f.Key == "found" {
				found = ": " + oneLine(f.Value)
			}
		}
		return fmt.Sprintf("incident %s %s on %s%s%s", short(ev.ID.String()), ev.What, ev.Stream, of, found)
	case *domain.Resolved:
		return fmt.Sprintf("incident %s is resolved with %s by %s: %s", short(ev.ID.String()), ev.Choice, ev.Who, oneLine(ev.Why))
	case *domain.Operator:
		of := "pipeline"
		if ev.Target != "" {
			of = "source " + ev.Target
		}
		return fmt.Sprintf("%s: %s by %s: %s", of, ev.Action, ev.Who, oneLine(ev.Why))
	default:
		return ""
	}
}

func finding(f *domain.Finding) string {
	s := fmt.Sprintf("the reconciler finds it %s in %s", f.Class, f.Where)
	if f.Column != "" {
		s += ", column " + f.Column
	}
	if f.Detail != "" {
		s += ": " + oneLine(f.Detail)
	}
	id := f.ID()
	return s + " (finding " + short(id.String()) + ")"
}

func window(w *domain.WindowResult) string {
	names := map[domain.Proof]string{domain.ProofCityHub: "city and hub", domain.ProofHubDoris: "hub and Doris"}
	s := fmt.Sprintf("%s are compared: %s is %s up to offset %d", names[w.Window.Proof], w.Window, w.State, w.Through)
	if w.Why != "" {
		s += ": " + oneLine(w.Why)
	}
	return s
}

func semantic(s domain.Semantic) string {
	if s == "" {
		s = domain.ExactlyOnce
	}
	return string(s)
}

func without(list []domain.Exclusion) string {
	var n int64
	for i := range list {
		n += list[i].Count
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(", without %s", count(n, "excluded row"))
}

// by says who found an outcome out, if it was not who began.
func by(f domain.Finder) string {
	if f == domain.FoundByNextOwner {
		return "; found out by the next owner"
	}
	return ""
}

func decided(id domain.IncidentID) string {
	if id.IsZero() {
		return ""
	}
	return "; as incident " + short(id.String()) + " was decided"
}

// short is enough of an id or a hash to find it by.
func short(hex string) string { return hex[:min(len(hex), 12)] }

func count(n int64, of string) string {
	if n == 1 {
		return "1 " + of
	}
	return thousands(n) + " " + of + "s"
}

func thousands(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// oneLine takes the line breaks out of what others wrote.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
