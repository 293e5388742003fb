package checkpoint

import "golang.org/x/mod/sumdb/tlog"

// File is what a tree needs of its file.
type TreeFile = file

// OpenTreeFile opens a tree on a file of a test.
func OpenTreeFile(f TreeFile, length int64) (*Tree, error) { return openTree(f, length) }

// Replace puts something in the way of the file's writes.
func (f *File) Replace(replace func(path string, b []byte) error) { f.replace = replace }

// StoredBytes is the length of the file of a tree of a size.
func StoredBytes(size int64) int64 { return tlog.StoredHashCount(size) * tlog.HashSize }
