package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"

	"github.com/hefu-io/hefu/projections/clickhouseconn"
	"github.com/hefu-io/hefu/projections/lineage"
	"github.com/hefu-io/hefu/services/config"
)

// lineageFacts is what a ClickHouse says.
type lineageFacts struct {
	config   *config.Lineage
	servers  []clickhouseFacts
	err      error // none of them let us in
	table    lineage.TableState
	tableErr error
	readonly string // the setting: "0" where statements may write
	readErr  error
	grants   []string
	grantErr error // a server of before 2020 has none
}

// clickhouseFacts is one configured address.
type clickhouseFacts struct {
	address, version string
	err              error
}

// clickhousePatience bounds the login at one address.
const clickhousePatience = 5 * time.Second

// askClickHouse asks each address whether it lets us in, and the first that does about the
// table and our rights. All of it are SELECTs and SHOW GRANTS.
func askClickHouse(ctx context.Context, l *config.Lineage) *lineageFacts {
	f := &lineageFacts{config: l}
	asked := false
	for _, address := range l.Addresses {
		at := l.Conn()
		at.Addresses, at.Timeouts.Dial = []string{address}, clickhousePatience
		conn, err := clickhouseconn.Open(ctx, at)
		if err != nil {
			f.servers = append(f.servers, clickhouseFacts{address: address, err: err})
			continue
		}
		f.servers = append(f.servers, clickhouseFacts{address: address, version: conn.Server()})
		if !asked {
			f.ask(ctx, conn)
			asked = true
		}
		conn.Close()
	}
	if !asked {
		f.err = errors.New("none of its addresses lets us in")
	}
	return f
}

func (f *lineageFacts) ask(ctx context.Context, c *clickhouseconn.Conn) {
	f.table, f.tableErr = lineage.CheckTable(ctx, c, f.config.Database, f.config.Table)
	var values []string
	if values, f.readErr = column(ctx, c, "SELECT value FROM system.settings WHERE name = 'readonly'", "value"); len(values) > 0 {
		f.readonly = values[0]
	}
	f.grants, f.grantErr = column(ctx, c, "SHOW GRANTS", "") // last: a server that does not know it hangs up
}

// column is a column of texts; the name is empty where the server chooses it.
func column(ctx context.Context, c *clickhouseconn.Conn, query, name string) (out []string, err error) {
	var text proto.ColStr
	err = c.Ask(ctx, query, proto.Results{{Name: name, Data: &text}}, func() error {
		for i := range text.Rows() {
			out = append(out, text.Row(i))
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("%s: %w", query, err)
	}
	return out, err
}

// said reports whether a ClickHouse answered, and what it answered was an error.
func said(err error) bool {
	var e *ch.Exception
	return errors.As(err, &e)
}

// noLogin reports whether a ClickHouse knows no such user, or another password.
func noLogin(err error) bool {
	var e *ch.Exception
	return errors.As(err, &e) && e.IsCode(proto.ErrAuthenticationFailed, proto.ErrWrongPassword, proto.ErrUnknownUser, proto.ErrRequiredPassword)
}

var granted = regexp.MustCompile(`^GRANT (.+) ON (\S+) TO `)

// lacks lists those of some privileges on the table that no grant names. Roles are not
// looked into: sure is false where there are any, or something was revoked.
func (f *lineageFacts) lacks(privileges ...string) (missing []string, sure bool) {
	sure = true
	has := map[string]bool{}
	for _, g := range f.grants {
		m := granted.FindStringSubmatch(g)
		if m == nil {
			sure = false
			continue
		}
		on := strings.ReplaceAll(m[2], "`", "")
		if !slices.Contains([]string{"*.*", f.config.Database + ".*", f.config.Database + "." + f.config.Table}, on) {
			continue
		}
		for p := range strings.SplitSeq(m[1], ", ") {
			has[p] = true
		}
	}
	for _, p := range privileges {
		group, _, _ := strings.Cut(p, " ")
		if !has[p] && !has[group] && !has["ALL"] && !has["ALL PRIVILEGES"] {
			missing = append(missing, p)
		}
	}
	return missing, sure
}
