package journal_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/hefu-io/hefu/journal"
	"github.com/hefu-io/hefu/journal/journaltest"
)

func TestJetStreamClusterKeepsTheContract(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster of three takes seconds")
	}
	store := newStore(t, dial(t, startCluster(t)), 3)
	journaltest.Run(t, func(*testing.T) journal.Store { return store })
}

// startCluster runs three servers in this process and gives their addresses.
func startCluster(t *testing.T) string {
	t.Helper()
	routes := make([]*url.URL, 3)
	for i, port := range freePorts(t, len(routes)) {
		routes[i] = &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	}
	nodes := make([]*server.Server, 3)
	addresses := make([]string, 3)
	for i := range nodes {
		host, port, _ := net.SplitHostPort(routes[i].Host)
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), Routes: routes, Cluster: server.ClusterOpts{Name: "c", Host: host},
		}
		_, _ = fmt.Sscan(port, &o.Cluster.Port)
		ns, err := server.NewServer(o)
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = ns
		ns.Start()
		t.Cleanup(func() { stopServer(ns) })
	}
	deadline := time.Now().Add(time.Minute)
	for i, ns := range nodes {
		if !ns.ReadyForConnections(time.Minute) {
			t.Fatal("server is not ready")
		}
		for !ns.JetStreamIsCurrent() || len(ns.JetStreamClusterPeers()) < 3 && ns.JetStreamIsLeader() {
			if time.Now().After(deadline) {
				t.Fatal("the cluster found no leader")
			}
			<-time.After(20 * time.Millisecond)
		}
		addresses[i] = ns.ClientURL()
	}
	return strings.Join(addresses, ",")
}

// freePorts are held until all are found, or one could be given out twice.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}
