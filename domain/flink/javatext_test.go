package flink

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// TestJavaTextRules holds AppendJSONString and JavaText to testdata/javatext.txt, at every
// place in a word.
func TestJavaTextRules(t *testing.T) {
	for _, rule := range readTextRules(t) {
		for shift := range 17 {
			before, after := strings.Repeat("-", shift), strings.Repeat("+", 16-shift)
			// Between ASCII letters a character is cut by a letter, not by the end: both
			// must be replaced alike.
			src := []byte(before + rule.bytes + after)
			want := `"` + before + rule.json[1:len(rule.json)-1] + after + `"`
			checkText(t, src, want)
			checkText(t, src[:len(src)-len(after)], strings.TrimSuffix(want, after+`"`)+`"`)
		}
	}
}

func checkText(t *testing.T, src []byte, want string) {
	t.Helper()
	if got := AppendJSONString(nil, src); string(got) != want {
		t.Errorf("AppendJSONString(%q)\n got %q\nwant %q", src, got, want)
	}
	var text string
	if err := json.Unmarshal([]byte(want), &text); err != nil {
		t.Fatalf("%q is not JSON: %v", want, err)
	}
	if got := JavaText(nil, src); string(got) != text {
		t.Errorf("JavaText(%q)\n got %q\nwant %q", src, got, text)
	}
}

type textRule struct{ bytes, json string }

func readTextRules(t testing.TB) (rules []textRule) {
	t.Helper()
	eachLine(t, filepath.Join("testdata", "javatext.txt"), func(line []byte) {
		input, err := strconv.QuotedPrefix(string(line))
		if err != nil {
			t.Fatalf("parse %q: %v", line, err)
		}
		rules = append(rules, textRule{unquote(t, input), unquote(t, string(line[len(input):]))})
	})
	return rules
}

func unquote(t testing.TB, literal string) string {
	t.Helper()
	s, err := strconv.Unquote(strings.TrimSpace(literal))
	if err != nil {
		t.Fatalf("unquote %s: %v", literal, err)
	}
	return s
}

// TestJSONStringOfAnyBytes compares with the slow encoder on every byte at every place in a
// word, on every run of up to three bytes that stand at a border of the rules, and on
// random mixtures of them with ordinary text, into many sizes of spare capacity.
func TestJSONStringOfAnyBytes(t *testing.T) {
	for b := range 256 {
		for at := range 8 {
			src := []byte("abcdefghijklmnop")
			src[at] = byte(b)
			compareWithSlow(t, nil, src)
		}
	}
	pool := []byte("\x00\x1f\"\\a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xed\xef\xf0\xf1\xf4\xf5\xff")
	for n := 1; n <= 3; n++ {
		src := make([]byte, n)
		for i := range pow(len(pool), n) {
			for at := range src {
				src[at], i = pool[i%len(pool)], i/len(pool)
			}
			compareWithSlow(t, nil, src)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"plate|", "苏", "😀", "12345678", "\xed\xa0\x80", "\xf4\x90", `{"x":"`}
	for _, b := range pool {
		pieces = append(pieces, string([]byte{b}))
	}
	for range 20_000 {
		var src []byte
		for range random.IntN(24) {
			src = append(src, pieces[random.IntN(len(pieces))]...)
		}
		compareWithSlow(t, make([]byte, 3, 3+random.IntN(1+3*len(src))), src)
	}
}

func pow(base, exponent int) int {
	result := 1
	for range exponent {
		result *= base
	}
	return result
}

// FuzzJSONString looks for bytes on which the encoder and the slow one differ, or which do
// not come back out of the JSON.
func FuzzJSONString(f *testing.F) {
	for _, rule := range readTextRules(f) {
		f.Add([]byte(rule.bytes), uint8(0))
		f.Add([]byte("0123456"+rule.bytes+"89abcdef"), uint8(20))
	}
	f.Fuzz(func(t *testing.T, src []byte, spare uint8) {
		compareWithSlow(t, make([]byte, 5, 5+int(spare)), src)
	})
}

// compareWithSlow appends src to dst both ways.
func compareWithSlow(t *testing.T, dst, src []byte) {
	t.Helper()
	before, original := string(dst), string(src)
	text := slowJavaText(src)
	want := before + slowJSONString(text)
	got := AppendJSONString(dst, src)
	if string(got) != want {
		t.Fatalf("AppendJSONString(%q)\n got %q\nwant %q", src, got, want)
	}
	if java := JavaText(nil, src); string(java) != text {
		t.Fatalf("JavaText(%q)\n got %q\nwant %q", src, java, text)
	}
	var back string
	if err := json.Unmarshal(got[len(before):], &back); err != nil || back != text {
		t.Fatalf("%q reads back as %q, %v; want %q", got, back, err, text)
	}
	if string(src) != original || len(got)-len(before) < len(src)+2 {
		t.Fatalf("%q: source changed, or %q is shorter than it", original, got)
	}
}

// slowJavaText is JavaText from a table of what may follow what. Surrogates are well-formed
// in it, and rejected whole.
func slowJavaText(src []byte) string {
	forms := [][]string{ // one string of two bytes, the first and last allowed, for each byte of the character
		{"\x00\x7F"},
		{"\xC2\xDF", "\x80\xBF"},
		{"\xE0\xE0", "\xA0\xBF", "\x80\xBF"},
		{"\xE1\xEF", "\x80\xBF", "\x80\xBF"},
		{"\xF0\xF0", "\x90\xBF", "\x80\xBF", "\x80\xBF"},
		{"\xF1\xF3", "\x80\xBF", "\x80\xBF", "\x80\xBF"},
		{"\xF4\xF4", "\x80\x8F", "\x80\xBF", "\x80\xBF"},
	}
	var text strings.Builder
	for len(src) > 0 {
		length, whole := 1, false
		for _, form := range forms {
			n := 0
			for n < len(form) && n < len(src) && src[n] >= form[n][0] && src[n] <= form[n][1] {
				n++
			}
			length, whole = max(length, n), whole || n == len(form)
		}
		if piece := src[:length]; whole && utf8.Valid(piece) {
			text.Write(piece)
		} else {
			text.WriteString("\uFFFD")
		}
		src = src[length:]
	}
	return text.String()
}

// slowJSONString is what Jackson makes of text, unit by unit.
func slowJSONString(text string) string {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\t': `\t`, '\n': `\n`, '\f': `\f`, '\r': `\r`}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case short[r] != "":
			b.WriteString(short[r])
		case r < ' ':
			fmt.Fprintf(&b, `\u%04X`, r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04X\u%04X`, high, low)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
