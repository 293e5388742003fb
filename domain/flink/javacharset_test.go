package flink

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/hefu-io/hefu/domain"
)

// TestCharsets holds the charsets to what Java decodes, testdata/charsets.txt.
func TestCharsets(t *testing.T) {
	all := map[string][]byte{}
	for first := 0x80; first <= 0xFF; first++ {
		for second := range 0x100 {
			all["two"] = append(all["two"], byte(first), byte(second), '\n')
		}
	}
	for code := range 126 * 10 * 126 * 10 {
		all["four"] = append(all["four"], byte(0x81+code/12600), byte('0'+code/1260%10), byte(0x81+code/10%126), byte('0'+code%10), '\n')
	}
	compared := 0
	eachLine(t, filepath.Join("testdata", "charsets.txt"), func(line []byte) {
		words := strings.Split(string(line), " ")
		decode, err := findCharset(words[0])
		if err != nil {
			t.Fatal(err)
		}
		compared++
		if in := all[words[1]]; in != nil {
			if digest := sha256.Sum256(decode(nil, in)); hex.EncodeToString(digest[:]) != words[2] {
				t.Errorf("%s: not what Java makes of all %s bytes", words[0], words[1])
			}
			return
		}
		in, want := unhex(t, words[1]), unhex(t, words[2])
		var units []uint16
		for i := 0; i < len(want); i += 2 {
			units = append(units, uint16(want[i])<<8|uint16(want[i+1]))
		}
		before := []byte("before ")
		if got := string(decode(before, in)); got != "before "+string(utf16.Decode(units)) {
			t.Errorf("%s %x: %+q, want %+q", words[0], in, got[len(before):], string(utf16.Decode(units)))
		}
	})
	if compared < 900 {
		t.Errorf("compared %d lines", compared)
	}
}

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestUnknownCharset is refused with those that are known.
func TestUnknownCharset(t *testing.T) {
	_, err := NewRecordReader(domain.SourceFormat{Charset: "EBCDIC"})
	if err == nil || !strings.Contains(err.Error(), `charset "EBCDIC" is not known; allowed: UTF-8,`) {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"", "utf-8", "UTF8", "gbk", "Gb18030", "utf_16"} {
		if _, err := NewRecordReader(domain.SourceFormat{Charset: name}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
