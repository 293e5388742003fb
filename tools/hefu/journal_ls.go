package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hefu-io/hefu/domain"
)

// kindCounts is "HubBegun 12, HubCommitted 11, …".
func kindCounts(kinds map[domain.Kind]int64) string {
	var parts []string
	for k, n := range kinds {
		parts = append(parts, fmt.Sprintf("%s %d", k, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
