// Package archive is the rule by which segments leave the journal's store: sealed ones are
// written to the archive, and dropped once every leg is past them and they are reconciled.
// Control is archived too and never dropped: a journal opens from it, and it says what was
// archived.
package archive
