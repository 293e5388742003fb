package doris

// firstBackEnd is the id of the first back end, in the range where clusters begin to count.
const firstBackEnd = 10001

// backEnd is one back end: it takes loads and second phases over HTTP, and asks the master to begin and to decide.
type backEnd struct {
	*Server
	node
	id int64
	n  int // place in Server.bes
}

func (b *backEnd) start() { b.life.serve(b.handler(), nil) }

// announced is host:port of the back end for clients.
func (b *backEnd) announced() string {
	if b.cfg.BEAnnounce != "" {
		return nth(b.cfg.BEAnnounce, b.n)
	}
	return b.addrs[0]
}

func (b *backEnd) url() string { return "http://" + b.announced() }

// noMaster answers requests that need a master while no front end is up.
func noMaster() error {
	return &argError{"THRIFT_RPC_ERROR", "failed to call frontend service, FE address=127.0.0.1:9020, reason: connect() failed: Connection refused"}
}

// ask is a call to the master, with the server's lock held. A back end that was stopped meanwhile asks nothing any
// more: its connections are gone, and what it had not decided stays undecided.
func (b *backEnd) ask(call func(*Engine) error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.up:
		return errHangUp
	case b.master == nobody:
		return noMaster()
	}
	return call(b.engine)
}
