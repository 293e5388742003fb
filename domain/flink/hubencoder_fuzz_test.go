package flink

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hefu-io/hefu/domain"
)

// FuzzHubEncoder compares the encoder with a slow one that is written from Flink's rules and
// shares nothing with it.
func FuzzHubEncoder(f *testing.F) {
	for _, s := range readSources(f) {
		if len(s.Value) < 1000 {
			f.Add("320100", s.Value, s.Value == nil, s.Timestamp*7, s.Timestamp, s.Partition, s.Offset, uint8(s.Offset), uint8(s.Timestamp))
		}
	}
	f.Add("320100", []byte("of the original's types"), false, int64(1714536000120001), int64(1714536000120), int32(1), int64(2), uint8(0), uint8(0))
	f.Add("320100", []byte(nil), true, int64(1714536000120001), int64(1714536000120), int32(1), int64(2), uint8(0), uint8(1))
	f.Add("320100", []byte("in ISO-8601"), false, int64(1714536000120001), int64(1714536000120), int32(1), int64(2), uint8(0), uint8(2))
	types := []string{"TIMESTAMP(6)", "TIMESTAMP(3)", "TIMESTAMP(9)", "TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(6)", "STRING", "TIMESTAMP"}
	zones := []string{"Asia/Shanghai", "UTC", "America/New_York"}
	f.Fuzz(func(t *testing.T, city string, record []byte, null bool, extract, timestamp int64, partition int32, offset int64, typ, options uint8) {
		if null {
			record = nil
		}
		zone := loadZone(t, zones[int(options/8)%len(zones)])
		format := domain.FlinkFormat()
		format.Columns[1].Type, format.Columns[5].Type = types[int(typ)%len(types)], types[int(typ/16)%len(types)]
		format.Columns[3].Type = []string{"BIGINT", "INT", "STRING"}[typ/4%3]
		format.IgnoreNull = options&1 != 0
		if options&2 != 0 {
			format.Timestamps = domain.TimestampISO
		}
		if options&4 != 0 {
			format.Columns[4].From = domain.FromNull
		}
		row := Row{City: domain.City(city), ExtractTime: extract, Record: record, CityPartition: partition, CityOffset: offset, CityTimestamp: timestamp}
		encoder, err := NewHubEncoder(format, domain.SourceFormat{}, zone)
		if err != nil {
			t.Fatal(err)
		}
		want := slowHubJSON(format, &row, zone)
		for range 3 { // also with the hours kept
			if got := string(encoder.Append(nil, &row)); got != want {
				t.Fatalf("\n got %q\nwant %q", got, want)
			}
			encoder.usual = nil // the second time column by column
		}
		if !json.Valid([]byte(want)) {
			t.Fatalf("no JSON: %q", want)
		}
	})
}

