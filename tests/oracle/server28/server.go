package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/docker/docker/api"
	"github.com/docker/docker/api/server"
	"github.com/docker/docker/api/server/httputils"
	"github.com/docker/docker/api/server/middleware"
	"github.com/docker/docker/api/server/router"
	"github.com/docker/docker/api/server/router/build"
	"github.com/docker/docker/api/server/router/checkpoint"
	"github.com/docker/docker/api/server/router/container"
	"github.com/docker/docker/api/server/router/debug"
	"github.com/docker/docker/api/server/router/distribution"
	"github.com/docker/docker/api/server/router/grpc"
	"github.com/docker/docker/api/server/router/image"
	"github.com/docker/docker/api/server/router/network"
	"github.com/docker/docker/api/server/router/plugin"
	"github.com/docker/docker/api/server/router/session"
	"github.com/docker/docker/api/server/router/swarm"
	"github.com/docker/docker/api/server/router/system"
	"github.com/docker/docker/api/server/router/volume"
	"github.com/docker/docker/pkg/sysinfo"
	"github.com/docker/docker/runconfig"
)

const engineVersion = "28.5.2"

// newServer is the engine's API server as dockerd sets it up (cmd/dockerd/daemon.go: buildRouters, initMiddlewares),
// with the recorder where the daemon would be.
func newServer(recorder *Recorder) *http.Server {
	return &http.Server{
		Handler:           watched(newMux(recorder), recorder),
		ReadHeaderTimeout: 5 * time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
		ConnState: func(conn net.Conn, state http.ConnState) {
			if w, ok := conn.(*wire); ok && state == http.StateHijacked {
				w.hijack()
			}
		},
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
	}
}

func newMux(recorder *Recorder) http.Handler {
	var s server.Server
	s.UseMiddleware(middleware.NewExperimentalMiddleware(false))
	version, err := middleware.NewVersionMiddleware(engineVersion, api.DefaultVersion, api.MinSupportedAPIVersion)
	if err != nil {
		panic(err)
	}
	s.UseMiddleware(*version)

	decoder := runconfig.ContainerDecoder{GetSysInfo: fullSysInfo}
	e := &engine{Recorder: recorder}
	open := []router.Router{
		checkpoint.NewRouter(e, decoder),
		container.NewRouter(e, decoder, true),
		image.NewRouter(&images{e}, &images{e}),
		system.NewRouter(e, &cluster{e}, e, func() map[string]bool { return map[string]bool{"buildkit": true} }),
		volume.NewRouter(&volumes{e}, &cluster{e}),
		build.NewRouter(&builder{e}, e),
	}
	closed := []router.Router{session.NewRouter(nil), swarm.NewRouter(nil), plugin.NewRouter(nil), distribution.NewRouter(nil)}
	late := []router.Router{network.NewRouter(e, &networkCluster{e})}
	lateClosed := []router.Router{debug.NewRouter(), grpc.NewRouter()}

	// First come, first served: the order is the daemon's.
	var all []router.Router
	for _, group := range []struct {
		routers []router.Router
		call    bool
	}{{open, true}, {closed, false}, {late, true}, {lateClosed, false}} {
		for _, r := range group.routers {
			all = append(all, &recordedRouter{Router: r, recorder: recorder, call: group.call})
		}
	}
	return s.CreateMux(context.Background(), all...)
}

// watched notes every request that reaches the router, before the engine's own handler sees it.
func watched(next http.Handler, recorder *Recorder) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := &Request{Method: r.Method, URI: r.RequestURI, Host: r.Host}
		recorder.accept(request)
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), requestKey{}, request))
		defer cancel()
		if conn, ok := ctx.Value(connKey{}).(*wire); ok {
			conn.handlerBegins()
			defer conn.handlerEnds()
			recorder.onHangUp(cancel)
		}
		defer func() {
			if cause := recover(); cause != nil {
				recorder.fail(fmt.Sprintf("handler panicked: %v", cause))
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

type (
	connKey    struct{}
	requestKey struct{}
)

// recordedRouter notes which route matched. Where call is false the engine's handler is not run: the route itself
// is the call, for the routers whose backends are not ours to play (swarm, plugins, BuildKit tunnels, registries).
type recordedRouter struct {
	router.Router
	recorder *Recorder
	call     bool
}

func (r *recordedRouter) Routes() []router.Route {
	var out []router.Route
	for _, route := range r.Router.Routes() {
		out = append(out, recordedRoute{Route: route, router: r})
	}
	return out
}

type recordedRoute struct {
	router.Route
	router *recordedRouter
}

func (r recordedRoute) Handler() httputils.APIFunc {
	inner := r.Route.Handler()
	name := r.Method() + " " + r.Path()
	recorder := r.router.recorder
	return func(ctx context.Context, w http.ResponseWriter, request *http.Request, vars map[string]string) error {
		if known, ok := request.Context().Value(requestKey{}).(*Request); ok {
			recorder.matched(known, name)
		}
		if r.router.call {
			return inner(ctx, w, request, vars)
		}
		call := recorder.Say("Route", "route", name, "vars", vars, "query", request.URL.RawQuery)
		recorder.Add(call, "body", digest(request.Body))
		w.WriteHeader(http.StatusNotImplemented)
		return nil
	}
}

// fullSysInfo is a host that can do whatever the decoder asks for (runconfig/hostconfig_unix.go), so that no request is
// refused for what the host lacks.
func fullSysInfo() *sysinfo.SysInfo {
	info := &sysinfo.SysInfo{CgroupUnified: true}
	info.CPURealtime, info.CPUShares = true, true
	return info
}
