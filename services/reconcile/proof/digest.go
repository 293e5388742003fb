package proof

import "github.com/zeebo/xxh3"

// null stands for a column other than record that is NULL: no number and no time reads like
// it, and no city code has a parenthesis.
const null = "(null)"

// DigestOrder is the order in which the columns of a digest are hashed (doris-wire.md §5.3).
func DigestOrder() [Columns]int {
	return [...]int{City, HubPartition, HubOffset, HubTime, CityPartition, CityOffset, CityTime, ExtractTime, Record}
}

// Digest is the row digest over the columns of a mask: what Doris says of the same row to
//
//	xxhash_64(
//	    ifnull(sscsdm, '(null)'),
//	    ifnull(cast(hw_partition_id AS string), '(null)'),
//	    ifnull(cast(hw_offset_id AS string), '(null)'),
//	    ifnull(cast(hw_ts AS string), '(null)'),
//	    ifnull(cast(city_partition_id AS string), '(null)'),
//	    ifnull(cast(city_offset_id AS string), '(null)'),
//	    ifnull(cast(city_ts AS string), '(null)'),
//	    ifnull(cast(extract_time AS string), '(null)'),
//	    if(record IS NULL, '0', '1'), ifnull(record, ''))
//
// without the arguments of the columns that are not in the mask. That is: XXH3-64 of each
// argument, seeded by the hash of the one before (the first by 0), as a signed number; the
// columns in the order of DigestOrder; a column but record is one argument, its text or
// (null); record is two, 1 and the text, or 0 and nothing. Numbers are decimal; a time is
// 2024-05-01 12:00:00.123456 with as many digits of the fraction as its column has, and no
// point where that is none. A NULL that were passed on would make the digest NULL, and Doris
// leaves that out of a sum without a word: hence no argument is ever NULL.
//
// Sums of digests stop accidents, not an adversary (proof.md). It allocates nothing.
func Digest(r *Row, m Mask) int64 {
	var h uint64
	for _, c := range DigestOrder() {
		switch {
		case !m.Has(c):
		case c == Record && r.Null.Has(c):
			h = xxh3.HashStringSeed("", xxh3.HashStringSeed("0", h))
		case c == Record:
			h = xxh3.HashStringSeed(r.Text[c], xxh3.HashStringSeed("1", h))
		case r.Null.Has(c):
			h = xxh3.HashStringSeed(null, h)
		default:
			h = xxh3.HashStringSeed(r.Text[c], h)
		}
	}
	return int64(h)
}
