//go:build !race

package proof_test

// underRace says that each row costs ten times as much: there are fewer then.
const underRace = false
