package doris

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/go-mysql-org/go-mysql/mysql"
)

// greeting is what front ends from 2.1 to 4.0 advertise; in particular no DEPRECATE_EOF and no length-encoded
// authentication, so clients must speak the older forms (doris-wire.md §11.1, 8).
const greeting uint32 = mysql.CLIENT_LONG_FLAG | mysql.CLIENT_CONNECT_WITH_DB | mysql.CLIENT_LOCAL_FILES |
	mysql.CLIENT_PROTOCOL_41 | mysql.CLIENT_SECURE_CONNECTION | mysql.CLIENT_PLUGIN_AUTH

const charsetUTF8 = 33

// handshake is the beginning of a MySQL connection, up to the answer to a login. It is spoken here because go-mysql
// chooses capabilities, order of checks and words of its own.
type handshake struct {
	conn io.ReadWriter
	in   *bufio.Reader
	id   uint32 // of the connection
	salt []byte
	seq  byte // of the next packet to write

	user, db, plugin string
	auth             []byte // the scrambled password
}

var errHandshake = errors.New("not a handshake response of MySQL 4.1 or later")

// maxHandshake bounds what a client may say before it is let in.
const maxHandshake = 64 << 10

func (h *handshake) write(payload []byte) error {
	head := []byte{byte(len(payload)), byte(len(payload) >> 8), byte(len(payload) >> 16), h.seq}
	h.seq++
	_, err := h.conn.Write(append(head, payload...))
	return err
}

func (h *handshake) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(h.in, head[:]); err != nil {
		return nil, err
	}
	n := int(head[0]) | int(head[1])<<8 | int(head[2])<<16
	if n > maxHandshake {
		return nil, errHandshake
	}
	h.seq = head[3] + 1
	p := make([]byte, n)
	_, err := io.ReadFull(h.in, p)
	return p, err
}

func (h *handshake) greet() error {
	h.salt = mysql.RandomBuf(20)
	p := append([]byte{10}, mysqlVersion...)
	p = append(p, 0)
	p = binary.LittleEndian.AppendUint32(p, h.id)
	p = append(append(p, h.salt[:8]...), 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(greeting&0xffff))
	p = append(p, charsetUTF8, 0, 0) // and no status
	p = binary.LittleEndian.AppendUint16(p, uint16(greeting>>16))
	p = append(p, byte(len(h.salt)+1))
	p = append(p, make([]byte, 10)...)
	p = append(append(p, h.salt[8:]...), 0)
	return h.write(append(append(p, mysql.AUTH_NATIVE_PASSWORD...), 0))
}

// response reads who the client is, and asks it again when it scrambled the password in another way.
func (h *handshake) response() error {
	p, err := h.read()
	if err != nil {
		return err
	}
	if err := h.parse(p); err != nil {
		return err
	}
	if h.plugin == "" || h.plugin == mysql.AUTH_NATIVE_PASSWORD {
		return nil
	}
	switched := append(append([]byte{mysql.EOF_HEADER}, mysql.AUTH_NATIVE_PASSWORD...), 0)
	if err := h.write(append(append(switched, h.salt...), 0)); err != nil {
		return err
	}
	h.auth, err = h.read()
	return err
}

// parse reads HandshakeResponse41. What may follow the plugin's name is of no interest.
func (h *handshake) parse(p []byte) error {
	const fixed = 4 + 4 + 1 + 23 // capabilities, packet size, character set, filler
	if len(p) <= fixed {
		return errHandshake // TLS, which nobody offered, or something older
	}
	capabilities := binary.LittleEndian.Uint32(p)
	if capabilities&mysql.CLIENT_PROTOCOL_41 == 0 || capabilities&mysql.CLIENT_SECURE_CONNECTION == 0 {
		return errHandshake
	}
	p = p[fixed:]
	var ok bool
	if h.user, p, ok = untilNUL(p); !ok || len(p) == 0 || len(p) <= int(p[0]) {
		return errHandshake
	}
	h.auth, p = p[1:1+int(p[0])], p[1+int(p[0]):]
	if capabilities&mysql.CLIENT_CONNECT_WITH_DB != 0 && len(p) > 0 {
		if h.db, p, ok = untilNUL(p); !ok {
			return errHandshake
		}
	}
	if capabilities&mysql.CLIENT_PLUGIN_AUTH != 0 {
		h.plugin, _, _ = untilNUL(p)
	}
	return nil
}

func untilNUL(p []byte) (text string, rest []byte, ok bool) {
	head, rest, ok := bytes.Cut(p, []byte{0})
	return string(head), rest, ok
}

// denied is error 1045 in a front end's words (doris-wire.md §11.1, 14).
func (h *handshake) denied(from net.Addr) *mysql.MyError {
	using := "NO"
	if len(h.auth) > 0 {
		using = "YES"
	}
	return &mysql.MyError{
		Code: mysql.ER_ACCESS_DENIED_ERROR, State: "28000",
		Message: fmt.Sprintf("Access denied for user '%s@%s' (using password: %s)", h.user, hostOf(from), using),
	}
}

func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// end answers the login: with OK, or why not.
func (h *handshake) end(refusal *mysql.MyError) error {
	if refusal == nil {
		return h.write([]byte{mysql.OK_HEADER, 0, 0, 0, 0, 0, 0})
	}
	p := binary.LittleEndian.AppendUint16([]byte{mysql.ERR_HEADER}, refusal.Code)
	p = append(append(append(p, '#'), refusal.State...), refusal.Message...)
	return errors.Join(h.write(p), refusal)
}
