package main

import (
	"context"
	"errors"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api"
	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/backend"
	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/volume/service/opts"
)

func (e *engine) SystemInfo(context.Context) (*system.Info, error) {
	e.Say("SystemInfo")
	return &system.Info{
		ID: "oracle", Name: "oracle", ServerVersion: engineVersion, OSType: "linux", Architecture: "x86_64",
		CgroupVersion: "2", MemoryLimit: true, SwapLimit: true, PidsLimit: true, CPUCfsQuota: true,
		Runtimes:       map[string]system.RuntimeWithStatus{"runc": {}},
		RegistryConfig: &registry.ServiceConfig{},
	}, nil
}

func (e *engine) SystemVersion(context.Context) (types.Version, error) {
	e.Say("SystemVersion")
	return types.Version{Version: engineVersion, APIVersion: api.DefaultVersion, MinAPIVersion: api.MinSupportedAPIVersion, Os: "linux", Arch: "amd64"}, nil
}

func (e *engine) SystemDiskUsage(_ context.Context, options backend.DiskUsageOptions) (*backend.DiskUsage, error) {
	e.Say("SystemDiskUsage", "options", options)
	return &backend.DiskUsage{}, nil
}

// DiskUsage is the build cache's part of GET /system/df, which asks for it on a goroutine of its own.
func (e *engine) DiskUsage(context.Context) ([]*build.CacheRecord, error) {
	return []*build.CacheRecord{}, nil
}

// SubscribeToEvents has one event to tell; a client on a wire then leaves, since the engine would go on for ever.
func (e *engine) SubscribeToEvents(since, until time.Time, filter filters.Args) ([]events.Message, chan any) {
	e.Say("SubscribeToEvents", "since", since, "until", until, "filters", filter)
	e.endFromClient()
	return []events.Message{{Type: "container", Action: "start", Actor: events.Actor{ID: idOf("container", "oracle")}}}, make(chan any)
}

func (e *engine) UnsubscribeFromEvents(chan any) {}

func (e *engine) AuthenticateToRegistry(_ context.Context, authConfig *registry.AuthConfig) (string, string, error) {
	e.Say("AuthenticateToRegistry", "authConfig", authConfig)
	return "Login Succeeded", "", nil
}

// Networks.

func (e *engine) GetNetworks(filter filters.Args, config backend.NetworkListConfig) ([]network.Inspect, error) {
	e.Say("GetNetworks", "filters", filter, "config", config)
	if named := filter.Get("idOrName"); len(named) > 0 {
		return []network.Inspect{networkOf(named[0])}, nil
	}
	return []network.Inspect{networkOf("bridge")}, nil
}

func networkOf(name string) network.Inspect {
	driver := "bridge"
	if strings.Contains(name, "overlay") {
		driver = "overlay"
	}
	return network.Inspect{Name: name, ID: idOf("network", name), Driver: driver, Scope: "local"}
}

func (e *engine) CreateNetwork(_ context.Context, request network.CreateRequest) (*network.CreateResponse, error) {
	e.Say("CreateNetwork", "request", request)
	return &network.CreateResponse{ID: idOf("network", request.Name)}, nil
}

func (e *engine) ConnectContainerToNetwork(_ context.Context, containerName, networkName string, endpointConfig *network.EndpointSettings) error {
	e.Say("ConnectContainerToNetwork", "containerName", containerName, "networkName", networkName, "endpointConfig", endpointConfig)
	return nil
}

func (e *engine) DisconnectContainerFromNetwork(containerName, networkName string, force bool) error {
	e.Say("DisconnectContainerFromNetwork", "containerName", containerName, "networkName", networkName, "force", force)
	return nil
}

func (e *engine) DeleteNetwork(networkID string) error {
	e.Say("DeleteNetwork", "networkID", networkID)
	return nil
}

func (e *engine) NetworksPrune(_ context.Context, pruneFilters filters.Args) (*network.PruneReport, error) {
	e.Say("NetworksPrune", "filters", pruneFilters)
	return &network.PruneReport{NetworksDeleted: []string{}}, nil
}

