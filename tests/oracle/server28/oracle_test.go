package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func ask(t *testing.T, raw string, then ...string) (Reading, []map[string]any) {
	t.Helper()
	reading := shared.read([]byte(raw), []byte(strings.Join(then, "")))
	var calls []map[string]any
	if err := json.Unmarshal(reading.Calls, &calls); err != nil {
		t.Fatalf("calls: %v in %s", err, reading.Calls)
	}
	if reading.Failure != nil {
		t.Fatalf("failure: %s", *reading.Failure)
	}
	return reading, calls
}

var shared = func() *oracle {
	recorder := &Recorder{}
	http.DefaultTransport = fetches{recorder}
	return newOracle(recorder)
}()

func withBody(method, uri, body string, headers ...string) string {
	headers = append([]string{"Host: docker", "Content-Type: application/json", fmt.Sprintf("Content-Length: %d", len(body))}, headers...)
	return method + " " + uri + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n" + body
}

func bare(method, uri string, headers ...string) string {
	headers = append([]string{"Host: docker"}, headers...)
	return method + " " + uri + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n"
}

// at digs into decoded JSON; a step that is missing ends the test.
func at(t *testing.T, value any, path ...string) any {
	t.Helper()
	for _, step := range path {
		fields, ok := value.(map[string]any)
		if !ok {
			t.Fatalf("%v: nothing to look %q up in", path, step)
		}
		inner, ok := fields[step]
		if !ok {
			t.Fatalf("%v: no %q in %v", path, step, fields)
		}
		value = inner
	}
	return value
}

func one(t *testing.T, calls []map[string]any, method string) any {
	t.Helper()
	if len(calls) != 1 || calls[0]["method"] != method {
		t.Fatalf("wanted one %s, got %v", method, calls)
	}
	return calls[0]["args"]
}

func TestReadsADottedVersionAnEncodedSlashAndAnUndocumentedParameter(t *testing.T) {
	reading, calls := ask(t, bare("POST", "/v1.41./containers/a%2Fb/start?checkpoint=z"))
	args := one(t, calls, "ContainerStart")
	if at(t, args, "name") != "a/b" || at(t, args, "checkpoint") != "z" || *reading.Status != 204 {
		t.Fatalf("%v %d", args, *reading.Status)
	}
}

func TestFoldsTheCaseOfKeys(t *testing.T) {
	for _, body := range []string{
		`{"Image":"x","hostconfig":{"Privileged":true}}`,
		`{"Image":"x","Ho\u017ftConfig":{"privileged":true}}`,
		`{"Image":"x","HostConfig":{"Privileged":true},"HostConfig":{}}`,
	} {
		_, calls := ask(t, withBody("POST", "/containers/create", body))
		if at(t, one(t, calls, "ContainerCreate"), "config", "HostConfig", "Privileged") != true {
			t.Errorf("%s: not privileged", body)
		}
	}
	_, calls := ask(t, withBody("POST", "/containers/create", `{"Image":"x","HostConfig":{"Privilege":true}}`))
	if at(t, one(t, calls, "ContainerCreate"), "config", "HostConfig", "Privileged") != false {
		t.Error("an unknown key is not the known one")
	}
}

func TestTellsNilFromEmpty(t *testing.T) {
	_, calls := ask(t, withBody("POST", "/containers/create", `{"Image":"x","HostConfig":{"MaskedPaths":[]}}`))
	host := at(t, one(t, calls, "ContainerCreate"), "config", "HostConfig")
	if masked, ok := at(t, host, "MaskedPaths").([]any); !ok || len(masked) != 0 {
		t.Errorf("MaskedPaths: %v", at(t, host, "MaskedPaths"))
	}
	if at(t, host, "ReadonlyPaths") != nil {
		t.Errorf("ReadonlyPaths: %v", at(t, host, "ReadonlyPaths"))
	}
}

