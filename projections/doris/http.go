package doris

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	// maxReply bounds a reply: they are a few hundred bytes.
	maxReply = 1 << 20
	// dialTimeout is for a host that does not answer at all.
	dialTimeout = 10 * time.Second
	// askTimeout bounds a question and a second phase: neither waits for data
	// (doris-wire.md §11.2).
	askTimeout = time.Minute
	// loadTimeout bounds a load, at Doris as well.
	loadTimeout = 10 * time.Minute
)

// errUnauthorized says that a front end does not know the user or the password.
var errUnauthorized = errors.New("user or password is not accepted")

// frontEnd speaks Doris's HTTP to one front end and to the back ends that it sends us
// to. It follows the 307 itself: net/http would lose the body or the credentials
// (doris-wire.md §1.9).
type frontEnd struct {
	base     string
	user     string
	password string
	client   *http.Client
}

// password reads the password anew: it may have changed since the last Open.
func (d *Doris) password() (string, error) {
	if d.cfg.PasswordFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(d.cfg.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read the password of Doris: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func newFrontEnd(base, user, password string) *frontEnd {
	return &frontEnd{
		base: strings.TrimRight(base, "/"), user: user, password: password,
		client: &http.Client{
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport: &http.Transport{
				DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
				// A busy front end may take longer than Go's second to answer; the body
				// must not be pushed to it meanwhile.
				ExpectContinueTimeout: time.Minute,
				WriteBufferSize:       64 << 10,
				DisableCompression:    true,
			},
		},
	}
}

func (f *frontEnd) close() { f.client.CloseIdleConnections() }

// errBodyWanted says that a front end wanted the body instead of answering 307. No byte
// was sent.
var errBodyWanted = errors.New("front end took the body instead of sending us to a back end")

type unsent struct{}

func (unsent) Read([]byte) (int, error) { return 0, errBodyWanted }

// put sends a request to the front end, follows one 307, and returns the reply of who
// answered, with that one's host. body is read at the back end only, and closed.
func (f *frontEnd) put(ctx context.Context, path string, header http.Header, body io.ReadCloser) (reply []byte, host string, err error) {
	defer body.Close()
	var first io.Reader = unsent{}
	if body == http.NoBody {
		first = http.NoBody
	}
	reply, host, location, err := f.hop(ctx, http.MethodPut, f.base+path, header, first)
	if err != nil || location == "" {
		return reply, host, err
	}
	reply, host, location, err = f.hop(ctx, http.MethodPut, location, header, body)
	if err == nil && location != "" {
		err = fmt.Errorf("back end %s sent us on once more", host)
	}
	return reply, host, err
}

// hop does one request. A 307 gives a location without the user information that the
// front end puts into it: the password is ours already and must not reach a log. Every
// error names the host and no URL.
func (f *frontEnd) hop(ctx context.Context, method, to string, header http.Header, body io.Reader) (reply []byte, host, location string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, to, body)
	if err != nil {
		return nil, "", "", errors.New("address of a front end or back end is none")
	}
	host = req.URL.Host
	req.Header = header.Clone()
	req.SetBasicAuth(f.user, f.password)
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, host, "", fmt.Errorf("%s: %w", host, scrub(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusTemporaryRedirect {
		u, err := resp.Location()
		if err != nil {
			return nil, host, "", fmt.Errorf("%s: 307 without a location that is one", host)
		}
		u.User = nil
		return nil, host, u.String(), nil
	}
	reply, err = io.ReadAll(io.LimitReader(resp.Body, maxReply))
	switch {
	case err != nil:
		return nil, host, "", fmt.Errorf("%s: read the reply: %w", host, err)
	case resp.StatusCode == http.StatusUnauthorized:
		return nil, host, "", fmt.Errorf("%s: %w", host, errUnauthorized)
	case resp.StatusCode != http.StatusOK:
		return nil, host, "", fmt.Errorf("%s: HTTP %s: %s", host, resp.Status, shown(reply))
	}
	return reply, host, "", nil
}

// scrub takes the URL out of a client's error: it may hold a user name.
func scrub(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// shown is a reply in an error.
func shown(reply []byte) []byte {
	reply = bytes.TrimSpace(reply)
	return reply[:min(len(reply), 1000)]
}
