package pipeline

// Saying is saying, for tests.
var Saying = saying
