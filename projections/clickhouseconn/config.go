// Package clickhouseconn is how Hefu speaks with ClickHouse: its native protocol by ch-go. It
// knows servers from 18.16 on, and decides nothing about rows.
package clickhouseconn

import (
	"context"
	"net"
	"time"

	"github.com/hefu-io/hefu/projections/tlsconn"
)

// Config says how to reach one ClickHouse. Secrets are paths of files and never part of an
// error text.
type Config struct {
	Addresses    []string // host:port of the native protocol; the first one that answers is used
	User         string   // empty: default
	PasswordFile string   // read anew by each Open; empty: no password
	TLS          *tlsconn.Files
	// ProtocolVersion is spoken at most; 0: the newest that both sides know. See oldest.
	ProtocolVersion int
	Timeouts        Timeouts
	// Dial makes the connections; nil: the host's network. Tests set it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Timeouts bound what is waited for; a zero takes the default.
type Timeouts struct {
	Dial   time.Duration // for an address, its TLS and its login; 0: 10 s
	Ask    time.Duration // a question or a statement; 0: 2 min
	Insert time.Duration // a block; 0: 5 min
}

func (t Timeouts) withDefaults() Timeouts {
	for _, d := range []struct {
		at   *time.Duration
		most time.Duration
	}{{&t.Dial, 10 * time.Second}, {&t.Ask, 2 * time.Minute}, {&t.Insert, 5 * time.Minute}} {
		if *d.at <= 0 {
			*d.at = d.most
		}
	}
	return t
}
