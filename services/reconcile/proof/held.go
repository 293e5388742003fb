package proof

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// held is a row that is kept for comparing: its texts are its own, and instead of the record,
// which may be large, it has the record's SHA-256. Two rows are the same when all texts are.
type held struct {
	Row
	digest int64
	copies int64 // rows just like it, itself included
	beyond int64 // rows at its offset that are not held: too many
}

func hold(r Row, m Mask) *held {
	h := &held{Row: r, digest: Digest(&r, m), copies: 1}
	if !r.Null.Has(Record) {
		sum := sha256.Sum256([]byte(r.Text[Record]))
		r.Text[Record] = string(sum[:])
	}
	all := strings.Join(r.Text[:], "")
	for c, at := 0, 0; c < Columns; c++ {
		n := len(r.Text[c])
		h.Text[c] = all[at : at+n]
		at += n
	}
	return h
}

// differs is the set of columns, of those in the mask, in which two rows differ.
func differs(a, b *held, m Mask) (d Mask) {
	for c := range Columns {
		if m.Has(c) && (a.Null.Has(c) != b.Null.Has(c) || !a.Null.Has(c) && a.Text[c] != b.Text[c]) {
			d |= 1 << c
		}
	}
	return d
}

// text is a key for some columns of a row: equal for rows that are equal in them.
func (h *held) text(m Mask) string {
	var b strings.Builder
	for c := range Columns {
		if m.Has(c) && !h.Null.Has(c) {
			b.WriteString(strconv.Itoa(len(h.Text[c])))
			b.WriteByte(' ')
			b.WriteString(h.Text[c])
		} else if m.Has(c) {
			b.WriteByte('-')
		}
	}
	return b.String()
}

// number is a column as a number, -1 where it is none.
func (h *held) number(column int) int64 {
	n, err := strconv.ParseInt(h.Text[column], 10, 64)
	if err != nil || h.Null.Has(column) {
		return -1
	}
	return n
}

// city is the row's place in its city, as the row says itself.
func (h *held) city() domain.Coord {
	partition := h.number(CityPartition)
	if partition != int64(int32(partition)) {
		partition = -1
	}
	return domain.Coord{Partition: int32(partition), Offset: h.number(CityOffset), Timestamp: -1}
}

// shown is a column for people. Texts of records are never printed.
func (h *held) shown(column int) string {
	const most = 64
	switch text := h.Text[column]; {
	case h.Null.Has(column):
		return "NULL"
	case column == Record:
		return "sha256 " + hex.EncodeToString([]byte(text)[:8])
	case len(text) > most:
		return strconv.Quote(text[:most]) + "…"
	case text == "" || strconv.Quote(text) != `"`+text+`"`:
		return strconv.Quote(text)
	default:
		return text
	}
}

// columns are the names of the columns in a set.
func columns(m Mask) string {
	var names []string
	for c := range Columns {
		if m.Has(c) {
			names = append(names, ColumnName(c))
		}
	}
	return strings.Join(names, ", ")
}

// roles says which columns of a row place it in the windows of a proof, and which in the
// other place that a row has. A time goes with its coordinates, or stays: both happens.
type roles struct {
	key, keyTime     Mask
	other, otherTime Mask
}

func rolesOf(p domain.Proof, m Mask) roles {
	city, hub := MaskOf(City, CityPartition, CityOffset), MaskOf(HubPartition, HubOffset)
	if p == domain.ProofHubDoris {
		return roles{hub & m, MaskOf(HubTime) & m, city & m, MaskOf(CityTime) & m}
	}
	return roles{city & m, MaskOf(CityTime) & m, hub & m, MaskOf(HubTime) & m}
}

// place is the row's other place as a key; "" where the row or the mask has none.
func (r roles) place(h *held) string {
	if r.other == 0 || h.Null&r.other != 0 {
		return ""
	}
	return h.text(r.other)
}

// akin reports whether two rows that share a place are the same row, one of them altered: a
// row of which both the record and the times are others is another row.
func (r roles) akin(a, b *held, m Mask) bool {
	d := differs(a, b, m)
	return !d.Has(Record) || d&(MaskOf(ExtractTime)|r.otherTime) == 0
}
