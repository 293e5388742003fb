package doris

import (
	"context"
	"log/slog"
	"net"
	"time"
)

// Banner is what the stand-in calls itself wherever a version is asked for.
const Banner = "Hefu stand-in for Apache Doris (not Doris)"

// mysqlVersion is the version text of the MySQL greeting, as real front ends give it.
const mysqlVersion = "5.7.99"

// Config says where a stand-in lives. Addresses may have port 0.
type Config struct {
	Dir       string // everything it keeps; made when missing; one process at a time
	FEAddr    string // HTTP of the first front end, default 127.0.0.1:0
	BEAddr    string // HTTP of the first back end, default 127.0.0.1:0
	MySQLAddr string // SQL of the first front end, default 127.0.0.1:0

	// FrontEnds and BackEnds say how many there are, default 1. The others take the ports after the first one's.
	FrontEnds, BackEnds int

	// BEAnnounce is the host:port of the first back end as redirects and lists name it; default is where it listens,
	// which is of no use to others when that is 0.0.0.0. The others have the ports after it.
	BEAnnounce string

	// ControlAddr is where the control endpoint listens (see control.go): a loopback address; empty = there is none.
	ControlAddr string

	// User and Password are let in beside root, whose password is empty.
	User, Password string

	PublishDelay time.Duration    // between COMMITTED and VISIBLE
	Limits       *Limits          // nil = DefaultLimits
	TimeZone     string           // the cluster's time_zone, default Asia/Shanghai
	Now          func() time.Time // clock of transactions, default time.Now
	Log          *slog.Logger     // default: nothing is logged
	// Listen opens every port, and opens it again at the same address when a node that was stopped starts; default:
	// the host's network. Simulations set it.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
}

func (c Config) withDefaults() Config {
	for _, a := range []*string{&c.FEAddr, &c.BEAddr, &c.MySQLAddr} {
		if *a == "" {
			*a = "127.0.0.1:0"
		}
	}
	c.FrontEnds, c.BackEnds = max(c.FrontEnds, 1), max(c.BackEnds, 1)
	if c.Listen == nil {
		c.Listen = new(net.ListenConfig).Listen
	}
	if c.Limits == nil {
		limits := DefaultLimits()
		c.Limits = &limits
	}
	if c.TimeZone == "" {
		c.TimeZone = "Asia/Shanghai"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}
