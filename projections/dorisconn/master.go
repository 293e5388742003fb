package dorisconn

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
)

// frontEnd is a row of SHOW FRONTENDS (doris-wire.md §8.4).
type frontEnd struct {
	host, port        string // HTTP
	master, connected bool   // connected: it is the one that we speak with
}

// Master is host:port of the master's HTTP, as the front ends know it. Reading that takes
// a privilege on the nodes in most versions. Errors: ErrUnauthorized.
func (c *Cluster) Master(ctx context.Context) (host string, err error) {
	var all error
	for _, address := range c.mysql.order() {
		host, err = c.masterFrom(ctx, address)
		if err == nil {
			c.mysql.answered(address)
			return host, nil
		}
		all = also(all, fmt.Errorf("ask front end %s for the master: %w", c.shown([]byte(address)), err))
		if ctx.Err() != nil {
			return "", all
		}
		if broken(err) {
			c.mysql.failed(address)
		}
	}
	return "", all
}

func (c *Cluster) masterFrom(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeouts.Ask)
	defer cancel()
	db, err := c.open(address)
	if err != nil {
		return "", err
	}
	defer db.Close() // nothing was written
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", c.unauthorized(err)
	}
	defer conn.Close()
	all, err := showFrontEnds(ctx, conn)
	if err != nil {
		return "", c.unauthorized(err)
	}
	host := ""
	for _, f := range all {
		if f.master && host != "" {
			return "", errors.New("it names two masters")
		}
		if f.master {
			host = net.JoinHostPort(f.host, f.port)
		}
	}
	if host == "" {
		return "", errors.New("it knows of none")
	}
	return host, nil
}

// isMaster demands that the front end at the other end is the master. Doris compares
// hosts only when it marks the one that is connected, so all that it marks must be.
func isMaster(ctx context.Context, conn *sql.Conn) error {
	all, err := showFrontEnds(ctx, conn)
	if err != nil {
		return err
	}
	is := false
	for _, f := range all {
		if f.connected && !f.master {
			return errors.New("it is not the master")
		}
		is = is || f.connected
	}
	if !is {
		return errors.New("it does not say which front end it is")
	}
	return nil
}

// showFrontEnds reads the columns by their names: versions have different ones.
func showFrontEnds(ctx context.Context, conn *sql.Conn) (all []frontEnd, err error) {
	rows, err := conn.QueryContext(ctx, "SHOW FRONTENDS")
	if err != nil {
		return nil, fmt.Errorf("show front ends: %w", err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("show front ends: %w", err)
	}
	cells := make([]sql.NullString, len(names))
	to := make([]any, len(names))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, fmt.Errorf("show front ends: %w", err)
		}
		var f frontEnd
		for i, name := range names {
			switch cell := cells[i].String; strings.ToLower(name) {
			case "host", "ip":
				f.host = cell
			case "httpport":
				f.port = cell
			case "ismaster":
				f.master = strings.EqualFold(cell, "true")
			case "currentconnected":
				f.connected = strings.EqualFold(cell, "yes")
			}
		}
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("show front ends: %w", err)
	}
	return all, nil
}
