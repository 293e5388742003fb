package dorisconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// ErrUnauthorized says that a front end does not know the user or the password.
var ErrUnauthorized = errors.New("user or password is not accepted")

// Cluster speaks with one Doris cluster. It is safe for concurrent use.
type Cluster struct {
	cfg            Config
	user, password string
	secrets        []string // what no text may show
	fe, mysql      *addresses
	table          *table
	tls            *tls.Config
	reached        map[string]*url.URL // BEMap
	client         *http.Client
}

// Open reads the files that cfg names. Nothing is connected.
func Open(cfg Config) (*Cluster, error) {
	if len(cfg.FE) == 0 || len(cfg.MySQL) == 0 {
		return nil, errors.New("doris: no address of a front end")
	}
	cfg.Timeouts = cfg.Timeouts.WithDefaults()
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: cfg.Timeouts.Dial}).DialContext
	}
	c := &Cluster{
		cfg: cfg, user: cfg.User, table: newTable(answers()),
		fe: newAddresses(cfg.FE, cfg.Now), mysql: newAddresses(cfg.MySQL, cfg.Now),
	}
	var err error
	if c.tls, err = cfg.TLS.config(); err != nil {
		return nil, fmt.Errorf("doris: %w", err)
	}
	if c.reached, err = targets(cfg.BEMap); err != nil {
		return nil, fmt.Errorf("doris: %w", err)
	}
	if c.password, err = secret(cfg.PasswordFile); err != nil {
		return nil, fmt.Errorf("read the password of Doris: %w", err)
	}
	if cfg.UserFile != "" {
		if c.user, err = secret(cfg.UserFile); err != nil {
			return nil, fmt.Errorf("read the user of Doris: %w", err)
		}
	}
	if c.user == "" {
		c.user = "root"
	}
	c.secrets = secretForms(c.user, c.password)
	c.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         c.dialLoad,
			TLSClientConfig:     c.tls,
			TLSHandshakeTimeout: cfg.Timeouts.Dial,
			// A busy host may take longer than Go's second to answer; the body must not
			// be pushed to it meanwhile. Longer than any wait for a front end.
			ExpectContinueTimeout:  max(cfg.Timeouts.Ask, cfg.Timeouts.Load),
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			WriteBufferSize:        64 << 10,
			DisableCompression:     true,
		},
	}
	return c, nil
}

// secret is the content of a file without its line end.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	return strings.TrimRight(string(b), "\r\n"), err
}

// Close gives the connections back.
func (c *Cluster) Close() { c.client.CloseIdleConnections() }

// dial bounds a connection attempt, whoever makes it.
func (c *Cluster) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Dial)
	defer cancel()
	return c.cfg.Dial(ctx, network, address)
}
