package doris

// Faults of the master's own making: what its transactions meet, not what a client's connection does.
const (
	MissingReplicas Fault = "missing-replicas" // too few replicas have the rows of a load: its first phase is refused, it is rolled back
	PublishFails    Fault = "publish-fails"    // no back end can publish: COMMITTED does not become VISIBLE, and says why
)
