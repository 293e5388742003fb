package domain

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// What an offset below zero stands for in a list of specific offsets
// (KafkaPartitionSplit of Flink's connector).
const (
	OffsetLatest    int64 = -1
	OffsetEarliest  int64 = -2
	OffsetCommitted int64 = -3
)

// OffsetName is an offset of a list for people: the word for one that stands for
// something, else its digits.
func OffsetName(offset int64) string {
	switch offset {
	case OffsetLatest:
		return "latest"
	case OffsetEarliest:
		return "earliest"
	case OffsetCommitted:
		return "committed"
	default:
		return itoa(offset)
	}
}

// ParseOffsets reads specific offsets in Flink's grammar (flink-contract.md §1.3):
// partition:<int>,offset:<long> joined by ";". The words and their order are fixed and
// nothing may stand between them; what is empty at the end of the list or of a pair is
// dropped, as Java's split does; of a partition that is listed twice the last counts.
// Offsets below zero are the three that stand for something. An error says at which
// character what was found, and what is allowed.
func ParseOffsets(text string) (map[int32]int64, error) {
	return parsePairs(text, "offset", func(n int64) string {
		if n < OffsetCommitted {
			return "an offset from 0 on, -1 (latest), -2 (earliest) or -3 (committed)"
		}
		return ""
	})
}

// ParseTimestamps reads timestamps of single partitions, which Flink has not, in the
// same grammar: partition:<int>,timestamp:<milliseconds since 1970> joined by ";".
func ParseTimestamps(text string) (map[int32]int64, error) {
	return parsePairs(text, "timestamp", func(n int64) string {
		if n < 0 {
			return "milliseconds since 1970, from 0 on"
		}
		return ""
	})
}

// pairs is a list that is being read.
type pairs struct {
	text string
	at   int // bytes read
}

func parsePairs(text, key string, refuse func(int64) string) (map[int32]int64, error) {
	p := &pairs{text: text}
	end := len(strings.TrimRight(text, ";"))
	if end == 0 {
		return nil, p.wrong(strconv.Quote("partition:0," + key + ":<number>"))
	}
	p.text = text[:end]
	out := map[int32]int64{}
	for {
		partition, err := p.value("partition", 32)
		if err == nil && partition < 0 {
			p.back()
			err = p.wrong("a partition from 0 on")
		}
		if err == nil {
			err = p.word(",")
		}
		if err != nil {
			return nil, err
		}
		n, err := p.value(key, 64)
		if err != nil {
			return nil, err
		}
		if allowed := refuse(n); allowed != "" {
			p.back()
			return nil, p.wrong(allowed)
		}
		out[int32(partition)] = n
		for strings.HasPrefix(p.text[p.at:], ",") {
			p.at++
		}
		if p.at == len(p.text) {
			return out, nil
		}
		if err := p.word(";"); err != nil {
			return nil, err
		}
	}
}

// value reads key:<number>.
func (p *pairs) value(key string, bits int) (int64, error) {
	if err := p.word(key + ":"); err != nil {
		return 0, err
	}
	digits := p.token()
	n, err := strconv.ParseInt(digits, 10, bits)
	if err != nil {
		return 0, p.wrong(fmt.Sprintf("a whole number of %d bits", bits))
	}
	p.at += len(digits)
	return n, nil
}

// word reads what has to stand here.
func (p *pairs) word(want string) error {
	if !strings.HasPrefix(p.text[p.at:], want) {
		return p.wrong(strconv.Quote(want))
	}
	p.at += len(want)
	return nil
}

// token is what stands here up to the next separator.
func (p *pairs) token() string {
	rest := p.text[p.at:]
	if i := strings.IndexAny(rest, ",;"); i >= 0 {
		return rest[:i]
	}
	return rest
}

// back returns to the number that was just read.
func (p *pairs) back() { p.at = strings.LastIndexByte(p.text[:p.at], ':') + 1 }

// shown is how much of a text an error repeats, in bytes.
const shown = 40

func (p *pairs) wrong(allowed string) error {
	found := p.token()
	switch {
	case found == "" && p.at < len(p.text):
		found = strconv.Quote(p.text[p.at : p.at+1])
	case found == "":
		found = "the end"
	case len(found) > shown:
		found = strconv.Quote(found[:shown]) + "…"
	default:
		found = strconv.Quote(found)
	}
	return fmt.Errorf("character %d: %s found, %s allowed", utf8.RuneCountInString(p.text[:p.at])+1, found, allowed)
}

// ParseTimestamp reads a moment: digits are milliseconds since 1970, everything else is
// RFC 3339. A part of a millisecond counts as a whole one: no record has a timestamp in
// between. An error says at which character what was found, and what is allowed.
func ParseTimestamp(text string) (int64, error) {
	const allowed = "milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00,"
	p := &pairs{text: text}
	if n := len(text) - len(strings.TrimLeft(text, "0123456789")); n == len(text) && n > 0 {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, p.wrong("milliseconds of 64 bits")
		}
		return ms, nil
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		var where *time.ParseError
		if errors.As(err, &where) && (where.Message == "" || strings.HasPrefix(where.Message, ": extra text")) {
			p.at = max(0, len(text)-len(where.ValueElem))
		}
		return 0, p.wrong(allowed)
	}
	ms := at.UnixMilli()
	if at.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	if ms < 0 {
		return 0, p.wrong("a time from 1970 on")
	}
	return ms, nil
}
