package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"regexp"
)

// engine plays the daemon: it records every call and answers so that the handler goes on. It has no state; an
// object exists as soon as it is named, and its ID is 64 hex digits that follow from the name.
type engine struct {
	*Recorder
}

// HasExperimental is asked by the build router.
func (e *engine) HasExperimental() bool { return false }

func idOf(kind, name string) string {
	if hex64.MatchString(name) {
		return name
	}
	sum := sha256.Sum256([]byte(kind + "/" + name))
	return hex.EncodeToString(sum[:])
}

var hex64 = regexp.MustCompile(`^[0-9a-f]{64}$`)

// smallTar is an archive with one file, for everything that streams one out.
func smallTar() []byte {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	content := []byte("oracle\n")
	err := writer.WriteHeader(&tar.Header{Name: "oracle.txt", Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = writer.Write(content)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		panic(err)
	}
	return out.Bytes()
}

// echo reads a stream to its end, repeats it to out where there is one, and says what it was.
func echo(in io.Reader, out io.Writer) Digest {
	if in == nil {
		return Digest{}
	}
	if out == nil {
		out = io.Discard
	}
	return digest(io.TeeReader(in, forgiving{out}))
}

// forgiving drops what a client that left can no longer read.
type forgiving struct{ io.Writer }

func (f forgiving) Write(p []byte) (int, error) {
	_, _ = f.Writer.Write(p)
	return len(p), nil
}
