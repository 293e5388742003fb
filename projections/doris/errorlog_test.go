package doris

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/hefu-io/hefu/domain/flink"
)

// rendered is a row as a load's line shows it.
func rendered(record []byte, offset int64) string {
	row := flink.Row{City: "320100", ExtractTime: 1, Record: record, CityOffset: 5, CityTimestamp: 7, HubPartition: 3, HubOffset: offset}
	return string(flink.NewRowFormat(time.UTC).AppendDorisJSON(nil, &row))
}

// TestErrorLog: which entries a log has, and which of our rows they quote.
func TestErrorLog(t *testing.T) {
	plain := rendered([]byte("a b"), 40)
	tricky := rendered([]byte("]; \nReason: x. src line [{\"hw_offset_id\":1}];"), 41)
	for name, c := range map[string]struct {
		log  string
		want []string // of each entry: the offset of the row that it quotes, or "-"
	}{
		"empty":               {"", nil},
		"one":                 {"Reason: too long. src line [" + plain + "]; \n", []string{"40"}},
		"two and a summary":   {"Reason: a. src line [" + plain + "];\nReason: b. src line [" + tricky + "]; \nTOO MUCH ERROR! already reach 50. show no more next error.\n", []string{"40", "41"}},
		"line is an array":    {"Reason: a. src line [[" + plain + "]]; \n", []string{"40"}},
		"without a row":       {"Reason: column_name[record], the length of input string is too long. src line []; \n", []string{"-"}},
		"cut off":             {"Reason: a. src line [" + plain[:len(plain)-3], []string{"-"}},
		"cut off, then whole": {"Reason: a. src line [" + plain[:len(plain)-3] + "error log is too long\nReason: b. src line [" + plain + "]; \n", []string{"-", "40"}},
		"reason over lines":   {"Reason: input [a\nb]. src line [" + plain + "]; \n", []string{"40"}},
		"reason quotes":       {"Reason: src line [x] is. src line [" + plain + "]; \n", []string{"40"}},
		"other columns":       {`Reason: a. src line [{"hw_partition_id":1,"hw_offset_id":2,"more":3}]; ` + "\n", []string{"-"}},
		"without coordinates": {`Reason: a. src line [{"sscsdm":"1"}]; ` + "\n", []string{"-"}},
		"not closed":          {"Reason: a. src line [" + plain + "x", []string{"-"}},
		"array not closed":    {"Reason: a. src line [[" + plain + "]; \n", []string{"-"}},
		"something else":      {"<html>no such file</html>", nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, e := range readErrorLog([]byte(c.log)) {
				if e.row == nil {
					got = append(got, "-")
					continue
				}
				got = append(got, fmt.Sprint(*e.row.HubOffset))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("entries quote %v, want %v", got, c.want)
			}
		})
	}
}

// TestErrorLogEqual: the same row in another writing is the same, and any other is not.
func TestErrorLogEqual(t *testing.T) {
	ours, _ := readLine([]byte(rendered([]byte("南京 😀/\xff"), 40)))
	same := ` { "hw_offset_id" : 40 , "sscsdm":"320100","record":"\u5357\u4eac \ud83d\ude00\/` + "\uFFFD" + `","extract_time":"1970-01-01 00:00:00.000001",
		"city_partition_id":0,"city_offset_id":5,"city_ts":"1970-01-01 00:00:00.007","hw_partition_id":3,"hw_ts":"1970-01-01 00:00:00"}`
	if row, _ := readLine([]byte(same)); row == nil || !ours.equal(row) {
		t.Errorf("%+v is not %+v", row, ours)
	}
	for _, change := range [][2]string{
		{`:40`, `:41`},
		{`"hw_partition_id":3`, `"hw_partition_id":4`},
		{`"city_partition_id":0`, `"city_partition_id":1`},
		{`:5,`, `:6,`},
		{"320100", "320200"},
		{".000001", ".000002"},
		{".007", ".008"},
		{`00:00:00"}`, `00:00:01"}`},
		{"\\/", "\\\\"},
		{`"record":"`, `"record":null,"record ":"`},
	} {
		text := strings.Replace(strings.ReplaceAll(same, " : ", ":"), change[0], change[1], 1)
		if row, _ := readLine([]byte(text)); row != nil && ours.equal(row) {
			t.Errorf("%s for %s is taken for the same row", change[1], change[0])
		}
	}
	null, _ := readLine([]byte(rendered(nil, 40)))
	empty, _ := readLine([]byte(rendered([]byte{}, 40)))
	if null.equal(empty) || empty.equal(null) || !null.equal(null) {
		t.Error("null and empty are taken for the same record")
	}
}

// TestDetail: what an exclusion quotes fits into one.
func TestDetail(t *testing.T) {
	for text, want := range map[string]string{
		"  a\tb\nc \x00": "a b c", "\xff": "\uFFFD", "": "",
		strings.Repeat("长", 1000): strings.Repeat("长", maxDetail/3),
	} {
		if got := detail(text); got != want {
			t.Errorf("%.20q became %.20q of %d bytes, want %.20q", text, got, len(got), want)
		}
	}
}

// FuzzErrorLog: no log does harm, its lines fit into an event, and a row that is quoted
// in it whole is found.
func FuzzErrorLog(f *testing.F) {
	f.Add([]byte("Reason: a. src line []; \n"), []byte("x"))
	f.Add([]byte("Reason: a. src line [{"), []byte("\n]; \nReason: src line ["))
	f.Add([]byte(rendered(nil, 1)), []byte{0xFF, 0})
	f.Fuzz(func(t *testing.T, junk, record []byte) {
		for _, e := range readErrorLog(junk) {
			if !utf8.ValidString(e.line) || len(e.line) > maxDetail || strings.ContainsFunc(e.line, unicode.IsControl) {
				t.Errorf("line %q", e.line)
			}
		}
		line := rendered(record, 77)
		entry := fmt.Sprintf("\nReason: some. src line [%s]; \n", line)
		found := readErrorLog(slices.Concat(junk, []byte(entry), junk))
		ours, _ := readLine([]byte(line))
		if !slices.ContainsFunc(found, func(c complaint) bool { return c.row != nil && ours != nil && c.row.equal(ours) }) {
			t.Errorf("%q is not found among %d entries behind %q", line, len(found), bytes.TrimSpace(junk))
		}
	})
}
