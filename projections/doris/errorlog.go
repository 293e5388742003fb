package doris

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxErrorLog is how much of an error log is read; a row that is cut off names nothing.
	maxErrorLog = 8 << 20
	// maxDetail bounds what an exclusion quotes.
	maxDetail = 1 << 10
	// maxQuotes is how often "src line [" may stand in one entry before the one that counts.
	maxQuotes = 4
)

// lineRow is a row as a line of a load shows it. It is comparable: two texts of the same
// row, however they escape, give the same one.
type lineRow struct {
	City          string  `json:"sscsdm"`
	ExtractTime   string  `json:"extract_time"`
	Record        *string `json:"record"`
	CityPartition int64   `json:"city_partition_id"`
	CityOffset    int64   `json:"city_offset_id"`
	CityTime      string  `json:"city_ts"`
	HubPartition  *int32  `json:"hw_partition_id"`
	HubOffset     *int64  `json:"hw_offset_id"`
	HubTime       string  `json:"hw_ts"`
}

// equal compares all nine columns.
func (r *lineRow) equal(o *lineRow) bool {
	a, b := *r, *o
	if (a.Record == nil) != (b.Record == nil) || a.Record != nil && *a.Record != *b.Record {
		return false
	}
	if *a.HubPartition != *b.HubPartition || *a.HubOffset != *b.HubOffset {
		return false
	}
	a.Record, a.HubPartition, a.HubOffset = nil, nil, nil
	b.Record, b.HubPartition, b.HubOffset = nil, nil, nil
	return a == b
}

// readLine reads a row from the beginning of a text and returns what follows it, nil
// when no row of ours stands there.
func readLine(text []byte) (row *lineRow, rest []byte) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	row = &lineRow{}
	if err := d.Decode(row); err != nil || row.HubPartition == nil || row.HubOffset == nil {
		return nil, nil
	}
	return row, text[d.InputOffset():]
}

// complaint is an entry of a back end's error log.
type complaint struct {
	line string   // as it stands there, fit for an event
	row  *lineRow // that it is about, nil when it names none
}

const (
	reasonMark = "Reason: "
	sourceMark = "src line ["
)

// readErrorLog takes an error log apart: entries of the form "Reason: <why>. src line
// [<row>]; ". A reason may hold anything, beginnings of values and line feeds included,
// so nothing that is read here is believed before it was compared with the row itself.
func readErrorLog(text []byte) (all []complaint) {
	for len(text) > 0 {
		entry := text
		if n := bytes.Index(text[1:], []byte("\n"+reasonMark)); n >= 0 {
			entry = text[:1+n]
		}
		text = text[len(entry):]
		entry = bytes.TrimPrefix(entry, []byte("\n"))
		if !bytes.HasPrefix(entry, []byte(reasonMark)) {
			continue // "TOO MUCH ERROR! …", "Summary: …"
		}
		all = append(all, complaint{line: detail(string(entry[:min(len(entry), 4*maxDetail)])), row: sourceOf(entry)})
	}
	return all
}

// sourceOf finds the row that an entry quotes: an object, or, where lines are arrays, an
// array of one.
func sourceOf(entry []byte) *lineRow {
	for range maxQuotes {
		_, after, found := bytes.Cut(entry, []byte(sourceMark))
		if !found {
			return nil
		}
		entry = after
		end := "]"
		if bytes.HasPrefix(after, []byte("[")) {
			after, end = after[1:], "]]"
		}
		if row, rest := readLine(after); row != nil && bytes.HasPrefix(rest, []byte(end)) {
			return row
		}
	}
	return nil
}

// detail makes a text of Doris's fit for an event: at most maxDetail bytes of valid
// UTF-8, on one line.
func detail(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if len(text) <= maxDetail {
		return text
	}
	cut := maxDetail
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut]
}