func TestPrintsStructuredValues(t *testing.T) {
	body := `{"Image":"x","HostConfig":{"Ulimits":[{"Name":"nofile","Soft":1,"Hard":2}],"PortBindings":{"1/tcp":[{"HostIp":"::1","HostPort":"2"}]}}}`
	_, calls := ask(t, withBody("POST", "/containers/create?platform=linux/arm64", body))
	config := at(t, one(t, calls, "ContainerCreate"), "config")
	if got := string(encoded(at(t, config, "Config", "Volumes"))); got != `{}` {
		t.Error(got)
	}
	if got := string(encoded(at(t, config, "HostConfig", "Ulimits"))); got != `[{"Hard":2,"Name":"nofile","Soft":1}]` {
		t.Error(got)
	}
	if got := string(encoded(at(t, config, "HostConfig", "PortBindings"))); got != `{"1/tcp":[{"HostIp":"::1","HostPort":"2"}]}` {
		t.Error(got)
	}
	if at(t, config, "Platform", "architecture") != "arm64" {
		t.Error(at(t, config, "Platform"))
	}
}

func TestAFormBodyGoesBeforeTheQuery(t *testing.T) {
	body := "fromImage=evil&tag=1"
	raw := "POST /images/create?fromImage=postgres&tag=16 HTTP/1.1\r\nHost: d\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
		fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
	_, calls := ask(t, raw)
	if ref := at(t, one(t, calls, "PullImage"), "ref"); ref != "docker.io/library/evil:1" {
		t.Fatal(ref)
	}
}

func TestAnImportFetchesNothing(t *testing.T) {
	_, calls := ask(t, bare("POST", "/images/create?fromSrc=http://192.0.2.1/x"))
	if len(calls) != 2 || calls[0]["method"] != "Fetch" || at(t, calls[0]["args"], "url") != "http://192.0.2.1/x" {
		t.Fatal(calls)
	}
}

func TestStreamsOfExecAndAttach(t *testing.T) {
	for _, uri := range []string{"/exec/e/start", "/containers/c/attach?stream=1&stdin=1"} {
		for status, headers := range map[int][]string{101: {"Connection: Upgrade", "Upgrade: tcp"}, 200: nil} {
			body := ""
			if strings.HasPrefix(uri, "/exec") {
				body = `{"Tty":true}`
			}
			reading, calls := ask(t, withBody("POST", uri, body, headers...), "hello")
			stdin := at(t, calls[len(calls)-1]["args"], "stdin")
			if *reading.Status != status || at(t, stdin, "length") != float64(5) {
				t.Errorf("%s: %d %v", uri, *reading.Status, stdin)
			}
		}
	}
}

