package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/projections/doris"
	"github.com/hefu-io/hefu/projections/dorisconn"
	"github.com/hefu-io/hefu/services/config"
)

// nobodysLabel is one that no load ever has.
const nobodysLabel = "hefu-doctor"

// askDoris asks each front end whether it answers, and the first that does for the rest.
// The one request that is no question asks a front end whether we may load; it has no
// body, and nobody goes to the back end that is named (dorisconn.MayLoad).
func askDoris(ctx context.Context, p *config.Pipeline) *dorisFacts {
	d := p.Doris
	f := &dorisFacts{config: d}
	answers := 0
	for _, fe := range d.FE {
		err := atFrontEnd(d.Config, []string{fe}, d.MySQL[:1], func(c *dorisconn.Cluster) error {
			_, err := c.State(ctx, d.Database, nobodysLabel)
			if err != nil && strings.Contains(err.Error(), "unknown database") {
				return nil // it answers; the table's own check says what is missing
			}
			return err
		})
		f.fronts = append(f.fronts, frontFacts{fe, err})
	}
	for _, address := range d.MySQL {
		err := atFrontEnd(d.Config, d.FE[:1], []string{address}, func(c *dorisconn.Cluster) error {
			return c.Ask(ctx, func(*sql.Conn) error { return nil })
		})
		if err == nil {
			answers++
		}
		f.fronts = append(f.fronts, frontFacts{address, err})
	}
	if answers == 0 {
		f.err = errors.New("no front end answers at its MySQL port")
		return f
	}
	conn, err := dorisconn.Open(d.Config)
	if err != nil {
		f.err = err
		return f
	}
	defer conn.Close()
	f.table, f.tableErr = doris.CheckTable(ctx, tableConfig(p), conn)
	f.err = conn.Ask(ctx, func(c *sql.Conn) error { f.askAll(ctx, c, p); return nil })
	f.knock(ctx)
	return f
}

// knock connects to each back end that is alive, at the address to which loads are sent,
// and says nothing: front ends and this host may be in networks of their own.
func (f *dorisFacts) knock(ctx context.Context) {
	f.reached = map[string]error{}
	for _, b := range f.backs {
		if !strings.EqualFold(b["alive"], "true") {
			continue
		}
		at := net.JoinHostPort(b["host"], b["httpport"])
		to := at
		if mapped, ok := f.config.BEMap[at]; ok {
			to = mapped[strings.LastIndexByte(mapped, '/')+1:]
		}
		d := net.Dialer{Timeout: min(f.config.Timeouts.Dial, 5*time.Second)}
		conn, err := d.DialContext(ctx, "tcp", to)
		if err == nil {
			err = conn.Close()
		}
		f.reached[at] = err
	}
}

// atFrontEnd asks one front end alone.
func atFrontEnd(c dorisconn.Config, fe, address []string, ask func(*dorisconn.Cluster) error) error {
	c.FE, c.MySQL = fe, address
	conn, err := dorisconn.Open(c)
	if err != nil {
		return err
	}
	defer conn.Close()
	return ask(conn)
}

// tableConfig is what the table check of the Doris leg needs to know.
func tableConfig(p *config.Pipeline) doris.Config {
	c := doris.Config{Conn: p.Doris.Config, Database: p.Doris.Database, Table: p.Doris.Table, Model: p.Doris.Model}
	c.Pipeline.Direct = p.ReadHub != nil
	for _, s := range p.Sources {
		c.Pipeline.Sources = append(c.Pipeline.Sources, domain.SourceConfig{City: domain.City(s.City)})
	}
	return c
}

// askAll asks what one connection can say. Each question has its own error: what one user
// may not ask, another question may still answer.
func (f *dorisFacts) askAll(ctx context.Context, c *sql.Conn, p *config.Pipeline) {
	f.cluster, f.frontErr = rowsOf(ctx, c, "SHOW FRONTENDS")
	f.backs, f.backErr = rowsOf(ctx, c, "SHOW BACKENDS")
	f.settings = map[string]string{}
	all, err := rowsOf(ctx, c, "ADMIN SHOW FRONTEND CONFIG")
	for _, r := range all {
		f.settings[r["key"]] = r["value"]
	}
	f.setErr = err
	// Of back ends since 3.0; without it the default is assumed, and said to be.
	if all, err := rowsOf(ctx, c, "ADMIN SHOW BACKEND CONFIG LIKE 'max_tablet_version_num'"); err == nil {
		for _, r := range all {
			f.settings[r["key"]] = r["value"]
		}
	}
	f.askTablets(ctx, c)
	f.askClock(ctx, c)
	f.askOrphans(ctx, c, p)
}

func (f *dorisFacts) askTablets(ctx context.Context, c *sql.Conn) {
	table := dorisconn.Quoted(f.config.Database) + "." + dorisconn.Quoted(f.config.Table)
	tablets, err := rowsOf(ctx, c, "SHOW TABLETS FROM "+table)
	f.versErr = err
	f.tablets = len(tablets)
	for _, r := range tablets {
		// Newer versions count those that a query sees apart.
		text := r["visibleversioncount"]
		if text == "" {
			text = r["versioncount"]
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			f.versions = max(f.versions, n)
		}
	}
}

// askOrphans lists loads under our labels without an end. The one under way is among them.
func (f *dorisFacts) askOrphans(ctx context.Context, c *sql.Conn, p *config.Pipeline) {
	all, err := rowsOf(ctx, c, "SHOW TRANSACTION FROM "+dorisconn.Quoted(f.config.Database)+" WHERE label LIKE 'hefu-"+p.Name+"-%'")
	f.orphErr = err
	for _, r := range all {
		parts, ours := domain.ParseLabel(r["label"])
		state := domain.DorisState(r["transactionstatus"])
		if ours && parts.Stream.Pipeline == p.Name && (state == domain.DorisPrepare || state == domain.DorisPrecommitted) {
			since, _ := time.Parse(time.DateTime, r["preparetime"]) // in UTC, see askClock
			f.orphans = append(f.orphans, orphan{label: r["label"], state: string(state), since: since})
		}
	}
}

// askClock compares the front end's clock with ours, to its second, and leaves the
// session in UTC.
func (f *dorisFacts) askClock(ctx context.Context, c *sql.Conn) {
	if _, f.skewErr = c.ExecContext(ctx, "SET time_zone = '+00:00'"); f.skewErr != nil {
		return
	}
	began := time.Now()
	var text string
	if f.skewErr = c.QueryRowContext(ctx, "SELECT now()").Scan(&text); f.skewErr != nil {
		return
	}
	f.rtt = time.Since(began)
	at, err := time.Parse(time.DateTime, strings.SplitN(text, ".", 2)[0])
	if err != nil {
		f.skewErr = fmt.Errorf("time of Doris: %w", err)
		return
	}
	f.skew = at.Sub(began.Add(f.rtt / 2).UTC().Truncate(time.Second))
}

// rowsOf reads an answer by the names of its columns, which differ from version to version.
func rowsOf(ctx context.Context, c *sql.Conn, query string) (all []row, err error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	cells := make([]sql.NullString, len(names))
	to := make([]any, len(names))
	for i := range cells {
		to[i] = &cells[i]
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		r := row{}
		for i, name := range names {
			r[strings.ToLower(name)] = cells[i].String
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	return all, nil
}

// refused reports whether a server answered and would not say, in difference to one that
// did not answer.
func refused(err error) bool {
	var said *mysql.MySQLError
	return errors.As(err, &said)
}
