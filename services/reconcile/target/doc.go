// Package target reads what a pipeline has written: the rows of its hub topic, scanned by a
// consumer and decoders of its own, and those of its Doris table, asked for as sums. Each is a
// proof.Witness, whose columns are the texts that Doris renders, so that both say the same of
// the same row.
//
// Nothing here is shared with the legs that wrote the rows: not the fetch, not the record
// batches, not the JSON, not the times. What a hub record has to look like is taken from the
// format that the journal has of it (domain.HubFormat).
package target
