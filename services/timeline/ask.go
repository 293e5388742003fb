package timeline

import (
	"fmt"
	"time"

	"github.com/hefu-io/hefu/domain"
)

// Slow is what counts as unusually long where nobody says otherwise.
const Slow = 30 * time.Second

// Ask is what is to be told.
type Ask struct {
	From, To domain.Micros // To is not part of it
	// Slow is how long a load may take from prepared to committed, a row from its fetch to
	// being visible, and a partition without an event while others have some.
	Slow time.Duration
}

// AskError says what is wrong with an Ask.
type AskError struct{ Reason string }

// Error is the reason.
func (e *AskError) Error() string { return e.Reason }

// Check demands a window. Errors: *AskError.
func (a *Ask) Check() error {
	switch {
	case a.From >= a.To:
		return &AskError{"the window ends before it begins"}
	case a.Slow <= 0:
		return &AskError{fmt.Sprintf("slow is %s: want a time above 0", a.Slow)}
	}
	return nil
}

func (a *Ask) slow() domain.Micros { return domain.Micros(a.Slow.Microseconds()) }
