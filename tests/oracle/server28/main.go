// Oracle28 is the API server of Docker Engine 28.5.2 on a backend that records what it is asked and does nothing.
// See README.md for the protocol.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

func main() {
	address := flag.String("listen", "", "serve on `unix://PATH` instead of reading requests from standard input")
	flag.Parse()
	logrus.SetOutput(io.Discard)
	recorder := &Recorder{}
	http.DefaultTransport = fetches{recorder}
	var err error
	if *address == "" {
		err = answerLines(newOracle(recorder), os.Stdin, os.Stdout)
	} else {
		err = serve(recorder, *address)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle28:", err)
		os.Exit(1)
	}
}

// question and answer are the lines of the protocol.
type question struct {
	ID    json.RawMessage `json:"id,omitempty"`
	Bytes []byte          `json:"raw_b64"`
	Then  []byte          `json:"then_b64,omitempty"`
}

type answer struct {
	ID json.RawMessage `json:"id,omitempty"`
	Reading
}

// line is the answer as JSON. The calls are JSON already and go in as they are.
func (a answer) line() []byte {
	text := encoded(a)
	text[len(text)-1] = ','
	text = append(append(text, `"calls":`...), a.Calls...)
	return append(text, '}', '\n')
}

func answerLines(o *oracle, in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 1<<20)
	replies := bufio.NewWriterSize(out, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if _, err := replies.Write(answerLine(o, line).line()); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return replies.Flush()
		}
		if err != nil {
			return err
		}
		if lines.Buffered() == 0 {
			if err := replies.Flush(); err != nil {
				return err
			}
		}
	}
}

func answerLine(o *oracle, line []byte) answer {
	var asked question
	if err := json.Unmarshal(line, &asked); err != nil {
		text := "the line is not a question: " + err.Error()
		return answer{Reading: Reading{Requests: []Request{}, Statuses: []int{}, Calls: json.RawMessage("[]"), Failure: &text}}
	}
	return answer{ID: asked.ID, Reading: o.read(asked.Bytes, asked.Then)}
}

// serve answers real clients; GET /oracle/calls hands out and empties the record.
func serve(recorder *Recorder, address string) error {
	path, ok := strings.CutPrefix(address, "unix://")
	if !ok {
		return fmt.Errorf("-listen takes unix://PATH, not %q", address)
	}
	if found, err := os.Lstat(path); err == nil && found.Mode()&os.ModeSocket != 0 {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := newServer(recorder)
	engine := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/oracle/calls" {
			engine.ServeHTTP(w, r)
			return
		}
		taken := recorder.Take()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(encoded(map[string]any{"requests": taken.Requests, "calls": taken.Calls, "failures": taken.Failures}))
	})
	fmt.Fprintln(os.Stderr, "oracle28: listening on", address)
	return server.Serve(listener)
}

const patience = 10 * time.Second
