// Answers what BuildKit's linter (docker build --check) says of Dockerfiles.
//
// Each line of standard input is an object with a Dockerfile and the ignore file of its context,
// both in base64; each line of standard output is the answer to one. Nothing is built and nothing
// is fetched: a base image that is asked about has an empty configuration.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	gateway "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"
	fstypes "github.com/tonistiigi/fsutil/types"
)

type question struct {
	Dockerfile []byte `json:"dockerfile"`
	Ignore     []byte `json:"ignore"`
}

type warning struct {
	Rule   string `json:"rule"`
	Detail string `json:"detail"`
	Line   int32  `json:"line"`
}

type answer struct {
	Warnings []warning `json:"warnings"`
	Error    string    `json:"error"`
}

// engine is the part of an engine that the linter looks at. The methods of the interface that it
// does not ask for are missing.
type engine struct {
	client.Client
	ignore []byte
}

func (e engine) BuildOpts() client.BuildOpts {
	return client.BuildOpts{
		LLBCaps: pb.Caps.CapSet(pb.Caps.All()),
		Caps:    gateway.Caps.CapSet(gateway.Caps.All()),
	}
}

func (e engine) Inputs(context.Context) (map[string]llb.State, error) {
	return nil, nil
}

func (e engine) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	result := client.NewResult()
	result.SetRef(files{ignore: e.ignore})
	return result, nil
}

type files struct {
	client.Reference
	ignore []byte
}

func (f files) ReadFile(_ context.Context, request client.ReadRequest) ([]byte, error) {
	if request.Filename == dockerui.DefaultDockerignoreName && f.ignore != nil {
		return f.ignore, nil
	}
	return nil, fs.ErrNotExist
}

func (f files) StatFile(context.Context, client.StatRequest) (*fstypes.Stat, error) {
	return nil, fs.ErrNotExist
}

type images struct{}

func (images) ResolveImageConfig(
	_ context.Context, reference string, _ sourceresolver.Opt,
) (string, digest.Digest, []byte, error) {
	return reference, "", []byte(`{"os": "linux", "architecture": "amd64"}`), nil
}

func check(asked question) (found answer) {
	defer func() {
		if reason := recover(); reason != nil {
			found.Error = fmt.Sprintf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	ui, err := dockerui.NewClient(engine{ignore: asked.Ignore})
	if err != nil {
		return answer{Error: err.Error()}
	}
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", asked.Dockerfile)
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(context.Background(), asked.Dockerfile,
		dockerfile2llb.ConvertOpt{
			Client:       ui,
			Config:       ui.Config,
			SourceMap:    source,
			MetaResolver: images{},
		})
	if err != nil {
		return answer{Error: err.Error()}
	}
	if results.Error != nil {
		found.Error = results.Error.Message
	}
	for _, each := range results.Warnings {
		line := int32(0)
		if ranges := each.Location.Ranges; len(ranges) > 0 {
			line = ranges[0].Start.Line
		}
		found.Warnings = append(found.Warnings, warning{each.RuleName, each.Detail, line})
	}
	return found
}

func main() {
	input := json.NewDecoder(bufio.NewReader(os.Stdin))
	output := json.NewEncoder(os.Stdout)
	for input.More() {
		var asked question
		if err := input.Decode(&asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		if err := output.Encode(check(asked)); err != nil {
			os.Exit(2)
		}
	}
}
