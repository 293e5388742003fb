package doris_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections"
)

// TestPrivileges: a user that may not load, or not read, is told which statement gives
// it the privilege, and nothing is begun.
func TestPrivileges(t *testing.T) {
	const grant = "GRANT SELECT_PRIV, LOAD_PRIV ON `ods`.* TO 'loader'@'%';"
	for name, c := range map[string]struct {
		change func(*world)
		says   []string
	}{
		"load": {func(w *world) { w.cfg.Conn.FE = []string{mayNotLoad(w)} }, []string{"may not load into: ", "Load_priv"}},
		"read": {func(w *world) { w.cfg.Conn.MySQL = []string{mayNotRead(w)} }, []string{"may not read: ", "SELECT command denied"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, unique)
			c.change(w)
			w.Feed()
			err := <-w.start().done
			var refused *projections.Refusal
			if !errors.As(err, &refused) || !contains(err.Error(), append(c.says, grant)...) {
				t.Errorf("ended with %v", err)
			}
			if all := events[*domain.DorisBegun](w); len(all) > 0 {
				t.Errorf("begun: %+v", all)
			}
			w.keepsSecrets()
		})
	}
}

// mayNotLoad is a front end that refuses a load as it was seen to (doris-wire.md §11.1,
// 21).
func mayNotLoad(w *world) string {
	to := proxy(w.t, w.s.FEURL())
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_stream_load") {
			_, _ = rw.Write([]byte(`{"status":"FAILED","msg":"Access denied; you need (at least one of) the Admin_priv,Load_priv privilege(s) for this operation"}`))
			return
		}
		to.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(s.Close)
	return s.URL
}

// mayNotRead is the address of an SQL port that refuses to read from the database, as
// ErrorCode.java has it.
func mayNotRead(w *world) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(w.t, err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { refuseReads(client, w.s.MySQLAddr()) })
		}
	})
	w.t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String()
}

// refuseReads passes the packets of one client on, but for what reads the table.
func refuseReads(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() { _, _ = io.Copy(client, server) })
	defer back.Wait()
	defer server.Close()
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(client, head); err != nil {
			return
		}
		body := make([]byte, binary.LittleEndian.Uint32(append(head[:3:3], 0)))
		if _, err := io.ReadFull(client, body); err != nil {
			return
		}
		to, answer := server, append(head, body...)
		if bytes.HasPrefix(body, []byte("\x03SELECT ")) && bytes.Contains(body, []byte("FROM `ods`")) {
			refusal := "\xff\x76\x04#42000SELECT command denied to user 'loader'@'127.0.0.1' for table 'ods: ODS_QL_JC_SSJC'"
			to, answer = client, append([]byte{byte(len(refusal)), 0, 0, head[3] + 1}, refusal...)
		}
		if _, err := to.Write(answer); err != nil {
			return
		}
	}
}
