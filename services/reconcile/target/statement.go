package target

import (
	"fmt"
	"strings"

	"github.com/hefu-io/hefu/domain"
	"github.com/hefu-io/hefu/services/reconcile/proof"
)

// shownLength is how many characters a time has that shows so many digits of a second.
func shownLength(digits int) int {
	if digits == 0 {
		return len("2006-01-02 15:04:05")
	}
	return len("2006-01-02 15:04:05.") + digits
}

// vectorsSQL asks for the vectors of a range: DIV, since a quotient of / is a DOUBLE, which
// has no room for all offsets.
func (w *DorisWitness) vectorsSQL(partition int32, in domain.Span, step int64, mask proof.Mask) string {
	part := fmt.Sprintf("hw_offset_id DIV %d", step)
	sums := "SUM(CAST(hw_offset_id AS LARGEINT))"
	if mask != 0 {
		digest := w.digestSQL(mask)
		sums += ", SUM(CAST(" + digest + " AS LARGEINT)), GROUP_BIT_XOR(" + digest + ")"
	}
	return "SELECT " + part + ", COUNT(*), COUNT(DISTINCT hw_offset_id), MIN(hw_offset_id), MAX(hw_offset_id), " + sums +
		" FROM " + w.d.table + where(partition, in) + " GROUP BY " + part
}

// rowsSQL asks for the rows of a range.
func (w *DorisWitness) rowsSQL(partition int32, in domain.Span) string {
	names := make([]string, proof.Columns)
	for col := range names {
		names[col] = proof.ColumnName(col)
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + w.d.table + where(partition, in) + " ORDER BY hw_offset_id"
}

func where(partition int32, in domain.Span) string {
	return fmt.Sprintf(" WHERE hw_partition_id = %d AND hw_offset_id >= %d AND hw_offset_id < %d", partition, in.First, in.Next)
}

// digestSQL is proof.Digest in SQL. No argument is ever NULL: that would make the digest NULL,
// and a sum leaves NULL out without a word.
func (w *DorisWitness) digestSQL(mask proof.Mask) string {
	var args []string
	for _, col := range proof.DigestOrder() {
		name := proof.ColumnName(col)
		switch {
		case !mask.Has(col):
		case col == proof.Record:
			args = append(args, "IF("+name+" IS NULL, '0', '1')", "IFNULL("+name+", '')")
		default:
			args = append(args, "IFNULL("+w.textSQL(col)+", '(null)')")
		}
	}
	return "xxhash_64(" + strings.Join(args, ", ") + ")"
}

// textSQL is a column's text: a number in decimal, a time with the digits that are shown.
func (w *DorisWitness) textSQL(col int) string {
	name := proof.ColumnName(col)
	if col == proof.City {
		return name
	}
	text := "CAST(" + name + " AS STRING)"
	if w.d.digits[col] > w.shown[col] {
		return fmt.Sprintf("LEFT(%s, %d)", text, shownLength(w.shown[col]))
	}
	return text
}
