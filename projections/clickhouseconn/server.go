package clickhouseconn

import (
	"fmt"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// Server is the name and the version of the server, for people.
func (c *Conn) Server() string {
	s := c.client.ServerInfo()
	return fmt.Sprintf("%s %d.%d.%d at %s, protocol %d", s.Name, s.Major, s.Minor, s.Patch, c.address, c.version)
}

// Deduplicates reports whether the server knows a block again by its token: since 22.2, and
// where the protocol carries settings.
func (c *Conn) Deduplicates() bool {
	return c.since(22, 2) && proto.FeatureSettingsSerializedAsStrings.In(c.version)
}

// Skips reports whether the server has data-skipping indices: since 20.1.
func (c *Conn) Skips() bool { return c.since(20, 1) }

func (c *Conn) since(major, minor int) bool {
	s := c.client.ServerInfo()
	return s.Major > major || s.Major == major && s.Minor >= minor
}

// Name quotes a name, as of a table.
func Name(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = "`" + escape(p, '`') + "`"
	}
	return strings.Join(quoted, ".")
}

// Text quotes a text. Old servers take no parameters beside a query.
func Text(s string) string { return "'" + escape(s, '\'') + "'" }

func escape(s string, quote byte) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; c {
		case '\\', quote:
			b.WriteByte('\\')
			b.WriteByte(c)
		case 0:
			b.WriteString(`\0`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
