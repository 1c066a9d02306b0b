package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"sync"
)

// Request is one request head that the server accepted and gave to the router.
type Request struct {
	Method string `json:"method"`
	URI    string `json:"uri"`
	Host   string `json:"host"`
	// Route is the pattern that matched, as the engine registers it; empty when the request ended before a handler.
	Route string `json:"route"`
}

// Call is one call into the engine's backend, with every argument as the handler decoded it.
type Call struct {
	Method string
	args   map[string]json.RawMessage
}

// Recorder keeps what the engine would have done. It is shared by all connections.
type Recorder struct {
	mu       sync.Mutex
	requests []*Request
	calls    []*Call
	failures []string
	// hangUp ends the exchange in progress from the client's side; nil where real clients decide that.
	hangUp func()
}

// Record is what Take hands out.
type Record struct {
	Requests []Request
	Calls    json.RawMessage
	Failures []string
}

// Say records a call at once, so that later changes of an argument cannot be seen. Arguments are name, value, name, value ….
func (r *Recorder) Say(method string, arguments ...any) *Call {
	call := &Call{Method: method, args: map[string]json.RawMessage{}}
	for i := 0; i+1 < len(arguments); i += 2 {
		call.args[arguments[i].(string)] = printed(arguments[i+1])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, call)
	return call
}

// Add puts a further argument to a recorded call: what was read from a stream after the call began.
func (r *Recorder) Add(call *Call, name string, value any) {
	text := printed(value)
	r.mu.Lock()
	defer r.mu.Unlock()
	call.args[name] = text
}

func (r *Recorder) accept(request *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, request)
}

func (r *Recorder) matched(request *Request, route string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	request.Route = route
}

func (r *Recorder) fail(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, text)
}

func (r *Recorder) endFromClient() {
	r.mu.Lock()
	hangUp := r.hangUp
	r.mu.Unlock()
	if hangUp != nil {
		hangUp()
	}
}

func (r *Recorder) onHangUp(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hangUp = f
}

// Take empties the record and returns what was in it.
func (r *Recorder) Take() Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := Record{Requests: make([]Request, 0, len(r.requests)), Failures: r.failures}
	for _, request := range r.requests {
		out.Requests = append(out.Requests, *request)
	}
	out.Calls = printCalls(r.calls)
	r.requests, r.calls, r.failures = nil, nil, nil
	return out
}

// printCalls joins what is JSON already; encoding it again would double the work of an exchange.
func printCalls(calls []*Call) json.RawMessage {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, call := range calls {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"method":"` + call.Method + `","args":{`)
		for j, name := range slices.Sorted(maps.Keys(call.args)) {
			if j > 0 {
				out.WriteByte(',')
			}
			out.WriteString(`"` + name + `":`)
			out.Write(call.args[name])
		}
		out.WriteString("}}")
	}
	out.WriteByte(']')
	return out.Bytes()
}

func encoded(value any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return bytes.TrimRight(out.Bytes(), "\n")
}