func slowHubJSON(f domain.HubFormat, r *Row, zone *time.Location) string {
	var members []string
	for _, c := range f.Columns {
		text := ""
		switch c.From {
		case domain.FromCity:
			text = slowString([]byte(r.City))
		case domain.FromRecord:
			text = "null"
			if r.Record != nil {
				text = slowString(r.Record)
			}
		case domain.FromPartition:
			text = fmt.Sprint(r.CityPartition)
			if c.Type == "STRING" {
				text = `"` + text + `"`
			}
		case domain.FromOffset:
			text = fmt.Sprint(r.CityOffset)
		case domain.FromNull:
			text = "null"
		case domain.FromExtractTime:
			text = slowTime(c.Type, big.NewInt(r.ExtractTime), f.Timestamps, zone)
		case domain.FromField: // there is none
		case domain.FromTimestamp:
			text = slowTime(c.Type, new(big.Int).Mul(big.NewInt(r.CityTimestamp), big.NewInt(1000)), f.Timestamps, zone)
		}
		if text != "null" || !f.IgnoreNull {
			members = append(members, slowString([]byte(c.Name))+":"+text)
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// slowTime writes an instant in microseconds, by the calendar's own rules: 400 years have
// 146,097 days.
func slowTime(typ string, us *big.Int, standard domain.TimestampFormat, zone *time.Location) string {
	n := big.NewInt
	digits := map[string]int{"TIMESTAMP(3)": 3, "TIMESTAMP_LTZ(3)": 3}[typ]
	ms, micro := new(big.Int).DivMod(us, n(1000), new(big.Int)) // Euclidean: the rest is not negative
	utc := strings.Contains(typ, "LTZ")
	if !utc { // the sum is a long
		sec := new(big.Int).Div(ms, n(1000)).Int64()
		_, offset := time.Unix(sec, 0).In(zone).Zone()
		ms.Add(ms, n(int64(offset)*1000))
		ms = wrap(ms, 64)
	}
	days, inDay := new(big.Int).DivMod(ms, n(86_400_000), new(big.Int))
	if !utc {
		days = wrap(days, 32)
	}
	nano := inDay.Int64()%1000*1_000_000 + micro.Int64()*1000
	if digits == 3 && nano >= 1000 {
		nano = nano / 1_000_000 * 1_000_000
	}
	eras, rest := new(big.Int).DivMod(days, n(146_097), new(big.Int))
	at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(rest.Int64()))
	year := new(big.Int).Add(n(int64(at.Year())), new(big.Int).Mul(eras, n(400)))
	text := fmt.Sprintf("%04d", new(big.Int).Abs(year))
	if year.Sign() < 0 {
		text = "-" + text
	}
	if year.Cmp(n(9999)) > 0 && typ != "STRING" {
		text = "+" + text
	}
	if typ == "STRING" {
		text = ""
		for _, unit := range []int64{1000, 100, 10, 1} {
			digit := new(big.Int).Rem(new(big.Int).Quo(year, n(unit)), n(10))
			text += string(rune('0' + digit.Int64()))
		}
	}
	second := inDay.Int64() / 1000
	separator := " "
	if standard == domain.TimestampISO && typ != "STRING" {
		separator = "T"
	}
	text += fmt.Sprintf("-%02d-%02d%s%02d:%02d:%02d", at.Month(), at.Day(), separator, second/3600, second/60%60, second%60)
	fraction := fmt.Sprintf(".%09d", nano)
	if typ == "STRING" {
		return `"` + text + fraction[:4] + `"`
	}
	if fraction = strings.TrimRight(fraction, "0"); fraction != "." {
		text += fraction
	}
	if utc {
		text += "Z"
	}
	return `"` + text + `"`
}

// wrap is what is left of a number in a Java integer of so many bits.
func wrap(v *big.Int, bits uint) *big.Int {
	size := new(big.Int).Lsh(big.NewInt(1), bits)
	v = new(big.Int).Mod(v, size)
	if v.Bit(int(bits)-1) == 1 {
		v.Sub(v, size)
	}
	return v
}

// slowString is a Java string of some bytes in JSON.
func slowString(b []byte) string {
	out := `"`
	for _, unit := range utf16.Encode(slowDecode(b)) {
		switch {
		case unit == '"' || unit == '\\':
			out += `\` + string(rune(unit))
		case strings.ContainsRune("\b\t\n\f\r", rune(unit)):
			out += strings.Trim(strconv.Quote(string(rune(unit))), `"`)
		case unit < ' ' || utf16.IsSurrogate(rune(unit)):
			out += fmt.Sprintf(`\u%04X`, unit)
		default:
			out += string(rune(unit))
		}
	}
	return out + `"`
}

// slowDecode decodes UTF-8 as Java does: a malformed piece is the longest beginning of a
// character that the bytes could have been, or a whole surrogate.
func slowDecode(b []byte) (out []rune) {
	for len(b) > 0 {
		if char, n := utf8.DecodeRune(b); char != utf8.RuneError || n > 1 {
			out, b = append(out, char), b[n:]
			continue
		}
		n := 1
		for n < len(b) && n < 3 && slowBegins(b[:n+1]) {
			n++
		}
		if len(b) >= 2 && b[0] == 0xED && b[1] >= 0xA0 && b[1] <= 0xBF {
			if n = 2; len(b) >= 3 && b[2] >= 0x80 && b[2] <= 0xBF {
				n = 3
			}
		}
		out, b = append(out, utf8.RuneError), b[n:]
	}
	return out
}

// slowBegins reports whether some character begins with these bytes.
func slowBegins(b []byte) bool {
	if char, n := utf8.DecodeRune(b); n == len(b) && (char != utf8.RuneError || n > 1) {
		return true
	}
	if len(b) >= 4 {
		return false
	}
	for _, next := range []byte{0x80, 0x90, 0xA0, 0xBF} {
		if slowBegins(append(append([]byte{}, b...), next)) {
			return true
		}
	}
	return false
}
