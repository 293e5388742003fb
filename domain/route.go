package domain

// HubPartition is where a row of a source with base b goes: (b + city partition)
// mod H. Order inside a city partition survives, and runs in the hub stay long.
func HubPartition(base, cityPartition, hubPartitions int32) int32 {
	return int32((int64(base) + int64(cityPartition)) % int64(hubPartitions))
}

// ShardOf is the shard that owns a hub partition: h mod shards. Each hub partition
// so has one transactional writer.
func ShardOf(hubPartition int32, shards int) int { return int(hubPartition) % shards }

// NextBase is the base of the next source, given those already journaled in order
// of addition: spaced evenly over the H hub partitions. It takes the partition with
// the fewest bases and, among those, the one farthest from its neighbours.
func NextBase(taken []int32, hubPartitions int32) int32 {
	count := make([]int, hubPartitions)
	for _, b := range taken {
		count[b]++
	}
	best, bestCount, bestGap := int32(0), len(taken)+1, int32(-1)
	for h := range hubPartitions {
		gap := hubPartitions
		for _, b := range taken {
			if count[b] > count[h] || len(taken) < int(hubPartitions) {
				d := (h - b + hubPartitions) % hubPartitions
				gap = min(gap, d, hubPartitions-d)
			}
		}
		if count[h] < bestCount || count[h] == bestCount && gap > bestGap {
			best, bestCount, bestGap = h, count[h], gap
		}
	}
	return best
}
