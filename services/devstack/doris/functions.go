package doris

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"math/bits"

	"github.com/zeebo/xxh3"
	"modernc.org/sqlite"
)

// newDriver is a sqlite driver with the functions that SELECTs are translated to and sqlite lacks.
func newDriver() (*sqlite.Driver, error) {
	d := &sqlite.Driver{}
	for name, f := range map[string]*sqlite.FunctionImpl{
		"dx_xxh64":     {NArgs: -1, Deterministic: true, VolatileArgs: true, Scalar: xxhash64},
		"dx_like":      {NArgs: 2, Deterministic: true, Scalar: likeText},
		"dx_datetime":  {NArgs: 2, Deterministic: true, Scalar: dateTimeText},
		"dx_sum_large": {NArgs: 1, MakeAggregate: func(sqlite.FunctionContext) (sqlite.AggregateFunction, error) { return &sumLarge{}, nil }},
		"dx_bit_xor":   {NArgs: 1, MakeAggregate: func(sqlite.FunctionContext) (sqlite.AggregateFunction, error) { return &bitXor{}, nil }},
	} {
		if err := d.RegisterFunction(name, f); err != nil {
			return nil, fmt.Errorf("register %s: %w", name, err)
		}
	}
	return d, nil
}

// xxhash64 is Doris' xxhash_64: XXH3 of each argument, seeded by the hash before; NULL in, NULL out.
func xxhash64(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	var h uint64
	for _, a := range args {
		switch v := a.(type) {
		case string:
			h = xxh3.HashStringSeed(v, h)
		case []byte:
			h = xxh3.HashSeed(v, h)
		case nil:
			return nil, nil
		default:
			return nil, fmt.Errorf("xxhash_64 of a %T", a)
		}
	}
	return int64(h), nil
}

func dateTimeText(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	v, ok := args[0].(int64)
	if !ok {
		return nil, nil
	}
	scale, _ := args[1].(int64)
	return string(appendDateTime(nil, v, int(scale))), nil
}

// sumLarge is sum() over LARGEINT: 128 bit, printed as text.
type sumLarge struct {
	hi, lo uint64
	any    bool
}

func (s *sumLarge) Step(_ *sqlite.FunctionContext, args []driver.Value) error {
	switch v := args[0].(type) {
	case int64:
		var carry uint64
		s.lo, carry = bits.Add64(s.lo, uint64(v), 0)
		s.hi, _ = bits.Add64(s.hi, uint64(v>>63), carry)
		s.any = true
	case nil:
	default:
		return fmt.Errorf("sum of a %T", v)
	}
	return nil
}

func (s *sumLarge) WindowInverse(*sqlite.FunctionContext, []driver.Value) error {
	return fmt.Errorf("sum over a window")
}

func (s *sumLarge) WindowValue(*sqlite.FunctionContext) (driver.Value, error) {
	if !s.any {
		return nil, nil
	}
	v := new(big.Int).SetInt64(int64(s.hi))
	v.Lsh(v, 64)
	return v.Add(v, new(big.Int).SetUint64(s.lo)).String(), nil
}

func (s *sumLarge) Final(*sqlite.FunctionContext) {}

// bitXor is group_bit_xor().
type bitXor struct {
	x   int64
	any bool
}

func (s *bitXor) Step(_ *sqlite.FunctionContext, args []driver.Value) error {
	if v, ok := args[0].(int64); ok {
		s.x ^= v
		s.any = true
	}
	return nil
}

func (s *bitXor) WindowInverse(*sqlite.FunctionContext, []driver.Value) error {
	return fmt.Errorf("group_bit_xor over a window")
}

func (s *bitXor) WindowValue(*sqlite.FunctionContext) (driver.Value, error) {
	if !s.any {
		return nil, nil
	}
	return s.x, nil
}

func (s *bitXor) Final(*sqlite.FunctionContext) {}