// networkCluster is an engine outside a swarm: it knows no network.
type networkCluster struct{ *engine }

func (c *networkCluster) GetNetworks(filters.Args) ([]network.Inspect, error) { return nil, errNoSwarm }
func (c *networkCluster) GetNetwork(string) (network.Inspect, error) {
	return network.Inspect{}, errNoSwarm
}

func (c *networkCluster) GetNetworksByName(string) ([]network.Inspect, error) { return nil, errNoSwarm }

func (c *networkCluster) CreateNetwork(request network.CreateRequest) (string, error) {
	c.Say("ClusterCreateNetwork", "request", request)
	return "", errNoSwarm
}

func (c *networkCluster) RemoveNetwork(name string) error {
	c.Say("ClusterRemoveNetwork", "name", name)
	return errNoSwarm
}

// Volumes.

type volumes struct{ *engine }

func (v *volumes) List(_ context.Context, filter filters.Args) ([]*volume.Volume, []string, error) {
	v.Say("VolumeList", "filters", filter)
	return []*volume.Volume{volumeOf("oracle", "")}, []string{}, nil
}

func volumeOf(name, driver string) *volume.Volume {
	if driver == "" {
		driver = "local"
	}
	return &volume.Volume{Name: name, Driver: driver, Scope: "local", Mountpoint: "/var/lib/docker/volumes/" + name + "/_data"}
}

func (v *volumes) Get(_ context.Context, name string, options ...opts.GetOption) (*volume.Volume, error) {
	var config opts.GetConfig
	for _, option := range options {
		option(&config)
	}
	v.Say("VolumeGet", "name", name, "options", config)
	return volumeOf(name, ""), nil
}

func (v *volumes) Create(_ context.Context, name, driver string, options ...opts.CreateOption) (*volume.Volume, error) {
	var config opts.CreateConfig
	for _, option := range options {
		option(&config)
	}
	v.Say("VolumeCreate", "name", name, "driver", driver, "options", config)
	return volumeOf(name, driver), nil
}

func (v *volumes) Remove(_ context.Context, name string, options ...opts.RemoveOption) error {
	var config opts.RemoveConfig
	for _, option := range options {
		option(&config)
	}
	v.Say("VolumeRemove", "name", name, "options", config)
	return nil
}

func (v *volumes) Prune(_ context.Context, pruneFilters filters.Args) (*volume.PruneReport, error) {
	v.Say("VolumesPrune", "filters", pruneFilters)
	return &volume.PruneReport{VolumesDeleted: []string{}}, nil
}

// cluster says that it is a swarm manager, so that cluster volumes are seen to be asked for; it has none.
type cluster struct{ *engine }

func (c *cluster) Info(context.Context) swarm.Info {
	return swarm.Info{LocalNodeState: swarm.LocalNodeStateInactive}
}

func (c *cluster) Status() string  { return string(swarm.LocalNodeStateInactive) }
func (c *cluster) IsManager() bool { return true }

func (c *cluster) GetVolume(name string) (volume.Volume, error) {
	c.Say("ClusterGetVolume", "name", name)
	return volume.Volume{}, cerrdefs.ErrNotFound
}

func (c *cluster) GetVolumes(options volume.ListOptions) ([]*volume.Volume, error) {
	return []*volume.Volume{}, nil
}

func (c *cluster) CreateVolume(options volume.CreateOptions) (*volume.Volume, error) {
	c.Say("ClusterCreateVolume", "options", options)
	return volumeOf(options.Name, options.Driver), nil
}

func (c *cluster) RemoveVolume(name string, force bool) error {
	c.Say("ClusterRemoveVolume", "name", name, "force", force)
	return nil
}

func (c *cluster) UpdateVolume(name string, version uint64, options volume.UpdateOptions) error {
	c.Say("ClusterUpdateVolume", "name", name, "version", version, "options", options)
	return nil
}

var errNoSwarm = errors.New("this node is not part of a swarm")
