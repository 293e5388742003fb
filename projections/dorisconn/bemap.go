package dorisconn

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// targets reads a BEMap. Errors name the entry.
func targets(m map[string]string) (map[string]*url.URL, error) {
	to := map[string]*url.URL{}
	for from, at := range m {
		if _, _, err := net.SplitHostPort(from); err != nil {
			return nil, fmt.Errorf("be_map: %q is not host:port", from)
		}
		full := at
		if !strings.Contains(at, "://") {
			full = "//" + at
		}
		u, err := url.Parse(full)
		if err != nil || u.User != nil || u.Port() == "" || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Scheme != "" && !web(u.Scheme) {
			return nil, fmt.Errorf("be_map: %s leads to what is neither host:port nor http(s)://host:port", from)
		}
		to[from] = u
	}
	return to, nil
}

// reach rewrites the address of a back end to the one at which we reach it. Without an
// entry Doris is taken at its word.
func (c *Cluster) reach(u *url.URL) {
	to, ok := c.reached[u.Host]
	if !ok {
		return
	}
	u.Host = to.Host
	if to.Scheme != "" {
		u.Scheme = to.Scheme
	}
}
