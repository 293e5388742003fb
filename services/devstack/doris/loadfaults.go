package doris

import (
	"fmt"
	"io"
	"net/http"
)

// timedOut is what a back end says whose call to the front end took too long, whether it came to something or not.
func timedOut() error {
	return &argError{"THRIFT_RPC_ERROR", "failed to call frontend service, FE address=127.0.0.1:9020, reason: THRIFT_EAGAIN (timed out)"}
}

// failedLoad is fail-load, after the body was read.
func (f *Faults) failedLoad() error {
	a, hit := f.take(FailLoad)
	if !hit {
		return nil
	}
	return &qualityError{orElse(a.Text, "[INTERNAL_ERROR]the stand-in was told to fail this load")}
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// tooManyText is what a back end says that is to open a tablet for a load's first row.
const tooManyText = "[E-235]failed to init rowset builder. version count: 2001, exceed limit: 2000, tablet: 10145. " +
	"Please reduce the frequency of loading data or adjust the max_tablet_version_num or time_series_max_tablet_version_num " +
	"in be.conf to a larger value."

// brokenBody is a body of which only the first bytes can be read.
type brokenBody struct {
	io.ReadCloser
	left int64
	err  error
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// refusedBody fails once and goes on: the load is lost, and the sender gets rid of the rest.
type refusedBody struct {
	io.ReadCloser
	err error
}

func (b *refusedBody) Read(p []byte) (int, error) {
	if err := b.err; err != nil {
		b.err = nil
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// firstBytes is how much of a body without a length comes before its middle.
const firstBytes = 64

// body is the body of a load under the faults that end it early.
func (f *Faults) body(r *http.Request) io.ReadCloser {
	if a, hit := f.take(TooManyVersions); hit {
		return &refusedBody{r.Body, &qualityError{orElse(a.Text, tooManyText)}}
	}
	if _, hit := f.take(ResetBody); hit {
		err := fmt.Errorf("[CANCELLED]the sender is gone: %w", errHangUp)
		if r.ContentLength >= 0 {
			return &brokenBody{r.Body, r.ContentLength / 2, err}
		}
		return &brokenBody{r.Body, firstBytes, err}
	}
	return r.Body
}
