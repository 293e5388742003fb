// Package pipeline opens what all legs of a pipeline share: the store, the journal,
// the control stream, the configuration in force, and this process's incarnation. It
// follows control and stops the process when a higher incarnation claims what it
// holds. The services of the legs wait for it; it knows none of them.
package pipeline
