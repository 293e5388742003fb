package clickhouseconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// oldest is the newest protocol that a server before 20.x and the client both speak: from
// 54032 on the server expects to be told about the client, which ch-go only does from 54420
// on.
const oldest = 54031

// Conn is a connection that logged in. It belongs to one goroutine, and is of no more use
// after an error of the network or the end of a context.
type Conn struct {
	client   *ch.Client
	raw      net.Conn
	address  string
	version  int // of the protocol, as it is spoken
	timeouts Timeouts
}

// Open connects to the first address that answers. The error names each of them.
func Open(ctx context.Context, cfg Config) (*Conn, error) {
	o, err := cfg.options()
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, address := range cfg.Addresses {
		c, err := cfg.connect(ctx, address, o)
		if err == nil {
			return c, nil
		}
		errs = append(errs, fmt.Errorf("connect to ClickHouse at %s: %w", address, err))
		if ctx.Err() != nil {
			break
		}
	}
	if len(errs) == 0 {
		return nil, errors.New("connect to ClickHouse: no address")
	}
	return nil, errors.Join(errs...)
}

// login is what each address is told.
type login struct {
	ch  ch.Options
	tls *tls.Config // nil: none
}

func (cfg Config) options() (login, error) {
	o := login{ch: ch.Options{
		ClientName: "hefu", User: cfg.User, Compression: ch.CompressionLZ4, ProtocolVersion: cfg.ProtocolVersion, ReadTimeout: ch.NoTimeout,
	}}
	if cfg.PasswordFile != "" {
		secret, err := os.ReadFile(cfg.PasswordFile)
		if err != nil {
			return o, fmt.Errorf("password of ClickHouse: %w", err)
		}
		o.ch.Password = strings.TrimRight(string(secret), "\r\n")
	}
	if cfg.TLS == nil {
		return o, nil
	}
	var err error
	o.tls, err = cfg.TLS.Config()
	return o, err
}

// connect logs in, once more with an older protocol where the server needs it.
func (cfg Config) connect(ctx context.Context, address string, o login) (*Conn, error) {
	c, err := cfg.dial(ctx, address, o)
	if err != nil {
		return nil, err
	}
	if c.version <= oldest || proto.FeatureClientWriteInfo.In(c.version) {
		return c, nil
	}
	c.Close()
	o.ch.ProtocolVersion = oldest
	return cfg.dial(ctx, address, o)
}

func (cfg Config) dial(ctx context.Context, address string, o login) (*Conn, error) {
	timeouts := cfg.Timeouts.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, timeouts.Dial)
	defer cancel()
	dial := cfg.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	client, err := hello(ctx, raw, address, o)
	if err != nil {
		_ = raw.Close() // ch-go has done so, or the server did
		return nil, because(ctx, err)
	}
	version := client.ServerInfo().Revision
	if o.ch.ProtocolVersion > 0 {
		version = min(version, o.ch.ProtocolVersion)
	}
	return &Conn{client: client, raw: raw, address: address, version: min(version, proto.Version), timeouts: timeouts}, nil
}

func hello(ctx context.Context, raw net.Conn, address string, o login) (*ch.Client, error) {
	conn := raw
	if o.tls != nil {
		conf := o.tls.Clone()
		if conf.ServerName == "" {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			conf.ServerName = host
		}
		secured := tls.Client(raw, conf)
		if err := secured.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secured
	}
	return ch.Connect(ctx, conn, o.ch)
}

// Close ends the connection.
func (c *Conn) Close() { _ = c.raw.Close() } // whatever was under way is unknown in any case

// do runs one query. ch-go does not notice the end of a context while it reads a block: the
// connection is broken off under it.
func (c *Conn) do(ctx context.Context, most time.Duration, q ch.Query) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	stop := context.AfterFunc(ctx, c.Close)
	defer stop()
	if err := c.client.Do(ctx, q); err != nil {
		return fmt.Errorf("ClickHouse at %s: %w", c.address, because(ctx, err))
	}
	return nil
}

// because names the end of a context where it is why: a connection only says that it broke,
// or that its time was up, which may be a moment before the context says so.
func because(ctx context.Context, err error) error {
	why := ctx.Err()
	if why == nil && errors.Is(err, os.ErrDeadlineExceeded) {
		why = context.DeadlineExceeded
	}
	if why == nil {
		return err
	}
	return fmt.Errorf("%w: %w", why, err)
}

// Exec runs a statement that has no result.
func (c *Conn) Exec(ctx context.Context, statement string) error {
	return c.do(ctx, c.timeouts.Ask, ch.Query{Body: statement})
}

// Ask runs a query; each is called for each block of its result, which is then in into, until
// the next one.
func (c *Conn) Ask(ctx context.Context, query string, into proto.Results, each func() error) error {
	return c.do(ctx, c.timeouts.Ask, ch.Query{Body: query, Result: into, OnResult: func(_ context.Context, b proto.Block) error {
		if b.Rows == 0 {
			return nil
		}
		return each()
	}})
}

// Insert puts a block into a table as one, if all its rows belong to one partition. A server
// that Deduplicates takes the block of a token once. An error means unknown.
func (c *Conn) Insert(ctx context.Context, table string, block proto.Input, token string) error {
	q := ch.Query{Body: "INSERT INTO " + table + " " + block.Columns() + " VALUES", Input: block}
	if c.Deduplicates() {
		q.Settings = []ch.Setting{
			{Key: "insert_deduplicate", Value: "1", Important: true},
			{Key: "insert_deduplication_token", Value: token, Important: true},
			{Key: "async_insert", Value: "0", Important: true}, // its answer would come before the rows
		}
	}
	return c.do(ctx, c.timeouts.Insert, q)
}
