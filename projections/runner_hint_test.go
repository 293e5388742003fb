package projections_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHint: what a leg knows about its errors is said with them.
func TestHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRun(t, step{open: errors.New("broker is gone")})
		r.runner.Explain = func(err error) string { return "look at " + err.Error() }
		r.during(t, 2*time.Second, nil)
		if said := r.log.String(); !strings.Contains(said, `error="broker is gone" hint="look at broker is gone"`) {
			t.Errorf("said %s", said)
		}
	})
}
