package main

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/docker/docker/api/types/backend"
	"github.com/docker/docker/api/types/checkpoint"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/moby/go-archive"
)

func (e *engine) ContainerCreate(_ context.Context, config backend.ContainerCreateConfig) (container.CreateResponse, error) {
	e.Say("ContainerCreate", "config", config)
	return container.CreateResponse{ID: idOf("container", config.Name), Warnings: []string{}}, nil
}

func (e *engine) ContainerStart(_ context.Context, name, checkpoint, checkpointDir string) error {
	e.Say("ContainerStart", "name", name, "checkpoint", checkpoint, "checkpointDir", checkpointDir)
	return nil
}

func (e *engine) ContainerStop(_ context.Context, name string, options container.StopOptions) error {
	e.Say("ContainerStop", "name", name, "options", options)
	return nil
}

func (e *engine) ContainerRestart(_ context.Context, name string, options container.StopOptions) error {
	e.Say("ContainerRestart", "name", name, "options", options)
	return nil
}

func (e *engine) ContainerKill(name, signal string) error {
	e.Say("ContainerKill", "name", name, "signal", signal)
	return nil
}

func (e *engine) ContainerPause(name string) error {
	e.Say("ContainerPause", "name", name)
	return nil
}

func (e *engine) ContainerUnpause(name string) error {
	e.Say("ContainerUnpause", "name", name)
	return nil
}

func (e *engine) ContainerRename(oldName, newName string) error {
	e.Say("ContainerRename", "oldName", oldName, "newName", newName)
	return nil
}

func (e *engine) ContainerResize(_ context.Context, name string, height, width uint32) error {
	e.Say("ContainerResize", "name", name, "height", height, "width", width)
	return nil
}

func (e *engine) ContainerRm(name string, config *backend.ContainerRmConfig) error {
	e.Say("ContainerRm", "name", name, "config", config)
	return nil
}

func (e *engine) ContainerUpdate(name string, hostConfig *container.HostConfig) (container.UpdateResponse, error) {
	e.Say("ContainerUpdate", "name", name, "hostConfig", hostConfig)
	return container.UpdateResponse{}, nil
}

// ContainerWait answers at once: the container has ended.
func (e *engine) ContainerWait(_ context.Context, name string, condition container.WaitCondition) (<-chan container.StateStatus, error) {
	e.Say("ContainerWait", "name", name, "condition", condition)
	ended := make(chan container.StateStatus, 1)
	ended <- container.NewStateStatus(0, nil)
	return ended, nil
}

func (e *engine) ContainerChanges(_ context.Context, name string) ([]archive.Change, error) {
	e.Say("ContainerChanges", "name", name)
	return []archive.Change{}, nil
}

func (e *engine) ContainerInspect(_ context.Context, name string, options backend.ContainerInspectOptions) (*container.InspectResponse, error) {
	e.Say("ContainerInspect", "name", name, "options", options)
	return &container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: idOf("container", name), Name: "/" + name, Image: "sha256:" + idOf("image", "oracle"),
			Created: "2025-01-01T00:00:00Z", State: &container.State{Status: "running", Running: true},
			HostConfig: &container.HostConfig{NetworkMode: "bridge"},
		},
		Config:          &container.Config{Image: "oracle", Labels: map[string]string{}},
		NetworkSettings: &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{}},
		Mounts:          []container.MountPoint{},
	}, nil
}

// ContainerLogs has nothing to say and ends.
func (e *engine) ContainerLogs(_ context.Context, name string, config *container.LogsOptions) (<-chan *backend.LogMessage, bool, error) {
	e.Say("ContainerLogs", "name", name, "config", config)
	messages := make(chan *backend.LogMessage)
	close(messages)
	return messages, false, nil
}

func (e *engine) ContainerStats(_ context.Context, name string, config *backend.ContainerStatsConfig) error {
	e.Say("ContainerStats", "name", name, "config", config)
	_, err := io.WriteString(config.OutStream(), "{}\n")
	return err
}

func (e *engine) ContainerTop(name, psArgs string) (*container.TopResponse, error) {
	e.Say("ContainerTop", "name", name, "psArgs", psArgs)
	return &container.TopResponse{Titles: []string{"PID"}, Processes: [][]string{{"1"}}}, nil
}

func (e *engine) Containers(_ context.Context, config *container.ListOptions) ([]*container.Summary, error) {
	e.Say("Containers", "config", config)
	return []*container.Summary{{ID: idOf("container", "oracle"), Names: []string{"/oracle"}, State: "running"}}, nil
}

