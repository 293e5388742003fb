package report

import (
	"fmt"
	"io"

	"github.com/hefu-io/hefu/domain"
)

// Rebased says that the journal was rebuilt out of the rows of hub and table: what lies before
// its positions is in no window of the report.
type Rebased struct {
	Old       domain.JournalID `json:"old"` // the journal that was before, zeros where nobody remembers one
	Who       string           `json:"who"`
	Why       string           `json:"why"`
	Positions []Begin          `json:"positions"`
	Unproven  []string         `json:"unproven"` // what the rows could not tell, as the operator approved it
}

// Begin is where a source partition goes on: rows before Next are of the journal before.
type Begin struct {
	Source    string `json:"source"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"`
	How       string `json:"how"`
}

// RebasedOf is what a report says of the event.
func RebasedOf(ev *domain.Rebased) *Rebased {
	out := &Rebased{Old: ev.Old, Who: ev.Who, Why: ev.Why, Positions: []Begin{}, Unproven: []string{}}
	for _, p := range ev.Positions {
		out.Positions = append(out.Positions, Begin{Source: string(p.Source), Partition: p.Partition, Next: p.Next, How: p.How})
	}
	for i := range ev.Unproven {
		out.Unproven = append(out.Unproven, ev.Unproven[i].String())
	}
	return out
}

func printRebased(w io.Writer, r *Rebased) {
	if r == nil {
		return
	}
	fmt.Fprintf(w, "journal rebuilt in the place of %s by %s: %s\n", r.Old, r.Who, r.Why)
	for _, p := range r.Positions {
		fmt.Fprintf(w, "source %s partition %d before offset %d: of the journal before, not checked (%s)\n", p.Source, p.Partition, p.Next, p.How)
	}
	for _, u := range r.Unproven {
		fmt.Fprintln(w, "not proven when it was rebuilt:", u)
	}
}
