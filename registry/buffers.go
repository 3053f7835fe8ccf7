package registry

import "sync"

// buffers lends a tool the memory that its answers are written into. An answer is copied out of it once its size is known.
// The zero value is ready.
type buffers struct{ pool sync.Pool }

func (b *buffers) get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return (*p)[:0]
	}
	return nil
}

// put takes memory back; nothing may refer to it any more.
func (b *buffers) put(buf []byte) {
	if cap(buf) > 0 {
		b.pool.Put(&buf)
	}
}
