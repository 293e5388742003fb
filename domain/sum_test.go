package domain_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/hefu-io/hefu/domain"
)

// A sum is what math/big makes of the same numbers.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s domain.Sum
		want := new(big.Int)
		for _, n := range rapid.SliceOf(rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, -1}))).Draw(t, "numbers") {
			s = s.Add(n)
			want.Add(want, big.NewInt(n))
		}
		if s.String() != want.String() {
			t.Fatalf("%s, want %s", s, want)
		}
		if again := s.Minus(domain.Sum{}.Add(7)).Plus(domain.Sum{}.Add(7)); again != s {
			t.Fatalf("%s without 7 and with it again is %s", s, again)
		}
		if back, err := domain.ParseSum(want.String()); err != nil || back != s {
			t.Fatalf("%s is read as %s: %v", want, back, err)
		}
	})
	for _, text := range []string{"", "x", "1.5", "0x10", "-", "--1", "+1", " 1", "1 ", "340282366920938463463374607431768211456", "340282366920938463463374607431768211457", "99999999999999999999999999999999999999999999", "170141183460469231731687303715884105728", "-170141183460469231731687303715884105729"} {
		if s, err := domain.ParseSum(text); err == nil {
			t.Errorf("%q is read as %s", text, s)
		}
	}
	for _, text := range []string{"170141183460469231731687303715884105727", "-170141183460469231731687303715884105728", "-18446744073709551616", "18446744073709551615"} {
		if s, err := domain.ParseSum(text); err != nil || s.String() != text {
			t.Errorf("%s is read as %s: %v", text, s, err)
		}
	}
}
