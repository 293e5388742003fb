package doris_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/mysql"

	"github.com/hefu-io/hefu/services/devstack/doris"
)

// rawClient is a MySQL client that says what a test wants it to say.
type rawClient struct {
	t    *testing.T
	conn net.Conn
	salt []byte
}

// greeted dials and reads the greeting.
func greeted(t *testing.T, s *standIn) *rawClient {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.MySQLAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &rawClient{t: t, conn: conn}
	p := c.read()
	at := 1 + len("5.7.99") + 1 + 4
	c.salt = append(append(c.salt, p[at:at+8]...), p[at+8+19:at+8+19+12]...)
	return c
}

func (c *rawClient) read() []byte {
	c.t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(c.conn, head[:]); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Error("the server waits for more")
		}
		return nil // hung up
	}
	p := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	if _, err := io.ReadFull(c.conn, p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *rawClient) write(seq byte, p []byte) {
	_, _ = c.conn.Write(append([]byte{byte(len(p)), byte(len(p) >> 8), 0, seq}, p...)) // the server may have hung up
}

// response is HandshakeResponse41.
func response(capabilities uint32, user string, auth []byte, tail ...string) []byte {
	p := binary.LittleEndian.AppendUint32(nil, capabilities|mysql.CLIENT_PROTOCOL_41|mysql.CLIENT_SECURE_CONNECTION)
	p = append(p, make([]byte, 28)...)
	p = append(append(append(p, user...), 0, byte(len(auth))), auth...)
	for _, s := range tail {
		p = append(append(p, s...), 0)
	}
	return p
}

// TestAuthSwitch: a client that scrambled for another plugin is asked again.
func TestAuthSwitch(t *testing.T) {
	s := open(t, doris.Config{User: "u1", Password: "right"})
	for password, first := range map[string]byte{"right": mysql.OK_HEADER, "wrong": mysql.ERR_HEADER} {
		c := greeted(t, s)
		c.write(1, response(mysql.CLIENT_PLUGIN_AUTH, "u1", bytes.Repeat([]byte{7}, 32), "caching_sha2_password"))
		asked := c.read()
		want := append(append([]byte("\xfemysql_native_password\x00"), c.salt...), 0)
		if !bytes.Equal(asked, want) {
			t.Fatalf("%q, want %q", asked, want)
		}
		c.write(3, mysql.CalcPassword(c.salt, []byte(password)))
		if got := c.read(); len(got) == 0 || got[0] != first {
			t.Errorf("%s password: %q", password, got)
		}
	}
}

// TestNoHandshake: what is no handshake ends the connection, and nobody else's.
func TestNoHandshake(t *testing.T) {
	s := open(t, doris.Config{})
	whole := response(mysql.CLIENT_CONNECT_WITH_DB, "root", nil, "db")
	for name, p := range map[string][]byte{
		"nothing": {}, "TLS": whole[:32], "no user": whole[:33], "no password": whole[:37], "a password that is cut": append(whole[:37:37], 20, 1),
		"a database that is cut": whole[:len(whole)-1], "MySQL 4.0": append(make([]byte, 32), whole[32:]...),
	} {
		c := greeted(t, s)
		c.write(1, p)
		if got := c.read(); got != nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	c := greeted(t, s)
	_, _ = c.conn.Write([]byte{0xff, 0xff, 0xff, 1}) // and a packet of 16 MiB is not waited for
	if got := c.read(); got != nil {
		t.Errorf("huge: %q", got)
	}
	if got := only(s.rows("SELECT 1")); got != "1" {
		t.Error(got)
	}
}
