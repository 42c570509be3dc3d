package deploy_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The formats in which the scripts ask, as gcloud itself is asked in TestGcloudPrints.
const (
	formatServing   = "csv[no-heading](status.traffic.percent,status.traffic.revisionName)"
	formatTagged    = "csv[no-heading](status.traffic.tag,status.traffic.url)"
	formatCreated   = "value(status.latestCreatedRevisionName)"
	formatAddress   = "value(status.url)"
	formatTemplate  = "value(spec.template.spec.containers[0].image)"
	formatImage     = "value(spec.containers[0].image)"
	formatJob       = "value(spec.template.spec.template.spec.containers[0].image)"
	formatDigest    = "value(status.imageDigest)"
	formatRevisions = "csv[no-heading](metadata.name,status.imageDigest,status.conditions.filter('type:Ready').extract('status'))"
	formatTags      = "csv[no-heading](image.basename(),tag.basename(),version.basename())"
	formatNames     = "value(metadata.name)"
	formatVersions  = `value[separator="  "](createTime.date("%Y-%m-%d %H:%M"),tags.list(),version)`
	formatWeak      = "csv[no-heading](vulnerability.effectiveSeverity,noteName.basename(),vulnerability.packageIssue[0].affectedPackage)"
)

// command takes a call apart: its words, and its flags with their values.
func command(args []string) (words []string, flags map[string]string) {
	flags = map[string]string{}
	for _, a := range args {
		if name, value, _ := strings.Cut(a, "="); strings.HasPrefix(a, "--") {
			flags[name] = value
		} else {
			words = append(words, a)
		}
	}
	return words, flags
}

// gcloud does what the scripts ask of it, and nothing else.
func (c *cloud) gcloud(args []string) int {
	if os.Getenv("CLOUDSDK_CORE_PROJECT") != fakeProject || os.Getenv("CLOUDSDK_RUN_REGION") != "europe-west2" {
		return complain("in which project and region?")
	}
	words, flags := command(args)
	if c.Fault.SignalAt != "" && strings.HasPrefix(strings.Join(args, " "), c.Fault.SignalAt) {
		c.Fault.SignalAt = ""
		syscall.Kill(os.Getppid(), c.Fault.Signal) //nolint:errcheck // then the test fails
	}
	last := words[len(words)-1]
	switch verb := strings.Join(words[:len(words)-1], " "); verb {
	case "run services describe", "run services update", "run services update-traffic":
		s := c.Services[last]
		if s == nil {
			return complain("Cannot find service [%s]", last)
		}
		switch verb {
		case "run services describe":
			return s.describe(last, flags)
		case "run services update":
			return c.update(s, last, flags)
		}
		return c.traffic(s, last, flags)
	case "run revisions describe":
		name, _, _ := strings.Cut(last, "-0")
		r := c.Services[name].revision(last)
		if flags["--format"] == formatImage {
			return show(flags, formatImage, r.Image)
		}
		return show(flags, formatDigest, fakeRegistry+"/"+name+"@"+r.Digest)
	case "run revisions":
		return c.list(flags)
	case "run jobs describe", "run jobs update", "run jobs execute":
		return c.job(verb, last, flags)
	case "run services":
		return show(flags, formatNames, strings.Join(slices.Collect(maps.Keys(c.Services)), "\n"))
	case "run jobs":
		return show(flags, formatNames, strings.Join(slices.Collect(maps.Keys(c.Jobs)), "\n"))
	case "artifacts docker tags list":
		var all strings.Builder
		for name, versions := range c.Images {
			for version, digest := range versions {
				fmt.Fprintf(&all, "%s,%s,%s\n", name, version, digest)
			}
		}
		return show(flags, formatTags, all.String())
	case "artifacts docker images list":
		name := strings.TrimPrefix(last, fakeRegistry+"/")
		return show(flags, formatVersions, "2026-11-21 14:00  v2  "+digestOf(name, "v2")+"\n2026-11-20 14:00  v1  "+digestOf(name, "v1"))
	case "artifacts docker images scan":
		return show(flags, "value(response.scan)", last)
	case "artifacts docker images list-vulnerabilities":
		name, _, _ := strings.Cut(strings.TrimPrefix(last, fakeRegistry+"/"), "@")
		return show(flags, formatWeak, c.Weak[name])
	case "auth":
		if flags["--impersonate-service-account"] != "builder@books.iam.gserviceaccount.com" {
			return complain("no identity tokens here")
		}
		return show(nil, "", "for "+flags["--audiences"])
	case "builds":
		oldest := "me"
		if len(c.Builds) > 0 {
			oldest, c.Builds = c.Builds[0], c.Builds[1:]
		}
		return show(flags, "value(id)", oldest)
	}
	return complain("unknown: gcloud %s", strings.Join(args, " "))
}

