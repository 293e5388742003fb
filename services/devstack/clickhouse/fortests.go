package clickhouse

import (
	"context"
	"errors"
	"os"
)

// ErrNotAsked means that HEFU_TEST_CLICKHOUSE is not set.
var ErrNotAsked = errors.New("HEFU_TEST_CLICKHOUSE is not set")

// ForTests is the server that HEFU_TEST_CLICKHOUSE asks for: one that runs, as host:port, whose
// user default has no password; or one of the caller's own under dir, where it is "launch".
// Stop ends the latter; own is nil for the former. Errors: ErrNotAsked, ErrNotInstalled, for
// which a test is skipped, and Start's.
func ForTests(ctx context.Context, dir string) (addr string, own *Server, err error) {
	switch asked := os.Getenv("HEFU_TEST_CLICKHOUSE"); asked {
	case "":
		return "", nil, ErrNotAsked
	case "launch":
		s, err := Start(ctx, dir, 0)
		if err != nil {
			return "", nil, err
		}
		return s.Addr(), s, nil
	default:
		return asked, nil, nil
	}
}

// Skips says whether an error of ForTests is a reason to skip a test.
func Skips(err error) bool { return errors.Is(err, ErrNotAsked) || errors.Is(err, ErrNotInstalled) }
