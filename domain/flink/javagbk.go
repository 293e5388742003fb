package flink

import (
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"
)

// Chinese text of one, two and, in GB18030, four bytes a character. The characters are
// those of x/text but for those that Java maps to Unicode's private areas, or differently;
// what is replaced by one U+FFFD is Java's (sun.nio.cs.DoubleByte, GB18030).

const (
	firstLead, lastLead   = 0x81, 0xFE
	firstTrail, lastTrail = 0x40, 0xFE
	trails                = lastTrail - firstTrail + 1
)

// pairTable holds the characters of two bytes by lead and trail; 0 is none.
type pairTable [(lastLead - firstLead + 1) * trails]uint16

func (t *pairTable) at(lead, trail byte) *uint16 {
	return &t[int(lead-firstLead)*trails+int(trail-firstTrail)]
}

// leads reports whether a byte begins a pair.
func (t *pairTable) leads(c byte) bool {
	if c < firstLead || c > lastLead {
		return false
	}
	for trail := byte(firstTrail); trail <= lastTrail; trail++ {
		if *t.at(c, trail) != 0 {
			return true
		}
	}
	return false
}

// doubleByte decodes text of a pairTable.
type doubleByte struct {
	pairs *pairTable
	lead  [256]bool
	quad  transform.Transformer // of four bytes, or nil
}

func newDoubleByte(pairs *pairTable, quad *encoding.Decoder) *doubleByte {
	d := &doubleByte{pairs: pairs}
	if quad != nil {
		d.quad = quad
	}
	for c := range d.lead {
		d.lead[c] = pairs.leads(byte(c))
	}
	return d
}

// append is a charset.
func (d *doubleByte) append(dst, src []byte) []byte {
	for at := 0; at < len(src); {
		c := src[at]
		if c < utf8.RuneSelf {
			dst = append(dst, c)
			at++
			continue
		}
		char, n := d.next(src[at:])
		dst = utf8.AppendRune(dst, char)
		at += n
	}
	return dst
}

// next is the character that p begins with, which is not ASCII, and its bytes; or U+FFFD
// and the bytes that it stands for.
func (d *doubleByte) next(p []byte) (char rune, n int) {
	lead := p[0]
	if len(p) < 2 || d.quad != nil && !d.lead[lead] {
		return utf8.RuneError, 1
	}
	trail := p[1]
	if d.lead[lead] && trail >= firstTrail && trail <= lastTrail {
		if c := *d.pairs.at(lead, trail); c != 0 {
			return rune(c), 2
		}
	}
	switch {
	case d.quad != nil:
		return d.nextQuad(p)
	case trail < utf8.RuneSelf || !d.lead[lead] || d.lead[trail]:
		return utf8.RuneError, 1
	default:
		return utf8.RuneError, 2
	}
}

// nextQuad is next for what is no pair in GB18030.
func (d *doubleByte) nextQuad(p []byte) (char rune, n int) {
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	switch {
	case p[1] < '0':
		return utf8.RuneError, 1
	case !digit(p[1]):
		return utf8.RuneError, 2
	case len(p) < 4:
		return utf8.RuneError, len(p)
	case !d.lead[p[2]]:
		return utf8.RuneError, 3
	case !digit(p[3]):
		return utf8.RuneError, 4
	}
	var text [3 * utf8.UTFMax]byte
	d.quad.Reset()
	if size, _, err := d.quad.Transform(text[:], p[:4], true); err == nil {
		if char, used := utf8.DecodeRune(text[:size]); used == size {
			return quadPrivate(char), 4
		}
	}
	return utf8.RuneError, 4
}

// quadPrivate is what Java has for the four bytes of a character to which it gives two
// bytes (gb18030Private): the private one that had these before.
func quadPrivate(char rune) rune {
	switch {
	case char == 0x1E3F:
		return 0xE7C7
	case char >= 0x9FB4 && char <= 0x9FBB:
		return [...]rune{0xE81E, 0xE826, 0xE82B, 0xE82C, 0xE832, 0xE843, 0xE854, 0xE864}[char-0x9FB4]
	case char == 0xFE11 || char == 0xFE12:
		return 0xE78F + 0xFE11 - char
	case char >= 0xFE10 && char <= 0xFE19:
		return 0xE78D + char - 0xFE10
	default:
		return char
	}
}

// private is a run of characters by their codes: so many from the first on, without the
// trail 7F.
type private struct {
	code  uint16
	n     int
	first rune
}

