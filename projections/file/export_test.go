package file

// Faults puts a function before and after each write; its error is the write's.
func (f *File) Faults(fault func(step string) error) { f.fault = fault }

// SaveEvery sets how many bytes are written between two cursors.
func (f *File) SaveEvery(n int64) { f.saveEvery = n }
