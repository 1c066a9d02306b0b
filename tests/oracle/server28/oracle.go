package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// oracle runs one exchange after the other on an in-memory connection to a real net/http server.
type oracle struct {
	recorder *Recorder
	listener *wireListener
}

// Reading is what the engine made of the bytes of one connection.
type Reading struct {
	// Status is the status of the first answer, null where there was none.
	Status *int `json:"status"`
	// Statuses are those of all answers: more than one where the bytes were read as several requests.
	Statuses []int           `json:"statuses"`
	Requests []Request       `json:"requests"`
	Calls    json.RawMessage `json:"-"`
	// Error is the engine's own message where the first answer is an error.
	Error *string `json:"error"`
	// Failure says that the oracle could not tell: a question that is none, a handler that did not end or panicked.
	Failure *string `json:"failure"`
}

func newOracle(recorder *Recorder) *oracle {
	o := &oracle{recorder: recorder, listener: newWireListener()}
	go func() { _ = newServer(recorder).Serve(o.listener) }()
	return o
}

// read feeds raw to a fresh connection, and then only once the connection is hijacked.
func (o *oracle) read(raw, then []byte) Reading {
	conn := newWire(raw, then)
	o.recorder.onHangUp(nil)
	o.listener.wires <- conn
	late := !waitFor(conn)
	if late {
		o.recorder.endFromClient()
	}
	_ = conn.Close()
	taken := o.recorder.Take()
	out := Reading{Requests: taken.Requests, Calls: taken.Calls}
	out.Statuses, out.Error = readAnswers(conn.answer(), taken.Requests)
	if len(out.Statuses) > 0 {
		out.Status = &out.Statuses[0]
	}
	if late {
		taken.Failures = append(taken.Failures, "the exchange did not end")
	}
	if len(taken.Failures) > 0 {
		text := strings.Join(taken.Failures, "; ")
		out.Failure = &text
	}
	return out
}

func waitFor(conn *wire) bool {
	late := false
	timer := time.AfterFunc(patience, func() {
		conn.set(func() { late, conn.ended, conn.closed, conn.handlers = true, true, true, 0 })
	})
	defer timer.Stop()
	conn.wait()
	conn.mu.Lock()
	defer conn.mu.Unlock()
	return !late
}

// readAnswers reads the statuses of the final answers, and the message of the first where it is an error.
func readAnswers(raw []byte, requests []Request) ([]int, *string) {
	statuses := []int{}
	var message *string
	stream := bufio.NewReader(bytes.NewReader(raw))
	for {
		asked := &http.Request{Method: http.MethodGet}
		if len(statuses) < len(requests) {
			asked.Method = requests[len(statuses)].Method
		}
		response, err := http.ReadResponse(stream, asked)
		if err != nil {
			return statuses, message
		}
		if response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		statuses = append(statuses, response.StatusCode)
		if response.StatusCode == http.StatusSwitchingProtocols {
			return statuses, message
		}
		body, err := io.ReadAll(response.Body)
		if len(statuses) == 1 && response.StatusCode >= 400 {
			text := messageOf(body)
			message = &text
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return statuses, message
		}
	}
}

func messageOf(body []byte) string {
	var parsed struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &parsed); err == nil && parsed.Message != "" {
		return parsed.Message
	}
	return strings.TrimSpace(string(body))
}