// show prints what was asked for in the one known format.
func show(flags map[string]string, format, text string) int {
	if flags["--format"] != format {
		return complain("unknown format %s", flags["--format"])
	}
	fmt.Println(text)
	return 0
}

func (s *service) describe(name string, flags map[string]string) int {
	share, next := "100,"+s.Traffic+"\n,"+s.Revisions[0].Name, ""
	if s.Split {
		share = "60," + s.Traffic + "\n40," + s.Revisions[0].Name
	}
	if s.Tags["next"] != "" {
		next = "next,https://next---" + name + ".run.app"
	}
	answers := map[string]string{
		formatServing: share, formatTagged: ",\n" + next, formatCreated: s.newest().Name, formatAddress: "https://" + name + ".run.app", formatTemplate: s.newest().Image,
	}
	if flattened := flags["--flatten"] == "status.traffic[]"; flattened != strings.Contains(flags["--format"], "status.traffic.") {
		return complain("%s wants to be flattened", flags["--format"])
	}
	return show(flags, flags["--format"], answers[flags["--format"]])
}

func (c *cloud) update(s *service, name string, flags map[string]string) int {
	image := flags["--image"]
	version := c.versionOf(image)
	if _, without := flags["--no-traffic"]; !without || version == "" && image != placeholder {
		return complain("want an image, and no traffic: %v", flags)
	}
	if c.Fault.Kept == name && version == "v1" {
		return complain("Conflict for resource")
	}
	ready := c.Fault.NeverReady != name || version == "v1"
	s.add(name, image, version, ready)
	if !ready {
		return complain("The user-provided container failed to start")
	}
	return 0
}

// traffic moves it and tags. Where the newest revision is not ready the real one does so too, and fails.
func (c *cloud) traffic(s *service, name string, flags map[string]string) int {
	if tag, at, ok := strings.Cut(flags["--update-tags"], "="); ok {
		s.Tags[tag] = at
	}
	delete(s.Tags, flags["--remove-tags"])
	if to, all := strings.CutSuffix(flags["--to-revisions"], "=100"); all && (c.Fault.Stuck != name || s.revision(to).Version != "v2") {
		if !s.revision(to).Ready {
			return complain("Revision %s is not ready", to)
		}
		s.Traffic = to
		c.Met = append(c.Met, name+" "+s.revision(to).Version)
	}
	if !s.newest().Ready {
		return complain("Service is not ready")
	}
	return 0
}

// list prints the revisions of a function, newest first.
func (c *cloud) list(flags map[string]string) int {
	name, all := flags["--service"], ""
	for _, r := range c.Services[name].Revisions {
		ready := map[bool]string{true: "True", false: "False"}[r.Ready]
		all = fmt.Sprintf("%s,%s/%s@%s,['%s']\n", r.Name, fakeRegistry, name, r.Digest, ready) + all
	}
	return show(flags, formatRevisions, all)
}

func (c *cloud) job(verb, name string, flags map[string]string) int {
	image, ok := c.Jobs[name]
	if !ok {
		return complain("Cannot find job [%s]", name)
	}
	switch verb {
	case "run jobs describe":
		return show(flags, formatJob, image)
	case "run jobs update":
		c.Jobs[name] = flags["--image"]
	default:
		c.Ran = append(c.Ran, name+" "+c.versionOf(image))
		if c.Fault.Migration {
			return complain("The execution failed")
		}
	}
	return 0
}
