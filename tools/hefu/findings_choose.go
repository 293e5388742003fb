package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile"
)

// findingChoice says which findings are meant: all conditions that are given hold at once.
type findingChoice struct {
	ids    []string // first digits of them
	report string   // a name or a file
	class  string
	where  string
}

func (q *findingChoice) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&q.report, "report", "", "only what this report found, by its name or its file")
	f.StringVar(&q.class, "class", "", "only of this class, as lost or doubled")
	f.StringVar(&q.where, "in", "", "only what is not as it should be in journal, hub or doris")
}

func (q *findingChoice) none() bool {
	return len(q.ids) == 0 && q.report == "" && q.class == "" && q.where == ""
}

// check refuses words that no finding has: a slip of the pen would choose nothing, or everything else.
func (q *findingChoice) check() error {
	classes := []string{"", string(domain.Lost), string(domain.Doubled), string(domain.Altered), string(domain.Strayed), string(domain.Reordered), string(domain.Swapped), string(domain.Former), string(domain.Unexplained)}
	if !slices.Contains(classes, q.class) {
		return fmt.Errorf("--class %s: want one of %s", q.class, strings.Join(classes[1:], ", "))
	}
	if !slices.Contains([]string{"", "journal", "hub", "doris"}, q.where) {
		return fmt.Errorf("--in %s: want journal, hub or doris", q.where)
	}
	return nil
}

// choose asks the running hefu for its findings and leaves those that are meant. What the report has
// and the journal has not is told to errs: it cannot be accepted.
func (q *findingChoice) choose(cmd *cobra.Command, cl *client, file string) ([]reconcile.FindingReport, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	var list []reconcile.FindingReport
	if err := cl.call(cmd.Context(), http.MethodGet, "/v1/findings", nil, &list); err != nil {
		return nil, err
	}
	whole, err := completeFindings(list, q.ids)
	if err != nil {
		return nil, err
	}
	reported, err := q.reported(file, list, cmd.ErrOrStderr())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(list, func(r reconcile.FindingReport) bool {
		f := &r.Finding
		return whole != nil && !whole[f.ID] || reported != nil && !reported[f.ID] ||
			q.class != "" && string(f.Class) != q.class || q.where != "" && f.Where != q.where
	}), nil
}

// completeFindings lets a person type the first digits of ids; nil: none is given.
func completeFindings(list []reconcile.FindingReport, prefixes []string) (map[domain.FindingID]bool, error) {
	if len(prefixes) == 0 {
		return nil, nil
	}
	whole := map[domain.FindingID]bool{}
	for _, prefix := range prefixes {
		found := map[domain.FindingID]bool{}
		for i := range list {
			if id := list[i].Finding.ID; strings.HasPrefix(id.String(), prefix) {
				found[id], whole[id] = true, true
			}
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("finding %s: %d findings begin so", prefix, len(found))
		}
	}
	return whole, nil
}

// reported are the findings of the report; nil: no report is given.
func (q *findingChoice) reported(file string, list []reconcile.FindingReport, errs io.Writer) (map[domain.FindingID]bool, error) {
	if q.report == "" {
		return nil, nil
	}
	v, err := readReport(file, q.report, nil)
	var bad *notVerified
	if errors.As(err, &bad) {
		return nil, fmt.Errorf("--report %s does not verify: %w", q.report, bad.why) // with exit code 2: 1 is of findings
	}
	if err != nil {
		return nil, err
	}
	known := map[domain.FindingID]bool{}
	for i := range list {
		known[list[i].Finding.ID] = true
	}
	out, unknown := map[domain.FindingID]bool{}, int64(0)
	for i := range v.Report.Findings {
		id := v.Report.Findings[i].ID
		if out[id] = true; !known[id] {
			unknown++
		}
	}
	if unknown > 0 {
		fmt.Fprintf(errs, "hefu: the report has %s that the looks of the running hefu did not come to: they are not in the journal\n", counted(unknown, "finding"))
	}
	if v.Report.More > 0 {
		fmt.Fprintf(errs, "hefu: the report counts %s more than it lists: they are not among these\n", counted(v.Report.More, "finding"))
	}
	return out, nil
}