// gbkTable is that of an encoding of x/text with what Java has otherwise.
func gbkTable(e encoding.Encoding, otherwise []private) *pairTable {
	t, decoder := &pairTable{}, e.NewDecoder()
	for lead := firstLead; lead <= lastLead; lead++ {
		for trail := firstTrail; trail <= lastTrail; trail++ {
			var text [3 * utf8.UTFMax]byte
			decoder.Reset()
			n, _, err := decoder.Transform(text[:], []byte{byte(lead), byte(trail)}, true)
			if char, used := utf8.DecodeRune(text[:n]); err == nil && used == n && char != utf8.RuneError {
				*t.at(byte(lead), byte(trail)) = uint16(char)
			}
		}
	}
	for _, p := range otherwise {
		trail := byte(p.code)
		for i := range p.n {
			if trail == 0x7F {
				trail++
			}
			*t.at(byte(p.code>>8), trail) = uint16(p.first + rune(i))
			trail++
		}
	}
	return t
}

// bothPrivate are the private characters that Java's GBK and GB18030 share.
func bothPrivate() []private {
	return []private{
		{0xA140, 96, 0xE4C6},
		{0xA240, 96, 0xE526},
		{0xA2AB, 6, 0xE766},
		{0xA2E4, 1, 0xE76D},
		{0xA2EF, 2, 0xE76E},
		{0xA2FD, 2, 0xE770},
		{0xA340, 96, 0xE586},
		{0xA440, 96, 0xE5E6},
		{0xA4F4, 11, 0xE772},
		{0xA540, 96, 0xE646},
		{0xA5F7, 8, 0xE77D},
		{0xA640, 96, 0xE6A6},
		{0xA6B9, 8, 0xE785},
		{0xA6F6, 9, 0xE797},
		{0xA740, 96, 0xE706},
		{0xA7C2, 15, 0xE7A0},
		{0xA7F2, 13, 0xE7AF},
		{0xA896, 11, 0xE7BC},
		{0xA8C1, 4, 0xE7C9},
		{0xA8EA, 21, 0xE7CD},
		{0xA958, 1, 0xE7E2},
		{0xA95B, 1, 0xE7E3},
		{0xA95D, 3, 0xE7E4},
		{0xA997, 13, 0xE7F4},
		{0xA9F0, 15, 0xE801},
		{0xAAA1, 94, 0xE000},
		{0xABA1, 94, 0xE05E},
		{0xACA1, 94, 0xE0BC},
		{0xADA1, 94, 0xE11A},
		{0xAEA1, 94, 0xE178},
		{0xAFA1, 94, 0xE1D6},
		{0xD7FA, 5, 0xE810},
		{0xF8A1, 94, 0xE234},
		{0xF9A1, 94, 0xE292},
		{0xFAA1, 94, 0xE2F0},
		{0xFBA1, 94, 0xE34E},
		{0xFCA1, 94, 0xE3AC},
		{0xFDA1, 94, 0xE40A},
		{0xFEA1, 94, 0xE468},
	}
}

func gbkPrivate() []private {
	return append(bothPrivate(),
		private{0xA6D9, 7, 0xE78D}, private{0xA6EC, 2, 0xE794}, private{0xA6F3, 1, 0xE796}, private{0xA892, 1, 0x2641},
		private{0xA8BC, 1, 0xE7C7}, private{0xA8BF, 1, 0xE7C8}, private{0xA989, 13, 0xE7E7}, private{0xFE50, 80, 0xE815})
}

func gb18030Private() []private {
	return append(bothPrivate(),
		private{0xA6D9, 1, 0xFE10}, private{0xA6DA, 1, 0xFE12}, private{0xA6DB, 1, 0xFE11}, private{0xA6DC, 4, 0xFE13},
		private{0xA6EC, 2, 0xFE17}, private{0xA6F3, 1, 0xFE19}, private{0xA8BC, 1, 0x1E3F}, private{0xFE51, 3, 0xE816},
		private{0xFE59, 1, 0x9FB4}, private{0xFE61, 1, 0x9FB5}, private{0xFE66, 2, 0x9FB6}, private{0xFE6C, 1, 0xE831},
		private{0xFE6D, 1, 0x9FB8}, private{0xFE76, 1, 0xE83B}, private{0xFE7E, 1, 0x9FB9}, private{0xFE90, 1, 0x9FBA},
		private{0xFE91, 1, 0xE855}, private{0xFEA0, 1, 0x9FBB})
}