func (e *engine) ContainersPrune(_ context.Context, pruneFilters filters.Args) (*container.PruneReport, error) {
	e.Say("ContainersPrune", "filters", pruneFilters)
	return &container.PruneReport{ContainersDeleted: []string{}}, nil
}

// ContainerAttach repeats the client's bytes to it. A WebSocket (the only caller that does not multiplex) is not
// opened: without a valid handshake the engine's own handler would wait for ever.
func (e *engine) ContainerAttach(name string, config *backend.ContainerAttachConfig) error {
	call := e.Say("ContainerAttach", "name", name, "config", config)
	if !config.MuxStreams {
		return nil
	}
	stdin, stdout, _, err := config.GetStreams(false, func() {})
	if err != nil {
		return err
	}
	e.Add(call, "stdin", echo(stdin, stdout))
	return stdin.Close()
}

func (e *engine) CreateImageFromContainer(_ context.Context, name string, config *backend.CreateImageConfig) (string, error) {
	e.Say("CreateImageFromContainer", "name", name, "config", config)
	return "sha256:" + idOf("image", name), nil
}

// Exec.

func (e *engine) ContainerExecCreate(name string, options *container.ExecOptions) (string, error) {
	e.Say("ContainerExecCreate", "name", name, "options", options)
	return idOf("exec", name), nil
}

func (e *engine) ContainerExecInspect(id string) (*backend.ExecInspect, error) {
	e.Say("ContainerExecInspect", "id", id)
	return &backend.ExecInspect{
		ID: id, ContainerID: idOf("container", "oracle"), DetachKeys: []byte{},
		ProcessConfig: &backend.ExecProcessConfig{Entrypoint: "true", Arguments: []string{}},
	}, nil
}

func (e *engine) ContainerExecResize(_ context.Context, name string, height, width uint32) error {
	e.Say("ContainerExecResize", "name", name, "height", height, "width", width)
	return nil
}

// ContainerExecStart repeats the client's bytes to it. That no stream is given means detached.
func (e *engine) ContainerExecStart(_ context.Context, name string, options backend.ExecStartConfig) error {
	call := e.Say("ContainerExecStart", "name", name, "consoleSize", options.ConsoleSize,
		"streams", map[string]bool{"stdin": options.Stdin != nil, "stdout": options.Stdout != nil, "stderr": options.Stderr != nil})
	if options.Stdin != nil {
		e.Add(call, "stdin", echo(options.Stdin, options.Stdout))
	}
	return nil
}

func (e *engine) ExecExists(name string) (bool, error) {
	e.Say("ExecExists", "name", name)
	return true, nil
}

// Archives.

func (e *engine) ContainerArchivePath(name, path string) (io.ReadCloser, *container.PathStat, error) {
	e.Say("ContainerArchivePath", "name", name, "path", path)
	return io.NopCloser(bytes.NewReader(smallTar())), pathStat(), nil
}

func (e *engine) ContainerStatPath(name, path string) (*container.PathStat, error) {
	e.Say("ContainerStatPath", "name", name, "path", path)
	return pathStat(), nil
}

func pathStat() *container.PathStat {
	return &container.PathStat{Name: "oracle.txt", Size: 7, Mode: 0o644, Mtime: time.Unix(0, 0).UTC()}
}

func (e *engine) ContainerExport(_ context.Context, name string, out io.Writer) error {
	e.Say("ContainerExport", "name", name)
	_, err := out.Write(smallTar())
	return err
}

func (e *engine) ContainerExtractToDir(name, path string, copyUIDGID, noOverwriteDirNonDir bool, content io.Reader) error {
	call := e.Say("ContainerExtractToDir", "name", name, "path", path, "copyUIDGID", copyUIDGID, "noOverwriteDirNonDir", noOverwriteDirNonDir)
	body, entries := readArchive(content)
	e.Add(call, "content", body)
	e.Add(call, "archive", entries)
	return nil
}

// Checkpoints.

func (e *engine) CheckpointCreate(name string, options checkpoint.CreateOptions) error {
	e.Say("CheckpointCreate", "name", name, "options", options)
	return nil
}

func (e *engine) CheckpointDelete(name string, options checkpoint.DeleteOptions) error {
	e.Say("CheckpointDelete", "name", name, "options", options)
	return nil
}

func (e *engine) CheckpointList(name string, options checkpoint.ListOptions) ([]checkpoint.Summary, error) {
	e.Say("CheckpointList", "name", name, "options", options)
	return []checkpoint.Summary{}, nil
}
