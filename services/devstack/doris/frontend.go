package doris

import (
	"net"
)

// frontEnd is one front end: an HTTP and a MySQL port. All of them share the cluster's metadata; one is the master.
type frontEnd struct {
	*Server
	node
	n int // place in Server.fes
}

func (f *frontEnd) start() { f.life.serve(f.handler(), newMySQLPort(f, f.life.ports[1])) }

// isMaster needs the server's lock.
func (f *frontEnd) isMaster() bool { return f.master == f.n }

// member is a process of the cluster as SHOW FRONTENDS and SHOW BACKENDS list it.
type member struct {
	id     int64
	host   string
	http   string // port
	sql    string // port, of front ends
	alive  bool
	master bool
}

// frontEnds lists the front ends; the server's lock must be held.
func (s *Server) frontEnds() []member {
	all := make([]member, 0, len(s.fes))
	for _, f := range s.fes {
		m := member{id: int64(f.n) + 1, alive: f.up, master: f.isMaster()}
		m.host, m.http, _ = net.SplitHostPort(f.addrs[0]) // it was listened at
		_, m.sql, _ = net.SplitHostPort(f.addrs[1])
		all = append(all, m)
	}
	return all
}

// backEnds lists the back ends; the server's lock must be held.
func (s *Server) backEnds() []member {
	all := make([]member, 0, len(s.bes))
	for _, b := range s.bes {
		m := member{id: b.id, alive: b.up}
		m.host, m.http, _ = net.SplitHostPort(b.announced())
		all = append(all, m)
	}
	return all
}

// pick is the back end whose turn it is among those that are up; ok is false when there is none. A front end whose
// heartbeat lags may name one that is gone.
func (s *Server) pick() (b *backEnd, ok bool) {
	_, lags := s.faults.take(LateHeartbeat)
	s.mu.Lock()
	defer s.mu.Unlock()
	for range s.bes {
		b = s.bes[s.turn%len(s.bes)]
		s.turn++
		if b.up || lags {
			return b, true
		}
	}
	return nil, false
}
