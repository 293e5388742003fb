package reconcile

import (
	"context"
	"fmt"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/services/pipeline"
)

// MostAccepted is how many findings one request may accept: each is an event of its own.
const MostAccepted = 500

// Acceptance is the body of POST /v1/findings/accept.
type Acceptance struct {
	Findings []domain.FindingID `json:"findings" doc:"their ids" minItems:"1" maxItems:"500"`
	Who      string             `json:"who" doc:"the person who decides" minLength:"1" maxLength:"200"`
	Why      string             `json:"why" doc:"the reason; it stays in the journal and in every report" minLength:"1" maxLength:"2000"`
}

// acceptAll takes findings as they are, all or, where one of them is none, nothing. After an error
// some may be accepted: the same request accepts the others.
func acceptAll(ctx context.Context, opened []*pipeline.Open, by *Acceptance) ([]FindingReport, error) {
	of := map[domain.FindingID][]*journal.Control{}
	for _, o := range opened {
		o.Control.State(func(c *domain.ControlState) {
			for _, id := range by.Findings {
				if c.Findings[id] != nil {
					of[id] = append(of[id], o.Control)
				}
			}
		})
	}
	for _, id := range by.Findings {
		if len(of[id]) == 0 {
			return nil, huma.Error404NotFound(fmt.Sprintf("finding %s: no such finding in any pipeline here, and nothing was accepted; hefu findings lists them", id))
		}
	}
	for i, id := range by.Findings {
		for _, control := range of[id] {
			if err := accept(ctx, control, id, by); err != nil {
				return nil, huma.Error503ServiceUnavailable(fmt.Sprintf("accept finding %s, after %d of %d: %v; the same again accepts the others", id, i, len(by.Findings), err))
			}
		}
	}
	var out []FindingReport
	for _, f := range findings(opened) {
		if of[f.Finding.ID] != nil {
			out = append(out, f)
		}
	}
	return out, nil
}

// accept appends that a person takes a finding as it is. Said twice it stands once.
func accept(ctx context.Context, control *journal.Control, id domain.FindingID, by *Acceptance) error {
	_, err := control.Append(ctx, func(c *domain.ControlState) (domain.Event, error) {
		if a := c.Accepted[id]; a != nil && a.Who == by.Who && a.Why == by.Why {
			return nil, nil
		}
		return &domain.Accepted{Finding: id, Who: by.Who, Why: by.Why}, nil
	})
	return err
}
