package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
)

// Digest stands for a stream that was read to its end.
type Digest struct {
	SHA256 string `json:"sha256"`
	Length int64  `json:"length"`
	// Error is how reading ended where it did not end in EOF: a body cut short, bad chunks.
	Error string `json:"error"`
}

// TarEntry is one entry of an archive that was put into a container.
type TarEntry struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Mode     int64             `json:"mode"`
	UID      int               `json:"uid"`
	GID      int               `json:"gid"`
	Uname    string            `json:"uname"`
	Gname    string            `json:"gname"`
	Linkname string            `json:"linkname"`
	Size     int64             `json:"size"`
	ModTime  int64             `json:"modtime"`
	Devmajor int64             `json:"devmajor"`
	Devminor int64             `json:"devminor"`
	PAX      map[string]string `json:"pax"`
	SHA256   string            `json:"sha256"`
}

// Archive is what the engine's reader (archive/tar) sees in a body.
type Archive struct {
	// Compression is none, gzip, bzip2, xz or zstd, by the magic bytes that the engine looks at.
	Compression string     `json:"compression"`
	Entries     []TarEntry `json:"entries"`
	// Error is how the reading of entries ended where it did not end in EOF; xz, bzip2 and zstd are not opened.
	Error string `json:"error"`
}

func digest(stream io.Reader) Digest {
	if stream == nil {
		return Digest{}
	}
	hash := sha256.New()
	length, err := io.Copy(hash, stream)
	return Digest{SHA256: hex.EncodeToString(hash.Sum(nil)), Length: length, Error: words(err)}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// readArchive reads the whole body, and its entries as long as they can be read.
func readArchive(stream io.Reader) (Digest, Archive) {
	body, err := io.ReadAll(stream)
	sum := sha256.Sum256(body)
	whole := Digest{SHA256: hex.EncodeToString(sum[:]), Length: int64(len(body)), Error: words(err)}
	out := Archive{Compression: compression(body), Entries: []TarEntry{}}
	var plain io.Reader = bytes.NewReader(body)
	switch out.Compression {
	case "none":
	case "gzip":
		unzipped, err := gzip.NewReader(plain)
		if err != nil {
			out.Error = err.Error()
			return whole, out
		}
		plain = io.LimitReader(unzipped, maxUnpacked)
	default:
		out.Error = "not opened: " + out.Compression
		return whole, out
	}
	out.Entries, out.Error = readEntries(plain)
	return whole, out
}

func readEntries(stream io.Reader) ([]TarEntry, string) {
	entries := []TarEntry{}
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries, ""
		}
		if err != nil {
			return entries, err.Error()
		}
		content := digest(reader)
		entries = append(entries, entryOf(header, content))
		if content.Error != "" {
			return entries, content.Error
		}
	}
}

func entryOf(header *tar.Header, content Digest) TarEntry {
	return TarEntry{
		Name: header.Name, Type: string(rune(header.Typeflag)), Mode: header.Mode,
		UID: header.Uid, GID: header.Gid, Uname: header.Uname, Gname: header.Gname,
		Linkname: header.Linkname, Size: header.Size, ModTime: header.ModTime.Unix(),
		Devmajor: header.Devmajor, Devminor: header.Devminor, PAX: header.PAXRecords, SHA256: content.SHA256,
	}
}

// compression looks at the same first bytes as the engine (go-archive, DetectCompression).
func compression(body []byte) string {
	for _, known := range []struct{ name, magic string }{
		{"bzip2", "\x42\x5a\x68"}, {"gzip", "\x1f\x8b\x08"}, {"xz", "\xfd\x37\x7a\x58\x5a\x00"}, {"zstd", "\x28\xb5\x2f\xfd"},
	} {
		if bytes.HasPrefix(body, []byte(known.magic)) {
			return known.name
		}
	}
	if len(body) >= 8 && body[0]&0xf0 == 0x50 && body[1] == 0x2a && body[2] == 0x4d && body[3] == 0x18 {
		return "zstd"
	}
	return "none"
}

const maxUnpacked = 256 << 20
