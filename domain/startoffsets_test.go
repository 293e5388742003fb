package domain_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/hefu-io/hefu/domain"
)

func TestParseOffsets(t *testing.T) {
	for text, want := range map[string]map[int32]int64{
		"partition:0,offset:42":                                   {0: 42},
		"partition:0,offset:42;partition:1,offset:300":            {0: 42, 1: 300},
		"partition:0,offset:-2;partition:1,offset:9;":             {0: domain.OffsetEarliest, 1: 9},
		"partition:0,offset:1;;;":                                 {0: 1},
		"partition:0,offset:1,,;partition:7,offset:2,":            {0: 1, 7: 2}, // Java's split drops what is empty at the end
		"partition:3,offset:-1;partition:4,offset:-3":             {3: domain.OffsetLatest, 4: domain.OffsetCommitted},
		"partition:0,offset:1;partition:0,offset:2":               {0: 2},
		"partition:+1,offset:+007":                                {1: 7}, // Integer.valueOf
		"partition:2147483647,offset:9223372036854775807":         {2147483647: 9223372036854775807},
		"partition:1,offset:2;partition:0,offset:0;":              {0: 0, 1: 2},
		"partition:10,offset:00000000000000000000000000000000012": {10: 12},
	} {
		got, err := domain.ParseOffsets(text)
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func TestParseOffsetsRefuses(t *testing.T) {
	long := strings.Repeat("x", 100)
	for text, want := range map[string]string{
		"":                                       `character 1: the end found, "partition:0,offset:<number>" allowed`,
		";":                                      `character 1: ";" found, "partition:0,offset:<number>" allowed`,
		";;;":                                    `character 1: ";" found, "partition:0,offset:<number>" allowed`,
		" ":                                      `character 1: " " found, "partition:" allowed`,
		"42":                                     `character 1: "42" found, "partition:" allowed`,
		"0:42":                                   `character 1: "0:42" found, "partition:" allowed`,
		"latest":                                 `character 1: "latest" found, "partition:" allowed`,
		long:                                     `character 1: "` + long[:40] + `"… found, "partition:" allowed`,
		"partition:0":                            `character 12: the end found, "," allowed`,
		"partition:0;":                           `character 12: the end found, "," allowed`,
		"partition:0,":                           `character 13: the end found, "offset:" allowed`,
		"partition:0,;partition:1,offset:2":      `character 13: ";" found, "offset:" allowed`,
		"partition:0,,offset:1":                  `character 13: "," found, "offset:" allowed`,
		"partition:0,offset":                     `character 13: "offset" found, "offset:" allowed`,
		"partition:0,offset:":                    `character 20: the end found, a whole number of 64 bits allowed`,
		"partition:,offset:1":                    `character 11: "," found, a whole number of 32 bits allowed`,
		"partition:a,offset:1":                   `character 11: "a" found, a whole number of 32 bits allowed`,
		"partition:0,offset:b":                   `character 20: "b" found, a whole number of 64 bits allowed`,
		"partition:0,offset:1.5":                 `character 20: "1.5" found, a whole number of 64 bits allowed`,
		"partition:0,offset:1e3":                 `character 20: "1e3" found, a whole number of 64 bits allowed`,
		"partition:0,offset:0x10":                `character 20: "0x10" found, a whole number of 64 bits allowed`,
		"partition:0,offset:1_000":               `character 20: "1_000" found, a whole number of 64 bits allowed`,
		"partition:0,offset:latest":              `character 20: "latest" found, a whole number of 64 bits allowed`,
		"partition:0,offset:9223372036854775808": `character 20: "9223372036854775808" found, a whole number of 64 bits allowed`,
		"partition:2147483648,offset:1":          `character 11: "2147483648" found, a whole number of 32 bits allowed`,
		"partition:-1,offset:1":                  `character 11: "-1" found, a partition from 0 on allowed`,
		"partition:0,offset:-4":                  `character 20: "-4" found, an offset from 0 on, -1 (latest), -2 (earliest) or -3 (committed) allowed`,
		"partition:0, offset:1":                  `character 13: " offset:1" found, "offset:" allowed`,
		" partition:0,offset:1":                  `character 1: " partition:0" found, "partition:" allowed`,
		"partition:0,offset:1; partition:1,offset:2": `character 22: " partition:1" found, "partition:" allowed`,
		"partition: 0,offset:1":                      `character 11: " 0" found, a whole number of 32 bits allowed`,
		"partition:0,offset:1 ":                      `character 20: "1 " found, a whole number of 64 bits allowed`,
		"Partition:0,offset:1":                       `character 1: "Partition:0" found, "partition:" allowed`,
		"partition:0,OFFSET:1":                       `character 13: "OFFSET:1" found, "offset:" allowed`,
		"offset:1,partition:0":                       `character 1: "offset:1" found, "partition:" allowed`,
		"partition=0,offset=1":                       `character 1: "partition=0" found, "partition:" allowed`,
		"partition:0,offset:1,partition:1,offset:2":  `character 22: "partition:1" found, ";" allowed`,
		"partition:0,offset:1;;partition:1,offset:2": `character 22: ";" found, "partition:" allowed`,
		";partition:0,offset:1":                      `character 1: ";" found, "partition:" allowed`,
		"partition:0,offset:1|partition:1,offset:2":  `character 20: "1|partition:1" found, a whole number of 64 bits allowed`,
		"partition:0,timestamp:1":                    `character 13: "timestamp:1" found, "offset:" allowed`,
		"分区:0,offset:1":                              `character 1: "分区:0" found, "partition:" allowed`,
		"partition:0,offset:1；partition:1,offset:2":  `character 20: "1；partition:1" found, a whole number of 64 bits allowed`,
		"partition:0,offset:1;分区:1,offset:2":         `character 22: "分区:1" found, "partition:" allowed`,
		"partition:0,偏移:1":                           `character 13: "偏移:1" found, "offset:" allowed`,
	} {
		if got, err := domain.ParseOffsets(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestParseTimestamps(t *testing.T) {
	got, err := domain.ParseTimestamps("partition:0,timestamp:1714536000000;partition:2,timestamp:0;")
	if want := (map[int32]int64{0: 1714536000000, 2: 0}); err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	for text, want := range map[string]string{
		"":                         `character 1: the end found, "partition:0,timestamp:<number>" allowed`,
		"partition:0,offset:1":     `character 13: "offset:1" found, "timestamp:" allowed`,
		"partition:0,timestamp:-1": `character 23: "-1" found, milliseconds since 1970, from 0 on allowed`,
		"partition:0,timestamp:2026-11-25T02:00:00Z": `character 23: "2026-11-25T02:00:00Z" found, a whole number of 64 bits allowed`,
	} {
		if got, err := domain.ParseTimestamps(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
}

func TestParseTimestamp(t *testing.T) {
	for text, want := range map[string]int64{
		"0":                                0,
		"1714536000000":                    1714536000000,
		"1970-01-01T00:00:01Z":             1000,
		"1970-01-01T08:00:01+08:00":        1000,
		"1970-01-01T00:00:01.5Z":           1500,
		"1970-01-01T00:00:01.500000001Z":   1501, // no record lies in between
		"1970-01-01T00:00:01.000000Z":      1000,
		"2026-11-25T02:00:00.123456+08:00": 1795543200124,
	} {
		if got, err := domain.ParseTimestamp(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	const allowed = "milliseconds since 1970, or a time as in 2026-11-25T02:00:00+08:00, allowed"
	for text, want := range map[string]string{
		"":                           "character 1: the end found, " + allowed,
		"yesterday":                  `character 1: "yesterday" found, ` + allowed,
		"-1":                         `character 1: "-1" found, ` + allowed,
		"2026-11-25":                 `character 11: the end found, ` + allowed,
		"2026-11-25 02:00:00":        `character 11: " 02:00:00" found, ` + allowed,
		"2026-11-25T02:00:00":        `character 20: the end found, ` + allowed,
		"2026-13-25T02:00:00Z":       `character 1: "2026-13-25T02:00:00Z" found, ` + allowed,
		"1969-12-31T23:59:59Z":       `character 1: "1969-12-31T23:59:59Z" found, a time from 1970 on allowed`,
		"9223372036854775808":        `character 1: "9223372036854775808" found, milliseconds of 64 bits allowed`,
		"1714536000000ms":            `character 5: "536000000ms" found, ` + allowed,
		"2026-11-25T02:00:00+08:00 ": `character 26: " " found, ` + allowed,
	} {
		if got, err := domain.ParseTimestamp(text); err == nil || err.Error() != want {
			t.Errorf("%q: %d, %v; want %s", text, got, err, want)
		}
	}
}

func TestOffsetName(t *testing.T) {
	for offset, want := range map[int64]string{-1: "latest", -2: "earliest", -3: "committed", 0: "0", 42: "42"} {
		if got := domain.OffsetName(offset); got != want {
			t.Errorf("%d: %s, want %s", offset, got, want)
		}
	}
}
