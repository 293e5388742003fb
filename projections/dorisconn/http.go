package dorisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// maxReply bounds a reply: they are a few hundred bytes.
const maxReply = 1 << 20

// errBodyWanted says that a front end wanted the body instead of answering 307. No byte
// was sent.
var errBodyWanted = errors.New("front end took the body instead of sending us to a back end")

type unsent struct{}

func (unsent) Read([]byte) (int, error) { return 0, errBodyWanted }

// reply is what a host answered to one request: a body, or the place of a 307.
type reply struct {
	host     string
	raw      []byte
	location *url.URL // without user information
}

// put sends a request to a front end, follows one 307, and returns the reply of who
// answered; front says that this was a front end, or nobody: then nothing has begun. body
// is read at the back end only, and closed. What may have reached a back end is never
// sent again.
func (c *Cluster) put(ctx context.Context, path string, header http.Header, body io.ReadCloser) (r reply, front bool, err error) {
	defer body.Close()
	var first io.Reader = unsent{}
	if body == http.NoBody {
		first = http.NoBody
	}
	r, err = c.toBackEnd(ctx, path, header, first)
	if err != nil || r.location == nil {
		return r, true, err
	}
	c.reach(r.location)
	r, err = c.hop(ctx, http.MethodPut, r.location.String(), header, body)
	if err == nil && r.location != nil {
		err = fmt.Errorf("back end %s sent us on once more", r.host)
	}
	return r, false, err
}

// hop does one request. A 307 gives a location without the user information that the
// front end puts into it: the password is ours already and must not reach a log. Every
// error names the host and no URL.
func (c *Cluster) hop(ctx context.Context, method, to string, header http.Header, body io.Reader) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return reply{}, errors.New("address of a front end or back end is none")
	}
	r := reply{host: req.URL.Host}
	req.Header = header.Clone()
	req.SetBasicAuth(c.user, c.password)
	// net/http sends the body even after a final answer to keep the connection alive; a
	// front end's 307 would be followed by it.
	req.Close = body != nil
	resp, err := c.client.Do(req)
	if err != nil {
		return r, fmt.Errorf("%s: %w", r.host, c.harmless(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTemporaryRedirect {
		r.location, err = resp.Location()
		if err != nil || r.location.Host == "" || !web(r.location.Scheme) {
			r.location = nil
			return r, fmt.Errorf("%s: 307 without a location that is one", r.host)
		}
		r.location.User = nil
		return r, nil
	}
	r.raw, err = io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("%s: read the reply: %w", r.host, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return r, fmt.Errorf("%s: %w", r.host, ErrUnauthorized)
	case resp.StatusCode != http.StatusOK:
		return r, fmt.Errorf("%s: HTTP status %d: %s", r.host, resp.StatusCode, c.shown(r.raw))
	case len(r.raw) > maxReply:
		return r, fmt.Errorf("%s: reply is longer than %d bytes", r.host, maxReply)
	}
	return r, nil
}

func web(scheme string) bool { return scheme == "http" || scheme == "https" }
