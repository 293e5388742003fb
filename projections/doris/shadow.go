package doris

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/journal/crash"
	"github.com/hefu-io/hefu/projections"
	"github.com/hefu-io/hefu/projections/dorisconn"
)

// MakeShadow makes the shadow table of a replay like the live one, with the replay's comment;
// both names are "<database>.<table>". It may be called again at any time: a table with the
// comment is the one. CREATE TABLE … LIKE copies columns, model, key, partitions, buckets and
// properties, and the comment of the live table as well; so what died before the comment was
// changed left an empty table that looks like the live one, which is taken. No other table is
// touched. Errors: *projections.Refusal; any other is tried again.
func MakeShadow(ctx context.Context, conn *dorisconn.Cluster, live, shadow string, plan domain.PlanID) error {
	from, err := parseName(live)
	if err != nil {
		return err
	}
	to, err := parseName(shadow)
	if err != nil {
		return err
	}
	comment, there, err := TableComment(ctx, conn, shadow)
	if err != nil || there && comment == ShadowComment(plan) {
		return err
	}
	if !there {
		if err := change(ctx, conn, "make table "+shadow+" like "+live, to.database, "CREATE TABLE "+to.quoted()+" LIKE "+from.quoted()); err != nil {
			return err
		}
		crash.Point("doris.shadow.made")
	}
	if err := isBlank(ctx, conn, from, to); err != nil {
		// Another process of the same replay may have named it, and filled it, since it was asked.
		if comment, _, again := TableComment(ctx, conn, shadow); again == nil && comment == ShadowComment(plan) {
			return nil
		}
		return err
	}
	return change(ctx, conn, "name replay "+plan.String()+" in the comment of table "+shadow, to.database,
		"ALTER TABLE "+to.quoted()+` MODIFY COMMENT "`+ShadowComment(plan)+`"`)
}

// isBlank demands that a table is what CREATE TABLE … LIKE made and nobody has used. Errors:
// *projections.Refusal.
func isBlank(ctx context.Context, conn *dorisconn.Cluster, live, shadow tableName) error {
	is, err := shadow.facts(ctx, conn)
	if err != nil {
		return err
	}
	want, err := live.facts(ctx, conn)
	if err != nil {
		return err
	}
	var rows int64
	err = conn.Ask(ctx, func(c *sql.Conn) error {
		return c.QueryRowContext(ctx, "SELECT count(*) FROM "+shadow.quoted()).Scan(&rows)
	})
	if err != nil {
		return fmt.Errorf("count the rows of table %s: %w", shadow, err)
	}
	of, _, err := TableComment(ctx, conn, live.String())
	if err != nil {
		return err
	}
	comment, _, err := TableComment(ctx, conn, shadow.String())
	if err != nil {
		return err
	}
	var why string
	switch copied := comment == of || comment == "" || comment == "OLAP"; {
	case rows > 0:
		why = fmt.Sprintf("has %d rows", rows)
	case !reflect.DeepEqual(is, want):
		why = "is not made like " + live.String()
	case !copied:
		why = fmt.Sprintf("has the comment %q", comment)
	default:
		return nil
	}
	return &projections.Refusal{Reason: fmt.Sprintf("table %s is there and %s: it is not this replay's, and nothing is done to it; name another table, or drop it", shadow, why)}
}

// DropShadow drops the shadow table of a replay, by its comment; one that is not there is
// dropped already. Once it was exchanged with the live table its name is another table's,
// which is left alone. Errors: *projections.Refusal; any other is tried again.
func DropShadow(ctx context.Context, conn *dorisconn.Cluster, shadow string, plan domain.PlanID) error {
	name, err := parseName(shadow)
	if err != nil {
		return err
	}
	comment, there, err := TableComment(ctx, conn, shadow)
	if err != nil || !there {
		return err
	}
	if comment != ShadowComment(plan) {
		return &projections.Refusal{Reason: fmt.Sprintf("table %s has the comment %q, not %q: it is not the shadow table of this replay and is not dropped",
			shadow, comment, ShadowComment(plan))}
	}
	return change(ctx, conn, "drop table "+shadow, name.database, "DROP TABLE "+name.quoted())
}

// Swapped reports whether the table of a replay stands under the live name. Errors:
// *projections.Refusal when it stands under neither name, or under both.
func Swapped(ctx context.Context, conn *dorisconn.Cluster, live, shadow string, plan domain.PlanID) (bool, error) {
	want := ShadowComment(plan)
	front, _, err := TableComment(ctx, conn, live)
	if err != nil {
		return false, err
	}
	back, there, err := TableComment(ctx, conn, shadow)
	if err != nil {
		return false, err
	}
	if !there || (front == want) == (back == want) {
		return false, &projections.Refusal{Reason: fmt.Sprintf("tables %s and %s have the comments %q and %q: just one must have %q, the table of replay %s",
			live, shadow, front, back, want, plan)}
	}
	return front == want, nil
}

// SwapTables puts the table of a replay under the live name and the live table under that of
// the shadow, in one step of Doris (ALTER TABLE … REPLACE WITH TABLE, swap=true: each takes
// the name of the other, and privileges stay with the names); with back the other way round.
// What stands as it is wanted is left as it is. A load that began before goes on into the table
// that it began with: whoever swaps holds the live legs meanwhile. Errors: *projections.Refusal,
// Doris denies it and nothing is exchanged; any other means that nobody knows, not even when
// Swapped says no: the statement may be carried out yet. Nor is it known when the tables are not
// as Swapped wants them: whoever settles the exchange for us may have moved one, before or after.
// Whoever wants to know calls MoveShadow before Swapped.
func SwapTables(ctx context.Context, conn *dorisconn.Cluster, live, shadow string, plan domain.PlanID, back bool) error {
	a, err := parseName(live)
	if err != nil {
		return err
	}
	b, err := parseName(shadow)
	if err != nil {
		return err
	}
	if a.database != b.database {
		return &projections.Refusal{Reason: fmt.Sprintf("tables %s and %s are of two databases, between which Doris exchanges nothing", live, shadow)}
	}
	is, err := Swapped(ctx, conn, live, shadow, plan)
	var moved *projections.Refusal
	switch {
	case errors.As(err, &moved):
		return errors.New(moved.Reason)
	case err != nil || is == !back:
		return err
	}
	return change(ctx, conn, "exchange tables "+live+" and "+shadow, a.database,
		"ALTER TABLE "+a.quoted()+" REPLACE WITH TABLE "+dorisconn.Quoted(b.table)+" PROPERTIES('swap' = 'true')")
}
