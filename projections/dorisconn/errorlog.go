package dorisconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// logPath is where back ends keep error logs. A cluster that puts them into an object
// store names an address that is signed already and must not see our password.
const logPath = "/api/_load_error_log"

// ErrorLog fetches the error log that an answer's ErrorURL names, of it at most the first
// limit bytes: a line for each bad row, "Reason: … src line [ … ];" (doris-wire.md §8.2).
// Back ends keep it for days only. Errors name the host: ErrUnauthorized.
func (c *Cluster) ErrorLog(ctx context.Context, at string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	u, err := url.Parse(at)
	if err != nil || !web(u.Scheme) || u.Host == "" {
		return nil, errors.New("fetch an error log: its address is not one of http or https")
	}
	u.User = nil
	c.reach(u)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("fetch an error log: its address is none")
	}
	if u.Path == logPath {
		req.SetBasicAuth(c.user, c.password)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch an error log from %s: %w", u.Host, c.harmless(err))
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusUnauthorized:
		return nil, fmt.Errorf("fetch an error log from %s: %w", u.Host, ErrUnauthorized)
	default:
		return nil, fmt.Errorf("fetch an error log from %s: HTTP status %d", u.Host, resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil {
		return nil, fmt.Errorf("read an error log from %s: %w", u.Host, err)
	}
	return text, nil
}
