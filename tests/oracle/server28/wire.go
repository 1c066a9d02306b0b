package main

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// wire is a connection whose client sends a fixed run of bytes and then waits for the answer. A server that wants
// more bytes than there are sees the client's end of stream, but only where it really waits for bytes: the one-byte
// read by which net/http watches for a client that left stays pending, as with a client that waits.
type wire struct {
	mu       sync.Mutex
	changed  *sync.Cond
	in       []byte
	then     []byte
	out      []byte
	expired  bool
	hijacked bool
	ended    bool
	closed   bool
	handlers int
	// expecting and impatient tell a watching read, which a handler follows at once, from a read that happens to
	// have room for one byte while the head is incomplete.
	expecting, impatient bool
}

// newWire makes a connection whose client sends in at once, and then only after a hijack.
func newWire(in, then []byte) *wire {
	w := &wire{in: in, then: then}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.closed:
			return 0, net.ErrClosed
		case w.expired:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(w.in) > 0:
			n := copy(p, w.in)
			w.in = w.in[n:]
			return n, nil
		case len(p) > 1 || w.hijacked || (w.impatient && w.handlers == 0):
			return 0, io.EOF
		}
		w.expectHandler()
		w.changed.Wait()
	}
}

func (w *wire) expectHandler() {
	if w.handlers == 0 && !w.expecting {
		w.expecting = true
		time.AfterFunc(grace, func() { w.set(func() { w.impatient = w.expecting }) })
	}
}

func (w *wire) handlerBegins() {
	w.set(func() { w.handlers, w.expecting, w.impatient = w.handlers+1, false, false })
}

func (w *wire) handlerEnds() {
	w.set(func() { w.handlers-- })
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.ended {
		return 0, net.ErrClosed
	}
	w.out = append(w.out, p...)
	return len(p), nil
}

// Close ends both directions.
func (w *wire) Close() error {
	w.set(func() { w.closed, w.ended = true, true })
	return nil
}

// CloseWrite is what the server calls when it has said everything and lets the client read on.
func (w *wire) CloseWrite() error {
	w.set(func() { w.ended = true })
	return nil
}

// SetReadDeadline honours moments in the past only: that is how net/http stops its own pending read.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.set(func() { w.expired = !t.IsZero() && time.Until(t) <= 0 })
	return nil
}

func (w *wire) SetDeadline(t time.Time) error    { return w.SetReadDeadline(t) }
func (w *wire) SetWriteDeadline(time.Time) error { return nil }
func (w *wire) LocalAddr() net.Addr              { return here }
func (w *wire) RemoteAddr() net.Addr             { return here }

func (w *wire) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	w.changed.Broadcast()
}

// wait returns when the server has ended the connection and no handler of it runs any more.
func (w *wire) wait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.ended || w.handlers > 0 {
		w.changed.Wait()
	}
}

func (w *wire) answer() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out
}

func (w *wire) hijack() {
	w.set(func() { w.hijacked, w.in = true, append(w.in[:len(w.in):len(w.in)], w.then...) })
}

// wireListener hands wires to an http.Server.
type wireListener struct {
	wires chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newWireListener() *wireListener {
	return &wireListener{wires: make(chan net.Conn), done: make(chan struct{})}
}

func (l *wireListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.wires:
		return conn, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *wireListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *wireListener) Addr() net.Addr { return here }

const grace = 300 * time.Millisecond

var here net.Addr = &net.UnixAddr{Name: "oracle", Net: "unix"}