func TestListsWhatAnArchiveHolds(t *testing.T) {
	var plain, zipped bytes.Buffer
	writer := tar.NewWriter(&plain)
	for _, header := range []*tar.Header{
		{Name: "../evil", Typeflag: tar.TypeSymlink, Linkname: "/etc", Mode: 0o777},
		{Name: "dev", Typeflag: tar.TypeBlock, Devmajor: 8, Devminor: 1, Mode: 0o600, Uid: 7, Gid: 8},
	} {
		if err := writer.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	zipper := gzip.NewWriter(&zipped)
	if _, err := zipper.Write(plain.Bytes()); err != nil || zipper.Close() != nil {
		t.Fatal(err)
	}
	for kind, body := range map[string]string{"none": plain.String(), "gzip": zipped.String()} {
		_, calls := ask(t, withBody("PUT", "/containers/c/archive?path=/tmp&copyUIDGID=1", body))
		args := one(t, calls, "ContainerExtractToDir")
		entries := at(t, args, "archive", "entries").([]any)
		if at(t, args, "archive", "compression") != kind || len(entries) != 2 || at(t, args, "content", "length") != float64(len(body)) {
			t.Fatal(args)
		}
		if at(t, entries[0], "linkname") != "/etc" || at(t, entries[0], "type") != "2" || at(t, entries[1], "uid") != float64(7) || at(t, entries[1], "devmajor") != float64(8) {
			t.Fatal(entries)
		}
	}
}

func TestSeesASecondRequestInTheBytes(t *testing.T) {
	reading, calls := ask(t, withBody("POST", "/containers/c/stop", "")+bare("DELETE", "/containers/c?force=1"))
	if fmt.Sprint(reading.Statuses) != "[204 204]" || len(reading.Requests) != 2 || calls[1]["method"] != "ContainerRm" {
		t.Fatal(reading.Statuses, calls)
	}
}

func TestEndlessStreamsEnd(t *testing.T) {
	for _, raw := range []string{
		bare("GET", "/events"), withBody("GET", "/events", "12345"), bare("GET", "/containers/c/logs?follow=1&stdout=1"),
		bare("POST", "/containers/c/wait?condition=removed"), bare("GET", "/containers/c/stats"), bare("GET", "/containers/c/attach/ws"),
	} {
		if reading, calls := ask(t, raw); *reading.Status != 200 || len(calls) != 1 {
			t.Errorf("%q: %v %v", raw, reading.Statuses, calls)
		}
	}
}

func TestBytesThatEndTooEarlyEnd(t *testing.T) {
	whole := withBody("POST", "/containers/create", `{"Image":"x"}`, "Padding: "+strings.Repeat("a", 4200))
	for cut := range len(whole) {
		reading := shared.read([]byte(whole[:cut]), nil)
		if reading.Failure != nil {
			t.Fatalf("%d bytes: %s", cut, *reading.Failure)
		}
		if string(reading.Calls) != "[]" {
			t.Fatalf("%d of %d bytes: %s", cut, len(whole), reading.Calls)
		}
	}
}

func TestOtherRoutersRecordTheirRoute(t *testing.T) {
	for raw, route := range map[string]string{
		withBody("POST", "/v1.41/swarm/init", "{}"):                     "POST /swarm/init",
		bare("POST", "/session", "Connection: Upgrade", "Upgrade: h2c"): "POST /session",
		bare("POST", "/grpc", "Connection: Upgrade", "Upgrade: h2c"):    "POST /grpc",
		bare("GET", "/debug/pprof/heap"):                                "GET /debug/pprof/{name}",
		withBody("POST", "/plugins/x/enable", ""):                       "POST /plugins/{name:.*}/enable",
		bare("GET", "/distribution/postgres/json"):                      "GET /distribution/{name:.*}/json",
	} {
		_, calls := ask(t, raw)
		if at(t, one(t, calls, "Route"), "route") != route {
			t.Errorf("%q: %v", raw, calls)
		}
	}
}

func TestRefusesAsTheEngineDoes(t *testing.T) {
	for raw, message := range map[string]string{
		bare("GET", "/v1.23/info"):                                "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version",
		bare("GET", "/v1.99/info"):                                "client version 1.99 is too new. Maximum supported API version is 1.51",
		bare("GET", "/libpod/info"):                               "page not found",
		withBody("POST", "/containers/create", `{"Image":"x"} x`): "unexpected content after JSON",
		bare("GET", "/containers/json?a;b"):                       "invalid semicolon separator in query",
	} {
		reading, calls := ask(t, raw)
		if reading.Error == nil || *reading.Error != message || len(calls) != 0 {
			t.Errorf("%q: %v %v", raw, reading.Error, calls)
		}
	}
}

func TestTheLineProtocol(t *testing.T) {
	var out bytes.Buffer
	in := `{"id":7,"raw_b64":"R0VUIC9fcGluZyBIVFRQLzEuMQ0KSG9zdDogZA0KDQo="}` + "\nnonsense\n"
	if err := answerLines(shared, strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], `{"id":7,"status":200,`) || !strings.Contains(lines[1], "not a question") {
		t.Fatal(lines)
	}
}

func BenchmarkCreate(b *testing.B) {
	raw := []byte(withBody("POST", "/v1.44/containers/create?name=a", `{"Image":"x","Env":["A=b"],"HostConfig":{"Binds":["/a:/b"],"Memory":5}}`))
	for b.Loop() {
		if reading := shared.read(raw, nil); reading.Failure != nil {
			b.Fatal(*reading.Failure)
		}
	}
}
