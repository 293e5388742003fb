// Package rebuild makes a new journal where the old one is lost, or older than its hub: what the
// hub topic and the table hold says where each city goes on. It is a command on the configuration,
// with hefu stopped, in two steps: Look derives the plan and changes nothing, Approve does what a
// person approved by its digest. Killed anywhere and called again, Approve comes to the same.
//
// A rebuilt journal vouches for nothing before its positions. What the rows cannot tell is in the
// plan, and in the Rebased event that the new journal begins with; what the rows tell to be
// unsafe, above all rows of the hub that the table does not have yet, is refused with the way out.
package rebuild
