package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/backend"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	dockerimage "github.com/docker/docker/image"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// images plays the image service and the search.
type images struct{ *engine }

func (i *images) ImageDelete(_ context.Context, imageRef string, options image.RemoveOptions) ([]image.DeleteResponse, error) {
	i.Say("ImageDelete", "imageRef", imageRef, "options", options)
	return []image.DeleteResponse{{Untagged: imageRef}}, nil
}

func (i *images) ImageHistory(_ context.Context, name string, platform *ocispec.Platform) ([]*image.HistoryResponseItem, error) {
	i.Say("ImageHistory", "name", name, "platform", platform)
	return []*image.HistoryResponseItem{}, nil
}

func (i *images) Images(_ context.Context, options image.ListOptions) ([]*image.Summary, error) {
	i.Say("Images", "options", options)
	return []*image.Summary{{ID: "sha256:" + idOf("image", "oracle"), RepoTags: []string{"oracle:latest"}}}, nil
}

func (i *images) GetImage(_ context.Context, refOrID string, options backend.GetImageOpts) (*dockerimage.Image, error) {
	i.Say("GetImage", "refOrID", refOrID, "options", options)
	return dockerimage.NewFromJSON([]byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"}}`))
}

func (i *images) ImageInspect(_ context.Context, refOrID string, options backend.ImageInspectOpts) (*image.InspectResponse, error) {
	i.Say("ImageInspect", "refOrID", refOrID, "options", options)
	return &image.InspectResponse{
		ID: "sha256:" + idOf("image", refOrID), RepoTags: []string{"oracle:latest"},
		Architecture: "amd64", Os: "linux", Created: "2025-01-01T00:00:00Z",
	}, nil
}

func (i *images) TagImage(_ context.Context, id dockerimage.ID, newRef reference.Named) error {
	i.Say("TagImage", "id", id, "newRef", newRef)
	return nil
}

func (i *images) ImagesPrune(_ context.Context, pruneFilters filters.Args) (*image.PruneReport, error) {
	i.Say("ImagesPrune", "filters", pruneFilters)
	return &image.PruneReport{ImagesDeleted: []image.DeleteResponse{}}, nil
}

func (i *images) LoadImage(_ context.Context, inTar io.ReadCloser, platform *ocispec.Platform, out io.Writer, quiet bool) error {
	call := i.Say("LoadImage", "platform", platform, "quiet", quiet)
	i.Add(call, "inTar", digest(inTar))
	_, err := io.WriteString(out, "{\"stream\":\"loaded\"}\n")
	return err
}

func (i *images) ImportImage(_ context.Context, ref reference.Named, platform *ocispec.Platform, message string, layer io.Reader, changes []string) (dockerimage.ID, error) {
	call := i.Say("ImportImage", "ref", ref, "platform", platform, "message", message, "changes", changes)
	i.Add(call, "layer", digest(layer))
	return dockerimage.ID("sha256:" + idOf("image", message)), nil
}

func (i *images) ExportImage(_ context.Context, names []string, platform *ocispec.Platform, out io.Writer) error {
	i.Say("ExportImage", "names", names, "platform", platform)
	_, err := out.Write(smallTar())
	return err
}

func (i *images) PullImage(_ context.Context, ref reference.Named, platform *ocispec.Platform, metaHeaders map[string][]string, authConfig *registry.AuthConfig, out io.Writer) error {
	i.Say("PullImage", "ref", ref, "platform", platform, "metaHeaders", metaHeaders, "authConfig", authConfig)
	_, err := io.WriteString(out, "{\"status\":\"Status: Image is up to date\"}\n")
	return err
}

func (i *images) PushImage(_ context.Context, ref reference.Named, platform *ocispec.Platform, metaHeaders map[string][]string, authConfig *registry.AuthConfig, out io.Writer) error {
	i.Say("PushImage", "ref", ref, "platform", platform, "metaHeaders", metaHeaders, "authConfig", authConfig)
	_, err := io.WriteString(out, "{\"status\":\"Pushed\"}\n")
	return err
}

func (i *images) Search(_ context.Context, searchFilters filters.Args, term string, limit int, authConfig *registry.AuthConfig, headers map[string][]string) ([]registry.SearchResult, error) {
	i.Say("Search", "filters", searchFilters, "term", term, "limit", limit, "authConfig", authConfig, "headers", headers)
	return []registry.SearchResult{}, nil
}

// builder plays the build backend; the context is read to its end and not unpacked.
type builder struct{ *engine }

func (b *builder) Build(_ context.Context, config backend.BuildConfig) (string, error) {
	call := b.Say("Build", "options", config.Options)
	b.Add(call, "source", digest(config.Source))
	return "sha256:" + idOf("image", "build"), nil
}

func (b *builder) PruneCache(_ context.Context, options build.CachePruneOptions) (*build.CachePruneReport, error) {
	b.Say("PruneCache", "options", options)
	return &build.CachePruneReport{}, nil
}

func (b *builder) Cancel(_ context.Context, id string) error {
	b.Say("BuildCancel", "id", id)
	return nil
}

// fetches stands in for the network: an engine that would fetch a URL (an image import) is recorded, nothing is sent.
type fetches struct{ *Recorder }

func (f fetches) RoundTrip(request *http.Request) (*http.Response, error) {
	f.Say("Fetch", "method", request.Method, "url", request.URL.String())
	if request.Body != nil {
		if err := request.Body.Close(); err != nil {
			return nil, errors.New("the request body cannot be closed")
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: request,
	}, nil
}
